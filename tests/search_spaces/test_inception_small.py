"""The space for small images: every option is reachable, and ResNet-20's blocks are inside."""

from dataclasses import replace
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest

from nas.budget import Budget
from nas.cost import cost
from nas.feasible import FeasibleSampler
from nas.presets import GOOGLENET
from nas.space import Scalar
from search_spaces.inception_small import SPACE

RESNET: dict[str, Scalar] = {
    "stem": 16,
    "cells1": 3,
    "cells2": 3,
    "cells3": 3,
    "width1": 16,
    "width2": 32,
    "width3": 64,
    "growth8": 8,
    "b1x1_share8": 0,
    "pool_share8": 0,
    "wide_share8": 8,
    "b3x3_ratio8": 2,
    "b5x5_ratio8": 8,
    "wide": "3x3x2",
    "shortcut": True,
    "se": False,
    "reduction": "conv",
}
MACS = 30_574_592


def point(**changes: Any) -> dict[str, Scalar]:
    return SPACE.settle({**RESNET, **changes})


def test_fifteen_to_twenty_five_choices_and_the_reference_outside() -> None:
    assert 15 <= len(SPACE.choices) <= 25
    assert SPACE.reference == replace(GOOGLENET, norm="batch")
    assert SPACE.reference_point() is None


def test_a_resnet_of_20_layers_is_inside_at_its_cost() -> None:
    SPACE.check(RESNET)
    architecture = SPACE.decode(point())
    for stage, width in zip(architecture.stages, (16, 32, 64), strict=True):
        assert len(stage) == 3
        for cell in stage:
            assert (cell.b1x1, cell.b3x3, cell.b5x5, cell.pool_proj) == (0, 0, width, 0)
            assert (cell.b5x5_reduce, cell.wide, cell.shortcut) == (0, "3x3x2", True)
    # ResNet-20 has 30.8M; here the convolutions of its two narrowing blocks stand before the blocks.
    assert 0.9 < cost(architecture, resolution=28, classes=10).macs / 30.8e6 < 1.1


@pytest.mark.parametrize("wide", ["3x3x2", "5x5", "dw3", "dw5", "dw7"])
def test_kinds_of_the_wide_branch(wide: str) -> None:
    cell = SPACE.decode(point(wide=wide, wide_share8=4)).stages[0][0]
    assert (cell.wide, cell.b5x5, cell.b3x3) == (wide, 8, 8)


def test_shares_may_be_zero_and_add_up_to_the_width() -> None:
    grids = [
        next(choice.values for choice in SPACE.choices if choice.name == f"{name}_share8")
        for name in ("b1x1", "pool", "wide")
    ]
    for b1x1, pool, wide in product(*grids):
        shares = {"b1x1_share8": b1x1, "pool_share8": pool, "wide_share8": wide}
        for width in (12, 16, 52, 92):
            cell = SPACE.decode(point(width1=width, **shares)).stages[0][0]
            assert cell.width == width
            assert b1x1 != 0 or cell.b1x1 == 0
            assert pool != 0 or cell.pool_proj == 0
            assert wide != 0 or cell.b5x5 == 0
            assert wide != 8 or cell.b3x3 == 0


def test_a_ratio_of_eight_leaves_the_reduction_out() -> None:
    for ratio, reduce in ((2, 4), (4, 8), (6, 12), (8, 0)):
        cell = SPACE.decode(point(wide_share8=0, b3x3_ratio8=ratio)).stages[0][0]
        assert (cell.b3x3, cell.b3x3_reduce) == (16, reduce)


def test_what_does_not_apply() -> None:
    assert {"b5x5_ratio8", "wide"}.isdisjoint(SPACE.active(point(wide_share8=0)))
    assert "b3x3_ratio8" not in SPACE.active(point(wide_share8=8))


def test_a_conv_reduction_fills_up_to_the_next_width() -> None:
    pool, conv = SPACE.decode(point(reduction="pool")), SPACE.decode(point())
    assert [reduction.kind for reduction in pool.reductions] == ["pool", "pool"]
    assert [(reduction.kind, reduction.width) for reduction in conv.reductions] == [("conv", 16), ("conv", 32)]
    narrowing = SPACE.decode(point(width1=64, width2=32))
    assert narrowing.reductions[0].width == 8


def test_widths_are_steps_of_four_up_to_64_and_geometric_above() -> None:
    for choice in SPACE.choices:
        if choice.width:
            fine = [value for value in choice.values if isinstance(value, int) and value <= 64]
            above = [value for value in choice.values if isinstance(value, int) and value >= 64]
            assert all(high - low == 4 for low, high in pairwise(fine))
            assert all(1.1 < high / low < 1.3 for low, high in pairwise(above))


@pytest.mark.parametrize("resolution", [28, 32])
def test_many_networks_fit_the_budget_and_its_band(resolution: int) -> None:
    budget = Budget(resolution=resolution, classes=10, macs=MACS)
    assert FeasibleSampler(SPACE, budget).acceptance > 0.2
    assert FeasibleSampler(SPACE, replace(budget, at_least=0.9)).uniform


@pytest.mark.parametrize("resolution", [24, 28, 33, 64])
def test_every_network_can_be_wired_from_24_to_64_pixels(resolution: int) -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        assert cost(SPACE.decode(SPACE.sample(rng)), resolution=resolution, classes=10).macs > 0
