"""The Gaussian process: what the model says, and that it searches better than chance."""

import numpy as np
import pytest
import toys

from nas.budget import Budget
from nas.journal import Journal
from nas.proposer import Proposer
from nas.record import Objective
from nas.samplers import make_sampler
from nas.samplers.gp import MOST, _kept
from nas.samplers.regression import FITTED_ON, Regression


def test_a_smooth_function_is_learnt_and_noise_is_not() -> None:
    rng = np.random.default_rng(0)
    inputs = rng.random((60, 2))
    clean = np.sin(3 * inputs[:, 0]) + inputs[:, 1] ** 2
    model = Regression(inputs, clean + 0.05 * rng.standard_normal(60), rng)
    fresh = rng.random((40, 2))
    mean, deviation = model.predict(fresh)
    error = mean - (np.sin(3 * fresh[:, 0]) + fresh[:, 1] ** 2)
    assert np.sqrt((error**2).mean()) < 0.05
    assert np.all(np.abs(error) < 6 * deviation)
    far = model.predict(fresh + 10)[1]
    assert far.min() > 5 * deviation.max()
    assert model.mean(fresh) == pytest.approx(mean)


def test_many_observations_condition_it_even_where_few_are_fitted() -> None:
    rng = np.random.default_rng(0)
    inputs = rng.random((FITTED_ON + 100, 1))
    model = Regression(inputs, np.sin(20 * inputs[:, 0]), rng)
    fresh = np.linspace(0.05, 0.95, 50)[:, None]
    assert model.mean(fresh) == pytest.approx(np.sin(20 * fresh[:, 0]), abs=0.05)
    assert model._process.X_train_.shape[0] == FITTED_ON + 100


def test_of_very_many_observations_the_best_and_the_latest_count() -> None:
    losses = np.random.default_rng(0).random(MOST + 1000)
    rows = _kept(losses)
    assert rows == sorted(set(rows)) and len(rows) <= MOST
    assert set(np.argsort(losses)[: MOST // 2]) <= set(rows) and set(
        range(len(losses) - MOST // 2, len(losses))
    ) <= set(rows)
    assert _kept(losses[:MOST]) == list(range(MOST))


def test_equal_observations_are_no_trouble() -> None:
    model = Regression(np.zeros((4, 3)), np.full(4, 0.5), np.random.default_rng(0))
    mean, deviation = model.predict(np.ones((2, 3)))
    assert mean == pytest.approx(0.5)
    assert np.isfinite(deviation).all()


def course(name: str, seed: int, trials: int, objectives: tuple[Objective, ...] = ("accuracy",)) -> Journal:
    budget = Budget(macs=toys.BUDGET.macs, resolution=16, classes=10)
    journal = Journal.in_memory(objectives=objectives)
    sampler = make_sampler(name)
    proposer = Proposer(toys.SPACE, budget, sampler, journal, seed=seed, reference_first=False)
    for _ in range(trials):
        asked = proposer.ask()
        assert asked is not None
        journal.complete(asked[0], toys.evaluate(asked[1].architecture, 3)["accuracy"], 3, 1.0)
    return journal


@pytest.mark.untraced
def test_it_finds_better_networks_than_chance() -> None:
    def best(name: str, seed: int) -> float:
        return max(record.accuracy or 0.0 for record in course(name, seed, 16).trials())

    seeds = range(4)
    assert np.mean([best("gp", seed) for seed in seeds]) > np.mean([best("random", seed) for seed in seeds])


def test_where_most_are_as_good_as_the_best_the_others_are_avoided() -> None:
    journal = Journal.in_memory(objectives=("accuracy",))
    proposer = Proposer(toys.SPACE, toys.BUDGET, make_sampler("gp"), journal, seed=0, reference_first=False)
    poor = 0
    for number in range(24):
        asked = proposer.ask()
        assert asked is not None and asked[1].point is not None
        good = asked[1].point["width3"] in (8, 16)
        poor += number >= 8 and not good
        journal.complete(number, 0.9 if good else 0.3, 1, 1.0)
    assert poor <= 2, "of 16 that the model chose"


@pytest.mark.untraced
def test_with_two_objectives_it_covers_more_than_chance() -> None:
    def hypervolume(journal: Journal) -> float:
        points = sorted((record.candidate.cost.macs / 4e6, record.accuracy or 0.0) for record in journal.trials())
        area = best = 0.0
        for position, (macs, accuracy) in enumerate(points):
            best = max(best, accuracy)
            upper = points[position + 1][0] if position + 1 < len(points) else 1.0
            area += best * (upper - macs)
        return area

    def mean(name: str) -> float:
        return float(np.mean([hypervolume(course(name, seed, 24, ("accuracy", "macs"))) for seed in range(3)]))

    assert mean("gp") > mean("random")
