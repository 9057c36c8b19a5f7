"""Who is taken for whom, and how well each class is known."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from analysis.style import FRONT, INK, label

NUMBERED = 20
"""Up to this many classes every cell shows its figure, up to twice as many every class its name."""


def confusion(table: Sequence[Sequence[int]], names: Sequence[str], axes: Axes) -> Axes:
    """Draw a table of confusion, each row as shares of its label's images.

    Args:
        table: images by label (rows) and prediction (columns).
        names: of the classes.
        axes: drawn on.
    """
    counts = np.array(table, dtype=np.float64)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
    colours = LinearSegmentedColormap.from_list("white to blue", ["white", FRONT])
    axes.imshow(shares, cmap=colours, vmin=0.0, vmax=1.0, interpolation="nearest")
    axes.grid(False)
    _name(axes, names)
    if len(names) <= NUMBERED:
        for row, column in zip(*np.nonzero(counts), strict=True):
            dark = shares[row, column] > 0.5
            text = f"{100 * shares[row, column]:.1f}"
            axes.text(column, row, text, ha="center", va="center", fontsize=6.5, color="white" if dark else INK)
    axes.set_xlabel("Predicted (% of the label's images)")
    axes.set_ylabel("Label")
    return axes


def class_accuracy(
    accuracies: Sequence[float | None],
    intervals: Sequence[tuple[float, float] | None],
    names: Sequence[str],
    axes: Axes,
) -> Axes:
    """Draw the accuracy on each class with its interval, the best above.

    Args:
        accuracies: by class, in [0, 1]; None where a class has no images.
        intervals: lower and upper ends.
        names: of the classes.
        axes: drawn on.
    """
    known = [
        (accuracy, interval, name)
        for accuracy, interval, name in zip(accuracies, intervals, names, strict=True)
        if accuracy is not None and interval is not None
    ]
    known.sort(key=lambda each: each[0])
    rows = np.arange(len(known))
    values = np.array([100 * accuracy for accuracy, _, _ in known])
    ends = np.array([interval for _, interval, _ in known]).reshape(-1, 2).T * 100
    axes.errorbar(values, rows, xerr=np.abs(ends - values), fmt="o", ms=4, color=FRONT, ecolor=FRONT, elinewidth=1)
    if len(known) <= 2 * NUMBERED:
        axes.set_yticks(rows, [label(name) for _, _, name in known])
    else:
        axes.set_ylabel("Classes, by accuracy")
    axes.set_xlabel("Accuracy (%), with 95% interval")
    return axes


def _name(axes: Axes, names: Sequence[str]) -> None:
    if len(names) <= 2 * NUMBERED:
        shown = [label(name) for name in names]
        axes.set_xticks(range(len(names)), shown, rotation=90 if len(names) > 10 else 40, ha="right")
        axes.set_yticks(range(len(names)), shown)
