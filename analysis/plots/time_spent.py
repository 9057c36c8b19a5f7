"""Where the time went: one stacked bar a run."""

import math
from collections.abc import Mapping

from matplotlib.axes import Axes

from analysis.style import FAINT, labels, legend_above
from analysis.time_spent import PARTS, TimeSpent

_COLOURS = ("#0072B2", "#E69F00", "#56B4E9", "#CC79A7", "#D55E00", "#D9D9D9")
_HATCHES = ("", "", "////", "", "xx", "")


def time_spent(runs: Mapping[str, TimeSpent], axes: Axes) -> Axes:
    """Draw shares of the place-seconds that are known, with the share of each part of at least 4%.

    Args:
        runs: from ``analysis.time_spent.time_spent``, by name.
        axes: drawn on.
    """
    for row, spent in enumerate(runs.values()):
        left = 0.0
        for index, part in enumerate(PARTS):
            known = spent.total > 0 and math.isfinite(spent.seconds[part])
            share = 100 * spent.seconds[part] / spent.total if known else 0.0
            axes.barh(
                row,
                share,
                0.6,
                left=left,
                color=_COLOURS[index],
                hatch=_HATCHES[index],
                edgecolor="white",
                lw=0.6,
                label=part,
            )
            if share >= 4:
                box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1.0}
                axes.text(left + share / 2, row, f"{share:.0f}%", ha="center", va="center", fontsize=7.5, bbox=box)
            left += share
    text = labels(runs)
    names = [f"{text[name]}\n{_hours(spent.total)}" for name, spent in runs.items()]
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.grid(False, axis="y")
    axes.set_xlabel("Share of place-seconds (%)")
    if not runs:
        axes.text(0.5, 0.5, "no curves recorded", ha="center", transform=axes.transAxes, color=FAINT)
    legend_above(axes, columns=6)
    return axes


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.2f} place-hours" if seconds >= 360 else f"{seconds:.0f} place-seconds"
