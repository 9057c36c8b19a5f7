"""The space for series: one dimension everywhere, its reference, and what a budget leaves of it."""

from dataclasses import replace

import numpy as np

from nas.budget import Budget
from nas.feasible import FeasibleSampler
from nas.presets import GOOGLENET
from nas.spaces import load_space
from search_spaces.inception_series import SPACE

BUDGET = Budget(macs=3_000_000, resolution=128, classes=8)


def test_every_network_is_for_series() -> None:
    rng = np.random.default_rng(0)
    networks = [SPACE.decode(SPACE.sample(rng)) for _ in range(100)]
    assert {network.dims for network in networks} == {1}
    assert {network.stem.kind for network in networks} == {"conv3x3", "dense7x7"}
    assert {cell.wide for network in networks for stage in network.stages for cell in stage} == {
        "5x5",
        "3x3x2",
        "dw5",
        "dw7",
    }


def test_the_reference_is_googlenet_along_time() -> None:
    assert SPACE.reference == replace(GOOGLENET, norm="batch", dims=1)
    assert SPACE.reference_point() is None
    # One dimension costs less: 3 multiply-adds where there were 9, at 1 of 16 places where there were 16.
    assert BUDGET.cost(SPACE.reference).macs < BUDGET.cost(replace(SPACE.reference, dims=2)).macs / 16


def test_a_recipes_budget_leaves_much_of_it() -> None:
    sampler = FeasibleSampler(load_space("inception_series"), replace(BUDGET, at_least=0.3))
    assert sampler.uniform and sampler.acceptance > 0.1
