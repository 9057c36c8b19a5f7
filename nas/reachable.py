"""Whether a budget can be met by a space at all: its cheapest network, and whether a band holds any."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import product
from typing import Final

import numpy as np

from nas.budget import Budget, label, wanted
from nas.cost import Cost
from nas.errors import ArchitectureError, BudgetError
from nas.feasible import LISTED, admit, listing, project
from nas.space import Point, Scalar, Space

STARTS: Final = 3
LOOKS: Final = 300
PROJECTIONS: Final = 16
KINDS: Final = 256


def cheapest(space: Space, budget: Budget) -> tuple[Point, Cost]:
    """The point that uses the smallest share of the budget's limits, by coordinate descent from several starts.

    A local minimum in theory; in the built-in spaces no other start finds less (see the tests). The
    same space and budget give the same point.

    Raises:
        BudgetError: no network of the space can be wired at the budget's resolution.
    """
    return _extreme(space, budget, sign=1)


def dearest(space: Space, budget: Budget) -> tuple[Point, Cost]:
    """The point that uses the largest share of the budget's limits; otherwise as :func:`cheapest`."""
    return _extreme(space, budget, sign=-1)


def reference_fits(space: Space, budget: Budget, *sides: int) -> bool:
    """Whether the space's reference can be wired where costs count, and at further ``sides`` in pixels.

    GoogLeNet needs 31 pixels; a search on smaller images goes without it.
    """
    try:
        for side in (budget.resolution, *sides):
            replace(budget, resolution=side).cost(space.reference)
    except ArchitectureError:
        return False
    return True


def check_reachable(space: Space, budget: Budget) -> None:
    """Hold a budget to a space, before a search begins.

    Raises:
        BudgetError: every network of the space is over a limit, or none was found in the band.
    """
    rng = np.random.default_rng(0)
    if any(admit(space, budget, space.sample(rng)) is not None for _ in range(LOOKS)):
        return
    if space.size <= LISTED and next(listing(space, budget), None) is not None:
        return
    cheap, least = cheapest(space, budget)
    if not budget.within(least):
        name, limit = max(budget.limits.items(), key=lambda item: float(getattr(least, item[0])) / item[1])
        raise BudgetError(
            f"the cheapest network of space {space.name!r} costs {getattr(least, name):,} {label(name)}, "
            f"but `budget.{name}` is {limit:,} (at {budget.resolution} pixels, {budget.classes} classes)."
        )
    if not budget.at_least:
        return
    dear, most = dearest(space, budget)
    name = budget.metric
    if getattr(most, name) >= budget.least:
        starts = [cheap, dear, *(space.sample(rng) for _ in range(PROJECTIONS))]
        if any(project(space, budget, start, rng) is not None for start in starts):
            return
        why = "a lower `budget.at_least` allows more"
    else:
        why = f"they cost from {getattr(least, name):,} to {getattr(most, name):,} {label(name)}"
    raise BudgetError(f"no network of space {space.name!r} was found {wanted(budget)}: {why}.")


def _extreme(space: Space, budget: Budget, *, sign: int) -> tuple[Point, Cost]:
    rng = np.random.default_rng(0)
    edge = {choice.name: choice.values[0 if sign > 0 else -1] for choice in space.choices}
    starts = [space.settle(edge), *(space.sample(rng) for _ in range(STARTS - 1))]
    value, point = min((_descend(space, budget, start, sign) for start in starts), key=lambda found: found[0])
    if value == math.inf:
        try:
            budget.cost(space.decode(point))
        except ArchitectureError as error:
            raise BudgetError(f"no network of space {space.name!r} can be costed at this budget: {error}") from error
    point = space.canonical(point)
    return point, budget.cost(space.decode(point))


def _descend(space: Space, budget: Budget, start: dict[str, Scalar], sign: int) -> tuple[float, dict[str, Scalar]]:
    def value(values: Point) -> float:
        try:
            return sign * budget.excess(budget.cost(space.decode(values)))
        except ArchitectureError:
            return math.inf

    best, values, improved = value(start), start, True
    while improved:
        improved = False
        for choice in space.choices:
            if not choice.when(values):
                continue
            for other in choice.values:
                if other == values[choice.name]:
                    continue
                for changed in _kinds(space, values, space.settle({**values, choice.name: other})):
                    if (now := value(changed)) < best:
                        best, values, improved = now, changed, True
    return best, values


def _kinds(space: Space, before: Point, after: dict[str, Scalar]) -> Iterator[dict[str, Scalar]]:
    """A changed point with every kind of what the change has brought: a branch may be cheap as one kind only.

    Where that would be too many, all take the same place among their kinds, and the descent goes on from there.
    """
    new = [each for each in space.choices if not each.ordered and each.when(after) and not each.when(before)]
    together: Iterable[tuple[Scalar, ...]] = product(*(each.values for each in new))
    if math.prod(len(each.values) for each in new) > KINDS:
        most = max(len(each.values) for each in new)
        together = (tuple(each.values[min(place, len(each.values) - 1)] for each in new) for place in range(most))
    for values in together:
        yield after | dict(zip((each.name for each in new), values, strict=True))
