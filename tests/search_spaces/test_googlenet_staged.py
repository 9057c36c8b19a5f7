"""The staged family: about twenty choices, and a point close to the paper's network."""

from nas.cost import cost
from search_spaces import googlenet
from search_spaces.googlenet_staged import CLOSEST, SPACE


def test_about_twenty_choices() -> None:
    assert len(SPACE.choices) == 20


def test_the_closest_point_is_close_to_the_reference_which_has_none() -> None:
    SPACE.check(CLOSEST)
    close, reference = SPACE.decode(CLOSEST), SPACE.reference
    assert SPACE.reference_point() is None
    assert reference == googlenet.REFERENCE
    assert [len(stage) for stage in close.stages] == [len(stage) for stage in reference.stages]
    assert close.auxiliary == reference.auxiliary
    macs = [cost(architecture, resolution=224, classes=1000).macs for architecture in (close, reference)]
    assert abs(macs[0] / macs[1] - 1) < 0.05
    for ours, theirs in zip(close.stages, reference.stages, strict=True):
        assert abs(ours[0].width / theirs[0].width - 1) < 0.15
        assert abs(ours[-1].width / theirs[-1].width - 1) < 0.15


def test_widths_grow_evenly_along_a_stage() -> None:
    widths = [cell.width for cell in SPACE.decode(CLOSEST).stages[1]]
    assert widths == [448, 520, 592, 656, 728]


def test_growth_does_not_apply_to_one_cell() -> None:
    point = SPACE.settle({**CLOSEST, "stage5.cells": 1})
    assert "stage5.growth8" not in SPACE.active(point)
    assert point["stage5.growth8"] == 8
    assert len(SPACE.decode(point).stages[2]) == 1


def test_the_5x5_ratio_does_not_apply_without_the_branch() -> None:
    point = SPACE.settle({**CLOSEST, **{f"stage{stage}.b5x5_share16": 0 for stage in (3, 4, 5)}})
    assert "b5x5_ratio24" not in SPACE.active(point)
    assert all(cell.b5x5 == cell.b5x5_reduce == 0 for stage in SPACE.decode(point).stages for cell in stage)
