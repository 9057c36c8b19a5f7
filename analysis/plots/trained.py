"""Trained networks: accuracy against cost, beside what others report and the trials they came from."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis.pareto import front
from analysis.style import (
    COLOURS,
    FAINT,
    INK,
    MARKERS,
    REFERENCE,
    TRIAL,
    cost_label,
    halo,
    label,
    legend_above,
    log_cost_axis,
    percent_axis,
)
from analysis.trained import Trained
from nas.published import Published

_SPLITS: Final = {"test": "Test accuracy (%)", "b": "Accuracy on split B (%)", "a": "Accuracy on split A (%)"}
_OTHERS: Final = tuple(colour for colour in COLOURS if colour not in (REFERENCE, TRIAL))
_NAME: Final = 52
"""Most characters of a network's name in the legend."""


def trained_networks(
    models: Sequence[Trained], axes: Axes, *, published: Sequence[Published] = (), trials: pd.DataFrame | None = None
) -> Axes:
    """Draw model folders; the first is the one to beat, a star.

    Args:
        models: at least one, of one data set.
        axes: drawn on.
        published: what others report on the data set: a point where the cost is known, and a line where it is not.
        trials: of a search (see ``analysis.table``): its complete trials in the background, with their front.
    """
    costs = [float(model.macs) for model in models]
    if trials is not None:
        costs += _background(trials, axes)
    for index, model in enumerate(models):
        _model(model, axes, index)
    for index, figure in enumerate(published):
        if figure.top1 is None:
            continue
        if figure.macs is None:
            line = axes.axhline(figure.top1, color=FAINT, lw=1.0, ls=(0, (4, 3)), zorder=1)
            line.set_label(f"{label(figure.who, _NAME)} {figure.top1:.1%} (reported, cost unknown)")
            continue
        costs.append(figure.macs)
        axes.errorbar(
            [figure.macs],
            [figure.top1],
            yerr=figure.spread,
            marker=MARKERS[(index + 3) % len(MARKERS)],
            ms=6,
            mfc="white",
            mec=FAINT,
            ecolor=FAINT,
            ls="none",
            capsize=2,
            zorder=6,  # Hollow, so that a network of ours below it is seen all the same.
            label=f"{label(figure.who, _NAME)} {figure.top1:.2%} (reported)",
        )
    margin = max(1.15, (max(costs) / min(costs)) ** 0.06)
    log_cost_axis(axes.xaxis, min(costs) / margin, max(costs) * margin)
    axes.margins(y=0.12)
    sides = sorted({model.resolution for model in models})
    axes.set_xlabel(cost_label("macs", sides=sides, dims=models[0].dims))
    axes.set_ylabel(_SPLITS[models[0].split])
    percent_axis(axes.yaxis)
    legend_above(axes, columns=1)
    return axes


def _model(model: Trained, axes: Axes, place: int) -> None:
    accuracy = model.accuracy
    known = not np.isnan(accuracy.low)
    spread = [[accuracy.value - accuracy.low], [accuracy.high - accuracy.value]] if known else None
    first = place == 0
    axes.errorbar(
        [model.macs],
        [accuracy.value],
        yerr=spread,
        marker="*" if first else MARKERS[(place - 1) % len(MARKERS)],
        ms=15 if first else 8,
        mfc=REFERENCE if first else _OTHERS[(place - 1) % len(_OTHERS)],
        mec=INK,
        mew=0.7,
        ecolor=INK,
        elinewidth=1.0,
        ls="none",
        capsize=3,
        zorder=6 if first else 5,
        label=f"{label(model.label, _NAME)} {accuracy.text(100)}",
    )


def _background(trials: pd.DataFrame, axes: Axes) -> list[float]:
    done = trials[(trials["state"] == "complete") & ~trials["reference"] & trials["accuracy"].notna()]
    if done.empty:
        return []
    axes.scatter(
        done["macs"],
        done["accuracy"],
        s=16,
        facecolor=TRIAL,
        edgecolor="none",
        alpha=0.7,
        zorder=2,
        label=f"trials after short trainings, split A (n={len(done)})",
    )
    best = front(done, "macs")
    axes.plot(best["macs"], best["accuracy"], drawstyle="steps-post", color=TRIAL, lw=1.4, zorder=2.5)
    top = best.iloc[-1]
    words = axes.annotate(
        "front of these trials",
        (float(top["macs"]), float(top["accuracy"])),
        xytext=(-6, 4),
        textcoords="offset points",
        ha="right",
        fontsize=8,
    )
    halo(words)
    return [float(value) for value in done["macs"]]
