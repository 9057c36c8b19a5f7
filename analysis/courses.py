"""How searches went, side by side: courses of one measure, in one box for all."""

from collections.abc import Mapping, Sequence

import pandas as pd

from analysis.anytime import Axis, Measure, Steps, anytime
from analysis.runs import cost_of, limit_of


def courses(
    searches: Mapping[str, Sequence[pd.DataFrame]], *, measure: Measure, against: Axis, report: str = "accuracy"
) -> dict[str, list[Steps]]:
    """The course of every run, by search.

    Args:
        searches: tables of their runs, by name.
        measure: the best accuracy, or the hypervolume.
        against: what is counted.
        report: column that is reported of the candidate that is best by accuracy.
    """
    tables = [table for own in searches.values() for table in own]
    cost = cost_of(*tables)
    most, least = _box(tables, cost)
    return {
        name: [
            anytime(
                table,
                measure=measure,
                against=against,
                cost=cost,
                most_cost=most,
                least_accuracy=least,
                report=report,
            )
            for table in own
        ]
        for name, own in searches.items()
    }


def _box(tables: Sequence[pd.DataFrame], cost: str) -> tuple[float, float]:
    """Up to the budget (or the largest cost), from the worst accuracy trained to the end."""
    done = [table[(table["state"] == "complete") & table["within_budget"]] for table in tables]
    limits = [limit for table in tables if (limit := limit_of(table, cost))]
    most = max([*limits, *(float(table[cost].max()) for table in done if len(table) and not limits)], default=1.0)
    least = min((float(table["accuracy"].min()) for table in done if len(table)), default=0.0)
    return float(most), min(max(0.0, least), 0.999)
