"""From run folders to tables, figures and a report; reads files only, never processes."""

from analysis.epochs import curves
from analysis.runs import load
from analysis.write import analyze, front_table

__all__ = ["analyze", "curves", "front_table", "load"]
