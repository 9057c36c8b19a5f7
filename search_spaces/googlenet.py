"""GoogLeNet's family, cell by cell: branch widths, reduction ratios and the number of cells of each stage.

Stem, reductions and classifier are the paper's. Auxiliary heads stand on the outputs of 4a and of
the fourth cell of stage 4 (the last one, where it has fewer). The paper's network, with
batch-norm, is a point of the space.
"""

from collections.abc import Mapping
from dataclasses import replace
from string import ascii_lowercase
from typing import Final, cast

from nas.architecture import Architecture, AuxiliaryHead, Cell
from nas.presets import GOOGLENET
from nas.space import Choice, Point, Scalar, Space
from nas.widths import round_half_up

COUNTS: Final = {3: range(1, 5), 4: range(2, 9), 5: range(1, 5)}
"""Numbers of cells by stage."""
BRANCHES: Final = ("b1x1", "b3x3", "b5x5", "pool_proj")
WIDTHS: Final = {
    3: (range(0, 193, 16), range(32, 257, 16), range(0, 97, 16), range(0, 97, 16)),
    4: (range(0, 321, 16), range(64, 385, 16), range(0, 161, 16), range(0, 161, 16)),
    5: (range(0, 449, 32), range(64, 481, 32), range(0, 193, 32), range(0, 193, 32)),
}
"""Branch widths by stage; 0 leaves a branch out, and b3x3 is always there."""
RATIOS: Final = range(4, 25)
"""Widths of the reductions, in 24ths of the width of their branch."""
REFERENCE: Final = replace(GOOGLENET, norm="batch")

_CELLS: Final = {stage: [f"{stage}{ascii_lowercase[cell]}" for cell in range(max(COUNTS[stage]))] for stage in COUNTS}


def _reduce(branch: int, ratio: int) -> int:
    return round_half_up(branch * ratio, 24, 8, 8) if branch else 0


_REDUCE: Final = {(branch, ratio): _reduce(branch, ratio) for branch in range(0, 577, 16) for ratio in RATIOS}
_RATIO: Final = {(branch, reduce): ratio for (branch, ratio), reduce in reversed(_REDUCE.items()) if branch}
"""Of the ratios that give one reduction the smallest is canonical."""


def _choices() -> tuple[Choice, ...]:
    choices = [Choice(name=f"stage{stage}.cells", values=tuple(grid)) for stage, grid in COUNTS.items()]
    for stage, cells in _CELLS.items():
        count = f"stage{stage}.cells"
        for index, cell in enumerate(cells):
            # Numbers of cells of the stage with which this one is there.
            enough: frozenset[Scalar] = frozenset(range(index + 1, COUNTS[stage][-1] + 1))

            def exists(point: Point, count: str = count, enough: frozenset[Scalar] = enough) -> bool:
                return point[count] in enough

            def is_wide(
                point: Point, count: str = count, enough: frozenset[Scalar] = enough, wide: str = f"{cell}.b5x5"
            ) -> bool:
                return point[count] in enough and point[wide] != 0

            for branch, grid in zip(BRANCHES, WIDTHS[stage], strict=True):
                choices.append(Choice(name=f"{cell}.{branch}", values=tuple(grid), width=True, when=exists))
            choices.append(Choice(name=f"{cell}.b3x3_ratio24", values=tuple(RATIOS), when=exists))
            choices.append(Choice(name=f"{cell}.b5x5_ratio24", values=tuple(RATIOS), when=is_wide))
    return tuple(choices)


CHOICES: Final = _choices()
_FIRST: Final = {choice.name: choice.values[0] for choice in CHOICES}
_GRIDS: Final = {choice.name: frozenset(choice.values) for choice in CHOICES}
_HEADS: Final = {
    cells: tuple(AuxiliaryHead(stage=1, cell=cell) for cell in (0, min(cells, 4) - 1)) for cells in COUNTS[4]
}


def auxiliary_heads(cells: int) -> tuple[AuxiliaryHead, ...]:
    """The two heads of a network whose stage 4 has so many cells."""
    return _HEADS[cells]


def decode(point: Point) -> Architecture:
    """The architecture of a point; choices of cells that are not there are not read."""
    values = cast(Mapping[str, int], point)
    stages = tuple(
        tuple(_cell(values, cell) for cell in cells[: values[f"stage{stage}.cells"]]) for stage, cells in _CELLS.items()
    )
    return replace(REFERENCE, stages=stages, auxiliary=auxiliary_heads(len(stages[1])))


def _cell(values: Mapping[str, int], cell: str) -> Cell:
    b3x3, b5x5 = values[f"{cell}.b3x3"], values[f"{cell}.b5x5"]
    return Cell(
        b1x1=values[f"{cell}.b1x1"],
        b3x3_reduce=_REDUCE[b3x3, values[f"{cell}.b3x3_ratio24"]],
        b3x3=b3x3,
        b5x5_reduce=_REDUCE[b5x5, values[f"{cell}.b5x5_ratio24"]],
        b5x5=b5x5,
        pool_proj=values[f"{cell}.pool_proj"],
    )


def encode(architecture: Architecture) -> Point | None:
    """The canonical point of an architecture of this space, None for any other."""
    stages = architecture.stages
    if len(stages) != len(_CELLS) or any(len(cells) not in COUNTS[i] for i, cells in enumerate(stages, start=3)):
        return None
    if architecture != replace(REFERENCE, stages=stages, auxiliary=auxiliary_heads(len(stages[1]))):
        return None
    point: dict[str, Scalar] = dict(_FIRST)
    for (stage, names), cells in zip(_CELLS.items(), stages, strict=True):
        point[f"stage{stage}.cells"] = len(cells)
        for name, cell in zip(names, cells, strict=False):
            if cell.wide != "5x5" or cell.shortcut or cell.se:
                return None
            for branch in BRANCHES:
                point[f"{name}.{branch}"] = getattr(cell, branch)
            point[f"{name}.b3x3_ratio24"] = _RATIO.get((cell.b3x3, cell.b3x3_reduce), -1)
            if cell.b5x5:
                point[f"{name}.b5x5_ratio24"] = _RATIO.get((cell.b5x5, cell.b5x5_reduce), -1)
    return point if all(value in _GRIDS[name] for name, value in point.items()) else None


SPACE: Final = Space(name="googlenet", choices=CHOICES, decode=decode, reference=REFERENCE, encode=encode)
