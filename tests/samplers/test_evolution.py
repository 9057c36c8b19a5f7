"""Ranks and crowding against their definitions, and who becomes a parent."""

import math

import moocore
import numpy as np
import toys
from hypothesis import given
from hypothesis import strategies as st

from nas.journal import Journal
from nas.proposer import Proposer
from nas.samplers.evolution import EvolutionSampler, crowding_distance, fitness_order

rows = st.integers(1, 3).flatmap(
    lambda width: st.lists(st.tuples(*[st.integers(0, 3)] * width), min_size=1, max_size=12)
)


def dominates(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return all(a <= b for a, b in zip(one, other, strict=True)) and one != other


@given(rows)
def test_ranks_follow_their_definition(losses: list[tuple[int, ...]]) -> None:
    """Of moocore, on which the order here and the rungs of asha-front rely: from 0, equal rows alike, any width."""
    ranks = moocore.pareto_rank(np.array(losses, dtype=np.float64)).tolist()
    for row, rank in zip(losses, ranks, strict=True):
        worse_than = [other for other in range(len(losses)) if dominates(losses[other], row)]
        assert rank == max((ranks[other] + 1 for other in worse_than), default=0)


@given(rows)
def test_nothing_comes_before_what_dominates_it(losses: list[tuple[int, ...]]) -> None:
    order = fitness_order(np.array(losses, dtype=np.float64))
    assert sorted(order) == list(range(len(losses)))
    for place, row in enumerate(order):
        assert not any(dominates(losses[later], losses[row]) for later in order[place:])


def test_crowding() -> None:
    front = np.array([[0.0, 10.0], [1.0, 5.0], [4.0, 1.0], [10.0, 0.0]])
    assert crowding_distance(front).tolist() == [math.inf, 0.4 + 0.9, 0.9 + 0.5, math.inf]
    assert crowding_distance(front[:, :1]).tolist() == [0, 0, 0, 0]
    assert crowding_distance(np.array([[1.0, 1.0]] * 3)).tolist() == [math.inf, 0, math.inf]


def test_order_of_one_objective_prefers_the_newer_of_equals() -> None:
    assert fitness_order(np.array([[0.5], [0.1], [0.3], [0.1]])) == [3, 1, 2, 0]


def test_children_differ_from_a_living_parent_in_one_choice() -> None:
    journal = Journal.in_memory(objectives=("accuracy",))
    sampler = EvolutionSampler(population=6, tournament=6)
    proposer = Proposer(toys.SPACE, toys.BUDGET, sampler, journal, seed=0, reference_first=False)
    accuracies: list[float] = []
    points = []
    for number in range(20):
        asked = proposer.ask()
        assert asked is not None
        point = asked[1].point
        assert point is not None
        if number >= 6:
            # Everybody enters the tournament, so the parent is the best of the six latest.
            parent = max(range(number - 6, number), key=lambda index: accuracies[index])
            assert sum(point[name] != points[parent][name] for name in point) == 1
        points.append(point)
        accuracies.append(toys.evaluate(asked[1].architecture, 3)["accuracy"] + number * 1e-6)
        journal.complete(number, accuracies[-1], 3, 1.0)
