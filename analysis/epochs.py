"""Learning curves as a tidy table, one row an epoch of a trial."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import pandas as pd

from analysis.source import source
from nas.errors import RunError, one_line

COLUMNS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "run": "name of the run",
        "trial": "number of the trial",
        "epoch": "epochs trained, from 1",
        "accuracy": "share of split A classified correctly, in [0, 1]",
        "train_loss": "mean loss of the epoch, with regularisation as trained",
        "learning_rate": "at the end of the epoch",
        "seconds": "of the whole epoch",
        "train_seconds": "of them, in forward, backward and step",
        "data_seconds": "of them, waiting for images",
        "validate_seconds": "of them, in validation",
        "checkpoint_seconds": "of them, writing the checkpoint",
        "images": "trained on in the epoch",
        "places": "trials that could run at once",
    }
)
"""Columns of every table of curves; a value that a line lacks is missing."""


def curves(run: Path | str) -> pd.DataFrame:
    """The curves of a run folder; empty where it has none (a journal alone, or nothing trained yet).

    An epoch that was trained again after a crash counts once, as trained last.

    Raises:
        RunError: not a run, or a line before the last that is not JSON.
    """
    found = source(run)
    rows: list[dict[str, Any]] = []
    for path in sorted(found.curves.glob("*.jsonl")) if found.curves else ():
        if path.stem.isdigit():
            rows += [{**line, "run": found.name, "trial": int(path.stem)} for line in _lines(path)]
    table = _typed(rows)
    table = table[table["epoch"].notna()].drop_duplicates(["trial", "epoch"], keep="last")
    table["epoch"] = table["epoch"].astype("int64")
    return table.sort_values(["trial", "epoch"], kind="stable").reset_index(drop=True)


def empty() -> pd.DataFrame:
    """A table of curves without a row."""
    return _typed([]).astype({"epoch": "int64"})


def _typed(rows: list[dict[str, Any]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"run": "str", "trial": "int64"})
    try:
        table[list(COLUMNS)[2:]] = table[list(COLUMNS)[2:]].astype("float64")
    except (TypeError, ValueError) as error:
        raise RunError(f"an epoch of a curve must be numbers, but it is not: {one_line(error)}.") from error
    return table


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a file of JSON lines; a torn last line, as a crash leaves it, is left out."""
    lines = path.read_bytes().splitlines(keepends=True)
    for number, line in enumerate(lines, start=1):
        try:
            read = json.loads(line)
        except ValueError as error:
            if number == len(lines):
                return
            raise RunError(f"line {number} of {path} must be JSON, but it does not parse: {error}.") from error
        if isinstance(read, dict):
            yield read
