"""Gather what the figures and the report of some runs are made from."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd

from analysis.blocks import Block, blocks
from analysis.epochs import curves, empty
from analysis.figures import Material
from analysis.importance import METHODS, importances
from analysis.report.page import Document
from analysis.runs import read
from analysis.source import Source
from analysis.time_spent import TimeSpent, time_spent, wall_seconds
from nas.errors import ArchitectureError, RunError

MOST_DRAWINGS: Final = 1500
"""Networks beyond these are not drawn in the report, the least accurate first."""


def gather(
    sources: Sequence[Source], table: pd.DataFrame, *, searches: Mapping[str, Sequence[str]] | None = None
) -> Material:
    """Read curves, architectures and times of the runs whose trials ``table`` holds.

    Args:
        sources: the runs.
        table: their trials.
        searches: runs that differ in their seed alone, by the name of their search.
    """
    tables = [curves(one.folder or one.journal).assign(run=one.name) for one in sources]
    known = [one for one in tables if len(one)]
    learned = pd.concat(known, ignore_index=True) if known else empty()
    # A trial that tells no epoch, as in somebody else's study, was not stopped before its first.
    stopped = table[(table["state"] == "stopped") & (table["epochs"] > 0)]
    return Material(
        table=table,
        curves=learned,
        networks=_networks(sources, table),
        time={one.name: _time(one, rows) for one, rows in zip(sources, tables, strict=True) if len(rows)},
        searches=searches,
        rungs={str(run): sorted({int(epoch) for epoch in own}) for run, own in stopped.groupby("run")["epochs"]},
        importance={method: importances(table, method=method) for method in METHODS},
    )


def _networks(sources: Sequence[Source], table: pd.DataFrame) -> dict[str, tuple[Block, ...]]:
    """Drawings by content key; at the budget's resolution, or else at 32 pixels for 10 classes."""
    ranked = table.sort_values(["reference", "accuracy"], ascending=False, na_position="last")["key"]
    wanted = set(ranked.drop_duplicates().head(MOST_DRAWINGS))
    drawn: dict[str, tuple[Block, ...]] = {}
    for one in sources:
        try:
            run = read(one.journal)
        except RunError:
            continue  # somebody else's study, which `load` has read: it holds no architectures
        resolution, classes = (run.budget.resolution, run.budget.classes) if run.budget else (32, 10)
        for record in run.records:
            candidate = record.candidate
            if candidate.key in wanted and candidate.key not in drawn:
                try:
                    drawn[candidate.key] = blocks(candidate.architecture, resolution=resolution, classes=classes)
                except ArchitectureError:
                    continue  # without a budget the resolution is a guess, and may be too low for this network
    return drawn


def _time(one: Source, rows: pd.DataFrame) -> TimeSpent:
    return time_spent(rows, wall_seconds=wall_seconds(one.sessions), concurrency=_concurrency(one, rows))


def _concurrency(one: Source, rows: pd.DataFrame) -> float:
    """Trials at once: as the epochs tell, or, for runs of before December 2026, as the recipe or the cores do."""
    told = rows[rows["places"] > 0]
    if len(told):
        return float(told["seconds"].sum() / (told["seconds"] / told["places"]).sum())
    section = (one.recipe or {}).get("resources")
    resources: Mapping[str, Any] = section if isinstance(section, Mapping) else {}
    stated = resources.get("concurrency")
    if isinstance(stated, int):
        return max(1, stated)
    cores = next((session.get("cores") for session in one.sessions), None)
    cpu = resources.get("cpu", 1)
    return max(1, int(cores / cpu)) if isinstance(cores, int) and isinstance(cpu, int | float) and cpu > 0 else 1


def documents(sources: Sequence[Source]) -> tuple[Document, ...]:
    """Recipe and versions of each run, as the report shows them."""
    found: list[Document] = []
    for one in sources:
        text = one.recipe_text
        if text is not None:
            found.append(Document(title=f"{one.name}: recipe", text=text))
        if one.sessions:
            versions = json.dumps(list(one.sessions), indent=2, ensure_ascii=False)
            found.append(Document(title=f"{one.name}: versions, one entry a session", text=versions))
    return tuple(found)
