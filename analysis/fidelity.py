"""How far few epochs can be trusted: rank correlation between the accuracies at two rungs."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from scipy import stats

from analysis.table import rungs
from nas.summary import LEVEL

LEAST: Final = 3
_MOST: Final = 500
RESAMPLES: Final = 1000
"""With 200 an end of the interval moves by 0.06 from seed to seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Kendall's tau between two fidelities, over the trials that reached both.

    Attributes:
        epochs: the lower fidelity.
        final: the higher one.
        tau: 1 where both rank all trials alike, 0 where the one says nothing of the other.
        low: lower end of its bootstrap interval over networks, for two trainings of one say little more than one does;
            missing below 3 trials, as is tau.
        high: upper end of it.
        n: trials.
    """

    epochs: int
    final: int
    tau: float
    low: float
    high: float
    n: int


def agreement(table: pd.DataFrame, *, seed: int = 0, resamples: int = RESAMPLES) -> tuple[Agreement, ...]:
    """Each rung with the last one; over candidates, for the reference may be far from all of them.

    Trials that a scheduler stopped never reached the higher rung, so tau is of the better trials only, and
    lower than it would be over all.
    """
    found, table = rungs(table), _own(table)
    return tuple(_pair(table, low, found[-1], seed, resamples) for low in found[:-1])


def ceiling(table: pd.DataFrame, *, seed: int = 0, resamples: int = RESAMPLES) -> Agreement | None:
    """The noise ceiling: how alike two trainings to the end rank the same networks.

    No rung can be expected to agree better with another seed's last epoch; with that of its own training it may. Of
    each network the two trainings of the lowest seeds count; None where fewer than three networks have two of as many
    epochs.
    """
    table = _own(table)
    done = table[table["state"] == "complete"].dropna(subset=["accuracy"]).sort_values("seed", kind="stable")
    done = done.drop_duplicates(["key", "seed"])
    if done.empty:
        return None
    last = int(done["epochs"].max())
    done = done[done["epochs"] == last]
    pairs = [group["accuracy"].to_numpy(dtype=float)[:2] for _, group in done.groupby("key") if len(group) > 1]
    both = np.array(pairs)
    return _agreement(both, np.arange(len(both)), last, last, seed, resamples) if len(pairs) >= LEAST else None


def _own(table: pd.DataFrame) -> pd.DataFrame:
    return table[~table["reference"]] if "reference" in table.columns else table


def _pair(table: pd.DataFrame, low: int, high: int, seed: int, resamples: int) -> Agreement:
    columns = [f"accuracy_at_{low}", f"accuracy_at_{high}"]
    known = table.dropna(subset=columns)
    networks = pd.factorize(known["key"])[0] if "key" in known.columns else np.arange(len(known))
    return _agreement(known[columns].to_numpy(dtype=float), networks, low, high, seed, resamples)


def _agreement(both: np.ndarray, networks: np.ndarray, low: int, high: int, seed: int, resamples: int) -> Agreement:
    """Of pairs of accuracies [N, 2], each of the network of that number [N]."""
    n = len(both)
    rng = np.random.default_rng(seed)
    if n > _MOST:
        some = rng.choice(n, _MOST, replace=False)
        both, networks = both[some], networks[some]
    tau = _tau(both[:, 0], both[:, 1])
    if math.isnan(tau):
        return Agreement(epochs=low, final=high, tau=math.nan, low=math.nan, high=math.nan, n=n)
    own = [np.flatnonzero(networks == network) for network in pd.unique(networks)]
    draws = rng.integers(len(own), size=(resamples, len(own)))
    drawn = (both[np.concatenate([own[place] for place in draw])] for draw in draws)
    taus = np.array([_tau(rows[:, 0], rows[:, 1]) for rows in drawn])
    ends = np.nanquantile(taus, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Agreement(epochs=low, final=high, tau=tau, low=float(ends[0]), high=float(ends[1]), n=n)


def _tau(a: np.ndarray, b: np.ndarray) -> float:
    if len(a) < LEAST or np.ptp(a) == 0 or np.ptp(b) == 0:
        return math.nan
    return float(stats.kendalltau(a, b).statistic)
