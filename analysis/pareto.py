"""The Pareto front of accuracy and cost, and the hypervolume under it. Cost and error are minimised.

moocore computes both; what is added is the handling of missing values and of duplicates, and the
hypervolume after every training, which it would take quadratic time to ask moocore for.
"""

from bisect import bisect_left

import moocore
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from pandas.api.types import is_numeric_dtype

from analysis.statistics import hold_to_shares
from analysis.table import candidates, costs, trainings


def non_dominated(cost: ArrayLike, accuracy: ArrayLike) -> NDArray[np.bool_]:
    """Which points no other is at least as good as in both, and better in one.

    Equal points stand or fall together. A point with a value missing is never on the front, and
    dominates nothing.
    """
    points = np.column_stack([np.asarray(cost, dtype=float), -np.asarray(accuracy, dtype=float)])
    known = np.isfinite(points).all(axis=1)
    mask = np.zeros(len(points), dtype=np.bool_)
    if known.any():
        mask[known] = moocore.is_nondominated(points[known], keep_weakly=True)
    return mask


def front(table: pd.DataFrame, cost: str = "macs") -> pd.DataFrame:
    """The networks on the front, by rising cost: complete ones within the budget, seeds averaged.

    A cost of 0 is one that is not known, see ``analysis.table.tabulate_foreign``.

    Raises:
        ValueError: a cost that the table does not have, or that is no number.
    """
    if cost not in table.columns or not is_numeric_dtype(table[cost]):
        raise ValueError(f"`cost` must be a column of numbers, such as {', '.join(costs(table))}, but got {cost!r}.")
    known = candidates(table)
    known = known[known[cost] > 0]
    on = known[non_dominated(known[cost], known["accuracy"])]
    return on.sort_values([cost, "trial"], kind="stable").reset_index(drop=True)


def on_front(rows: pd.DataFrame, table: pd.DataFrame, cost: str = "macs") -> NDArray[np.bool_]:
    """Which rows are trainings of a network that is on the front of a table, in runs that were trained alike."""
    best = front(table, cost)
    there = pd.MultiIndex.from_arrays([trainings(best, table), best["key"]])
    return pd.MultiIndex.from_arrays([trainings(rows, table), rows["key"]]).isin(there)


def hypervolume(cost: ArrayLike, accuracy: ArrayLike, *, most_cost: float, least_accuracy: float = 0.0) -> float:
    """Share, in [0, 1], of the box between (0, 1) and (most_cost, least_accuracy) that is dominated.

    Points outside the box count nothing, nor do points with a value missing.

    Raises:
        ValueError: a box without area, or an accuracy that is no share in [0, 1].
    """
    _check_box(most_cost, least_accuracy)
    points = np.column_stack([np.asarray(cost, dtype=float) / most_cost, 1 - hold_to_shares(accuracy, "accuracy")])
    points = points[np.isfinite(points).all(axis=1)]
    worst = 1 - least_accuracy
    return float(moocore.hypervolume(points, ref=[1.0, worst])) / worst if len(points) else 0.0


def hypervolume_curve(
    cost: ArrayLike, accuracy: ArrayLike, *, most_cost: float, least_accuracy: float = 0.0
) -> NDArray[np.float64]:
    """The hypervolume after each point, in the order given; arguments as in :func:`hypervolume`.

    Returns:
        As many values as points, never falling. The front is kept sorted, so that n points take
        about n log n steps.
    """
    _check_box(most_cost, least_accuracy)
    xs = np.asarray(cost, dtype=float) / most_cost
    ys = 1 - hold_to_shares(accuracy, "accuracy")
    worst = 1 - least_accuracy
    stairs = _Staircase(worst)
    return np.array([stairs.add(x, y) / worst for x, y in zip(xs.tolist(), ys.tolist(), strict=True)], dtype=np.float64)


def _check_box(most_cost: float, least_accuracy: float) -> None:
    if not (most_cost > 0 and 0 <= least_accuracy < 1):
        raise ValueError(
            "`most_cost > 0` and `0 <= least_accuracy < 1` must hold, "
            f"but got most_cost={most_cost}, least_accuracy={least_accuracy}."
        )


class _Staircase:
    """A front by rising x and falling y, in the box up to (1, worst), and the area above it."""

    def __init__(self, worst: float) -> None:
        self._worst = worst
        self._xs: list[float] = []
        self._ys: list[float] = []
        self._area = 0.0

    def add(self, x: float, y: float) -> float:
        """Take in a point, drop what it dominates, and give the area."""
        if not (x < 1 and y < self._worst):  # also false where one is missing
            return self._area
        at = bisect_left(self._xs, x)
        above = self._ys[at - 1] if at > 0 else self._worst
        if above <= y or (at < len(self._xs) and self._xs[at] == x and self._ys[at] <= y):
            return self._area
        end, left = at, x
        # The new area is what lies between the old stairs and y, to the right of x.
        while end < len(self._xs) and self._ys[end] >= y:
            self._area += (self._xs[end] - left) * (above - y)
            left, above = self._xs[end], self._ys[end]
            end += 1
        right = self._xs[end] if end < len(self._xs) else 1.0
        self._area += (right - left) * (above - y)
        self._xs[at:end], self._ys[at:end] = [x], [y]
        return self._area
