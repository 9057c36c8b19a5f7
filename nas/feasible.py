"""Random points that a budget allows, without a stall: by rejection, or listed or projected where few are accepted."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final, cast

import numpy as np

from nas.architecture import Architecture
from nas.budget import Budget, wanted
from nas.cost import Cost
from nas.errors import ArchitectureError, BudgetError
from nas.serialize import key
from nas.space import Choice, Point, Scalar, Space

PROBES: Final = 1000
"""Grid points that are costed at most, with a fixed seed, to learn the share that the budget accepts."""
ACCEPTED: Final = 20
"""Once so many of them are accepted no more are costed: the share is beyond ``LEAST_ACCEPTANCE`` whatever they are."""
PROBED: Final = 4
"""Points that are projected, with the same seed, to learn what one takes."""
LEAST_ACCEPTANCE: Final = 0.01
"""Below this share, points are no longer drawn by rejection."""
LISTED: Final = 20_000
"""Most points of a space that are all looked at there; of a larger space, draws are projected into the budget."""
REJECTIONS: Final = 20_000
"""Most draws by rejection for one point."""
PROJECTIONS: Final = 50
"""Most draws that are projected for one point."""
STEPS: Final = 1000
"""Most steps of one projection."""
PATIENCE: Final = 40
"""After so many steps in vain, a projection takes two at once, there and back: widths are coarse, bands narrow."""
GIVE_UP: Final = 250
"""After so many steps in vain, a projection has failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A canonical point that the budget allows, and what it stands for."""

    point: Point
    architecture: Architecture
    key: str
    cost: Cost


class FeasibleSampler:
    """Draws feasible points of a space; every draw depends on its generator alone, never on earlier draws.

    Attributes:
        acceptance: the share of the grid that the budget accepts, measured on ``PROBES`` points, or ``ACCEPTED`` of
            them that it accepts.
        uniform: whether draws are those of ``Space.sample`` that the budget allows (rejection, or one of them all
            where they are few), rather than projected into it.
        looks: networks looked at for one draw, as ``PROBED`` draws took on average.
        listed: all networks that the budget allows, as often as points stand for them; None where they were not listed.
    """

    def __init__(self, space: Space, budget: Budget) -> None:
        self.space = space
        self.budget = budget
        rng = np.random.default_rng(0)
        accepted = probed = 0
        while probed < PROBES and accepted < ACCEPTED:
            probed += 1
            accepted += admit(space, budget, space.sample(rng)) is not None
        self.acceptance = accepted / probed
        self.listed: tuple[Network, ...] | None = None
        if self.acceptance >= LEAST_ACCEPTANCE:
            self.uniform, self.looks = True, 1 / self.acceptance
        elif space.size <= LISTED:
            self.listed = tuple(listing(space, budget))
            self.acceptance = len(self.listed) / space.size
            self.uniform, self.looks = True, 1.0
        else:
            self.uniform, self.looks = False, self._looks(rng)

    def _looks(self, rng: np.random.Generator) -> float:
        looks = 0

        def decode(point: Point) -> Architecture:
            nonlocal looks
            looks += 1
            return self.space.decode(point)

        space = replace(self.space, decode=decode)
        for _ in range(PROBED):
            self._project(space, rng)
        return looks / PROBED

    def sample(self, rng: np.random.Generator) -> Network:
        """One feasible point.

        Raises:
            BudgetError: there is none, or none was found within the bounds of the loops.
        """
        if self.listed is not None:
            found = self.listed[int(rng.integers(len(self.listed)))] if self.listed else None
            where = f": none of its {self.space.size:,} points is one"
        elif self.uniform:
            found, where = self._reject(rng), f" in {REJECTIONS:,} draws"
        else:
            found, where = self._project(self.space, rng), f" in {PROJECTIONS} draws of {STEPS} steps"
        if found is None:
            raise BudgetError(f"no network of space {self.space.name!r} {wanted(self.budget)} was found{where}.")
        return found

    def _reject(self, rng: np.random.Generator) -> Network | None:
        for _ in range(REJECTIONS):
            point = self.space.sample(rng)
            admitted = admit(self.space, self.budget, point)
            if admitted is not None:
                return network(self.space, point, *admitted)
        return None

    def _project(self, space: Space, rng: np.random.Generator) -> Network | None:
        projections = (project(space, self.budget, space.sample(rng), rng) for _ in range(PROJECTIONS))
        return next((found for found in projections if found is not None), None)


def listing(space: Space, budget: Budget) -> Iterator[Network]:
    """Every network of a space that a budget allows, as often as points stand for it."""
    names = [choice.name for choice in space.choices]
    for values in product(*(choice.values for choice in space.choices)):
        point = space.settle(dict(zip(names, values, strict=True)))
        if (admitted := admit(space, budget, point)) is not None:
            yield network(space, point, *admitted)


def admit(space: Space, budget: Budget, point: Point) -> tuple[Architecture, Cost] | None:
    """The network of a settled point and its cost, or None where the budget refuses it or it cannot exist."""
    try:
        architecture = space.decode(point)
    except ArchitectureError:
        return None
    spent = budget.admit(architecture)
    return None if spent is None else (architecture, spent)


def network(space: Space, point: Point, architecture: Architecture, spent: Cost) -> Network:
    """What a settled point stands for that :func:`admit` has let in."""
    canonical = space.canonical_of(point, architecture)
    return Network(point=canonical, architecture=architecture, key=key(architecture), cost=spent)


def project(space: Space, budget: Budget, point: Point, rng: np.random.Generator) -> Network | None:
    """Bring a settled point into the budget: all widths by one factor, then random steps that come closer.

    A point that is in the budget stays as it is. None where a bounded number of steps did
    not get there; from another point they may.
    """
    values = dict(point)
    distance, seen = _look(space, budget, values)
    if seen is None or not budget.allows(seen[1]):
        values = _scale_widths(space, budget, point)
        distance, seen = _look(space, budget, values)
    tried = 0
    for _ in range(STEPS):
        if seen is not None and budget.allows(seen[1]):
            return network(space, values, *seen)
        if tried >= GIVE_UP:
            return None
        over = seen is None or not budget.within(seen[1])
        changed = _step(space, values, rng, up=not over)
        if tried >= PATIENCE:
            changed = _step(space, changed, rng, up=over)
        nearer, found = _look(space, budget, changed)
        tried += 1
        if nearer < distance:
            values, distance, seen, tried = changed, nearer, found, 0
    return None


def _look(space: Space, budget: Budget, values: Point) -> tuple[float, tuple[Architecture, Cost] | None]:
    """How far a point is from the budget: 0 inside; infinite, and no network, where it cannot exist."""
    try:
        architecture = space.decode(values)
        spent = budget.cost(architecture)
    except ArchitectureError:
        return math.inf, None
    short = 0.0
    if budget.at_least:
        reached = getattr(spent, budget.metric) / budget.limits[budget.metric]
        short = math.log(budget.at_least / max(reached, 1e-12))
    return max(0.0, math.log(max(budget.excess(spent), 1e-12)), short), (architecture, spent)


def _step(space: Space, values: Point, rng: np.random.Generator, *, up: bool) -> dict[str, Scalar]:
    """Another value of one choice: mostly the next one, any one or the last one in the direction asked for."""
    choices = [choice for choice in space.choices if len(choice.values) > 1 and choice.when(values)]
    choice = choices[int(rng.integers(len(choices)))]
    at, last = choice.values.index(values[choice.name]), len(choice.values) - 1
    beyond = range(at + 1, last + 1) if up else range(at - 1, -1, -1)
    kind = rng.random()
    if not choice.ordered or not beyond or kind < 0.1:
        other = (at + 1 + int(rng.integers(last))) % (last + 1)
    elif kind < 0.5:
        other = beyond[0]
    else:
        other = beyond[int(rng.integers(len(beyond)))] if kind < 0.8 else beyond[-1]
    return space.changed(values, choice.name, choice.values[other], rng)


def _scale_widths(space: Space, budget: Budget, point: Point) -> dict[str, Scalar]:
    """All widths times the largest factor found that keeps the point within the limits, by bisection."""
    low, high = -6.0, 6.0
    best = _scaled(space, point, 2.0**low)
    for _ in range(12):
        middle = (low + high) / 2
        values = _scaled(space, point, 2.0**middle)
        seen = _look(space, budget, values)[1]
        if seen is not None and budget.within(seen[1]):
            low, best = middle, values
        else:
            high = middle
    return best


def _scaled(space: Space, point: Point, factor: float) -> dict[str, Scalar]:
    values = dict(point)
    for choice in space.choices:
        if choice.width and choice.when(values):
            values[choice.name] = _nearest(choice, cast(float, point[choice.name]) * factor)
    return space.settle(values)


def _nearest(choice: Choice, wanted: float) -> Scalar:
    grid = cast(Sequence[float], choice.values)
    return min(grid, key=lambda value: abs(value - wanted))
