"""Empirical distribution of error over a sampled population of networks (Radosavovic et al. 2020, section 3.1).

Comparing best networks says little of a space; comparing distributions does. Where two samples differ in
cost, their errors differ for that reason alone, so networks are weighted until both have the same
distribution of cost (section 3.1, "normalized comparison").
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analysis.table import networks

BINS: Final = 10


def edf(error: ArrayLike, weights: ArrayLike | None = None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Errors, rising, and the weighted share of networks with at most that error (the last is 1)."""
    errors = np.asarray(error, dtype=float)
    shares = np.ones(len(errors)) if weights is None else np.asarray(weights, dtype=float)
    keep = np.isfinite(errors) & (shares > 0)
    errors, shares = errors[keep], shares[keep]
    if len(errors) == 0:
        return np.empty(0), np.empty(0)
    order = np.argsort(errors, kind="stable")
    cumulated = np.cumsum(shares[order])
    return errors[order], cumulated / cumulated[-1]


def cost_weights(costs: Mapping[str, ArrayLike], bins: int = BINS) -> dict[str, NDArray[np.float64]]:
    """Weights under which every group has one and the same distribution of cost.

    The range of log cost that all groups have in common is cut into bins; a bin that all reach weighs the same in each
    of them, shared by its members; networks elsewhere weigh nothing. Each group's weights sum to 1, or are all 0 where
    there is no common bin.
    """
    logs = {name: np.log(np.asarray(values, dtype=float)) for name, values in costs.items()}
    if not logs or any(len(values) == 0 for values in logs.values()):
        return {name: np.zeros(len(values)) for name, values in logs.items()}
    low = max(values.min() for values in logs.values())
    high = min(values.max() for values in logs.values())
    if low > high:
        return {name: np.zeros(len(values)) for name, values in logs.items()}
    edges = np.linspace(low, high, bins + 1)
    places = {name: np.clip(np.searchsorted(edges, values, "right") - 1, 0, bins - 1) for name, values in logs.items()}
    inside = {name: (values >= low) & (values <= high) for name, values in logs.items()}
    counts = {name: np.bincount(place[inside[name]], minlength=bins) for name, place in places.items()}
    common = np.all([count > 0 for count in counts.values()], axis=0)
    weights: dict[str, NDArray[np.float64]] = {}
    for name, place in places.items():
        share = np.where(common, 1.0 / np.maximum(counts[name], 1), 0.0) / max(1, int(common.sum()))
        weights[name] = np.where(inside[name], share[place], 0.0)
    return weights


def populations(table: pd.DataFrame, searches: Mapping[str, Sequence[str]] | None = None) -> dict[str, pd.DataFrame]:
    """The trained networks of each search, the reference apart, with the weight of each as ``weight``.

    Args:
        table: one row a trial.
        searches: runs that differ in their seed alone, by the name of their search; else every run is a search.
    """
    search_of = {run: name for name, runs in (searches or {}).items() for run in runs}
    known = networks(table.assign(run=table["run"].replace(search_of)), apart=True)
    known = known[~known["reference"] & (known["macs"] > 0)]
    groups = {str(name): rows for name, rows in known.groupby("run", sort=False)}
    weights = cost_weights({name: rows["macs"].to_numpy() for name, rows in groups.items()})
    return {name: rows.assign(weight=weights[name]) for name, rows in groups.items()}
