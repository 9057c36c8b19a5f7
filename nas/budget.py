"""What a candidate may cost, decided before any training."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from nas.architecture import Architecture
from nas.cost import Cost, cost
from nas.errors import ArchitectureError, BudgetError

METRICS: Final = ("macs", "params", "activations")
"""Costs that are read off the lowering; latency is measured, see ``nas.training.latency``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Upper limits on what one inference costs, at a resolution and a number of classes.

    Attributes:
        resolution: pixels at which costs count, with three input channels.
        classes: outputs of the linear layer, which is part of the cost.
        macs: most multiply-adds, or None for no limit.
        params: most parameters, or None.
        activations: most activations, or None.
        at_least: share of the MAC limit (of the first limit set, if there is none on MACs) that a
            candidate must reach; 0.9 keeps the search in the band just below the budget.

    Raises:
        BudgetError: no limit at all, or a limit or share out of range.
    """

    resolution: int
    classes: int
    macs: int | None = None
    params: int | None = None
    activations: int | None = None
    at_least: float = 0.0

    def __post_init__(self) -> None:
        for name in ("resolution", "classes"):
            if getattr(self, name) < 1:
                raise BudgetError(f"`budget.{name} >= 1` must hold, but got {name}={getattr(self, name)!r}.")
        if not self.limits:
            raise BudgetError(f"a budget must limit at least one of {', '.join(METRICS)}, but got none.")
        for name, limit in self.limits.items():
            if limit < 1:
                raise BudgetError(f"`budget.{name} >= 1` must hold, but got {name}={limit!r}.")
        if not 0.0 <= self.at_least < 1.0:
            raise BudgetError(f"`0 <= budget.at_least < 1` must hold, but got at_least={self.at_least!r}.")

    @property
    def limits(self) -> Mapping[str, int]:
        """The limits that are set, by metric."""
        values = {name: getattr(self, name) for name in METRICS}
        return {name: value for name, value in values.items() if value is not None}

    @property
    def metric(self) -> str:
        """The metric that the band and the cost axis of plots refer to."""
        return next(iter(self.limits))

    def cost(self, architecture: Architecture) -> Cost:
        """The cost of ``architecture`` as this budget counts it."""
        return cost(architecture, resolution=self.resolution, classes=self.classes)

    def excess(self, spent: Cost) -> float:
        """Largest ratio of a cost to its limit; the candidate is within the limits where it is at most 1."""
        return max(float(getattr(spent, name)) / limit for name, limit in self.limits.items())

    def allows(self, spent: Cost) -> bool:
        """Whether a cost is within every limit and in the band."""
        limits = self.limits
        within = all(getattr(spent, name) <= limit for name, limit in limits.items())
        return within and getattr(spent, self.metric) >= self.at_least * limits[self.metric]

    def admit(self, architecture: Architecture) -> Cost | None:
        """The cost of ``architecture`` if the budget allows it, else None (also where it cannot be wired)."""
        try:
            spent = self.cost(architecture)
        except ArchitectureError:
            return None
        return spent if self.allows(spent) else None
