"""Which value of a choice is best, and how sure that is (Radosavovic et al. 2020, "empirical bootstrap").

Draw a quarter of the networks with replacement, note the choice of the best of them, repeat: the spread of
what is noted says how far the best value is known.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from analysis.table import proposed
from nas.summary import LEVEL

SHARE: Final = 0.25
_MOST: Final = 5000
"""A population is thinned to so many networks at random before it is resampled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BestChoice:
    """The best value of a choice.

    Attributes:
        name: of the choice, without ``choice.``.
        ordered: whether values are numbers; ``median``, ``low`` and ``high`` are missing where not.
        median: of the best values.
        low: lower end of the 95% band.
        high: upper end of it.
        shares: how often each value was that of the best network, by value, most often first.
        n: networks it rests on.
    """

    name: str
    ordered: bool
    median: float
    low: float
    high: float
    shares: tuple[tuple[str, float], ...]
    n: int


def best_choice(table: pd.DataFrame, choice: str, *, seed: int = 0, resamples: int = 2000) -> BestChoice:
    """Bootstrap the best value of the column ``choice`` over all proposed networks trained to the end."""
    known = proposed(table)
    known = known[known[choice].notna()]
    rng = np.random.default_rng(seed)
    if len(known) > _MOST:
        known = known.iloc[rng.choice(len(known), _MOST, replace=False)]
    values = known[choice]
    ordered = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    name = choice.removeprefix("choice.")
    if len(known) == 0:
        return BestChoice(name=name, ordered=ordered, median=math.nan, low=math.nan, high=math.nan, shares=(), n=0)
    size = max(1, math.ceil(SHARE * len(known)))
    draws = rng.integers(len(known), size=(resamples, size))
    accuracy = known["accuracy"].to_numpy(dtype=float)
    winners = draws[np.arange(resamples), accuracy[draws].argmax(axis=1)]
    best = values.iloc[winners]
    low, median, high = (
        np.quantile(best.to_numpy(dtype=float), [(1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2])
        if ordered
        else (math.nan, math.nan, math.nan)
    )
    shares = best.astype(str).value_counts(normalize=True)
    return BestChoice(
        name=name,
        ordered=ordered,
        median=float(median),
        low=float(low),
        high=float(high),
        shares=tuple((str(value), float(share)) for value, share in shares.items()),
        n=len(known),
    )
