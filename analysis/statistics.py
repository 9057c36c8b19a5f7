"""Numbers with their uncertainty: intervals, paired comparisons, times to a target.

Every function that draws random numbers takes a seed, so that a report says the same twice.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

LEVEL: Final = 0.95
ENOUGH_SEEDS: Final = 5
"""Fewer pairs than this support no claim, whatever their interval."""
RESAMPLES: Final = 5000
_MANY_PAIRS: Final = 100
"""From so many pairs on a bootstrap's interval of a mean covers what it says."""
_EXACT_PAIRS: Final = 12
"""Up to so many pairs, the sign-flip test goes through all 2^n flips."""

Verdict = Literal["better", "worse", "undecided", "too few seeds"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean, how many values it is of, and its interval (missing where n is below 2)."""

    value: float
    low: float
    high: float
    n: int

    def text(self, scale: float = 1.0, digits: int = 2) -> str:
        """As ``95.18 [95.10, 95.26], n=5``."""
        if self.n == 0:
            return "none"
        value = f"{scale * self.value:.{digits}f}"
        if math.isnan(self.low):
            return f"{value}, n={self.n}"
        return f"{value} [{scale * self.low:.{digits}f}, {scale * self.high:.{digits}f}], n={self.n}"


def mean(values: ArrayLike, level: float = LEVEL) -> Estimate:
    """The mean with Student's t interval; missing values are left out."""
    known = _known(values)
    n = len(known)
    if n == 0:
        return Estimate(value=math.nan, low=math.nan, high=math.nan, n=0)
    centre = float(known.mean())
    if n == 1:
        return Estimate(value=centre, low=math.nan, high=math.nan, n=1)
    half = float(stats.t.ppf((1 + level) / 2, n - 1)) * float(known.std(ddof=1)) / math.sqrt(n)
    return Estimate(value=centre, low=centre - half, high=centre + half, n=n)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The mean of ``b - a`` over pairs, its interval, and a paired test that agrees with it.

    Attributes:
        value: mean difference.
        low: lower end of the interval; missing below 2 pairs.
        high: upper end.
        n: pairs.
        p: that the mean difference is 0, two-sided: Student's paired t below 100 pairs, sign-flip from there on.
    """

    value: float
    low: float
    high: float
    n: int
    p: float

    @property
    def verdict(self) -> Verdict:
        """What may be said of b against a, where more is better: nothing inside the noise."""
        if self.n < ENOUGH_SEEDS:
            return "too few seeds"
        return "better" if self.low > 0 else "worse" if self.high < 0 else "undecided"


def paired(
    a: ArrayLike, b: ArrayLike, *, seed: int = 0, level: float = LEVEL, resamples: int = RESAMPLES
) -> Difference:
    """Compare ``b`` with ``a``, measured on the same seeds (or the same images), pair by pair.

    Pairs with a value missing are left out. The interval is Student's t below 100 pairs, where a percentile bootstrap
    is too narrow (of equal searches with five pairs it would call 16% different), and the bootstrap's from there on.

    Raises:
        ValueError: unequal lengths.
    """
    left, right = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if left.shape != right.shape:
        raise ValueError(f"`len(a) == len(b)` must hold for pairs, but got {left.size} and {right.size}.")
    differences = _known(right - left)
    n = len(differences)
    value = float(differences.mean()) if n else math.nan
    if n < 2:
        return Difference(value=value, low=math.nan, high=math.nan, n=n, p=math.nan)
    if n < _MANY_PAIRS:
        found = mean(differences, level)
        return Difference(value=value, low=found.low, high=found.high, n=n, p=_student(differences))
    low, high = bootstrap_mean(differences, seed=seed, level=level, resamples=resamples)
    return Difference(value=value, low=low, high=high, n=n, p=sign_flip(differences, seed=seed, resamples=resamples))


def _student(differences: NDArray[np.float64]) -> float:
    """Two-sided p of Student's paired t; differences that are all alike leave nothing to chance."""
    largest = float(np.abs(differences).max())
    if float(np.ptp(differences)) <= 1e-12 * largest:
        return 0.0 if largest else 1.0
    return float(stats.ttest_1samp(differences, 0.0).pvalue)


def bootstrap_mean(
    values: ArrayLike, *, seed: int = 0, level: float = LEVEL, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """Percentile interval of the mean; (missing, missing) for no values."""
    known = _known(values)
    if len(known) == 0:
        return math.nan, math.nan
    rng = np.random.default_rng(seed)
    means = [known[rng.integers(len(known), size=shape)].mean(axis=1) for shape in _pieces(resamples, len(known))]
    low, high = np.quantile(np.concatenate(means), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def sign_flip(differences: ArrayLike, *, seed: int = 0, resamples: int = RESAMPLES) -> float:
    """Two-sided p of a paired permutation test: how often do random signs give as large a mean?

    Exact up to 12 pairs; with 5 pairs the least p is 2/32.
    """
    known = _known(differences)
    n = len(known)
    if n == 0:
        return math.nan
    observed = abs(known.sum()) - 1e-12 * max(1.0, float(np.abs(known).sum()))
    if n <= _EXACT_PAIRS:
        signs = np.array(list(product((-1.0, 1.0), repeat=n)))
        return float((np.abs(signs @ known) >= observed).mean())
    rng = np.random.default_rng(seed)
    hits = 0
    for shape in _pieces(resamples, n):
        signs = 2.0 * rng.integers(0, 2, shape, dtype=np.int8) - 1.0
        hits += int((np.abs(signs @ known) >= observed).sum())
    return (hits + 1) / (resamples + 1)


def _pieces(resamples: int, n: int) -> Iterator[tuple[int, int]]:
    """Shapes of draws, one resample a row: ten thousand images times five thousand would not fit into memory."""
    step = max(1, 2_000_000 // n)
    for start in range(0, resamples, step):
        yield min(step, resamples - start), n


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeToTarget:
    """When searches first reached a target.

    Attributes:
        median: Kaplan and Meier's median; infinite where half of them never reached it.
        reached: how many did.
        n: searches.
        censored_at: the shortest search that did not reach it, or None where all did.
    """

    median: float
    reached: int
    n: int
    censored_at: float | None

    def text(self, unit: str = "s") -> str:
        """As ``412 s, 4 of 5 reached it``."""
        if self.n == 0:
            return "no searches"
        when = f"{self.median:,.0f} {unit}" if math.isfinite(self.median) else "not reached by half of them"
        return f"{when}, {self.reached} of {self.n} reached it"


def time_to_target(times: Sequence[float | None], ends: Sequence[float]) -> TimeToTarget:
    """Summarise times of first reaching a target; searches that ended before are censored, not dropped.

    Args:
        times: of each search, or None where it never reached the target.
        ends: how long each search was.
    """
    n = len(times)
    events = sorted((end if time is None else time, time is None) for time, end in zip(times, ends, strict=True))
    alive, median = 1.0, math.inf
    for index, (time, censored) in enumerate(events):
        if not censored:
            alive *= 1 - 1 / (n - index)
            if alive <= 0.5 + 1e-12:
                median = time
                break
    missed = [end for time, end in zip(times, ends, strict=True) if time is None]
    reached = n - len(missed)
    return TimeToTarget(median=median, reached=reached, n=n, censored_at=min(missed, default=None))


def _known(values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64).ravel()
    return array[np.isfinite(array)]
