"""The record of a search: one Optuna study in one append-only file."""

from nas.journal.header import SCHEMA
from nas.journal.study import Journal

__all__ = ["SCHEMA", "Journal"]
