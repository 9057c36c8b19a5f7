"""Every part that cannot exist is refused in a sentence that names the field, the value and what is allowed."""

from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from nas.architecture import MAX_WIDTH, Architecture, AuxiliaryHead, Cell, Reduction, Stem
from nas.errors import ArchitectureError, NasError
from nas.serialize import from_json, to_json

CELL = Cell(b1x1=8, b3x3_reduce=4, b3x3=8, b5x5_reduce=2, b5x5=4, pool_proj=4)
STEM = Stem(kind="conv3x3", width=16)
NETWORK = Architecture(stem=STEM, stages=((CELL,), (CELL, CELL)), reductions=(Reduction(),))


def refused(make: Callable[[], object], sentence: str) -> None:
    with pytest.raises(ArchitectureError) as caught:
        make()
    assert str(caught.value) == sentence


@pytest.mark.parametrize("name", ["b1x1", "b3x3_reduce", "b3x3", "b5x5_reduce", "b5x5", "pool_proj"])
@pytest.mark.parametrize("value", [-1, MAX_WIDTH + 1, 8.0, True, "8", None])
def test_every_width_is_a_whole_number(name: str, value: Any) -> None:
    refused(
        lambda: replace(CELL, **{name: value}),
        f"`0 <= {name} <= 65536` must hold for a whole number in a cell, but got {name}={value!r}.",
    )


@pytest.mark.parametrize(("reduce", "branch"), [("b3x3_reduce", "b3x3"), ("b5x5_reduce", "b5x5")])
def test_a_reduction_needs_its_branch(reduce: str, branch: str) -> None:
    refused(
        lambda: replace(CELL, **{branch: 0}),
        f"`{reduce} == 0` must hold where {branch}=0, but got {reduce}={getattr(CELL, reduce)}.",
    )


def test_a_cell_keeps_a_spatial_branch() -> None:
    refused(
        lambda: replace(CELL, b3x3=0, b3x3_reduce=0, b5x5=0, b5x5_reduce=0),
        "`b3x3 + b5x5 > 0` must hold, for a cell keeps at least one spatial branch, but got b3x3=0, b5x5=0.",
    )
    assert Cell(b1x1=0, b3x3_reduce=0, b3x3=1, b5x5_reduce=0, b5x5=0, pool_proj=0).width == 1
    assert Cell(b1x1=0, b3x3_reduce=0, b3x3=0, b5x5_reduce=0, b5x5=1, pool_proj=0).width == 1


def test_the_kind_of_a_wide_branch() -> None:
    refused(
        lambda: replace(CELL, wide="9x9"),
        "wide of a cell must be one of '5x5', '3x3', '3x3x2', 'dw3', 'dw5', 'dw7', but got wide='9x9'.",
    )
    absent = {"b5x5": 0, "b5x5_reduce": 0}
    assert replace(CELL, wide="dw7", **absent) == replace(CELL, wide="5x5", **absent)
    assert replace(CELL, wide="dw7") != replace(CELL, wide="5x5")


@pytest.mark.parametrize("name", ["shortcut", "se"])
@pytest.mark.parametrize("value", [1, 0, "yes", None])
def test_flags_of_a_cell(name: str, value: Any) -> None:
    refused(
        lambda: replace(CELL, **{name: value}),
        f"{name} of a cell must be true or false, but got {name}={value!r}.",
    )


