"""Tables that the commands print."""

from collections.abc import Sequence
from math import isnan
from typing import TYPE_CHECKING, Final

from rich.table import Table

from nas.architecture import extent
from nas.budget import MEASURED
from nas.cli.progress import shape
from nas.record import Candidate
from nas.run.recipe import Recipe

if TYPE_CHECKING:
    import pandas as pd

    from analysis.write import FrontRow


def candidate_table(recipe: Recipe, candidates: Sequence[Candidate]) -> Table:
    """Candidates with their cost beside the budget, as ``--dry-run`` shows them."""
    budget = recipe.budget
    band = {budget.metric: f" (at least {budget.at_least:g} of it)"} if budget.at_least else {}
    limits = [f"{name} at most {limit:,}{band.get(name, '')}" for name, limit in budget.limits.items()]
    if budget.latency_seconds is not None:
        conditions = f"batch {budget.latency_batch}, in {budget.latency_runtime}"
        limits.append(f"latency at most {1e3 * budget.latency_seconds:g} ms ({conditions})")
    size = extent(budget.resolution, min((each.architecture.dims for each in candidates), default=2))
    table = Table(title=f"{recipe.name}: {' and '.join(limits)} at {size}")
    for column in ("trial", "key"):
        table.add_column(column)
    timed = any(MEASURED in each.measured for each in candidates)
    for column in ("MACs", "params", *(["latency (ms)"] if timed else []), "of the budget", "cells"):
        table.add_column(column, justify="right")
    table.add_column("")
    for number, candidate in enumerate(candidates):
        cost = candidate.cost
        share = budget.excess(cost, candidate.measured)
        note = "GoogLeNet (reference)" if candidate.reference else ""
        note += ", over the budget" if candidate.reference and share > 1 else ""
        figures = [f"{cost.macs:,}", f"{cost.params:,}"]
        figures += [f"{1e3 * candidate.measured[MEASURED]:.3g}"] if timed else []
        table.add_row(str(number), candidate.key, *figures, f"{share:.1%}", shape(candidate.architecture), note)
    return table


WIDE: Final = 100
"""Columns of a terminal on which every table fits."""
_COSTS: Final = {"macs": "multiply-adds", "measured.latency_seconds": "latency"}


def front_table(rows: Sequence["FrontRow"], cost: str = "macs", *, width: int = WIDE, runs: int = 1) -> Table:
    """The Pareto front by a cost of so many runs, with GoogLeNet in its place, for a terminal of so many columns.

    Of several runs it tells which one a trial is of, even if all are of one. Other columns in which nothing stands are
    left out, and on a narrow terminal the key, so that figures stay whole.
    """
    against = _COSTS.get(cost, cost)
    told = [f"{1e3 * row.cost:.3g} ms" if against == "latency" else f"{row.cost:,.0f}" for row in rows]
    columns = {
        "run": [row.run for row in rows] if runs > 1 else [],
        "trial": [str(row.trial) for row in rows],
        "key": [row.key for row in rows] if width >= WIDE else [],
        "accuracy": [f"{row.accuracy:.2%}" for row in rows],
        "gain, points": ["" if row.gain is None or row.reference else f"{row.gain:+.2f}" for row in rows],
        "MACs": [f"{row.macs:,}" for row in rows],
        "of GoogLeNet's": ["" if row.macs_ratio is None else f"{row.macs_ratio:.0%}" for row in rows],
        "params": [f"{row.params:,}" if row.params else "" for row in rows],
        **({} if cost in ("macs", "params") else {against: told}),
        "seeds": [str(row.seeds) for row in rows] if any(row.seeds > 1 for row in rows) else [],
        "": ["" if not row.reference else "GoogLeNet" if row.on_front else "GoogLeNet, off the front" for row in rows],
    }
    shown = {name: cells for name, cells in columns.items() if any(cells)}
    table = Table(title=f"Pareto front of complete trials: accuracy on split A against {against}")
    for name in shown:
        words = name in ("run", "")
        # Figures are not cut: where there is no room for all, words are folded.
        table.add_column(
            name,
            justify="left" if words or name == "key" else "right",
            overflow="fold",
            no_wrap=not words and name not in ("gain, points", "of GoogLeNet's"),
        )
    for place, row in enumerate(rows):
        table.add_row(*(cells[place] for cells in shown.values()), style="bold cyan" if row.reference else None)
    return table


def time_table(times: "pd.DataFrame") -> Table:
    """What the time of the places of runs went for, from what ``analysis.time_spent.time_table`` gives.

    A part that a run does not tell is left empty.
    """
    table = Table(title="Where the time went")
    table.add_column("run")
    for column in ("place-hours", *times["part"].unique()):
        table.add_column(column, justify="right")
    for run, own in times.groupby("run", sort=False):
        shares = ("" if isnan(share) else f"{share:.1%}" for share in own["share"])
        table.add_row(str(run), f"{own['place_seconds'].sum() / 3600:.2f}", *shares)
    return table
