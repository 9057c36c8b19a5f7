"""A network as data: frozen dataclasses, their validation and their names.

Nothing here knows how the parts are wired (``nas.lowering``) or trained.
Fields carry the names of the columns of Table 1 in "Going Deeper with Convolutions"
(Szegedy et al., arXiv 1409.4842).
"""

import math
from dataclasses import dataclass
from typing import Final, Literal, get_args

from nas.errors import ArchitectureError

Wide = Literal["5x5", "3x3", "3x3x2", "dw3", "dw5", "dw7"]
"""The wide branch of a cell: one 5x5, one 3x3, two 3x3, or a depthwise kernel then a 1x1."""
StemKind = Literal["separable7x7", "dense7x7", "conv3x3"]
Norm = Literal["batch", "none", "lrn"]
ReductionKind = Literal["pool", "conv"]
AuxiliaryPool = Literal["fixed", "adaptive"]
# Read once: a search makes thousands of cells a second.
_WIDES: Final = get_args(Wide)
_STEMS: Final = get_args(StemKind)
_NORMS: Final = get_args(Norm)
_REDUCTIONS: Final = get_args(ReductionKind)
_POOLS: Final = get_args(AuxiliaryPool)

DEPTHWISE_MULTIPLIER: Final = 8
"""Of the separable stem: 3 to 24 channels, which gives Table 1's 2.7K weights and 34M operations."""
MAX_CELLS: Final = 26
"""Cells of one stage are named by letters, as in the paper: 3a, 3b, 4a, ..."""
MAX_WIDTH: Final = 65536


def _whole(owner: str, name: str, value: object, low: int, high: int = MAX_WIDTH) -> None:
    if type(value) is not int or not low <= value <= high:
        raise ArchitectureError(
            f"`{low} <= {name} <= {high}` must hold for a whole number in {owner}, but got {name}={value!r}."
        )


def _one_of(owner: str, name: str, value: object, allowed: tuple[object, ...]) -> None:
    for each in allowed:
        if type(value) is type(each) and value == each:  # 2.0 and True are no whole numbers.
            return
    raise ArchitectureError(
        f"{name} of {owner} must be one of {', '.join(map(repr, allowed))}, but got {name}={value!r}."
    )


