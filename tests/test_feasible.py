"""Feasible points: uniform where they can be, in the band, without a stall."""

from collections import Counter
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chisquare

from nas.architecture import Architecture
from nas.budget import Budget
from nas.cost import cost
from nas.errors import ArchitectureError, BudgetError
from nas.feasible import LISTED, FeasibleSampler, admit, project
from nas.reachable import cheapest, dearest
from nas.serialize import key
from nas.space import Choice, Point, Scalar, Space
from nas.spaces import built_in, load_space

MINE = load_space(str(Path(__file__).with_name("user_space.py")))
GOOGLENET = load_space("googlenet")
BUDGET = Budget(resolution=224, classes=1000, macs=1_500_000_000)
SMALL = Budget(resolution=28, classes=10, macs=30_574_592)
SERIES = Budget(resolution=128, classes=8, macs=3_000_000)
BUDGETS = {
    "googlenet": BUDGET,
    "googlenet_staged": BUDGET,
    "inception_residual": SMALL,
    "inception_series": SERIES,
    "inception_small": SMALL,
}
cases = pytest.mark.parametrize(("name", "budget"), BUDGETS.items())


def frozen(point: Point) -> tuple[tuple[str, Scalar], ...]:
    return tuple(sorted(point.items()))


def grid(space: Space) -> list[dict[str, Scalar]]:
    names = [choice.name for choice in space.choices]
    return [dict(zip(names, values, strict=True)) for values in product(*(choice.values for choice in space.choices))]


@pytest.mark.untraced
@cases
@pytest.mark.parametrize("at_least", [0.0, 0.9, 0.98])
def test_points_are_feasible_canonical_and_distinct(name: str, budget: Budget, at_least: float) -> None:
    space, budget = load_space(name), replace(budget, at_least=at_least)
    sampler = FeasibleSampler(space, budget)
    rng = np.random.default_rng(1)
    found = [sampler.sample(rng) for _ in range(50)]
    for each in found:
        assert budget.allows(each.cost)
        assert each.point == space.canonical(each.point)
        assert space.decode(each.point) == each.architecture
        assert budget.cost(each.architecture) == each.cost
    assert sampler.uniform == (sampler.acceptance >= 0.01)
    assert len({key(each.architecture) for each in found}) >= 49


@pytest.mark.untraced
def test_a_draw_depends_on_its_generator_alone() -> None:
    for budget in (BUDGET, replace(BUDGET, macs=450_000_000)):
        first, second = FeasibleSampler(GOOGLENET, budget), FeasibleSampler(GOOGLENET, budget)
        for seed in range(5):
            second.sample(np.random.default_rng(99))
            assert first.sample(np.random.default_rng(seed)) == second.sample(np.random.default_rng(seed))


@pytest.mark.untraced
def test_it_is_known_beforehand_what_a_draw_takes() -> None:
    """Under two tight limits a hundred times as much as under a band of few networks: gp draws fewer there."""
    one, band = load_space("inception_small"), replace(SMALL, macs=7_643_648, at_least=0.9)
    both = Budget(resolution=32, classes=10, macs=30_574_592, params=3_099_250, at_least=0.9)
    easy, hard = FeasibleSampler(one, band), FeasibleSampler(GOOGLENET, both)
    assert not easy.uniform and not hard.uniform
    assert 1 <= easy.looks < 100 < 1000 < hard.looks
    uniform = FeasibleSampler(one, replace(SMALL, at_least=0.9))
    assert uniform.uniform and uniform.looks == pytest.approx(1 / uniform.acceptance)


def test_draws_are_uniform_over_the_feasible_points() -> None:
    """Chi-square on a grid that can be listed, with a budget that cuts it."""
    budget = Budget(resolution=16, classes=10, macs=1_000_000)
    feasible = {frozen(point) for point in grid(MINE) if admit(MINE, budget, point) is not None}
    assert 3 <= len(feasible) < MINE.size
    sampler = FeasibleSampler(MINE, budget)
    rng = np.random.default_rng(0)
    counts = Counter(frozen(sampler.sample(rng).point) for _ in range(4000))
    assert counts.keys() == feasible
    assert chisquare(list(counts.values())).pvalue > 1e-3


def test_draws_are_uniform_over_the_grid_of_a_conditional_space() -> None:
    """Every grid point counts once, also in choices that do not apply: a kind without options is as likely."""
    space = Space(
        name="conditional",
        choices=(
            Choice(name="kind", values=("a", "b")),
            Choice(name="option", values=(8, 16, 32), when=lambda point: point["kind"] == "b"),
        ),
        decode=lambda point: MINE.decode({"width": 8 if point["kind"] == "a" else point["option"], "cells": 1}),
        reference=MINE.reference,
    )
    sampler = FeasibleSampler(space, Budget(resolution=16, classes=10, macs=10**9))
    rng = np.random.default_rng(0)
    counts = Counter(frozen(sampler.sample(rng).point) for _ in range(3000))
    expected = {("a", 8): 3, ("b", 8): 1, ("b", 16): 1, ("b", 32): 1}
    observed = [counts[frozen({"kind": kind, "option": option})] for kind, option in expected]
    assert chisquare(observed, [3000 * share / 6 for share in expected.values()]).pvalue > 1e-3


