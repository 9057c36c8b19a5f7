"""Inception networks for series: the cell of "Going Deeper with Convolutions" with every kernel along time.

Three stages, each at half of the time steps of the one before. Kernels along time are cheap, so the wide branch may be
wider than in images; the reference is GoogLeNet with batch-norm in one dimension.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, cast

from nas.architecture import Architecture, ReductionKind, Stem, StemKind
from nas.presets import GOOGLENET
from nas.space import Choice, Point, Space
from nas.widths import fine_then_geometric
from search_spaces.inception_small import DROPOUT, STAGES, cell, has_3x3, has_wide, reduction

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
    Choice(name="b3x3_ratio8", values=(2, 4, 8), when=has_3x3),
    Choice(name="b5x5_ratio8", values=(2, 4, 8), when=has_wide),
    Choice(name="wide", values=("5x5", "3x3x2", "dw5", "dw7"), when=has_wide),
    Choice(name="shortcut", values=(True, False)),
    Choice(name="se", values=(False, True)),
    Choice(name="reduction", values=("pool", "conv")),
)


def decode(point: Point) -> Architecture:
    """The architecture of a point."""
    values = cast(Mapping[str, int], point)
    stages = tuple((cell(values[f"width{stage}"], point),) * values[f"cells{stage}"] for stage in STAGES)
    kind = cast(ReductionKind, point["reduction"])
    return Architecture(
        stem=Stem(kind=cast(StemKind, point["stem_kind"]), width=values["stem"]),
        stages=stages,
        reductions=tuple(reduction(kind, values[f"width{i}"], values[f"width{i + 1}"]) for i in STAGES[:-1]),
        dropout=DROPOUT,
        dims=1,
    )


SPACE: Final = Space(
    name="inception_series", choices=CHOICES, decode=decode, reference=replace(GOOGLENET, norm="batch", dims=1)
)
