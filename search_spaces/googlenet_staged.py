"""GoogLeNet's family with few dimensions: per stage its cells, their width and growth and the shares of the branches.

Stem, reductions, classifier and auxiliary heads are those of ``search_spaces.googlenet``. The
paper's network widens its cells by no rule, so it is no point of this space; ``CLOSEST`` is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final, cast

from nas.architecture import Architecture, Cell
from nas.space import Choice, Point, Space
from nas.widths import ramp, round_half_up, split
from search_spaces.googlenet import REFERENCE, auxiliary_heads

STAGES: Final = (3, 4, 5)
CELLS: Final = {3: range(1, 5), 4: range(2, 9), 5: range(1, 5)}
WIDTHS: Final = {3: range(96, 417, 32), 4: range(256, 769, 64), 5: range(384, 1153, 64)}
"""Output channels of the first cell of a stage."""
GROWTHS: Final = range(8, 17)
"""Width of the last cell of a stage in eighths of that of the first."""
MULTIPLE: Final = 8


def _choices() -> tuple[Choice, ...]:
    choices = []
    for stage in STAGES:

        def grows(point: Point, count: str = f"stage{stage}.cells") -> bool:
            return cast(int, point[count]) > 1

        choices += [
            Choice(name=f"stage{stage}.cells", values=tuple(CELLS[stage])),
            Choice(name=f"stage{stage}.width", values=tuple(WIDTHS[stage]), width=True),
            Choice(name=f"stage{stage}.growth8", values=tuple(GROWTHS), when=grows),
            Choice(name=f"stage{stage}.b1x1_share16", values=tuple(range(9))),
            Choice(name=f"stage{stage}.pool_share16", values=tuple(range(5))),
            Choice(name=f"stage{stage}.b5x5_share16", values=tuple(range(9))),
        ]
    # The reductions, in 24ths of their branch, are common to all stages.
    return (
        *choices,
        Choice(name="b3x3_ratio24", values=tuple(range(4, 25))),
        Choice(name="b5x5_ratio24", values=tuple(range(4, 25)), when=_any_wide),
    )


def _any_wide(point: Point) -> bool:
    return any(point[f"stage{stage}.b5x5_share16"] for stage in STAGES)


def decode(point: Point) -> Architecture:
    """The architecture of a point; the share of the 5x5 branch is of what 1x1 and pool leave to it and the 3x3."""
    values = cast(Mapping[str, int], point)
    stages = tuple(tuple(_cell(values, stage, width) for width in _widths(values, stage)) for stage in STAGES)
    return replace(REFERENCE, stages=stages, auxiliary=auxiliary_heads(len(stages[1])))


def _widths(values: Mapping[str, int], stage: int) -> Iterator[int]:
    name = f"stage{stage}"
    return ramp(
        values[f"{name}.width"], values[f"{name}.cells"], growth=values[f"{name}.growth8"], of=8, multiple=MULTIPLE
    )


def _cell(values: Mapping[str, int], stage: int, width: int) -> Cell:
    name = f"stage{stage}"
    b1x1, b3x3, b5x5, pool_proj = split(
        width,
        b1x1=values[f"{name}.b1x1_share16"],
        pool_proj=values[f"{name}.pool_share16"],
        wide=values[f"{name}.b5x5_share16"],
        of=16,
        multiple=MULTIPLE,
    )
    return Cell(
        b1x1=b1x1,
        b3x3_reduce=round_half_up(b3x3 * values["b3x3_ratio24"], 24, MULTIPLE, MULTIPLE),
        b3x3=b3x3,
        b5x5_reduce=round_half_up(b5x5 * values["b5x5_ratio24"], 24, MULTIPLE, MULTIPLE) if b5x5 else 0,
        b5x5=b5x5,
        pool_proj=pool_proj,
    )


def _stage_point(stage: int, *values: int) -> dict[str, int]:
    fields = ("cells", "width", "growth8", "b1x1_share16", "pool_share16", "b5x5_share16")
    return {f"stage{stage}.{field}": value for field, value in zip(fields, values, strict=True)}


CLOSEST: Final[Point] = {
    **_stage_point(3, 2, 256, 15, 4, 2, 4),
    **_stage_point(4, 5, 448, 13, 5, 2, 4),
    **_stage_point(5, 2, 832, 10, 5, 2, 4),
    "b3x3_ratio24": 12,
    "b5x5_ratio24": 9,
}
"""The point nearest to the paper's network in cells, widths and shares; a test holds its cost to within 5%."""

SPACE: Final = Space(name="googlenet_staged", choices=_choices(), decode=decode, reference=REFERENCE)
