"""One look for every figure: fit for print, safe for colour-blind readers, readable in grey.

Nothing here touches matplotlib's global state: :func:`figure` sets the look on the figure it makes.
"""

from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from nas.architecture import extent
from nas.files import write_atomically

COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's palette, in an order in which neighbours also differ as greys."""
MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X")
DASHES: Final = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)), (0, (8, 2)))
"""Series differ by colour, marker and dash, so that any one of them is enough."""
INK: Final = "#1A1A1A"
FAINT: Final = "#8A8A8A"
TRIAL: Final = COLOURS[5]
FRONT: Final = COLOURS[0]
REFERENCE: Final = COLOURS[1]

_LOOK: Final[Mapping[Any, Any]] = MappingProxyType(
    {
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        "font.size": 9,
        "axes.titlesize": 10,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.labelsize": 9,
        "axes.edgecolor": INK,
        "axes.labelcolor": INK,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.prop_cycle": cycler(color=list(COLOURS)),
        "grid.color": "#E4E4E4",
        "grid.linewidth": 0.6,
        "xtick.color": INK,
        "ytick.color": INK,
        "xtick.labelsize": 8,
        "ytick.labelsize": 8,
        "text.color": INK,
        "lines.linewidth": 1.6,
        "legend.fontsize": 8,
        "legend.frameon": True,
        "legend.framealpha": 0.9,
        "legend.edgecolor": "#D0D0D0",
        "legend.fancybox": False,
        "figure.facecolor": "white",
        "savefig.facecolor": "white",
    }
)
_SAVE: Final[Mapping[Any, Any]] = MappingProxyType({"svg.fonttype": "path", "svg.hashsalt": "nas", "pdf.fonttype": 42})
"""Text as outlines looks the same everywhere; a fixed salt makes equal figures equal files."""


def figure(width: float = 6.4, height: float = 4.0, *, columns: int = 1, rows: int = 1) -> tuple[Figure, list[Axes]]:
    """A figure of a size in inches, and its Axes row by row, in the house's look."""
    with mpl.rc_context(dict(_LOOK)):
        made = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(made)
        axes = made.subplots(rows, columns, squeeze=False)
    return made, list(axes.ravel())


def save(made: Figure, path: Path, *, dpi: int = 200) -> Path:
    """Write PNG, SVG or PDF, by the suffix, whole or not at all; equal figures give equal bytes."""
    write_atomically(path, render(made, path.suffix.removeprefix("."), dpi=dpi))
    return path


def render(made: Figure, kind: str, *, dpi: int = 200) -> bytes:
    """The figure as the bytes of a ``png``, ``svg`` or ``pdf`` file."""
    metadata: dict[str, None] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind, {})
    buffer = BytesIO()
    with mpl.rc_context({**_LOOK, **_SAVE}):
        made.savefig(buffer, format=kind, dpi=dpi, metadata=metadata)
        # The layout is solved once: further files of the figure are alike, and written faster.
        made.set_layout_engine("none")
    return buffer.getvalue()


def colour(index: int) -> str:
    """The colour of the series ``index``."""
    return COLOURS[index % len(COLOURS)]


def series(index: int) -> dict[str, Any]:
    """Colour and dash of the line ``index``, as arguments of ``Axes.plot``; colours that come again have another."""
    return {"color": colour(index), "ls": DASHES[(index + index // len(COLOURS)) % len(DASHES)]}


_UNITS: Final = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def short(value: float) -> str:
    """A count in three digits and a unit: 30.6M, 1.5G, 512."""
    for factor, unit in _UNITS:
        if abs(value) >= factor * 0.99995:
            return f"{float(f'{value / factor:.3g}'):g}{unit}"
    return f"{float(f'{value:.3g}'):g}"


COST_LABELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "macs": "Multiply-adds per image (MACs; FLOPs = 2 x MACs)",
        "params": "Parameters",
        "activations": "Activations per image",
        "measured.latency_seconds": "Measured latency of a batch (s)",
        "seconds": "Seconds of training",
    }
)


def cost_label(cost: str, *, sides: Sequence[int] = (), dims: int = 2) -> str:
    """What stands at a cost's axis, with the size of the input at which it counts, if that is known."""
    words = COST_LABELS.get(cost, cost)
    if dims == 1:
        words = words.replace("per image", "per series")
    sizes = " or ".join(extent(side, dims) for side in sides)
    return f"{words} at {sizes}{' pixels' if dims == 2 else ''}" if sizes else words


_SERIES: Final = ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 5.0, 7.0))


