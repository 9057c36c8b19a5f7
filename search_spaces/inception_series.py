"""Inception networks for series: the cell of "Going Deeper with Convolutions" with every kernel along time.

Three stages, each at half of the time steps of the one before. Kernels along time are cheap, so the wide branch may be
wider than in images; the reference is GoogLeNet with batch-norm in one dimension.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, cast

from nas.architecture import Architecture, Cell, Reduction, ReductionKind, Stem, StemKind, Wide
from nas.presets import GOOGLENET
from nas.space import Choice, Point, Space
from nas.widths import fine_then_geometric, round_half_up, split

MULTIPLE: Final = 4
OF: Final = 8
"""Shares and ratios count in eighths; a ratio of 8 leaves the reduction out."""
DROPOUT: Final = 0.1
STAGES: Final = (1, 2, 3)


def _has_3x3(point: Point) -> bool:
    return cast(int, point["wide_share8"]) < OF


def _has_wide(point: Point) -> bool:
    return cast(int, point["wide_share8"]) > 0


CHOICES: Final = (
    Choice(name="stem_kind", values=("conv3x3", "dense7x7")),
    Choice(name="stem", values=fine_then_geometric(8, 64), width=True),
    Choice(name="cells1", values=(1, 2, 3)),
    Choice(name="cells2", values=(1, 2, 3)),
    Choice(name="cells3", values=(1, 2, 3)),
    Choice(name="width1", values=fine_then_geometric(12, 128), width=True),
    Choice(name="width2", values=fine_then_geometric(16, 256), width=True),
    Choice(name="width3", values=fine_then_geometric(24, 432), width=True),
    Choice(name="b1x1_share8", values=(0, 1, 2)),
    Choice(name="pool_share8", values=(0, 1, 2)),
    Choice(name="wide_share8", values=(0, 2, 4, 6, 8)),
    Choice(name="b3x3_ratio8", values=(2, 4, 8), when=_has_3x3),
    Choice(name="b5x5_ratio8", values=(2, 4, 8), when=_has_wide),
    Choice(name="wide", values=("5x5", "3x3x2", "dw5", "dw7"), when=_has_wide),
    Choice(name="shortcut", values=(True, False)),
    Choice(name="se", values=(False, True)),
    Choice(name="reduction", values=("pool", "conv")),
)


def decode(point: Point) -> Architecture:
    """The architecture of a point."""
    values = cast(Mapping[str, int], point)
    stages = tuple((_cell(values[f"width{stage}"], point),) * values[f"cells{stage}"] for stage in STAGES)
    kind = cast(ReductionKind, point["reduction"])
    return Architecture(
        stem=Stem(kind=cast(StemKind, point["stem_kind"]), width=values["stem"]),
        stages=stages,
        reductions=tuple(_reduction(kind, values[f"width{i}"], values[f"width{i + 1}"]) for i in STAGES[:-1]),
        dropout=DROPOUT,
        dims=1,
    )


def _cell(width: int, point: Point) -> Cell:
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


def _reduction(kind: ReductionKind, before: int, after: int) -> Reduction:
    """A convolution adds what the pool beside it lacks of the next width, and at least a quarter of that width."""
    if kind == "pool":
        return Reduction()
    return Reduction(kind="conv", width=max(after - before, round_half_up(after, 4, MULTIPLE, MULTIPLE)))


SPACE: Final = Space(
    name="inception_series", choices=CHOICES, decode=decode, reference=replace(GOOGLENET, norm="batch", dims=1)
)
