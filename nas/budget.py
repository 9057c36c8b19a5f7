"""What a candidate may cost, decided before any training."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import cached_property
from typing import Final

from nas.architecture import Architecture
from nas.cost import Cost, cost
from nas.errors import ArchitectureError, BudgetError

METRICS: Final = ("macs", "params", "activations")
"""Costs that are read off the lowering; latency is measured, see ``nas.training.latency``."""
MEASURED: Final = "latency_seconds"
"""The cost that is measured."""
RUNTIMES: Final = ("torch", "onnxruntime")
"""What latency may be measured in."""


@dataclass(frozen=True, kw_only=True)  # Without slots, for cached properties need a dictionary.
class Budget:
    """Upper limits on what one inference costs, at a resolution and a number of classes.

    Attributes:
        resolution: pixels at which costs count, with three input channels.
        classes: outputs of the linear layer, which is part of the cost.
        macs: most multiply-adds, or None for no limit.
        params: most parameters, or None.
        activations: most activations, or None.
        latency_seconds: longest median time of one batch, measured where the search is driven from, or None. It may
            stand alone or beside limits that are counted; what those refuse is not measured.
        latency_batch: images at a time, for that.
        latency_threads: of the runtime, for that.
        latency_runtime: ``torch``, operation by operation, or ``onnxruntime``, which runs what ``nas export`` writes.
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
    latency_seconds: float | None = None
    latency_batch: int = 1
    latency_threads: int = 1
    latency_runtime: str = RUNTIMES[0]
    at_least: float = 0.0

    def __post_init__(self) -> None:
        for name in ("resolution", "classes", "latency_batch", "latency_threads", *METRICS):
            if name not in METRICS or getattr(self, name) is not None:
                object.__setattr__(self, name, _number(name, getattr(self, name), int))
        for name in ("at_least", *([MEASURED] if self.latency_seconds is not None else [])):
            object.__setattr__(self, name, _number(name, getattr(self, name), float))
        for name in ("resolution", "classes", "latency_batch", "latency_threads"):
            if getattr(self, name) < 1:
                raise BudgetError(f"`budget.{name} >= 1` must hold, but got {name}={getattr(self, name)!r}.")
        if self.latency_runtime not in RUNTIMES:
            raise BudgetError(
                f"`budget.latency_runtime` must be one of {', '.join(RUNTIMES)}, but got {self.latency_runtime!r}."
            )
        if not self.limits and self.latency_seconds is None:
            raise BudgetError(f"a budget must limit at least one of {', '.join((*METRICS, MEASURED))}, but got none.")
        if self.latency_seconds is not None and not 0.0 < self.latency_seconds < math.inf:
            raise BudgetError(
                f"`budget.latency_seconds > 0` must hold, but got latency_seconds={self.latency_seconds!r}."
            )
        for name, limit in self.limits.items():
            if limit < 1:
                raise BudgetError(f"`budget.{name} >= 1` must hold, but got {name}={limit!r}.")
        if not 0.0 <= self.at_least < 1.0:
            raise BudgetError(f"`0 <= budget.at_least < 1` must hold, but got at_least={self.at_least!r}.")
        if self.at_least and not self.limits:
            raise BudgetError(
                f"`budget.at_least == 0` must hold where only latency_seconds is limited, but got {self.at_least!r}."
            )

    @property
    def told(self) -> dict[str, object]:
        """As journals keep it: runs of before ``latency_runtime`` was known, all in torch, are equal to those since."""
        fields = asdict(self)
        if self.latency_runtime == RUNTIMES[0]:
            del fields["latency_runtime"]
        return fields

    @cached_property
    def limits(self) -> Mapping[str, int]:
        """The limits that are set on what is counted, by metric."""
        values = {name: getattr(self, name) for name in METRICS}
        return {name: value for name, value in values.items() if value is not None}

    @cached_property
    def least(self) -> int:
        """What a candidate must reach of :attr:`metric`: the share as it is written, so that 0.55 of 100 is 55."""
        return math.ceil(Fraction(str(self.at_least)) * self.limits[self.metric]) if self.at_least else 0

    @property
    def metric(self) -> str:
        """The metric that the band and the cost axis of plots refer to; MACs where only latency is limited."""
        return next(iter(self.limits), METRICS[0])

    def cost(self, architecture: Architecture) -> Cost:
        """The cost of ``architecture`` as this budget counts it."""
        return cost(architecture, resolution=self.resolution, classes=self.classes)

    def excess(self, spent: Cost, measured: Mapping[str, float] | None = None) -> float:
        """Largest ratio of a cost to its limit.

        Args:
            spent: what is counted.
            measured: what is measured, such as ``latency_seconds``; only what is here is held to its limit.
        """
        ratios = [float(getattr(spent, name)) / limit for name, limit in self.limits.items()]
        if self.latency_seconds is not None and measured and MEASURED in measured:
            ratios.append(measured[MEASURED] / self.latency_seconds)
        return max(ratios, default=0.0)

    def within(self, spent: Cost, measured: Mapping[str, float] | None = None) -> bool:
        """Whether a cost is within every limit, in the band or below it; arguments as in :meth:`excess`."""
        return self.excess(spent, measured) <= 1

    def allows(self, spent: Cost, measured: Mapping[str, float] | None = None) -> bool:
        """Whether a cost is within every limit and in the band; arguments as in :meth:`excess`."""
        if not self.within(spent, measured):
            return False
        return not self.at_least or getattr(spent, self.metric) >= self.least

    def admit(self, architecture: Architecture) -> Cost | None:
        """The cost of ``architecture`` if the budget allows it, else None (also where it cannot be wired)."""
        try:
            spent = self.cost(architecture)
        except ArchitectureError:
            return None
        return spent if self.allows(spent) else None


def _number(name: str, value: object, kind: type[int] | type[float]) -> float:
    """A plain number of Python's of one that may be numpy's."""
    try:
        number: float = kind(value)  # type: ignore[call-overload,arg-type]
        if number == value or number != number:  # What is no number at all is told of by its range.
            return number
    except (TypeError, ValueError, OverflowError):
        pass  # Told below.
    raise BudgetError(f"`budget.{name}` must be a {'whole ' if kind is int else ''}number, but got {name}={value!r}.")


def label(metric: str) -> str:
    """A metric as sentences call it."""
    return "MACs" if metric == "macs" else metric


def wanted(budget: Budget) -> str:
    """What a budget asks for, in words: "with at most 1,000 MACs and at least 900 MACs"."""
    limits = [f"{limit:,} {label(name)}" for name, limit in budget.limits.items()]
    text = "with at most " + " and ".join(limits) if limits else "that can be wired"
    if budget.at_least:
        text += f" and at least {budget.least:,} {label(budget.metric)}"
    return text
