"""Scale all widths of a network by one factor, and the largest factor that a budget allows."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction

from nas.architecture import WIDTHS, Architecture, Cell
from nas.budget import Budget, label, wanted
from nas.errors import ArchitectureError, BudgetError
from nas.presets import GOOGLENET
from nas.widths import scaled_width


def small_stem_googlenet() -> Architecture:
    """GoogLeNet's cells behind a 3x3 stem of stride 1, with batch-norm: for images of 24 to 64 pixels.

    It has no auxiliary heads, as the spaces it is compared with have none.
    """
    return replace(GOOGLENET, stem=replace(GOOGLENET.stem, kind="conv3x3"), norm="batch", auxiliary=())


def scaled(architecture: Architecture, factor: Fraction | float) -> Architecture:
    """Every width times ``factor``, half-up and at least 1; what is absent stays absent.

    Auxiliary heads keep their widths, for they are no part of the network that is used.

    Raises:
        ArchitectureError: a factor that is not positive, or that makes a width too large.
    """
    if factor <= 0:
        raise ArchitectureError(f"`factor > 0` must hold, but got factor={factor!r}.")
    exact = Fraction(factor)

    return _with_widths(architecture, lambda width: scaled_width(width, exact))


def _with_widths(architecture: Architecture, by: Callable[[int], int]) -> Architecture:
    stem = architecture.stem
    return replace(
        architecture,
        stem=replace(stem, width=by(stem.width), conv2_reduce=by(stem.conv2_reduce), conv2=by(stem.conv2)),
        stages=tuple(tuple(_cell_with_widths(cell, by) for cell in stage) for stage in architecture.stages),
        reductions=tuple(
            replace(reduction, width=by(reduction.width), reduce=by(reduction.reduce))
            for reduction in architecture.reductions
        ),
    )


def _cell_with_widths(cell: Cell, by: Callable[[int], int]) -> Cell:
    return replace(cell, **{name: by(getattr(cell, name)) for name in WIDTHS})  # type: ignore[arg-type]


def scale_to_budget(architecture: Architecture, budget: Budget) -> Architecture:
    """``architecture`` scaled by :func:`largest_factor`; errors as there."""
    return scaled(architecture, largest_factor(architecture, budget))


def largest_factor(architecture: Architecture, budget: Budget) -> Fraction:
    """The largest factor at which the scaled network is within the budget, band included.

    Exact: costs change only at factors where some width is rounded up, and of those the largest one that the budget
    allows is returned. (Factors beyond it, up to the next change, give the same network.)

    Raises:
        BudgetError: no factor is allowed.
        ArchitectureError: the network cannot be wired at the budget's resolution.
    """
    budget.cost(architecture)
    # Without shortcuts, whose 1x1 may vanish as widths grow, costs rise with the factor: what is too much stays so.
    plain = replace(
        architecture,
        stages=tuple(tuple(replace(cell, shortcut=False) for cell in stage) for stage in architecture.stages),
    )

    def too_much(factor: Fraction) -> bool:
        try:
            return not budget.within(budget.cost(scaled(plain, factor)))
        except ArchitectureError:  # A width beyond all bounds.
            return True

    low, high = Fraction(0), Fraction(1)
    while not too_much(high):
        low, high = high, 2 * high
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if too_much(middle) else (middle, high)
    for factor in _changes(architecture, high):
        if not too_much(factor) and budget.admit(scaled(architecture, factor)) is not None:
            return factor
    smallest = budget.cost(scaled(architecture, Fraction(1, 2**40)))
    raise BudgetError(
        f"no factor gives a network {wanted(budget)}; "
        f"with the least widths it costs {getattr(smallest, budget.metric):,} {label(budget.metric)}."
    )


def _changes(architecture: Architecture, below: Fraction) -> Iterator[Fraction]:
    """Factors up to ``below`` at which a width changes, falling, and last one so small that none is above its least."""
    widths = set[int]()

    def note(width: int) -> int:
        widths.add(width)
        return width

    _with_widths(architecture, note)
    widths.discard(0)
    steps = {width: int(below * width + Fraction(1, 2)) for width in widths}
    changes = {Fraction(2 * step - 1, 2 * width) for width in widths for step in range(2, steps[width] + 1)}
    least = Fraction(1, 2 * max(widths))
    yield from sorted({*(change for change in changes if change <= below), min(least, below)}, reverse=True)
