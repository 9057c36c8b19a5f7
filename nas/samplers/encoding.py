"""Points as Optuna's parameters, and a budget as its constraints."""

from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from types import MappingProxyType

from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution

from nas.budget import MEASURED, Budget
from nas.cost import Cost
from nas.space import Choice, Point, Scalar, Space


def distribution(choice: Choice) -> BaseDistribution:
    """The parameter of a choice.

    Whole numbers at even steps stand for themselves; other rising numbers are a whole-number
    index, so that their order is kept; all else is categorical.
    """
    return _distribution(choice.ordered, *choice.values)


# By type, too: (0, 1) and (False, True) are equal, and other parameters.
@lru_cache(maxsize=4096, typed=True)
def _distribution(ordered: bool, *values: Scalar) -> BaseDistribution:
    if not ordered:
        return CategoricalDistribution(values)
    step = _step(*values)
    if step is None:
        return IntDistribution(0, len(values) - 1)
    return IntDistribution(int(values[0]), int(values[-1]), step=step)


def distributions(space: Space) -> dict[str, BaseDistribution]:
    """The parameters of a space, the same for every trial."""
    return {choice.name: distribution(choice) for choice in space.choices}


def to_params(space: Space, point: Point) -> dict[str, Scalar]:
    """A point as parameters."""
    params: dict[str, Scalar] = {}
    for choice in space.choices:
        value = point[choice.name]
        params[choice.name] = choice.values.index(value) if _is_index(choice) else value
    return params


def to_point(space: Space, params: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Parameters as a point, not yet canonical."""
    point: dict[str, Scalar] = {}
    for choice in space.choices:
        value = params[choice.name]
        point[choice.name] = choice.values[int(value)] if _is_index(choice) else value
    return point


def constraints(budget: Budget, cost: Cost, measured: Mapping[str, float] = MappingProxyType({})) -> dict[str, float]:
    """How far a cost is over each limit, as a share of it; at most 0 where it is met."""
    limits = budget.limits
    over = {name: getattr(cost, name) / limit - 1.0 for name, limit in limits.items()}
    if budget.latency_seconds is not None and MEASURED in measured:
        over[MEASURED] = measured[MEASURED] / budget.latency_seconds - 1.0
    if budget.at_least > 0:
        over["at_least"] = (budget.least - getattr(cost, budget.metric)) / limits[budget.metric]
    return over


def _is_index(choice: Choice) -> bool:
    return choice.ordered and _step(*choice.values) is None


@lru_cache(maxsize=4096, typed=True)
def _step(*values: Scalar) -> int | None:
    """The even step of at least two whole numbers."""
    if len(values) < 2 or not all(type(value) is int for value in values):
        return None
    steps = {int(high) - int(low) for low, high in pairwise(values)}
    return steps.pop() if len(steps) == 1 else None