def test_stem() -> None:
    refused(
        lambda: replace(STEM, kind="conv5x5"),
        "kind of the stem must be one of 'separable7x7', 'dense7x7', 'conv3x3', but got kind='conv5x5'.",
    )
    for name, low in (("width", 1), ("conv2", 0), ("conv2_reduce", 0)):
        for value in (low - 1, MAX_WIDTH + 1, 3.0):
            refused(
                lambda name=name, value=value: replace(STEM, **{name: value}),
                f"`{low} <= {name} <= 65536` must hold for a whole number in the stem, but got {name}={value!r}.",
            )
    refused(
        lambda: replace(STEM, conv2_reduce=3),
        "`conv2_reduce == 0` must hold where conv2=0, but got conv2_reduce=3.",
    )
    assert STEM.out_channels == 16
    assert replace(STEM, conv2=24).out_channels == 24


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"kind": "mean"}, "kind of a reduction must be one of 'pool', 'conv', but got kind='mean'."),
        ({"kernel": 4}, "kernel of a pool reduction must be one of 2, 3, but got kernel=4."),
        ({"kernel": 2.0}, "kernel of a pool reduction must be one of 2, 3, but got kernel=2.0."),
        ({"width": 1}, "`0 <= width <= 0` must hold for a whole number in a pool reduction, but got width=1."),
        ({"reduce": 1}, "`0 <= reduce <= 0` must hold for a whole number in a pool reduction, but got reduce=1."),
        (
            {"kind": "conv", "width": 8, "kernel": 2},
            "kernel of a conv reduction must be one of 3, but got kernel=2.",
        ),
        (
            {"kind": "conv"},
            "`1 <= width <= 65536` must hold for a whole number in a conv reduction, but got width=0.",
        ),
        (
            {"kind": "conv", "width": 8, "reduce": -1},
            "`0 <= reduce <= 65536` must hold for a whole number in a conv reduction, but got reduce=-1.",
        ),
    ],
)
def test_reduction(fields: dict[str, Any], sentence: str) -> None:
    refused(lambda: Reduction(**fields), sentence)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"width": 0}, "`1 <= width <= 65536` must hold for a whole number in an auxiliary head, but got width=0."),
        ({"hidden": 0}, "`1 <= hidden <= 65536` must hold for a whole number in an auxiliary head, but got hidden=0."),
        ({"stage": -1}, "`0 <= stage <= 65536` must hold for a whole number in an auxiliary head, but got stage=-1."),
        ({"cell": 0.0}, "`0 <= cell <= 65536` must hold for a whole number in an auxiliary head, but got cell=0.0."),
        (
            {"dropout": 1.0},
            "`0 <= dropout < 1` must hold for a decimal number in an auxiliary head, but got dropout=1.0.",
        ),
        (
            {"pool": "max"},
            "pool of an auxiliary head must be one of 'fixed', 'adaptive', but got pool='max'.",
        ),
    ],
)
def test_auxiliary_head(fields: dict[str, Any], sentence: str) -> None:
    refused(lambda: AuxiliaryHead(**{"stage": 0, "cell": 0, **fields}), sentence)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"norm": "group"}, "norm of an architecture must be one of 'batch', 'none', 'lrn', but got norm='group'."),
        ({"dims": 3}, "dims of an architecture must be one of 1, 2, but got dims=3."),
        ({"dims": 2.0}, "dims of an architecture must be one of 1, 2, but got dims=2.0."),
        ({"dims": True}, "dims of an architecture must be one of 1, 2, but got dims=True."),
        (
            {"dropout": 0},
            "`0 <= dropout < 1` must hold for a decimal number in an architecture, but got dropout=0.",
        ),
        (
            {"dropout": -0.0},
            "`0 <= dropout < 1` must hold for a decimal number in an architecture, but got dropout=-0.0.",
        ),
        (
            {"dropout": -0.1},
            "`0 <= dropout < 1` must hold for a decimal number in an architecture, but got dropout=-0.1.",
        ),
        ({"stages": ()}, "`len(stages) >= 1` must hold, but got an architecture without a stage."),
        (
            {"stages": ((CELL,), ())},
            "`1 <= cells <= 26` must hold for every stage, but stage 4 has cells=0.",
        ),
        (
            {"stages": ((CELL,) * 27, (CELL,))},
            "`1 <= cells <= 26` must hold for every stage, but stage 3 has cells=27.",
        ),
        (
            {"reductions": ()},
            "`len(reductions) == len(stages) - 1` must hold, but got len(reductions)=0, len(stages)=2.",
        ),
        (
            {"norm": "lrn"},
            "norm='lrn' stands after the pools of a 7x7 stem, but got stem.kind='conv3x3'; use 'batch' or 'none'.",
        ),
        (
            {"auxiliary": (AuxiliaryHead(stage=2, cell=0),)},
            "an auxiliary head must stand after a cell that exists, but got stage=2, cell=0.",
        ),
        (
            {"auxiliary": (AuxiliaryHead(stage=0, cell=1),)},
            "an auxiliary head must stand after a cell that exists, but got stage=0, cell=1.",
        ),
        (
            {"auxiliary": (AuxiliaryHead(stage=1, cell=0), AuxiliaryHead(stage=0, cell=0))},
            "auxiliary heads must stand after different cells, in order, but got [(1, 0), (0, 0)].",
        ),
        (
            {"auxiliary": (AuxiliaryHead(stage=1, cell=0), AuxiliaryHead(stage=1, cell=0))},
            "auxiliary heads must stand after different cells, in order, but got [(1, 0), (1, 0)].",
        ),
    ],
)
def test_architecture(fields: dict[str, Any], sentence: str) -> None:
    refused(lambda: replace(NETWORK, **fields), sentence)


def test_lists_become_tuples() -> None:
    given = Architecture(stem=STEM, stages=[[CELL], [CELL]], reductions=[Reduction()], auxiliary=[])  # type: ignore[arg-type]
    assert given == Architecture(stem=STEM, stages=((CELL,), (CELL,)), reductions=(Reduction(),))
    assert from_json(to_json(given)) == given


def test_it_is_frozen_data() -> None:
    assert replace(NETWORK) == NETWORK
    assert hash(replace(NETWORK)) == hash(NETWORK)
    assert NETWORK.out_channels == CELL.width == 24
    with pytest.raises(FrozenInstanceError):
        NETWORK.dropout = 0.0  # type: ignore[misc]
    assert issubclass(ArchitectureError, NasError)
