"""How much each choice matters, by two methods side by side."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from analysis.style import colour, legend_above
from analysis.style import label as text

_HATCHES = ("", "////", "....")


def importance(methods: Mapping[str, Mapping[str, float]], axes: Axes, *, most: int = 15) -> Axes:
    """Draw horizontal bars.

    Args:
        methods: from ``analysis.importance.importances``, by the method's name; ordered by the largest of them.
        axes: drawn on.
        most: choices shown; the axis label says how many are left out.
    """
    first = next(iter(methods.values()), {})
    names = sorted(first, key=lambda name: -max(found.get(name, 0.0) for found in methods.values()))
    shown = names[:most]
    height = 0.8 / max(1, len(methods))
    places = np.arange(len(shown))
    for index, (method, found) in enumerate(methods.items()):
        axes.barh(
            places + index * height,
            [100 * found.get(name, 0.0) for name in shown],
            height,
            color=colour(index),
            edgecolor="white",
            hatch=_HATCHES[index % len(_HATCHES)],
            lw=0.5,
            label=method,
        )
    axes.set_yticks(places + height * (len(methods) - 1) / 2, [text(name) for name in shown])
    axes.invert_yaxis()
    axes.grid(False, axis="y")
    rest = f" ({len(names) - most} lesser choices left out)" if len(names) > most else ""
    axes.set_xlabel(f"Importance for accuracy (%){rest}")
    legend_above(axes)
    return axes
