"""GoogLeNet's family: the paper's network is a point, points are canonical, larger and smaller networks exist."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from nas.architecture import Architecture
from nas.budget import Budget
from nas.cost import cost
from nas.errors import SpaceError
from nas.feasible import FeasibleSampler
from nas.presets import BVLC, GOOGLENET
from search_spaces.googlenet import COUNTS, RATIOS, REFERENCE, SPACE, WIDTHS, decode, encode

BUDGET = Budget(resolution=224, classes=1000, macs=1_500_000_000)


def test_the_reference_is_the_papers_network_with_batch_norm() -> None:
    assert replace(SPACE.reference, norm="lrn") == GOOGLENET
    point = SPACE.reference_point()
    assert point is not None
    assert decode(point) == SPACE.reference
    assert SPACE.canonical(point) == point
    assert BUDGET.cost(decode(point)).macs == 1_498_677_248
    assert point["3a.b3x3_ratio24"] == 18
    assert [point[f"stage{stage}.cells"] for stage in (3, 4, 5)] == [2, 5, 2]


def test_reductions_are_24ths_of_the_branch_rounded_half_up_to_8() -> None:
    point = SPACE.reference_point()
    assert point is not None
    for (branch, (low, grid)), ratio in product((("b3x3", (32, WIDTHS[3][1])), ("b5x5", (16, WIDTHS[3][2]))), RATIOS):
        for width in [width for width in grid if width >= low]:
            cell = decode({**point, f"3a.{branch}": width, f"3a.{branch}_ratio24": ratio}).stages[0][0]
            steps, rest = divmod(width * ratio, 24 * 8)
            assert getattr(cell, f"{branch}_reduce") == max(8, 8 * (steps + (2 * rest >= 24 * 8)))


def test_branches_but_the_3x3_may_be_absent() -> None:
    for grid in WIDTHS.values():
        b1x1, b3x3, b5x5, pool_proj = grid
        assert b1x1[0] == b5x5[0] == pool_proj[0] == 0
        assert b3x3[0] > 0
    point = SPACE.reference_point()
    assert point is not None
    cell = decode({**point, "4b.b1x1": 0, "4b.b5x5": 0, "4b.pool_proj": 0}).stages[1][1]
    assert (cell.b1x1, cell.b5x5, cell.b5x5_reduce, cell.pool_proj) == (0, 0, 0, 0)


@pytest.mark.parametrize("cells", COUNTS[4])
def test_auxiliary_heads_stand_on_4a_and_on_the_fourth_cell_or_the_last(cells: int) -> None:
    point = SPACE.reference_point()
    assert point is not None
    heads = decode(SPACE.canonical({**point, "stage4.cells": cells})).auxiliary
    assert [(head.stage, head.cell) for head in heads] == [(1, 0), (1, min(cells, 4) - 1)]


def outside(reference: Architecture) -> dict[str, Architecture]:
    cell = reference.stages[0][0]

    def with_cell(**changes: object) -> Architecture:
        changed = replace(cell, **changes)  # type: ignore[arg-type]
        return replace(reference, stages=((changed, *reference.stages[0][1:]), *reference.stages[1:]))

    return {
        "norm": replace(reference, norm="none"),
        "stem": BVLC,
        "dropout": replace(reference, dropout=0.2),
        "no heads": replace(reference, auxiliary=()),
        "stages": replace(reference, stages=reference.stages[:2], reductions=reference.reductions[:1], auxiliary=()),
        "cells": replace(reference, stages=((cell,) * 5, *reference.stages[1:])),
        "off the grid": with_cell(b1x1=63),
        "too wide": with_cell(pool_proj=1024),
        "reduction": with_cell(b3x3_reduce=100),
        "no reduction": with_cell(b5x5_reduce=0),
        "no 3x3": with_cell(b3x3=0, b3x3_reduce=0),
        "wide": with_cell(wide="3x3"),
        "shortcut": with_cell(shortcut=True),
        "squeeze": with_cell(se=True),
    }


@pytest.mark.parametrize("name", outside(REFERENCE))
def test_what_is_outside_has_no_point(name: str) -> None:
    assert encode(outside(REFERENCE)[name]) is None


def test_networks_are_clearly_larger_and_smaller_than_the_reference_and_many_fit() -> None:
    rng = np.random.default_rng(0)
    macs = [cost(decode(SPACE.sample(rng)), resolution=224, classes=1000).macs for _ in range(500)]
    assert min(macs) < 0.8e9
    assert max(macs) > 2.2e9
    assert 0.2 < FeasibleSampler(SPACE, BUDGET).acceptance < 0.5
    assert FeasibleSampler(SPACE, replace(BUDGET, at_least=0.9)).uniform


def test_of_many_choices_those_near_to_a_wrong_name_are_told() -> None:
    with pytest.raises(SpaceError) as caught:
        SPACE.narrowed("fewer", **{"3a.b3x3_redcue": (96,)})
    assert f"among its {len(SPACE.choices)}; the nearest are " in str(caught.value) and len(str(caught.value)) < 200