def log_cost_axis(axis: Axis, low: float, high: float) -> None:
    """Make an axis logarithmic from ``low`` to ``high``, with few ticks, all of them labelled.

    matplotlib's own labels only powers of ten, which leaves most ranges of costs without a number.
    """
    ticks = log_ticks(low, high)
    axis._set_axes_scale("log")  # type: ignore[attr-defined]
    axis.axes.set(**{f"{axis.axis_name}lim": (low, high)})  # type: ignore[attr-defined]
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))


def log_ticks(low: float, high: float, enough: int = 4) -> list[float]:
    """At least ``enough`` round numbers between two costs, where there are as many."""
    first, last = int(np.floor(np.log10(low))), int(np.ceil(np.log10(high)))
    for series in _SERIES:
        ticks = [digit * 10.0**power for power in range(first, last + 1) for digit in series]
        inside = [tick for tick in ticks if low <= tick <= high]
        if len(inside) >= enough:
            return inside
    return [float(tick) for tick in MaxNLocator(6).tick_values(low, high) if low <= tick <= high and tick > 0]


def percent_axis(axis: Axis) -> None:
    """Label shares in [0, 1] as percentages."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{float(f'{100 * value:.6g}'):g}"))


def label(text: object, most: int = 24) -> str:
    """A name of the user's as a label: shortened in the middle, and never read as a formula."""
    words = " ".join(str(text).split())
    if len(words) > most:
        words = f"{words[: most // 2]}...{words[-(most // 2 - 3) :]}"
    return words.replace("$", r"\$")


def labels(names: Iterable[str], most: int = 24) -> dict[str, str]:
    """Labels of names that stand side by side, each another one: by what sets them apart, where shortening hides it."""
    found = {name: label(name, most) for name in names}
    shared = {shown: [name for name in found if found[name] == shown] for shown in found.values()}
    for alike in shared.values():
        if len(alike) > 1:
            found |= _apart(alike, most)
    if len(set(found.values())) < len(found):
        return {name: f"{shown} ({place})" for place, (name, shown) in enumerate(found.items(), start=1)}
    return found


def _apart(names: Sequence[str], most: int) -> dict[str, str]:
    """Long names from where they begin to differ."""
    first, last = min(names), max(names)  # What these two begin with, all in between do.
    start = next((place for place, letter in enumerate(first) if last[place : place + 1] != letter), len(first))
    ends = {name: f"...{name[start:]}" for name in names}
    return {name: label(end if len(end) <= most else f"{end[: most - 3]}...", most) for name, end in ends.items()}


def legend_above(axes: Axes, columns: int = 3) -> None:
    """A legend above the Axes, where it can cover no data; series of one label are shown once."""
    handles, labels = axes.get_legend_handles_labels()
    shown = dict(zip(labels, handles, strict=True))
    if shown:
        axes.legend(
            shown.values(),
            shown.keys(),
            loc="lower left",
            bbox_to_anchor=(-0.01, 1.0),
            ncols=min(columns, len(shown)),
            frameon=False,
            fontsize=8,
            handletextpad=0.5,
            columnspacing=1.0,
            borderaxespad=0.2,
        )


def legend_of_all(made: Figure, several: Sequence[Axes]) -> None:
    """One legend for the Axes of a figure that show the same series, in place of theirs: long names narrow none."""
    handles, labels = several[0].get_legend_handles_labels()
    if handles:
        for axes in several:
            if (legend := axes.get_legend()) is not None:
                legend.remove()
        made.legend(handles, labels, loc="outside upper left", ncols=min(3, len(labels)), frameon=False, fontsize=8)


def halo(text: Text) -> None:
    """A white rim, so that a label can be read on top of data."""
    text.set_path_effects([withStroke(linewidth=2.5, foreground="white")])
