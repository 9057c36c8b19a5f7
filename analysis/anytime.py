"""How good a search was after so many trainings, or so many device-seconds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.pareto import hypervolume_curve
from analysis.statistics import ENOUGH_SEEDS, mean_share

Measure = Literal["best", "hypervolume"]
Axis = Literal["trainings", "seconds"]
GRID: Final = 400
"""Most places at which a band is computed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """A quantity that changes in steps: ``y[i]`` holds from ``x[i]`` on, up to ``end``.

    Attributes:
        x: rising.
        y: missing before the first trial that counts.
        end: where the search ended.
        before: the value before the first step: without a network there is no best one, but a hypervolume of 0.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    end: float
    before: float = np.nan

    def at(self, where: NDArray[np.float64]) -> NDArray[np.float64]:
        """The value at each place; missing after the end."""
        index = np.searchsorted(self.x, where, side="right") - 1
        values = np.where(index >= 0, np.append(self.y, np.nan)[index], self.before)
        return np.where(where <= self.end * (1 + 1e-12), values, np.nan)

    def first(self, target: float) -> float | None:
        """Where ``target`` is first reached, or None."""
        hits = np.flatnonzero(self.y >= target)
        return float(self.x[hits[0]]) if len(hits) else None


def anytime(
    table: pd.DataFrame,
    *,
    measure: Measure = "best",
    against: Axis = "trainings",
    cost: str = "macs",
    most_cost: float | None = None,
    least_accuracy: float = 0.0,
    report: str = "accuracy",
) -> Steps:
    """The course of one run.

    Trainings count in the order of their proposals, the reference apart. A stopped trial spends its
    seconds and counts as a training, but can be neither best nor on the front. Seconds are
    device-seconds: what all trials together had spent when a trial ended, those under way included
    (in the order of proposals where a journal does not tell when trials ended).

    Args:
        table: the trials of one run.
        measure: the best accuracy of a candidate within the budget, or the hypervolume.
        against: what is counted.
        cost: second objective of the hypervolume.
        most_cost: side of its box; by default the largest cost of a candidate.
        least_accuracy: other side of its box.
        report: column that is reported of the candidate that is best by accuracy; another split's,
            such as ``metric.accuracy_b``, free of the winner's curse.
    """
    own = table[~table["reference"] & (table["state"] != "running")].sort_values("trial")
    spent = np.arange(1, len(own) + 1, dtype=float)
    if against == "seconds":
        own, spent = _spent(own)
    counts = own["state"].eq("complete") & own["within_budget"] & own["accuracy"].notna()
    accuracy = own["accuracy"].where(counts).to_numpy(dtype=float)
    if measure == "hypervolume":
        costs = own[cost].where(own[cost] > 0).to_numpy(dtype=float)  # what is 0 is not known
        box = most_cost if most_cost is not None else float(np.nanmax(costs, initial=1.0))
        values = hypervolume_curve(costs, accuracy, most_cost=box, least_accuracy=least_accuracy)
    else:
        values = _best(accuracy, own[report].to_numpy(dtype=float))
    before = 0.0 if measure == "hypervolume" and len(own) else np.nan
    return Steps(x=spent, y=values, end=float(spent[-1]) if len(own) else 0.0, before=before)


def _spent(own: pd.DataFrame) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """Trials in the order in which they ended, and the device-seconds that all had spent by then.

    A trial is taken to have trained without a pause before its end; what it had done before an interruption is off by
    as much.
    """
    if own["ended"].isna().any():
        return own, own["seconds"].cumsum().to_numpy(dtype=float)
    own = own.sort_values("ended", kind="stable")
    ends = (own["ended"] - own["ended"].min()).to_numpy(dtype=float)
    return own, _elapsed(ends, ends - own["seconds"].to_numpy(dtype=float)) - _elapsed(ends, ends)


def _elapsed(now: NDArray[np.float64], since: NDArray[np.float64]) -> NDArray[np.float64]:
    """At each time, the time that went by since each of the earlier ones, in all."""
    since = np.sort(since)
    before = np.searchsorted(since, now, side="right")
    sums: NDArray[np.float64] = np.concatenate([[0.0], np.cumsum(since)])
    return now * before - sums[before]


def _best(accuracy: NDArray[np.float64], report: NDArray[np.float64]) -> NDArray[np.float64]:
    """``report`` of the best by ``accuracy`` so far."""
    best, shown = -np.inf, np.nan
    values = np.empty(len(accuracy))
    for index, (value, other) in enumerate(zip(accuracy.tolist(), report.tolist(), strict=True)):
        if value > best:
            best, shown = value, other
        values[index] = shown
    return values


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """The mean course of several searches, and how far they scatter.

    ``low`` and ``high`` are Student's 95% interval of the mean from 5 searches on; with fewer, their least and greatest
    value.
    """

    x: NDArray[np.float64]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    n: int

    @property
    def kind(self) -> str:
        """What the band shows."""
        return "95% band" if self.n >= ENOUGH_SEEDS else "range"


def band(courses: Sequence[Steps]) -> Band:
    """Average over searches that differ in their seed, as far as all of them went."""
    known = [course for course in courses if len(course.x)]
    nothing = np.empty(0)
    if not known:
        return Band(x=nothing, mean=nothing, low=nothing, high=nothing, n=0)
    end = min(course.end for course in known)
    places = np.unique(np.concatenate([*(course.x for course in known), [end]]))
    places = places[places <= end]
    if len(places) > GRID:
        places = np.unique(places[np.linspace(0, len(places) - 1, GRID).round().astype(int)])
    values = np.stack([course.at(places) for course in known])
    whole = np.isfinite(values).all(axis=0)
    places, values = places[whole], values[:, whole]
    low, high = values.min(axis=0), values.max(axis=0)
    if len(known) >= ENOUGH_SEEDS:
        ends = [mean_share(column) for column in values.T]
        low, high = np.array([one.low for one in ends]), np.array([one.high for one in ends])
    return Band(x=places, mean=values.mean(axis=0), low=low, high=high, n=len(known))


def by_search(
    table: pd.DataFrame, searches: Mapping[str, Sequence[str]] | None = None
) -> dict[str, list[pd.DataFrame]]:
    """The tables of each search's runs (one a seed); without ``searches``, every run is a search."""
    grouped = searches or {str(run): [str(run)] for run in table["run"].unique()}
    return {name: [table[table["run"] == run] for run in runs] for name, runs in grouped.items()}
