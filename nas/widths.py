"""Rounding and sharing out of channel widths, for spaces and for scaling: whole numbers only, so exact everywhere."""

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple


def round_half_up(numerator: int, denominator: int, multiple: int, least: int = 0) -> int:
    """``numerator / denominator`` rounded half-up to a multiple, and at least ``least``."""
    return max(least, (2 * numerator + denominator * multiple) // (2 * denominator * multiple) * multiple)


class Branches(NamedTuple):
    """Widths of the four branches of a cell."""

    b1x1: int
    b3x3: int
    b5x5: int
    pool_proj: int


def split(width: int, *, b1x1: int, pool_proj: int, wide: int, of: int, multiple: int) -> Branches:
    """Share a cell's width out among its branches; the sum is exactly ``width``.

    ``b1x1 / of`` and ``pool_proj / of`` of it go to those two branches; of what remains the wide
    branch gets ``wide / of``, and the 3x3 branch all else. So any three shares fit together.

    Args:
        width: of the cell, a multiple of ``multiple``.
        b1x1: share of the 1x1 branch in ``of``-ths of the cell.
        pool_proj: share of the pooled branch in ``of``-ths of the cell.
        wide: share of the wide branch in ``of``-ths of what the two above leave.
        of: denominator of the shares.
        multiple: branches are rounded half-up to it.
    """
    pointwise = round_half_up(width * b1x1, of, multiple)
    pooled = round_half_up(width * pool_proj, of, multiple)
    spatial = width - pointwise - pooled
    b5x5 = round_half_up(spatial * wide, of, multiple)
    return Branches(pointwise, spatial - b5x5, b5x5, pooled)


def ramp(first: int, cells: int, *, growth: int, of: int, multiple: int) -> Iterator[int]:
    """Widths of the cells of a stage, rising evenly from ``first`` to ``first * growth / of``."""
    steps = max(1, cells - 1)
    for cell in range(cells):
        yield round_half_up(first * (of * steps + (growth - of) * cell), of * steps, multiple, multiple)


def scaled_width(width: int, factor: Fraction) -> int:
    """``width * factor`` rounded half-up, at least 1; 0 stays 0."""
    return round_half_up(width * factor.numerator, factor.denominator, 1, min(1, width))


def fine_then_geometric(low: int, high: int) -> tuple[int, ...]:
    """Widths from ``low`` to ``high``: steps of 4 up to 64, above four to a doubling (76, 92, 108, 128, ...)."""
    fine = range(low, min(64, high) + 1, 4)
    geometric = (4 * int(16 * 2 ** (step / 4) + 0.5) for step in range(1, 41))
    return (*fine, *(width for width in geometric if low <= width <= high))
