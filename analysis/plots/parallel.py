"""Parallel coordinates: every network as a line through its choices, coloured by accuracy."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from analysis.style import FAINT, INK, label, short
from analysis.table import choices, proposed

_COLOURS: Colormap = LinearSegmentedColormap.from_list("accuracy", ["#F3E5A8", "#7FC6A4", "#2A788E", "#2B1055"])


def parallel(table: pd.DataFrame, axes: Axes, *, columns: Sequence[str] | None = None, most: int = 10) -> Axes:
    """Draw all networks trained to the end, the best on top.

    Args:
        table: one row a trial.
        axes: drawn on.
        columns: coordinates before the accuracy; by default the choices that vary, then ``macs``.
        most: of them by default.
    """
    known = proposed(table).sort_values("accuracy")
    varying = [name for name in choices(known) if known[name].nunique() > 1 and known[name].notna().all()]
    names = [*(columns if columns is not None else [*varying[: most - 1], "macs"]), "accuracy"]
    if len(known) == 0:
        axes.text(0.5, 0.5, "no network trained to the end", ha="center", transform=axes.transAxes, color=FAINT)
        axes.set_axis_off()
        return axes
    places = np.column_stack([_axis(axes, index, name, known[name]) for index, name in enumerate(names)])
    accuracy = known["accuracy"].to_numpy(dtype=float)
    low, high = np.quantile(accuracy, [0.1, 1.0])
    norm = Normalize(float(low), float(max(high, low + 1e-6)))
    lines = [np.column_stack([np.arange(len(names)), row]) for row in places]
    strength = 0.35 + 0.65 * np.clip(norm(accuracy), 0, 1)
    axes.add_collection(
        LineCollection(lines, colors=_COLOURS(norm(accuracy)), linewidths=0.6 + strength, alpha=strength, zorder=2)
    )
    axes.set_xlim(-0.25, len(names) - 0.75)
    axes.set_ylim(-0.06, 1.06)
    axes.set_xticks(range(len(names)), [label(name.removeprefix("choice.")) for name in names], rotation=25, ha="right")
    axes.set_yticks([])
    axes.grid(False)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(length=0)
    bar = axes.figure.colorbar(ScalarMappable(norm, _COLOURS), ax=axes, fraction=0.025, pad=0.02, extend="min")
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.1f}"))
    bar.set_label("Accuracy (%)", fontsize=8)
    bar.ax.tick_params(labelsize=7.5)
    return axes


def _axis(axes: Axes, index: int, name: str, values: "pd.Series[float]") -> NDArray[np.float64]:
    """Draw one coordinate with its labels; where each value stands on it, from 0 to 1."""
    axes.axvline(index, color=INK, lw=0.7, zorder=3)
    numeric = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    numbers = values.to_numpy(dtype=float) if numeric else None
    if numbers is not None and values.nunique() > 6:
        low, high = float(numbers.min()), float(numbers.max())
        text = (lambda value: f"{100 * value:.1f}%") if name == "accuracy" else short
        _mark(axes, index, 0.0, text(low))
        _mark(axes, index, 1.0, text(high))
        return np.asarray((numbers - low) / max(high - low, 1e-12), dtype=float)
    levels = sorted(values.unique().tolist()) if numeric else sorted(map(str, values.unique()))
    step = 1 / max(1, len(levels) - 1)
    for place, level in enumerate(levels):
        _mark(axes, index, place * step, short(float(level)) if numeric else label(level, 12))
    where = {level: place * step for place, level in enumerate(levels)}
    return np.array([where[value if numeric else str(value)] for value in values.tolist()], dtype=float)


def _mark(axes: Axes, x: float, y: float, text: str) -> None:
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.6}
    axes.text(x + 0.03, y, text, fontsize=6.5, va="center", zorder=4, bbox=box)
