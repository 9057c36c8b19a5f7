"""Tables that the commands print."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from rich.table import Table

from nas.architecture import extent
from nas.cli.progress import shape
from nas.record import Candidate
from nas.run.recipe import Recipe

if TYPE_CHECKING:
    import pandas as pd

    from analysis.write import FrontRow


def candidate_table(recipe: Recipe, candidates: Sequence[Candidate]) -> Table:
    """Candidates with their cost beside the budget, as ``--dry-run`` shows them."""
    budget = recipe.budget
    limits = [f"{name} at most {limit:,}" for name, limit in budget.limits.items()]
    if budget.latency_seconds is not None:
        limits.append(f"latency at most {1e3 * budget.latency_seconds:g} ms (batch {budget.latency_batch})")
    size = extent(budget.resolution, min((each.architecture.dims for each in candidates), default=2))
    table = Table(title=f"{recipe.name}: {' and '.join(limits)} at {size}")
    for column in ("trial", "key"):
        table.add_column(column)
    for column in ("MACs", "params", "of the budget", "cells"):
        table.add_column(column, justify="right")
    table.add_column("")
    for number, candidate in enumerate(candidates):
        cost = candidate.cost
        share = budget.excess(cost, candidate.measured)
        note = "GoogLeNet (reference)" if candidate.reference else ""
        note += ", over the budget" if candidate.reference and share > 1 else ""
        cells = shape(candidate.architecture)
        table.add_row(str(number), candidate.key, f"{cost.macs:,}", f"{cost.params:,}", f"{share:.1%}", cells, note)
    return table


_COSTS: Final = {"macs": "multiply-adds", "measured.latency_seconds": "latency"}


def front_table(rows: Sequence["FrontRow"], cost: str = "macs") -> Table:
    """The Pareto front of a run by a cost, with GoogLeNet in its place."""
    against = _COSTS.get(cost, cost)
    table = Table(title=f"Pareto front of complete trials: accuracy on split A against {against}")
    further = cost not in ("macs", "params")
    several = len({row.run for row in rows}) > 1
    seeds = any(row.seeds > 1 for row in rows)
    if several:
        table.add_column("run")
    table.add_column("trial", justify="right")
    table.add_column("key", no_wrap=True)
    for column in ("accuracy", "gain, points", "MACs", "of GoogLeNet's", "params"):
        table.add_column(column, justify="right", no_wrap=column in ("accuracy", "MACs", "params"))
    if further:
        table.add_column(against, justify="right")
    if seeds:
        table.add_column("seeds", justify="right")
    table.add_column("")
    for row in rows:
        note = "" if not row.reference else "GoogLeNet" if row.on_front else "GoogLeNet, off the front"
        table.add_row(
            *([row.run] if several else []),
            str(row.trial),
            row.key,
            f"{row.accuracy:.2%}",
            "" if row.gain is None or row.reference else f"{row.gain:+.2f}",
            f"{row.macs:,}",
            "" if row.macs_ratio is None else f"{row.macs_ratio:.0%}",
            f"{row.params:,}",
            *([f"{1e3 * row.cost:.3g} ms" if against == "latency" else f"{row.cost:,.0f}"] if further else []),
            *([str(row.seeds)] if seeds else []),
            note,
            style="bold cyan" if row.reference else None,
        )
    return table


def time_table(times: "pd.DataFrame") -> Table:
    """What the device time of runs went for, from what ``analysis.time_spent.time_table`` gives."""
    table = Table(title="Where the device time went")
    table.add_column("run")
    for column in ("device-hours", *times["part"].unique()):
        table.add_column(column, justify="right")
    for run, own in times.groupby("run", sort=False):
        shares = (f"{share:.1%}" for share in own["share"])
        table.add_row(str(run), f"{own['device_seconds'].sum() / 3600:.2f}", *shares)
    return table