def _flag(owner: str, name: str, value: object) -> None:
    if type(value) is not bool:
        raise ArchitectureError(f"{name} of {owner} must be true or false, but got {name}={value!r}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One Inception module (paper, Figure 2b), extended by what later Inceptions added.

    Widths are output channels. A branch of width 0 is absent, and its reduction with it; a
    reduction of 0 before a branch that is present means that the branch reads the input as it is.
    With ``shortcut`` the input is added to the concatenation (through a 1x1 where the widths
    differ), the last convolution of every branch is linear, and a ReLU follows the sum.

    Raises:
        ArchitectureError: a width that is negative, a reduction without its branch, or no
            spatial branch (neither ``b3x3`` nor ``b5x5``).
    """

    b1x1: int
    b3x3_reduce: int
    b3x3: int
    b5x5_reduce: int
    b5x5: int
    pool_proj: int
    wide: Wide = "5x5"
    shortcut: bool = False
    se: bool = False

    def __post_init__(self) -> None:
        for name in WIDTHS:
            _whole("a cell", name, getattr(self, name), 0)
        _one_of("a cell", "wide", self.wide, _WIDES)
        _flag("a cell", "shortcut", self.shortcut)
        _flag("a cell", "se", self.se)
        for branch, width, reduce in (("b3x3", self.b3x3, self.b3x3_reduce), ("b5x5", self.b5x5, self.b5x5_reduce)):
            if width == 0 and reduce != 0:
                raise ArchitectureError(
                    f"`{branch}_reduce == 0` must hold where {branch}=0, but got {branch}_reduce={reduce}."
                )
        if self.b3x3 == 0 and self.b5x5 == 0:
            raise ArchitectureError(
                "`b3x3 + b5x5 > 0` must hold, for a cell keeps at least one spatial branch, but got b3x3=0, b5x5=0."
            )
        if self.b5x5 == 0 and self.wide != "5x5":
            # The kind of an absent branch changes nothing: one network, one value, one key.
            object.__setattr__(self, "wide", "5x5")

    @property
    def width(self) -> int:
        """Output channels."""
        return self.b1x1 + self.b3x3 + self.b5x5 + self.pool_proj


WIDTHS: Final = ("b1x1", "b3x3_reduce", "b3x3", "b5x5_reduce", "b5x5", "pool_proj")
"""Of a cell, in the order of the paper's Table 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stem:
    """What comes before the first cell.

    ``separable7x7`` (the paper's, depthwise multiplier 8) and ``dense7x7`` halve the resolution
    in conv1, in a pool after conv1 and in a pool after conv2; ``conv3x3`` keeps it.
    ``conv2 == 0`` leaves out the second convolution (and ``conv2_reduce`` its 1x1).
    """

    kind: StemKind
    width: int
    conv2_reduce: int = 0
    conv2: int = 0

    def __post_init__(self) -> None:
        _one_of("the stem", "kind", self.kind, _STEMS)
        _whole("the stem", "width", self.width, 1)
        _whole("the stem", "conv2_reduce", self.conv2_reduce, 0)
        _whole("the stem", "conv2", self.conv2, 0)
        if self.conv2 == 0 and self.conv2_reduce != 0:
            raise ArchitectureError(
                f"`conv2_reduce == 0` must hold where conv2=0, but got conv2_reduce={self.conv2_reduce}."
            )

    @property
    def out_channels(self) -> int:
        """Channels that the first cell reads."""
        return self.conv2 or self.width


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduction:
    """Halves the resolution between two stages.

    ``pool`` is a ceil-mode max-pool of ``kernel`` (3 in the paper, 2 before stage 5 in
    torchvision). ``conv`` sets a 3x3 convolution of stride 2 and ``width`` channels, behind a 1x1
    to ``reduce`` channels if that is not 0, beside a 3x3 max-pool (Inception-v3, Figure 10).
    """

    kind: ReductionKind = "pool"
    kernel: int = 3
    width: int = 0
    reduce: int = 0

    def __post_init__(self) -> None:
        _one_of("a reduction", "kind", self.kind, _REDUCTIONS)
        if self.kind == "pool":
            _one_of("a pool reduction", "kernel", self.kernel, (2, 3))
            _whole("a pool reduction", "width", self.width, 0, 0)
            _whole("a pool reduction", "reduce", self.reduce, 0, 0)
        else:
            _one_of("a conv reduction", "kernel", self.kernel, (3,))
            _whole("a conv reduction", "width", self.width, 1)
            _whole("a conv reduction", "reduce", self.reduce, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuxiliaryHead:
    """A classifier on the output of one cell, in training only (paper, section 5).

    ``fixed`` pools 5x5 with stride 3 (adaptively on maps smaller than 5x5, to min(4, size));
    ``adaptive`` always pools adaptively to min(4, size), as torchvision does.
    """

    stage: int
    cell: int
    width: int = 128
    hidden: int = 1024
    dropout: float = 0.7
    pool: AuxiliaryPool = "fixed"

    def __post_init__(self) -> None:
        _whole("an auxiliary head", "stage", self.stage, 0)
        _whole("an auxiliary head", "cell", self.cell, 0)
        _whole("an auxiliary head", "width", self.width, 1)
        _whole("an auxiliary head", "hidden", self.hidden, 1)
        _probability("an auxiliary head", self.dropout)
        _one_of("an auxiliary head", "pool", self.pool, _POOLS)


def _probability(owner: str, dropout: object) -> None:
    if type(dropout) is not float or not 0.0 <= dropout < 1.0 or math.copysign(1.0, dropout) < 0:  # -0.0 == 0.0
        raise ArchitectureError(
            f"`0 <= dropout < 1` must hold for a decimal number in {owner}, but got dropout={dropout!r}."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """A whole network, but for the number of classes and the resolution it is used at.

    Attributes:
        stem: what comes before the first cell.
        stages: the cells of each stage; stage ``i`` is called ``i + 3``, as in the paper.
        reductions: between stage ``i`` and ``i + 1``; one fewer than the stages.
        norm: after every convolution but the separable stem's depthwise one (``batch``), nowhere
            (``none``), or after the stem's pool 1 and conv2 as in Caffe (``lrn``).
        auxiliary: heads that are trained with the network and dropped at inference.
        dropout: before the last linear layer.
        dims: 2 for images; 1 for series, with every kernel along time.

    Raises:
        ArchitectureError: a part that cannot exist, or parts that do not fit each other.
    """

    stem: Stem
    stages: tuple[tuple[Cell, ...], ...]
    reductions: tuple[Reduction, ...]
    norm: Norm = "batch"
    auxiliary: tuple[AuxiliaryHead, ...] = ()
    dropout: float = 0.4
    dims: int = 2

    def __post_init__(self) -> None:
        # Lists, as a user's space may well give them, would be neither equal to tuples nor keys.
        object.__setattr__(self, "stages", tuple(tuple(stage) for stage in self.stages))
        for name in ("reductions", "auxiliary"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        _one_of("an architecture", "norm", self.norm, _NORMS)
        _one_of("an architecture", "dims", self.dims, (1, 2))
        _probability("an architecture", self.dropout)
        if not self.stages:
            raise ArchitectureError("`len(stages) >= 1` must hold, but got an architecture without a stage.")
        for label, stage in enumerate(self.stages, start=3):
            if not 1 <= len(stage) <= MAX_CELLS:
                raise ArchitectureError(
                    f"`1 <= cells <= {MAX_CELLS}` must hold for every stage, but stage {label} has cells={len(stage)}."
                )
        if len(self.reductions) != len(self.stages) - 1:
            raise ArchitectureError(
                "`len(reductions) == len(stages) - 1` must hold, "
                f"but got len(reductions)={len(self.reductions)}, len(stages)={len(self.stages)}."
            )
        if self.norm == "lrn" and self.stem.kind == "conv3x3":
            raise ArchitectureError(
                "norm='lrn' stands after the pools of a 7x7 stem, but got stem.kind='conv3x3'; use 'batch' or 'none'."
            )
        places = [(head.stage, head.cell) for head in self.auxiliary]
        for stage_index, cell_index in places:
            if stage_index >= len(self.stages) or cell_index >= len(self.stages[stage_index]):
                raise ArchitectureError(
                    "an auxiliary head must stand after a cell that exists, "
                    f"but got stage={stage_index}, cell={cell_index}."
                )
        if places != sorted(set(places)):
            raise ArchitectureError(f"auxiliary heads must stand after different cells, in order, but got {places}.")

    @property
    def out_channels(self) -> int:
        """Channels that the last linear layer reads."""
        return self.stages[-1][-1].width


def extent(side: int, dims: int) -> str:
    """The size of a map in words: ``28 x 28`` of an image, ``128 steps`` of a series."""
    return f"{side} steps" if dims == 1 else f"{side} x {side}"
