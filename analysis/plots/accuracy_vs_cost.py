"""Accuracy against cost: every trial, the Pareto front, GoogLeNet and the budget."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from analysis.pareto import front
from analysis.style import (
    COLOURS,
    FRONT,
    INK,
    REFERENCE,
    TRIAL,
    cost_label,
    halo,
    legend_above,
    log_cost_axis,
    percent_axis,
    short,
)
from analysis.style import label as text
from analysis.table import networks, trained_alike


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A network of somebody else's, to be shown beside one's own: its cost and accuracy in [0, 1]."""

    name: str
    cost: float
    accuracy: float


def accuracy_vs_cost(
    table: pd.DataFrame,
    axes: Axes,
    *,
    cost: str = "macs",
    budget: float | None = None,
    published: Sequence[Published] = (),
    resolution: int | None = None,
    dims: int = 2,
) -> Axes:
    """Draw all trials of ``table`` (see ``analysis.table``) that have an accuracy.

    Args:
        table: one row a trial.
        axes: drawn on.
        cost: column of the horizontal axis, logarithmic.
        budget: most of that cost, drawn as a vertical line.
        published: further networks to show.
        resolution: pixels, or steps of a series, at which the costs count, named in the axis label.
        dims: 2 for images, 1 for series.
    """
    known = table[table["accuracy"].notna() & (table[cost] > 0)]
    own = known[~known["reference"]]
    done = own[own["state"] == "complete"]
    partial = own[own["state"] != "complete"]
    stars = networks(known[known["reference"]])
    line = front(known, cost)
    # What is marked belongs in the picture, unless it would squeeze all the rest.
    marked = [*stars["accuracy"].tolist(), *(point.accuracy for point in published)]
    floor = _floor(known["accuracy"].to_numpy(), marked)

    _points(axes, partial, cost, floor, f"stopped or running (n={len(partial)})", hollow=True)
    _points(axes, done, cost, floor, f"trained to the end (n={len(done)})", hollow=False)
    _stairs(axes, line, cost, budget, "Pareto front" if trained_alike(table) else "front of unlike trainings")
    for index, point in enumerate(published):
        colour = COLOURS[(index + 2) % len(COLOURS)]
        axes.scatter([point.cost], [point.accuracy], marker="D", s=34, color=colour, edgecolor=INK, lw=0.6, zorder=5)
        _name(axes, text(point.name), point.cost, point.accuracy)
    for spent, accuracy in zip(stars[cost].astype(float).tolist(), stars["accuracy"].tolist(), strict=True):
        axes.scatter(
            [spent],
            [max(accuracy, floor)],
            marker="*",
            s=230,
            color=REFERENCE,
            edgecolor=INK,
            lw=0.8,
            zorder=6,
            label="GoogLeNet (reference)",
        )
        below = "" if accuracy >= floor else ", below the edge"
        _name(axes, f"GoogLeNet {accuracy:.1%}{below}", spent, max(accuracy, floor))
    values = [*known[cost].astype(float), *(point.cost for point in published), *([budget] if budget else [])]
    _limits(axes, np.array(values), floor)
    if budget:
        axes.axvline(budget, color=INK, lw=1.1, ls=(0, (4, 3)), zorder=2, label=f"budget {short(budget)}")
    axes.set_xlabel(cost_label(cost, sides=[resolution] if resolution else [], dims=dims))
    axes.set_ylabel("Validation accuracy, split A (%)")
    percent_axis(axes.yaxis)
    legend_above(axes)
    return axes


def _floor(accuracies: NDArray[np.float64], marked: Sequence[float]) -> float:
    """The lowest accuracy that the axis shows: a few hopeless trials must not squeeze all the others.

    What is marked makes the axis up to three times as long.
    """
    if len(accuracies) == 0:
        return min(marked, default=0.0)
    low, high = np.quantile(accuracies, [0.25, 1.0])
    floor = float(max(accuracies.min(), low - 2.0 * max(high - low, 0.005)))
    lowest = min([floor, *marked])
    return max(lowest, floor - 2.0 * max(float(high) - floor, 0.005))


def _points(axes: Axes, rows: pd.DataFrame, cost: str, floor: float, label: str, *, hollow: bool) -> None:
    if rows.empty:
        return
    face = "none" if hollow else TRIAL
    edge = "#5A7F99" if hollow else INK
    shown = rows["accuracy"] >= floor
    axes.scatter(
        rows[cost],
        rows["accuracy"].where(shown),
        s=26,
        facecolor=face,
        edgecolor=edge,
        lw=0.9 if hollow else 0.5,
        zorder=3,
        label=label,
    )
    below = rows[~shown]
    if len(below):
        axes.scatter(
            below[cost],
            np.full(len(below), floor),
            s=26,
            marker="v",
            facecolor=face,
            edgecolor=edge,
            lw=0.7,
            zorder=3,
            label=f"below {floor:.1%}, at the edge",
        )


def _stairs(axes: Axes, line: pd.DataFrame, cost: str, budget: float | None, name: str) -> None:
    if line.empty:
        return
    xs, ys = line[cost].astype(float).tolist(), line["accuracy"].tolist()
    end = max(xs[-1], budget or 0.0)
    axes.plot(
        [*xs, end],
        [*ys, ys[-1]],
        drawstyle="steps-post",
        color=FRONT,
        lw=1.8,
        zorder=4,
        label=name + (", mean over seeds" if line["n"].max() > 1 else ""),
    )
    inner = ~line["reference"]
    axes.scatter(line[cost][inner], line["accuracy"][inner], s=34, color=FRONT, edgecolor=INK, lw=0.5, zorder=4.5)


def _name(axes: Axes, words: str, x: float, y: float) -> None:
    label = axes.annotate(
        words,
        (x, y),
        xytext=(-9, -4),
        textcoords="offset points",
        ha="right",
        va="top",
        fontsize=8,
        fontweight="bold",
        zorder=7,
    )
    halo(label)


def _limits(axes: Axes, values: NDArray[np.float64], floor: float) -> None:
    if len(values) == 0:
        return
    margin = max(1.08, (values.max() / values.min()) ** 0.05)
    log_cost_axis(axes.xaxis, float(values.min() / margin), float(values.max() * margin))
    top = axes.get_ylim()[1]
    # Room below the lowest point: the name of the reference stands under its star.
    axes.set_ylim(floor - 0.1 * max(top - floor, 0.002), top)
