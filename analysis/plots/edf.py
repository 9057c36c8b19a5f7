"""Distribution of error over sampled networks, for spaces or searches compared."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes

from analysis.edf import edf as distribution
from analysis.style import labels, legend_above, percent_axis, series


def edf(groups: Mapping[str, pd.DataFrame], axes: Axes) -> Axes:
    """Draw the share of networks with at most an error; higher and further left is better.

    Several groups are weighted by cost, so that they compare at one distribution of cost; a group that shares no range
    of cost with the others is drawn by count, and its label lacks "by cost".

    Args:
        groups: from ``analysis.edf.populations``: trained networks by name, with their weights.
        axes: drawn on.
    """
    text = labels(groups)
    for index, (name, rows) in enumerate(groups.items()):
        by_cost = len(groups) > 1 and rows["weight"].sum() > 0
        errors, shares = distribution(rows["error"], rows["weight"] if by_cost else None)
        if len(errors) == 0:
            continue
        label = f"{text[name]} (n={len(errors)}" + (", by cost)" if by_cost else ")")
        look = series(index)
        axes.plot([errors[0], *errors], [0.0, *shares], drawstyle="steps-post", label=label, **look)
    axes.set_xlabel("Validation error, split A (%)")
    axes.set_ylabel("Share of networks (%)")
    axes.set_ylim(0, 1.02)
    percent_axis(axes.xaxis)
    percent_axis(axes.yaxis)
    legend_above(axes, columns=2)
    return axes
