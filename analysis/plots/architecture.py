"""An architecture drawn to scale: cells as blocks, branch widths as thickness, MACs as colour."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.patches import Polygon
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from analysis.blocks import Block, widest
from analysis.style import FAINT, INK, label, log_ticks, short

COLOURS: Final = LinearSegmentedColormap.from_list("macs", ["#FFF3C4", "#F5B041", "#D55E00", "#6E1F00"])
"""From light to dark, so that it reads in grey."""
_STEP: Final = {"stem": 1.0, "cell": 1.0, "reduction": 0.55, "classifier": 0.7}
_GAP: Final = 0.035


def architecture(
    network: Sequence[Block],
    axes: Axes,
    *,
    title: str = "",
    scale: int | None = None,
    most_macs: float | None = None,
    least_macs: float | None = None,
    length: float | None = None,
) -> Axes:
    """Draw a network from left to right.

    The height of a strip is its branch's output channels; its waist is the 1x1 reduction before it. Pass the
    same scale and range of MACs to drawings that are to be compared, see :func:`side_by_side`.

    Args:
        network: from ``analysis.blocks.blocks``.
        axes: drawn on.
        title: above it.
        scale: channels of the tallest block; by default the network's own widest.
        most_macs: of the darkest branch; by default the network's own.
        least_macs: of the lightest.
        length: of the axis, in cells; by default the network's own.
    """
    tallest = scale or widest([network])
    low, high = macs_range([network])
    norm = LogNorm(least_macs or low, most_macs or high)
    x = 0.0
    for block in network:
        step = _STEP[block.kind]
        if block.branches and block.kind != "classifier":
            _draw(axes, block, x, step, tallest, norm)
        elif block.kind == "classifier":
            axes.add_patch(
                _box(x + 0.2, step - 0.35, -0.16, 0.16, COLOURS(norm(np.clip(block.macs, norm.vmin, norm.vmax))))
            )
        else:
            height = block.width / tallest / 2
            axes.add_patch(_waist(x + 0.08, step - 0.16, -height, height, 0.55, "#EDEDED"))
        _label(axes, block, x + step / 2)
        x += step
    axes.set_xlim(-0.1, max(x, length or 0.0) + 0.1)
    axes.set_ylim(-0.86, 0.56)
    axes.set_axis_off()
    axes.set_title(title, loc="left", fontsize=10, fontweight="bold")
    _explain(axes, norm)
    return axes


def side_by_side(networks: Sequence[tuple[str, Sequence[Block]]], axes: Sequence[Axes]) -> Sequence[Axes]:
    """Draw networks on one scale of channels and of MACs, each on its own Axes with its name above."""
    drawings = [network for _, network in networks]
    low, high = macs_range(drawings)
    length = max((sum(_STEP[block.kind] for block in network) for network in drawings), default=1.0)
    for (name, network), one in zip(networks, axes, strict=True):
        architecture(
            network,
            one,
            title=f"{label(name)}: {short(sum(block.macs for block in network))} MACs",
            scale=widest(drawings),
            least_macs=low,
            most_macs=high,
            length=length,
        )
    return axes


def _explain(axes: Axes, norm: LogNorm) -> None:
    bar = axes.figure.colorbar(ScalarMappable(norm, COLOURS), ax=axes, fraction=0.02, pad=0.01)
    low, high = float(norm.vmin or 1), float(norm.vmax or 10)
    bar.ax.yaxis.set_major_locator(FixedLocator(log_ticks(low, high, 3)))
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.set_label("MACs of a branch", fontsize=7.5)
    bar.ax.tick_params(labelsize=7.5)
    text = (
        "Height of a strip: output channels; its waist: 1x1 reduction. Below: name, channels, MACs. Pools: maps after."
    )
    axes.text(0.0, -0.01, text, transform=axes.transAxes, fontsize=6.5, color=FAINT, va="top")


def macs_range(networks: Sequence[Sequence[Block]]) -> tuple[float, float]:
    """Least and most MACs of a branch."""
    macs = [
        branch.macs
        for network in networks
        for block in network
        if block.kind != "classifier"
        for branch in block.branches
        if branch.macs
    ]
    low, high = (min(macs), max(macs)) if macs else (1, 10)
    return float(low), float(max(high, low * 1.5))


def _draw(axes: Axes, block: Block, x: float, step: float, tallest: int, norm: LogNorm) -> None:
    gaps = _GAP * 0.4 * (len(block.branches) - 1)
    y = block.width / tallest / 2 + gaps / 2
    for branch in block.branches:
        height = branch.width / tallest
        fill = COLOURS(norm(np.clip(branch.macs, norm.vmin, norm.vmax))) if branch.macs else "#EDEDED"
        if branch.reduce:
            share = min(1.0, branch.reduce / branch.width)
            axes.add_patch(_funnel(x + 0.06, step - 0.12, y - height, y, share, fill))
        else:
            axes.add_patch(_box(x + 0.06, step - 0.12, y - height, y, fill))
        y -= height + _GAP * 0.4


def _label(axes: Axes, block: Block, x: float) -> None:
    if block.kind == "reduction":
        axes.text(x, -0.60, block.extent, ha="center", va="top", fontsize=7, color=FAINT)
        return
    name = "".join([block.name, *(f" {mark}" for mark in block.marks)])
    axes.text(x, -0.60, name, ha="center", va="top", fontsize=7.5, fontweight="bold", color=INK)
    below = f"{block.width}" if block.kind != "classifier" else f"{block.branches[0].width} classes"
    axes.text(x, -0.68, below, ha="center", va="top", fontsize=6.5, color=INK)
    axes.text(x, -0.75, short(block.macs), ha="center", va="top", fontsize=6.5, color=FAINT)


def _box(x: float, width: float, low: float, high: float, fill: object) -> Polygon:
    return _polygon([(x, low), (x + width, low), (x + width, high), (x, high)], fill)


def _waist(x: float, width: float, low: float, high: float, share: float, fill: object) -> Polygon:
    """Narrowing to the right, as a pool does to the maps."""
    middle, half = (low + high) / 2, (high - low) / 2 * share
    return _polygon([(x, low), (x + width, middle - half), (x + width, middle + half), (x, high)], fill)


def _funnel(x: float, width: float, low: float, high: float, share: float, fill: object) -> Polygon:
    """First third at the width of the reduction, then at that of the branch."""
    middle, half, neck = (low + high) / 2, (high - low) / 2 * share, x + width * 0.34
    points = [(x, middle - half), (neck, middle - half), (neck, low), (x + width, low)]
    points += [(x + width, high), (neck, high), (neck, middle + half), (x, middle + half)]
    return _polygon(points, fill)


def _polygon(points: list[tuple[float, float]], fill: object) -> Polygon:
    return Polygon(points, closed=True, facecolor=fill, edgecolor=INK, lw=0.5)
