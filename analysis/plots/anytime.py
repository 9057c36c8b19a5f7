"""Best-so-far or hypervolume against trainings or device-seconds, with bands over seeds."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from analysis.anytime import Axis, Measure, Steps, band
from analysis.style import colour, labels, legend_above, percent_axis, series

_X = {"trainings": "Trainings", "seconds": "Device-hours of training"}
_Y = {"best": "Best accuracy so far (%)", "hypervolume": "Hypervolume (share of the box)"}


def anytime(
    searches: Mapping[str, Sequence[Steps]],
    axes: Axes,
    *,
    measure: Measure = "best",
    against: Axis = "trainings",
    reference: float | None = None,
) -> Axes:
    """Draw the course of each search, by name: one course a seed.

    The line is the mean over seeds, the band is explained in ``analysis.anytime.Band``; a single course is
    drawn as it is.

    Args:
        searches: from ``analysis.anytime.anytime``, by name.
        axes: drawn on.
        measure: what the courses are of.
        against: what they are against.
        reference: accuracy of GoogLeNet, marked as a horizontal line.
    """
    unit = 3600.0 if against == "seconds" else 1.0
    text = labels(searches)
    for index, (name, courses) in enumerate(searches.items()):
        look = series(index)
        if len(courses) == 1:
            course = courses[0]
            x, y = np.append(course.x, course.end), np.append(course.y, course.y[-1:])
            # A line that is but a point needs a marker to be seen.
            if len(np.unique(x)) == 1:
                look |= {"marker": "o", "ms": 4}
            axes.plot(x[: len(y)] / unit, y, drawstyle="steps-post", label=f"{text[name]} (n=1)", **look)
            continue
        over = band(courses)
        label = f"{text[name]} (n={over.n}, {over.kind})"
        axes.plot(over.x / unit, over.mean, drawstyle="steps-post", label=label, **look)
        axes.fill_between(over.x / unit, over.low, over.high, step="post", color=colour(index), alpha=0.18, lw=0)
    if reference is not None and measure == "best":
        axes.axhline(reference, color="#1A1A1A", lw=1.0, ls=(0, (4, 3)), label=f"GoogLeNet {reference:.1%}")
    axes.set_xlabel(_X[against])
    axes.set_ylabel(_Y[measure])
    axes.set_xlim(left=0)
    if measure == "best":
        percent_axis(axes.yaxis)
        axes.set_ylim(top=min(1.0, axes.get_ylim()[1]))
    legend_above(axes, columns=2)
    return axes
