"""Accuracy by epoch of every trial, with the rungs at which a scheduler decided."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import MaxNLocator

from analysis.style import FAINT, FRONT, INK, REFERENCE, legend_above, percent_axis


def learning_curves(
    curves: pd.DataFrame,
    table: pd.DataFrame,
    axes: Axes,
    *,
    rungs: Sequence[int] = (),
    best: int = 3,
) -> Axes:
    """Draw the curves of one run.

    Args:
        curves: from ``analysis.epochs.curves``.
        table: the trials of the same run.
        axes: drawn on.
        rungs: epochs to mark by vertical lines.
        best: so many of the best candidates are drawn in colour.
    """
    ends = table.set_index("trial")
    complete = ends[(ends["state"] == "complete") & ends["within_budget"] & ~ends["reference"]]
    top = list(complete["accuracy"].nlargest(best).index)
    stars = list(ends.index[ends["reference"]])
    lines = {trial: rows[["epoch", "accuracy"]].to_numpy() for trial, rows in curves.groupby("trial")}
    rest = {trial: line for trial, line in lines.items() if trial not in {*top, *stars}}
    stopped = [line for trial, line in rest.items() if trial in ends.index and ends.at[trial, "state"] == "stopped"]
    full = [line for trial, line in rest.items() if trial not in ends.index or ends.at[trial, "state"] != "stopped"]
    faint = 0.8 if len(rest) <= 60 else 0.35
    for group, style, label in ((full, "-", "other trials"), (stopped, ":", "stopped early")):
        if group:
            axes.add_collection(
                LineCollection(group, colors="#A9B7C0", linewidths=0.8, linestyles=style, label=label, alpha=faint)
            )
            points = np.array([line[0] for line in group if len(line) == 1]).reshape(-1, 2)
            axes.scatter(points[:, 0], points[:, 1], s=9, color="#A9B7C0", lw=0)
    ended = [line[-1] for line in stopped]
    if ended:
        xs, ys = [point[0] for point in ended], [point[1] for point in ended]
        axes.scatter(xs, ys, s=12, facecolor="white", edgecolor="#7C8A93", lw=0.8, zorder=3)
    for trial in stars:
        if trial in lines:
            line = lines[trial]
            axes.plot(
                line[:, 0], line[:, 1], color=REFERENCE, lw=1.8, ls="--", zorder=5, label="GoogLeNet", **_dot(line)
            )
    for place, trial in enumerate(top):
        if trial in lines:
            line = lines[trial]
            axes.plot(
                line[:, 0],
                line[:, 1],
                color=FRONT,
                lw=2.2 - 0.5 * place,
                zorder=4,
                label="best candidates",
                **_dot(line),
            )
    for index, rung in enumerate(rungs):
        axes.axvline(rung, color=INK, lw=0.8, ls=(0, (2, 2)), zorder=1, label="rung" if index == 0 else None)
    axes.autoscale_view()
    if all(len(line) == 1 for line in lines.values()):
        axes.set_xlim(0, 2)  # One epoch would be the whole axis, and have parts.
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("Epochs trained")
    axes.set_ylabel("Validation accuracy, split A (%)")
    if not lines:
        axes.text(0.5, 0.5, "no curves recorded", ha="center", transform=axes.transAxes, color=FAINT)
    percent_axis(axes.yaxis)
    legend_above(axes)
    return axes


def _dot(line: np.ndarray) -> dict[str, Any]:
    """A curve of one epoch is a point, which no line shows."""
    return {"marker": "o", "ms": 4} if len(line) == 1 else {}
