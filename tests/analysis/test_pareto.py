import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.pareto import front, hypervolume, hypervolume_curve, non_dominated
from analysis.table import tabulate

# Few values, so that ties and duplicates are common.
COSTS = st.sampled_from([1.0, 2.0, 3.0, 5.0, 8.0, 10.0, 12.0])
SHARES = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.5000001, 0.9, 1.0])
POINTS = st.lists(st.tuples(COSTS, SHARES) | st.tuples(st.floats(0.1, 12), st.floats(0, 1)), max_size=25)


def naive_front(points):
    def dominates(a, b):
        return a[0] <= b[0] and a[1] >= b[1] and a != b

    return [not any(dominates(other, point) for other in points) for point in points]


def naive_hypervolume(points, most_cost, least_accuracy):
    """Sum over the grid of all coordinates of the rectangles that some point dominates."""
    xs = sorted({min(x, most_cost) for x, _ in points} | {0.0, most_cost})
    ys = sorted({max(y, least_accuracy) for _, y in points} | {1.0, least_accuracy})
    area = 0.0
    for left, right in itertools.pairwise(xs):
        for low, high in itertools.pairwise(ys):
            if any(x <= left and y >= high for x, y in points):
                area += (right - left) * (high - low)
    return area / (most_cost * (1 - least_accuracy))


@given(POINTS)
def test_front_is_that_of_the_definition(points):
    cost, accuracy = [x for x, _ in points], [y for _, y in points]
    assert non_dominated(cost, accuracy).tolist() == naive_front(points)


@given(POINTS, st.sampled_from([5.0, 10.0, 11.0]), st.sampled_from([0.0, 0.1, 0.5]))
def test_hypervolume_is_that_of_the_grid(points, most_cost, least_accuracy):
    cost, accuracy = [x for x, _ in points], [y for _, y in points]
    box = {"most_cost": most_cost, "least_accuracy": least_accuracy}
    expected = naive_hypervolume(points, most_cost, least_accuracy)
    assert hypervolume(cost, accuracy, **box) == pytest.approx(expected, abs=1e-9)
    curve = hypervolume_curve(cost, accuracy, **box)
    each = [hypervolume(cost[:n], accuracy[:n], **box) for n in range(1, len(points) + 1)]
    assert curve.tolist() == pytest.approx(each, abs=1e-9)
    assert (np.diff(curve) >= 0).all()


def test_missing_values_are_never_on_the_front_and_add_nothing():
    cost, accuracy = [1.0, 2.0, math.nan, 3.0], [0.5, math.nan, 0.9, 0.6]
    assert non_dominated(cost, accuracy).tolist() == [True, False, False, True]
    known = hypervolume([1.0, 3.0], [0.5, 0.6], most_cost=4)
    assert hypervolume(cost, accuracy, most_cost=4) == known
    assert hypervolume_curve(cost, accuracy, most_cost=4)[-1] == pytest.approx(known)


def test_nothing_has_no_front_and_no_volume():
    assert non_dominated([], []).tolist() == []
    assert hypervolume([], [], most_cost=1) == 0.0
    assert hypervolume_curve([], [], most_cost=1).tolist() == []


def test_a_box_without_area_is_refused():
    with pytest.raises(ValueError, match="most_cost=0"):
        hypervolume([1], [1], most_cost=0)
    with pytest.raises(ValueError, match="least_accuracy=1"):
        hypervolume_curve([1], [1], most_cost=1, least_accuracy=1.0)


def test_an_accuracy_in_percent_is_refused():
    for volume in (hypervolume, hypervolume_curve):
        with pytest.raises(ValueError, match=r"`accuracy` must be shares in \[0, 1\], .* but got 50\.$"):
            volume([1, 2], [50, 60], most_cost=3)


def test_a_front_is_by_a_cost_that_there_is(search, budget):
    table = tabulate(search(5), budget=budget).assign(**{"measured.latency_seconds": 1e-3})
    for cost in ("parms", "key"):
        allowed = "macs, params, activations, measured.latency_seconds"
        with pytest.raises(
            ValueError, match=f"`cost` must be a column of numbers, such as {allowed}, but got '{cost}'"
        ):
            front(table, cost)
    assert len(front(table, "measured.latency_seconds")) >= 1


def test_front_of_a_search_rises_in_cost_and_accuracy_and_holds_complete_trials_only(search, budget):
    table = tabulate(search(80), budget=budget)
    best = front(table)
    assert len(best) > 1
    assert set(best["state"]) == {"complete"}
    assert best["macs"].is_monotonic_increasing
    assert best["accuracy"].is_monotonic_increasing


def test_front_of_another_cost(search, budget):
    best = front(tabulate(search(80), budget=budget), cost="params")
    assert best["params"].is_monotonic_increasing
