"""Budgets on latency: what a search measures before it trains, and whether the limit can be met at all."""

from typing import Final

from nas.budget import MEASURED, Budget
from nas.errors import BudgetError
from nas.proposer import Measure
from nas.reachable import cheapest
from nas.record import Objective
from nas.space import Space

HOPELESS: Final = 5.0
"""Times the limit on latency: beyond, a search does not begin."""


def measurement(budget: Budget, objectives: tuple[Objective, ...]) -> Measure | None:
    """What has to be measured of each candidate: latency, where it is limited or an objective; else None.

    It is measured in this process, on the machine that drives the search, and kept in the user's cache.

    Raises:
        ModelError: a package is missing that the runtime needs.
    """
    if budget.latency_seconds is None and MEASURED not in objectives:
        return None
    from nas.training.latency import LatencyMeter

    return LatencyMeter(
        resolution=budget.resolution,
        classes=budget.classes,
        batch=budget.latency_batch,
        threads=budget.latency_threads,
        runtime=budget.latency_runtime,
    )


def check_measurable(space: Space, budget: Budget, measure: Measure | None) -> None:
    """Hold the limit on latency to the network of the space with the fewest multiply-adds, which is measured.

    Networks of more multiply-adds in fewer operations may be faster, though not by ``HOPELESS``.

    Raises:
        BudgetError: it takes so much longer than the limit that no other one will do.
    """
    if measure is None or budget.latency_seconds is None:
        return
    counted = Budget(resolution=budget.resolution, classes=budget.classes, macs=1)
    point, _ = cheapest(space, counted)
    seconds = measure(space.decode(point))[MEASURED]
    if seconds > HOPELESS * budget.latency_seconds:
        raise BudgetError(
            f"the network of space {space.name!r} with the fewest MACs takes {seconds:.3g} s, "
            f"but `budget.{MEASURED}` is {budget.latency_seconds:g} (batch {budget.latency_batch}, "
            f"threads {budget.latency_threads}, measured in {budget.latency_runtime} on this machine)."
        )
