"""Numbers with their uncertainty: intervals, paired comparisons, times to a target.

Every function that draws random numbers takes a seed, so that a report says the same twice.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from nas.summary import LEVEL, half_interval

ENOUGH_SEEDS: Final = 5
"""Fewer pairs than this support no claim, whatever their interval."""
RESAMPLES: Final = 5000
_MANY_PAIRS: Final = 100
"""From so many pairs on a bootstrap's interval of a mean covers what it says."""
_ROUNDING: Final = 1e-9
"""By so much sums of floats may leave [0, 1]."""

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


def hold_to_shares(values: ArrayLike, name: str = "values") -> NDArray[np.float64]:
    """The values, which must be shares but where they are missing: percent would be taken for more than all.

    Raises:
        ValueError: one outside [0, 1].
    """
    array = np.asarray(values, dtype=np.float64)
    outside = array[(array < -_ROUNDING) | (array > 1 + _ROUNDING)]
    if outside.size:
        raise ValueError(f"`{name}` must be shares in [0, 1], such as 0.951 for 95.1%, but got {outside.flat[0]:g}.")
    return array


def mean_share(values: ArrayLike) -> Estimate:
    """The mean of shares, as accuracies are, with Student's interval within [0, 1]; missing values are left out.

    Raises:
        ValueError: a value outside [0, 1].
    """
    known = _known(hold_to_shares(values))
    n = len(known)
    if n == 0:
        return Estimate(value=math.nan, low=math.nan, high=math.nan, n=0)
    centre = float(known.mean())
    if n == 1:
        return Estimate(value=centre, low=math.nan, high=math.nan, n=1)
    half = half_interval(known)
    # Student's interval knows no bounds; a share has them.
    return Estimate(value=centre, low=max(0.0, centre - half), high=min(1.0, centre + half), n=n)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How much more ``b`` is than ``a`` in the mean, its interval, and a test that agrees with it.

    Attributes:
        value: difference of the means.
        low: lower end of the interval; missing below 2 of each.
        high: upper end.
        n: pairs, or how many there are of the fewer.
        p: that the difference is 0, two-sided.
    """

    value: float
    low: float
    high: float
    n: int
    p: float

    def text(self) -> str:
        """Of shares, in points of percent, as ``+0.15 [-0.04, +0.35]``; empty where there is none."""
        if self.n == 0:
            return ""
        interval = f" [{100 * self.low:+.2f}, {100 * self.high:+.2f}]" if self.n > 1 else ""
        return f"{100 * self.value:+.2f}{interval}"

    @property
    def verdict(self) -> Verdict:
        """What may be said of b against a, where more is better: nothing inside the noise."""
        if self.n < ENOUGH_SEEDS:
            return "too few seeds"
        return "better" if self.low > 0 else "worse" if self.high < 0 else "undecided"


def paired(a: ArrayLike, b: ArrayLike, *, seed: int = 0, resamples: int = RESAMPLES) -> Difference:
    """Compare ``b`` with ``a``, measured on the same seeds (or the same images), pair by pair.

    Pairs with a value missing are left out. p is that of Student's paired t, and so is the interval below 100 pairs,
    where a percentile bootstrap is too narrow (of equal searches with five pairs it would call 16% different); from
    there on the interval is the bootstrap's.

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
        half = half_interval(differences)
        low, high = value - half, value + half
    else:
        low, high = bootstrap_mean(differences, seed=seed, resamples=resamples)
    return Difference(value=value, low=low, high=high, n=n, p=_student(differences))


def unpaired(a: ArrayLike, b: ArrayLike) -> Difference:
    """Compare ``b`` with ``a``, where nothing makes pairs of them: Welch's t, interval and p."""
    left, right = _known(a), _known(b)
    n = min(len(left), len(right))
    value = float(right.mean() - left.mean()) if n else math.nan
    if n < 2:
        return Difference(value=value, low=math.nan, high=math.nan, n=n, p=math.nan)
    # By hand, for scipy warns where one of the two has no spread.
    spreads = [float(each.var(ddof=1)) / len(each) for each in (left, right)]
    error = math.sqrt(sum(spreads))
    if error <= 1e-12 * float(np.abs([*left, *right]).max()):  # All are alike, and leave nothing to chance.
        return Difference(value=value, low=value, high=value, n=n, p=0.0 if abs(value) > error else 1.0)
    # In shares of the whole, for the fourth power of a small error would be 0.
    shares = [spread / sum(spreads) for spread in spreads]
    freedom = 1 / sum(share**2 / (len(each) - 1) for share, each in zip(shares, (left, right), strict=True))
    half = float(stats.t.ppf((1 + LEVEL) / 2, freedom)) * error
    p = 2 * float(stats.t.sf(abs(value) / error, freedom))
    return Difference(value=value, low=value - half, high=value + half, n=n, p=p)


def _student(differences: NDArray[np.float64]) -> float:
    """Two-sided p of Student's paired t; differences that are all alike leave nothing to chance."""
    largest = float(np.abs(differences).max())
    if float(np.ptp(differences)) <= 1e-12 * largest:
        return 0.0 if largest else 1.0
    return float(stats.ttest_1samp(differences, 0.0).pvalue)


def bootstrap_mean(values: ArrayLike, *, seed: int = 0, resamples: int = RESAMPLES) -> tuple[float, float]:
    """Percentile interval of the mean of two values or more.

    Equal values are drawn together: ten thousand images differ in a handful of ways.
    """
    known = _known(values)
    distinct, counts = np.unique(known, return_counts=True)
    draws = np.random.default_rng(seed).multinomial(len(known), counts / len(known), size=resamples)
    low, high = np.quantile(draws @ distinct / len(known), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def median_time(times: Sequence[float | None], ends: Sequence[float]) -> float:
    """Kaplan and Meier's median of the time to a target: when half of the searches had reached it, infinite if never.

    Searches that ended before they reached it are censored, not dropped.

    Args:
        times: of each search, or None where it never reached the target.
        ends: how long each search was.
    """
    reached = [time for time in times if time is not None]
    missed = [end for time, end in zip(times, ends, strict=True) if time is None]
    if not reached:
        return math.inf
    survival = stats.ecdf(stats.CensoredData(reached, right=missed)).sf
    half = survival.quantiles[survival.probabilities <= 0.5 + 1e-12]
    return float(half[0]) if len(half) else math.inf


def _known(values: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64).ravel()
    return array[np.isfinite(array)]