@pytest.mark.untraced
@cases
@pytest.mark.parametrize("at_least", [0.0, 0.98])
def test_no_stall_just_above_the_cheapest(name: str, budget: Budget, at_least: float) -> None:
    space = load_space(name)
    least = cheapest(space, budget)[1]
    tight = replace(budget, macs=int(least.macs * 1.03), at_least=at_least)
    sampler = FeasibleSampler(space, tight)
    assert not sampler.uniform
    rng = np.random.default_rng(0)
    found = [sampler.sample(rng) for _ in range(20)]
    assert all(tight.allows(each.cost) for each in found)
    # In some spaces there are only a few networks so close to the cheapest.
    assert len({frozen(each.point) for each in found}) >= 5


@pytest.mark.untraced
def test_no_stall_near_the_dearest() -> None:
    most = dearest(GOOGLENET, BUDGET)[1]
    sampler = FeasibleSampler(GOOGLENET, replace(BUDGET, macs=most.macs, at_least=0.95))
    assert sampler.sample(np.random.default_rng(0)).cost.macs >= 0.95 * most.macs


@pytest.mark.untraced
def test_several_limits_hold_together() -> None:
    budget = replace(BUDGET, macs=1_000_000_000, params=2_000_000, activations=3_000_000, at_least=0.6)
    sampler = FeasibleSampler(GOOGLENET, budget)
    assert not sampler.uniform
    for seed in range(5):
        spent = sampler.sample(np.random.default_rng(seed)).cost
        assert 600_000_000 <= spent.macs <= 1_000_000_000
        assert spent.params <= 2_000_000
        assert spent.activations <= 3_000_000


EMPTY = Budget(resolution=16, classes=10, macs=1_000_000, at_least=0.9999)


def test_an_empty_band_ends_in_one_sentence() -> None:
    with pytest.raises(BudgetError, match=r"at least 999,900 MACs was found: none of its 9 points is one\."):
        FeasibleSampler(MINE, EMPTY).sample(np.random.default_rng(0))


def test_an_empty_band_of_a_space_too_large_to_be_listed_ends_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nas.feasible.PROJECTIONS", 5)
    space = replace(MINE, choices=(*MINE.choices, Choice(name="idle", values=tuple(range(LISTED // 8)))))
    with pytest.raises(
        BudgetError, match=r"with at most 1,000,000 MACs and at least 999,900 MACs was found in 5 draws of 1000 steps"
    ):
        FeasibleSampler(space, EMPTY).sample(np.random.default_rng(0))


def test_few_points_of_a_small_space_are_listed_and_drawn_as_often_as_by_rejection() -> None:
    """Of a thousand widths the budget takes few; a network of the kind without options has three points, others one."""
    widths = tuple(range(8, 8008, 8))
    space = Space(
        name="listed",
        choices=(
            Choice(name="width", values=widths, width=True),
            Choice(name="kind", values=(1, 2)),
            Choice(name="option", values=(1, 2, 3), when=lambda point: point["kind"] == 2),
        ),
        decode=lambda point: MINE.decode({"width": point["width"], "cells": int(point["kind"]) * int(point["option"])}),
        reference=MINE.reference,
    )
    narrowest = MINE.decode({"width": 8, "cells": 6})
    budget = Budget(resolution=16, classes=10, macs=cost(narrowest, resolution=16, classes=10).macs)
    sampler = FeasibleSampler(space, budget)
    inside = Counter(frozen(point) for each in grid(space) if admit(space, budget, point := space.settle(each)))
    assert sampler.uniform and sampler.looks == 1 and sampler.acceptance == sum(inside.values()) / space.size < 0.01
    rng = np.random.default_rng(0)
    drawn = Counter(frozen(sampler.sample(rng).point) for _ in range(3000))
    assert drawn.keys() == inside.keys() and len(set(inside.values())) > 1
    expected = [3000 * inside[point] / sum(inside.values()) for point in drawn]
    assert chisquare(list(drawn.values()), expected).pvalue > 1e-3


def test_projection_keeps_what_fits_and_brings_the_rest_into_the_band() -> None:
    band = replace(SMALL, at_least=0.9)
    space = load_space("inception_small")
    inside = FeasibleSampler(space, band).sample(np.random.default_rng(3))
    kept = project(space, band, inside.point, np.random.default_rng(0))
    assert kept is not None
    assert kept.point == inside.point
    rng = np.random.default_rng(0)
    for _ in range(10):
        found = project(space, band, space.sample(rng), rng)
        assert found is None or band.allows(found.cost)


def test_projection_scales_the_widths() -> None:
    """From far above, with few steps left to chance: categories stay mostly as they were."""
    space = load_space("inception_small")
    rng = np.random.default_rng(2)
    same = total = 0
    for _ in range(20):
        point = space.sample(rng)
        if (found := project(space, SMALL, point, rng)) is not None:
            kinds = [choice.name for choice in space.choices if not choice.width]
            same += sum(found.point[name] == point[name] for name in kinds)
            total += len(kinds)
    assert total > 0
    assert same / total > 0.9


def _partly_impossible(point: Point) -> Architecture:
    if point["width"] == 32:
        raise ArchitectureError("no network of width 32.")
    return MINE.decode(point)


def test_points_that_cannot_exist_are_refused() -> None:
    space = replace(MINE, decode=_partly_impossible)
    sampler = FeasibleSampler(space, Budget(resolution=16, classes=10, macs=10**9))
    rng = np.random.default_rng(0)
    assert {sampler.sample(rng).point["width"] for _ in range(50)} == {8, 16}
    tight = FeasibleSampler(space, Budget(resolution=16, classes=10, macs=10**9, at_least=0.99))
    with pytest.raises(BudgetError, match="was found"):
        tight.sample(rng)


def test_every_space_has_a_budget_here() -> None:
    assert set(BUDGETS) == set(built_in())
