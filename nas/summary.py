"""Figures over seeds: mean, spread and interval."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

LEVEL: Final = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The mean of figures and how sure it is.

    Attributes:
        n: figures.
        mean: of them.
        sd: sample standard deviation; None for a single figure.
        low: of Student's 95% interval of the mean; None for a single figure.
        high: as ``low``.
    """

    n: int
    mean: float
    sd: float | None
    low: float | None
    high: float | None

    def percent(self) -> str:
        """As ``94.51% +- 0.09 (95% interval 94.42 to 94.60, n = 5)``."""
        if self.sd is None or self.low is None or self.high is None:
            return f"{self.mean:.2%} (n = {self.n})"
        # Student's interval knows no bounds; a share has them.
        interval = f"95% interval {100 * max(0.0, self.low):.2f} to {100 * min(1.0, self.high):.2f}"
        return f"{self.mean:.2%} +- {100 * self.sd:.2f} ({interval}, n = {self.n})"


def summarise(values: Sequence[float]) -> Summary:
    """Mean, sample standard deviation and interval of at least one figure."""
    n, mean = len(values), float(np.mean(values))
    if n == 1:
        return Summary(n=1, mean=mean, sd=None, low=None, high=None)
    half = half_interval(values)
    return Summary(n=n, mean=mean, sd=float(np.std(values, ddof=1)), low=mean - half, high=mean + half)


def half_interval(values: Sequence[float] | NDArray[np.float64]) -> float:
    """Half the length of Student's interval of the mean of two figures or more."""
    from scipy.special import stdtrit

    n = len(values)
    return float(stdtrit(n - 1, (1 + LEVEL) / 2)) * float(np.std(values, ddof=1)) / math.sqrt(n)
