"""Networks near a known point that the budget allows."""

from collections.abc import Iterator

import numpy as np

from nas.feasible import Network
from nas.samplers.base import History
from nas.space import Point


def mutants(
    history: History, point: Point, rng: np.random.Generator, *, tries: int, changes: int = 1
) -> Iterator[Network]:
    """New networks that differ from a point in one to ``changes`` choices; those over the budget are passed over."""
    for _ in range(tries):
        network = history.admit(_mutate(history, point, rng, int(rng.integers(1, changes + 1))))
        if network is not None and network.key not in history.taken:
            yield network


def mutant(history: History, point: Point, rng: np.random.Generator, *, tries: int) -> Network:
    """One such network: after ``tries`` failures a mutant is brought into the budget, or else a random one drawn.

    Raises:
        BudgetError: no network of the space was found in the budget.
    """
    found = next(mutants(history, point, rng, tries=tries), None)
    if found is not None:
        return found
    projected = history.project(_mutate(history, point, rng, 1), rng)
    return projected if projected is not None else history.random(rng)


def _mutate(history: History, point: Point, rng: np.random.Generator, changes: int) -> Point:
    """The point with up to ``changes`` applicable choices changed; the same one where a space has no alternative."""
    values = dict(point)
    for _ in range(changes):
        open_choices = [choice for choice in history.space.choices if len(choice.values) > 1 and choice.when(values)]
        if open_choices:
            choice = open_choices[int(rng.integers(len(open_choices)))]
            step = 1 + int(rng.integers(len(choice.values) - 1))
            other = choice.values[(choice.values.index(values[choice.name]) + step) % len(choice.values)]
            values = history.space.changed(values, choice.name, other, rng)
    return values
