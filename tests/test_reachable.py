"""The cheapest network, and budgets that no network meets."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from nas.architecture import Architecture, Cell, Stem
from nas.budget import Budget
from nas.errors import ArchitectureError, BudgetError
from nas.feasible import project
from nas.reachable import cheapest, check_reachable, dearest
from nas.space import Choice, Point, Space
from nas.spaces import load_space

MINE = load_space(str(Path(__file__).with_name("user_space.py")))
BUDGETS = {
    "googlenet": Budget(resolution=224, classes=1000, macs=1_500_000_000),
    "googlenet_staged": Budget(resolution=224, classes=1000, macs=1_500_000_000),
    "inception_residual": Budget(resolution=28, classes=10, macs=30_574_592),
    "inception_small": Budget(resolution=28, classes=10, macs=30_574_592),
}


def cases(test: Callable[..., None]) -> Callable[..., None]:
    """Every space; thousands of draws take four times as long when every line is traced."""
    return pytest.mark.untraced(pytest.mark.parametrize(("name", "budget"), BUDGETS.items())(test))


@cases
def test_nothing_that_is_sampled_is_cheaper_or_dearer(name: str, budget: Budget) -> None:
    space = load_space(name)
    least, most = cheapest(space, budget), dearest(space, budget)
    for point, spent in (least, most):
        assert point == space.canonical(point)
        assert budget.cost(space.decode(point)) == spent
    rng = np.random.default_rng(0)
    for _ in range(300):
        assert least[1].macs <= budget.cost(space.decode(space.sample(rng))).macs <= most[1].macs
    assert cheapest(space, budget) == least


@cases
def test_no_step_and_no_projection_from_the_cheapest_is_cheaper(name: str, budget: Budget) -> None:
    space = load_space(name)
    point, spent = cheapest(space, budget)
    assert all(budget.cost(space.decode(near)).macs >= spent.macs for near in space.neighbours(point))
    rng = np.random.default_rng(0)
    below = replace(budget, macs=spent.macs - 1)
    assert project(space, below, point, rng) is None
    assert project(space, below, space.sample(rng), rng) is None


def test_cheapest_and_dearest_of_a_space_that_can_be_listed() -> None:
    budget = Budget(resolution=16, classes=10, macs=1)
    names = [choice.name for choice in MINE.choices]
    points = [dict(zip(names, values, strict=True)) for values in product(*(choice.values for choice in MINE.choices))]
    macs = sorted(budget.cost(MINE.decode(point)).macs for point in points)
    assert cheapest(MINE, budget)[1].macs == macs[0]
    assert dearest(MINE, budget)[1].macs == macs[-1]


@cases
@pytest.mark.parametrize("metric", ["macs", "params", "activations"])
def test_a_budget_below_the_cheapest_says_what_that_costs(name: str, budget: Budget, metric: str) -> None:
    space = load_space(name)
    limits = {"macs": None, "params": None, "activations": None}
    loose = replace(budget, **{**limits, metric: 10**12})
    least = getattr(cheapest(space, loose)[1], metric)
    check_reachable(space, replace(loose, **{metric: least}))
    with pytest.raises(BudgetError, match=f"the cheapest network of space '{name}' costs {least:,} .*{least - 1:,}"):
        check_reachable(space, replace(loose, **{metric: least - 1}))


@cases
@pytest.mark.parametrize("at_least", [0.0, 0.9, 0.98])
def test_budgets_that_can_be_met_pass(name: str, budget: Budget, at_least: float) -> None:
    check_reachable(load_space(name), replace(budget, at_least=at_least))


@cases
def test_a_band_above_every_network_is_refused(name: str, budget: Budget) -> None:
    space = load_space(name)
    most = dearest(space, budget)[1].macs
    check_reachable(space, replace(budget, macs=most, at_least=0.99))
    with pytest.raises(BudgetError, match=rf"no network of space '{name}' was found with at most .* to {most:,} MACs"):
        check_reachable(space, replace(budget, macs=most * 2, at_least=0.9))


@pytest.mark.untraced
def test_a_band_around_any_network_of_a_small_space_is_reachable() -> None:
    rng = np.random.default_rng(1)
    choices = tuple(
        Choice(name=name, values=tuple(range(8, 8 + 4 * 13, 4)), width=True) for name in ("b1x1", "b3x3", "b5x5")
    )

    def decode(point: Point) -> Architecture:
        cell = Cell(b3x3_reduce=8, b5x5_reduce=8, pool_proj=0, **point)  # type: ignore[arg-type]
        return Architecture(stem=Stem(kind="conv3x3", width=16), stages=((cell, cell),), reductions=())

    space = Space(name="small", choices=choices, decode=decode, reference=MINE.reference)
    for _ in range(25):
        spent = BUDGETS["inception_small"].cost(space.decode(space.sample(rng)))
        check_reachable(space, Budget(resolution=28, classes=10, macs=spent.macs, params=spent.params, at_least=0.9999))
    with pytest.raises(BudgetError, match=r"was found with .*: a lower `budget\.at_least` allows more\."):
        check_reachable(space, Budget(resolution=28, classes=10, macs=spent.macs - 1, at_least=0.9999999))


def test_many_kinds_that_one_change_brings_are_not_all_tried() -> None:
    """Of nine cells with four kinds each there are 262,144."""
    looked = 0
    most = 9

    def decode(point: Point) -> Architecture:
        nonlocal looked
        looked += 1
        cells = tuple(
            Cell(b1x1=8, b3x3_reduce=0, b3x3=8, b5x5_reduce=8, b5x5=16, pool_proj=0, wide=point[f"wide{place}"])  # type: ignore[arg-type]
            for place in range(int(point["cells"]))
        )
        return Architecture(stem=Stem(kind="conv3x3", width=8), stages=(cells,), reductions=())

    kinds = tuple(
        Choice(
            name=f"wide{place}",
            values=("5x5", "3x3", "3x3x2", "dw3"),
            when=lambda point, place=place: int(point["cells"]) > place,  # type: ignore[misc]
        )
        for place in range(most)
    )
    cells = Choice(name="cells", values=tuple(range(1, most + 1)))
    space = Space(name="deep", choices=(cells, *kinds), decode=decode, reference=MINE.reference)
    budget = Budget(resolution=16, classes=10, macs=10**9)
    assert cheapest(space, budget)[0]["wide0"] == "dw3"
    assert set(dearest(space, budget)[0].values()) == {most, "3x3x2"}
    assert looked < 5_000


def test_a_band_between_networks_is_refused() -> None:
    with pytest.raises(
        BudgetError, match="no network of space 'mine' was found with at most 1,000,000 MACs and at least"
    ):
        check_reachable(MINE, Budget(resolution=16, classes=10, macs=1_000_000, at_least=0.9999))


def test_a_resolution_that_no_network_can_be_wired_at() -> None:
    with pytest.raises(BudgetError, match=r"no network of space 'googlenet' can be costed .* resolution is too low"):
        check_reachable(load_space("googlenet"), Budget(resolution=3, classes=10, macs=10**9))


def _impossible(point: Point) -> Architecture:
    raise ArchitectureError("nothing can be decoded.")


def test_a_space_that_cannot_decode() -> None:
    with pytest.raises(BudgetError, match="can be costed at this budget: nothing can be decoded"):
        check_reachable(replace(MINE, decode=_impossible), Budget(resolution=16, classes=10, macs=10**9))
