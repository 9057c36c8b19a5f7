"""The best value of a choice against accuracy: all networks, the bootstrap median and its 95% band."""

from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis.best_choice import BestChoice
from analysis.style import COLOURS, INK, TRIAL, label, percent_axis
from analysis.table import proposed

MOST_TICKS: Final = 8


def best_choice(table: pd.DataFrame, best: BestChoice, axes: Axes, *, seed: int = 0) -> Axes:
    """Draw accuracy by the value of a choice.

    Numbers get a line at the bootstrap median of the best value and its band; categories get the share of
    resamples in which each was the best.

    Args:
        table: one row a trial.
        best: from ``analysis.best_choice.best_choice``.
        axes: drawn on.
        seed: of the jitter that keeps points apart.
    """
    known = proposed(table)
    known = known[known[f"choice.{best.name}"].notna()]
    values = known[f"choice.{best.name}"]
    names = [] if best.ordered else sorted(map(str, values.unique()))
    place = {name: index for index, name in enumerate(names)}
    x = np.array([float(value) if best.ordered else place[str(value)] for value in values], dtype=float)
    levels = np.unique(x)
    gap = float(np.diff(levels).min()) if len(levels) > 1 else 1.0
    jitter = np.random.default_rng(seed).uniform(-0.12, 0.12, len(x)) * gap
    axes.scatter(x + jitter, known["accuracy"], s=12, color=TRIAL, edgecolor=INK, lw=0.3, zorder=3)
    if best.ordered and best.n:
        pad = 0.15 * gap
        axes.axvspan(best.low - pad, best.high + pad, color=COLOURS[1], alpha=0.18, lw=0)
        axes.axvline(best.median, color=COLOURS[1], lw=1.8)
        found = f"best {best.median:g} [{best.low:g}, {best.high:g}]"
    else:
        axes.set_xticks(range(len(names)), [label(name, 12) for name in names])
        axes.set_xlim(-0.5, max(len(names) - 0.5, 0.5))
        found = "best: " + ", ".join(f"{label(name, 12)} {share:.0%}" for name, share in best.shares[:2])
    if best.ordered and len(levels) <= MOST_TICKS:
        shown = _apart(levels)
        axes.set_xticks(shown, [f"{level:g}" for level in shown])
    axes.set_ylabel("Accuracy (%)", fontsize=7)
    axes.set_title(f"{label(best.name)}\n{found}", fontsize=7.5, fontweight="normal")
    axes.tick_params(labelsize=7)
    percent_axis(axes.yaxis)
    return axes


def _apart(levels: np.ndarray) -> list[float]:
    """Levels in ascending order whose labels have room beside each other."""
    shown: list[float] = []
    for level in map(float, levels):
        if not shown or level - shown[-1] >= np.ptp(levels) / MOST_TICKS:
            shown.append(level)
    return shown
