"""Uniform scaling, and the exact largest factor within a budget."""

from dataclasses import replace
from fractions import Fraction
from random import Random

import pytest

from nas.architecture import MAX_WIDTH
from nas.budget import Budget
from nas.errors import ArchitectureError, BudgetError
from nas.presets import GOOGLENET
from nas.scaling import largest_factor, scale_to_budget, scaled, small_stem_googlenet
from strategies import random_architecture

BUDGET = Budget(resolution=28, classes=10, macs=30_574_592)


def test_the_small_stem_googlenet_has_googlenets_cells() -> None:
    network = small_stem_googlenet()
    assert network.stages == GOOGLENET.stages
    assert (network.stem.kind, network.stem.width, network.stem.conv2) == ("conv3x3", 64, 192)
    assert (network.norm, network.auxiliary) == ("batch", ())


def test_scaling_by_hand() -> None:
    half = scaled(GOOGLENET, 0.5)
    assert (half.stem.width, half.stem.conv2_reduce, half.stem.conv2) == (32, 32, 96)
    cell = half.stages[0][0]
    assert (cell.b1x1, cell.b3x3_reduce, cell.b3x3) == (32, 48, 64)
    assert (cell.b5x5_reduce, cell.b5x5, cell.pool_proj) == (8, 16, 16)
    assert half.auxiliary == GOOGLENET.auxiliary


@pytest.mark.parametrize("seed", range(20))
def test_factor_one_changes_nothing_and_absent_stays_absent(seed: int) -> None:
    architecture = random_architecture(Random(seed))
    assert scaled(architecture, 1) == architecture
    tiny = scaled(architecture, Fraction(1, 10**6))
    for stage, tiny_stage in zip(architecture.stages, tiny.stages, strict=True):
        for cell, tiny_cell in zip(stage, tiny_stage, strict=True):
            for name in ("b1x1", "b3x3_reduce", "b3x3", "b5x5_reduce", "b5x5", "pool_proj"):
                assert getattr(tiny_cell, name) == (getattr(cell, name) > 0)


@pytest.mark.untraced
@pytest.mark.parametrize("resolution", [28, 32])
def test_the_largest_factor_is_the_largest(resolution: int) -> None:
    budget = replace(BUDGET, resolution=resolution)
    network = small_stem_googlenet()
    factor = largest_factor(network, budget)
    inside = scaled(network, factor)
    assert scale_to_budget(network, budget) == inside
    assert 0.85 * budget.macs < budget.cost(inside).macs <= budget.macs
    step = Fraction(1, 100_000)
    beyond = [scaled(network, factor + i * step) for i in range(1, 3000)]
    assert all(other == inside or budget.cost(other).macs > budget.macs for other in beyond)


@pytest.mark.untraced
@pytest.mark.parametrize("seed", range(15))
def test_the_largest_factor_of_random_networks(seed: int) -> None:
    """With shortcuts, whose projection may vanish, the cost is not monotone; the largest factor is still found."""
    architecture = random_architecture(Random(seed))
    own = Budget(resolution=32, classes=10, macs=1).cost(architecture).macs
    budget = Budget(resolution=32, classes=10, macs=2 * own)
    factor = largest_factor(architecture, budget)
    assert budget.admit(scaled(architecture, factor)) is not None
    allowed = [
        Fraction(i, 200) for i in range(100, 1000) if budget.admit(scaled(architecture, Fraction(i, 200))) is not None
    ]
    assert scaled(architecture, max(allowed)) == scaled(architecture, factor) or max(allowed) < factor


def test_a_budget_that_no_factor_meets() -> None:
    with pytest.raises(
        BudgetError, match=r"no factor gives a network with at most 1,000 MACs; .* it costs [\d,]+ MACs"
    ):
        largest_factor(small_stem_googlenet(), replace(BUDGET, macs=1000))
    with pytest.raises(BudgetError, match="no factor"):
        largest_factor(small_stem_googlenet(), replace(BUDGET, at_least=0.99999))


@pytest.mark.untraced
def test_a_budget_beyond_all_widths_gives_the_widest() -> None:
    small = random_architecture(Random(3))
    widest = scale_to_budget(small, replace(BUDGET, macs=10**18))
    widths = [getattr(cell, name) for stage in widest.stages for cell in stage for name in ("b1x1", "b3x3", "b5x5")]
    assert max(*widths, widest.stem.width, widest.stem.conv2, *(each.width for each in widest.reductions)) == MAX_WIDTH


@pytest.mark.parametrize("factor", [0, -1.0])
def test_factors_must_be_positive(factor: float) -> None:
    with pytest.raises(ArchitectureError, match="`factor > 0` must hold"):
        scaled(GOOGLENET, factor)
