import math

import numpy as np
import pandas as pd
import pytest

from analysis.best_choice import best_choice
from analysis.fidelity import agreement, ceiling
from analysis.importance import importances
from analysis.table import tabulate


@pytest.fixture
def plain(search):
    """60 networks whose accuracy is the width's doing, with a best value of 16, and a little the stem's."""
    rng = np.random.default_rng(0)
    table = tabulate(search(2))
    rows = pd.concat([table.iloc[[1]]] * 60, ignore_index=True)
    rows["trial"] = range(60)
    rows["key"] = [f"k{index}" for index in range(60)]
    rows["state"] = "complete"
    rows["choice.width"] = pd.array(rng.choice([8, 12, 16, 20, 24], 60), "Int64")
    rows["choice.stem"] = pd.array(rng.choice([8, 16, 24], 60), "Int64")
    rows["choice.se"] = pd.array(rng.random(60) < 0.5, "boolean")
    width, stem = rows["choice.width"].to_numpy(dtype=float), rows["choice.stem"].to_numpy(dtype=float)
    rows["accuracy"] = 0.9 - ((width - 16) / 40) ** 2 + stem / 4000 + rng.normal(0, 0.0005, 60)
    rows["error"] = 1 - rows["accuracy"]
    return rows


def test_the_best_value_is_found_with_a_band(plain):
    best = best_choice(plain, "choice.width")
    assert best.ordered and best.n == 60
    assert best.low == best.median == best.high == 16
    stem = best_choice(plain, "choice.stem")
    assert stem.median == 24
    flag = best_choice(plain, "choice.se")
    assert not flag.ordered and math.isnan(flag.median)
    assert sum(share for _, share in flag.shares) == pytest.approx(1)
    assert best_choice(plain, "choice.width", seed=1).median == 16


def test_the_best_choice_of_nothing_is_nothing(plain):
    assert best_choice(plain.iloc[:0], "choice.width").n == 0


@pytest.mark.parametrize("method", ["fanova", "ped-anova"])
def test_the_choice_that_matters_comes_first(plain, method):
    found = importances(plain, method=method)
    assert next(iter(found)) == "width"
    assert sum(found.values()) == pytest.approx(1)
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert importances(plain, method=method) == found


def test_how_a_grid_is_spaced_has_no_say_in_what_matters(plain):
    rng = np.random.default_rng(5)
    table = pd.concat([plain] * 6, ignore_index=True).drop(columns="choice.stem")
    table["key"] = [f"k{index}" for index in range(len(table))]
    even, wide = rng.integers(5, size=len(table)), rng.integers(5, size=len(table))
    table["choice.width"] = pd.array(even + 1, "Int64")
    table["choice.pool"] = pd.array(8 * 2**wide, "Int64")
    table["error"] = 0.1 + 0.01 * (even == 0) + 0.01 * (wide == 0)
    table["accuracy"] = 1 - table["error"]
    found = importances(table)
    assert found["width"] == pytest.approx(found["pool"], abs=0.08)


def test_few_networks_have_no_importances(plain):
    assert importances(plain.iloc[:9]) == {}
    assert importances(plain.assign(accuracy=0.5, error=0.5)) == {}


def test_agreement_is_kendalls_tau_over_those_that_reached_both():
    table = pd.DataFrame(
        {
            "accuracy_at_1": [0.1, 0.2, 0.3, 0.4, 0.9],
            "accuracy_at_3": [0.2, 0.1, 0.3, 0.4, np.nan],
            "accuracy_at_9": [0.5, 0.4, 0.3, 0.2, np.nan],
        }
    )
    found = {(pair.epochs, pair.final): pair for pair in agreement(table)}
    assert set(found) == {(1, 9), (3, 9)}
    assert found[3, 9].tau == pytest.approx(-4 / 6)  # 1 pair agrees, 5 do not
    assert found[1, 9].tau == pytest.approx(-1)
    assert found[3, 9].n == 4
    assert found[3, 9].low <= found[3, 9].tau <= found[3, 9].high


def test_two_trials_have_no_tau():
    table = pd.DataFrame({"accuracy_at_1": [0.1, 0.2], "accuracy_at_2": [0.1, 0.2]})
    (pair,) = agreement(table)
    assert math.isnan(pair.tau) and pair.n == 2


def test_the_ceiling_pairs_two_seeds_of_a_network_trained_to_the_end():
    rows = [(f"k{index}", seed, "complete", 9, 0.5 + 0.1 * index) for index in range(4) for seed in (0, 1)]
    table = pd.DataFrame(rows, columns=["key", "seed", "state", "epochs", "accuracy"])
    found = ceiling(table)
    assert found is not None and (found.n, found.epochs, found.final) == (4, 9, 9) and found.tau == pytest.approx(1)
    # The last pair of neighbours swapped by the second seed: 5 of 6 pairs agree.
    table.loc[[5, 7], "accuracy"] = table.loc[[7, 5], "accuracy"].to_numpy()
    found = ceiling(table)
    assert found is not None and found.tau == pytest.approx(4 / 6) and found.low <= found.tau
    table.loc[table["seed"] == 1, ["state", "epochs"]] = ["stopped", 3]
    assert ceiling(table) is None


def test_the_reference_is_no_value_of_a_choice(plain):
    """It was not proposed, and may be over the budget: the best value is one that the search tried."""
    star = plain.iloc[[0]].assign(key="star", reference=True, accuracy=1.0, trial=60)
    star["choice.width"] = pd.array([64], "Int64")
    best = best_choice(pd.concat([plain, star], ignore_index=True), "choice.width")
    assert (best.n, best.median) == (60, 16)


def test_networks_trained_twice_make_no_interval_narrower():
    """Twice the trials of as many networks: the copies say nothing new."""
    rng = np.random.default_rng(0)
    once = pd.DataFrame({"key": [f"k{place}" for place in range(20)], "accuracy_at_1": rng.random(20)})
    once["accuracy_at_2"] = once["accuracy_at_1"] + rng.normal(0, 0.3, 20)
    (alone,), (twice,) = agreement(once), agreement(pd.concat([once, once], ignore_index=True))
    assert (alone.n, twice.n) == (20, 40)
    assert twice.high - twice.low == pytest.approx(alone.high - alone.low, rel=0.1)
