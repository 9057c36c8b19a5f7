"""Small Inception networks for images of 24 to 64 pixels: a 3x3 stem and three stages, searched as a whole.

What a ResNet-20 can do is inside: a cell that is only its wide branch, of two 3x3 without a
reduction, with a shortcut, is a basic residual block. The reference, GoogLeNet, is not.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, cast

from nas.architecture import Architecture, Cell, Reduction, ReductionKind, Stem, Wide
from nas.presets import GOOGLENET
from nas.space import Choice, Point, Space
from nas.widths import fine_then_geometric, ramp, round_half_up, split

MULTIPLE: Final = 4
OF: Final = 8
"""Shares, ratios and growth count in eighths; a ratio of 8 leaves the reduction out."""
DROPOUT: Final = 0.1
STAGES: Final = (1, 2, 3)


def has_3x3(point: Point) -> bool:
    """Whether a cell of the point has a 3x3 branch."""
    return cast(int, point["wide_share8"]) < OF


def has_wide(point: Point) -> bool:
    """Whether a cell of the point has a wide branch."""
    return cast(int, point["wide_share8"]) > 0


CHOICES: Final = (
    Choice(name="stem", values=fine_then_geometric(12, 64), width=True),
    Choice(name="cells1", values=(1, 2, 3, 4, 5)),
    Choice(name="cells2", values=(1, 2, 3, 4, 5)),
    Choice(name="cells3", values=(1, 2, 3, 4, 5)),
    Choice(name="width1", values=fine_then_geometric(12, 92), width=True),
    Choice(name="width2", values=fine_then_geometric(24, 216), width=True),
    Choice(name="width3", values=fine_then_geometric(48, 432), width=True),
    Choice(name="growth8", values=(8, 10, 12, 16)),
    Choice(name="b1x1_share8", values=(0, 1, 2, 3)),
    Choice(name="pool_share8", values=(0, 1, 2)),
    Choice(name="wide_share8", values=(0, 2, 4, 6, 8)),
    Choice(name="b3x3_ratio8", values=(2, 3, 4, 6, 8), when=has_3x3),
    Choice(name="b5x5_ratio8", values=(2, 3, 4, 6, 8), when=has_wide),
    Choice(name="wide", values=("3x3x2", "5x5", "dw3", "dw5", "dw7"), when=has_wide),
    Choice(name="shortcut", values=(True, False)),
    Choice(name="se", values=(False, True)),
    Choice(name="reduction", values=("pool", "conv")),
)


def decode(point: Point) -> Architecture:
    """The architecture of a point."""
    values = cast(Mapping[str, int], point)
    stages = tuple(
        tuple(
            cell(width, point)
            for width in ramp(
                values[f"width{stage}"], values[f"cells{stage}"], growth=values["growth8"], of=OF, multiple=MULTIPLE
            )
        )
        for stage in STAGES
    )
    kind = cast(ReductionKind, point["reduction"])
    return Architecture(
        stem=Stem(kind="conv3x3", width=values["stem"]),
        stages=stages,
        reductions=tuple(reduction(kind, stages[i][-1].width, values[f"width{i + 2}"]) for i in range(2)),
        dropout=DROPOUT,
    )


def cell(width: int, point: Point) -> Cell:
    """The cell of a width, its branches by the point's shares and ratios."""
    values = cast(Mapping[str, int], point)
    b1x1, b3x3, b5x5, pool_proj = split(
        width,
        b1x1=values["b1x1_share8"],
        pool_proj=values["pool_share8"],
        wide=values["wide_share8"],
        of=OF,
        multiple=MULTIPLE,
    )
    return Cell(
        b1x1=b1x1,
        b3x3_reduce=_reduce(b3x3, values["b3x3_ratio8"]),
        b3x3=b3x3,
        b5x5_reduce=_reduce(b5x5, values["b5x5_ratio8"]),
        b5x5=b5x5,
        pool_proj=pool_proj,
        wide=cast(Wide, point["wide"]),
        shortcut=cast(bool, point["shortcut"]),
        se=cast(bool, point["se"]),
    )


def _reduce(branch: int, ratio: int) -> int:
    return round_half_up(branch * ratio, OF, MULTIPLE, MULTIPLE) if branch and ratio < OF else 0


def reduction(kind: ReductionKind, before: int, after: int) -> Reduction:
    """A convolution adds what the pool beside it lacks of the next width, and at least a quarter of that width."""
    if kind == "pool":
        return Reduction()
    return Reduction(kind="conv", width=max(after - before, round_half_up(after, 4, MULTIPLE, MULTIPLE)))


SPACE: Final = Space(name="inception_small", choices=CHOICES, decode=decode, reference=replace(GOOGLENET, norm="batch"))
