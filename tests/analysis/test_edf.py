import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.edf import cost_weights, edf, populations
from analysis.runs import stack
from analysis.table import tabulate


@given(st.lists(st.sampled_from([0.1, 0.2, 0.3, 0.5]), min_size=1, max_size=30))
def test_the_distribution_is_the_share_at_or_below(errors):
    xs, shares = edf(errors)
    assert shares[-1] == pytest.approx(1)
    for value in set(errors):
        expected = sum(error <= value for error in errors) / len(errors)
        assert shares[np.searchsorted(xs, value, "right") - 1] == pytest.approx(expected)


def test_missing_errors_and_weightless_networks_do_not_count():
    xs, shares = edf([0.1, np.nan, 0.3, 0.2], [1, 1, 3, 0])
    assert xs.tolist() == [0.1, 0.3]
    assert shares.tolist() == [0.25, 1.0]
    assert len(edf([])[0]) == 0


@given(st.lists(st.floats(1e3, 1e6), min_size=1, max_size=40), st.lists(st.floats(1e3, 1e6), min_size=1, max_size=40))
def test_weights_give_all_groups_one_distribution_of_cost(a, b):
    weights = cost_weights({"a": a, "b": b}, bins=5)
    sums = [weights["a"].sum(), weights["b"].sum()]
    assert sums == pytest.approx([1, 1]) or sums == [0, 0]
    edges = np.linspace(np.log(max(min(a), min(b))), np.log(min(max(a), max(b))), 6)
    for low, high in itertools.pairwise(edges):
        inside = {
            name: weights[name][(np.log(costs) > low + 1e-9) & (np.log(costs) < high - 1e-9)].sum()
            for name, costs in (("a", a), ("b", b))
        }
        if min(inside.values()) > 0 and not any(np.isclose(np.log([*a, *b]), edge).any() for edge in (low, high)):
            assert inside["a"] == pytest.approx(inside["b"])


def test_weighting_takes_away_an_advantage_that_is_only_cost():
    """Two samples of one law (error falls with cost), one of dearer networks."""
    rng = np.random.default_rng(0)
    cheap, dear = 10 ** rng.uniform(6, 7, 4000), 10 ** (7 - rng.exponential(0.3, 4000))
    dear = dear[dear > 1e6]
    error = {"cheap": 1 - np.log10(cheap) / 10, "dear": 1 - np.log10(dear) / 10}
    weights = cost_weights({"cheap": cheap, "dear": dear}, bins=20)

    def median(name, weighted):
        xs, shares = edf(error[name], weights[name] if weighted else None)
        return xs[np.searchsorted(shares, 0.5)]

    assert median("cheap", False) - median("dear", False) > 0.02
    assert median("cheap", True) == pytest.approx(median("dear", True), abs=0.003)


def test_networks_outside_of_the_range_that_all_have_weigh_nothing():
    """Where error is cost's doing alone, the two samples cannot differ, however little of the range they share."""
    rng = np.random.default_rng(1)
    logs = {"low": rng.uniform(15.0, 16.0, 20_000), "high": rng.uniform(15.55, 17.0, 20_000)}
    weights = cost_weights({name: np.exp(values) for name, values in logs.items()})
    means = [float((weights[name] * values).sum()) for name, values in logs.items()]
    assert means[0] == pytest.approx(means[1], abs=0.005)
    assert (weights["low"][logs["low"] < 15.55] == 0).all() and (weights["high"][logs["high"] > 16.0] == 0).all()
    apart = cost_weights({"a": [1e6, 2e6], "b": [3e6, 4e6]})
    assert apart["a"].tolist() == apart["b"].tolist() == [0, 0]


def test_populations_leave_the_reference_out(search):
    groups = populations(tabulate(search(30), run="a"))
    assert list(groups) == ["a"]
    assert not groups["a"]["reference"].any()
    assert groups["a"]["weight"].sum() == pytest.approx(1)
    assert populations(tabulate(())) == {}


def test_the_seeds_of_a_search_are_one_population(search):
    table = stack([tabulate(search(30, seed), run=f"r{seed}") for seed in range(3)])
    groups = populations(table, {"ours": ["r0", "r1"], "r2": ["r2"]})
    assert list(groups) == ["ours", "r2"]
    found = table[(table["state"] == "complete") & ~table["reference"]]
    for name, runs in (("ours", ["r0", "r1"]), ("r2", ["r2"])):
        assert len(groups[name]) == found[found["run"].isin(runs)]["key"].nunique()
    assert set(table["run"]) == {"r0", "r1", "r2"}, "the table given stays as it is"
