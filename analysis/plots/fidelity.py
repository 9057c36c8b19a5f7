"""Rank correlation between fidelities: how far few epochs can be trusted."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from analysis.fidelity import Agreement
from analysis.style import FAINT, FRONT, halo


def fidelity(pairs: Sequence[Agreement], axes: Axes, ceiling: Agreement | None = None) -> Axes:
    """Draw Kendall's tau of each rung with the last one, with its 95% interval and number of trials.

    Args:
        pairs: from ``analysis.fidelity.agreement``.
        axes: drawn on.
        ceiling: from ``analysis.fidelity.ceiling``, drawn as a line with its interval.
    """
    last = max((pair.final for pair in pairs), default=0)
    known = [pair for pair in pairs if not np.isnan(pair.tau)]
    if not known:
        axes.text(
            0.5, 0.5, "fewer than two rungs with three trials", ha="center", transform=axes.transAxes, color=FAINT
        )
        axes.set_axis_off()
        return axes
    places = np.arange(len(known), dtype=float)
    tau = np.array([pair.tau for pair in known])
    low, high = np.array([pair.low for pair in known]), np.array([pair.high for pair in known])
    errors = np.clip([tau - low, high - tau], 0, None)
    axes.errorbar(places, tau, yerr=errors, color=FRONT, marker="o", ms=5, capsize=3, lw=1.4)
    for place, pair in enumerate(known):
        text = axes.annotate(
            f"{pair.tau:.2f}",
            (place, pair.tau),
            xytext=(7, -11),
            textcoords="offset points",
            fontsize=7.5,
        )
        halo(text)
    axes.axhline(0, color=FAINT, lw=0.8)
    if ceiling is not None and not np.isnan(ceiling.tau):
        axes.axhspan(ceiling.low, ceiling.high, color=FAINT, alpha=0.15, lw=0)
        axes.axhline(ceiling.tau, color=FAINT, lw=1.2, ls="--")
        said = f"noise ceiling {ceiling.tau:.2f}: two seeds, n={ceiling.n}"
        end = (len(known) - 0.25, ceiling.tau)  # At the right, where later rungs stand above it.
        halo(axes.annotate(said, end, xytext=(0, 4), textcoords="offset points", fontsize=7.5, ha="right"))
    axes.set_xticks(places, [f"{pair.epochs}\nn={pair.n}" for pair in known])
    axes.set_xlim(-0.4, len(known) - 0.2)
    axes.set_ylim(min(-0.05, float(np.nanmin(low)) - 0.05), 1.05)
    axes.set_xlabel("Epochs trained")
    axes.set_ylabel(f"Kendall's tau with {last} epochs")
    return axes
