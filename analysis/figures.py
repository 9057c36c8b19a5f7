"""All figures of one run or several, made from their tables: what ``nas analyze`` writes and the report shows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Final

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis import anytime, best_choice, edf, fidelity, importance
from analysis.blocks import Block
from analysis.courses import courses
from analysis.plots import accuracy_vs_cost as plot_accuracy
from analysis.plots import anytime as plot_anytime
from analysis.plots import architecture as plot_architecture
from analysis.plots import best_choice as plot_best_choice
from analysis.plots import edf as plot_edf
from analysis.plots import fidelity as plot_fidelity
from analysis.plots import importance as plot_importance
from analysis.plots import learning_curves as plot_curves
from analysis.plots import parallel as plot_parallel
from analysis.plots import time_spent as plot_time
from analysis.runs import budget_of, cost_of, dims_of, limit_of
from analysis.style import figure, labels, legend_of_all
from analysis.table import choices, networks, proposed, rungs, trained_alike, winner
from analysis.time_spent import TimeSpent

MOST_CHOICES: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What figures are made from.

    Attributes:
        table: trials of all runs, see ``analysis.table``.
        curves: their learning curves.
        networks: blocks to draw, by content key: at least the winner's and the reference's.
        time: where each run's time went.
        searches: runs that differ in their seed alone, by the name of their search.
        rungs: epochs at which a scheduler decided, by run.
        importance: of each choice, by method (``fanova``, ``ped-anova``), see ``analysis.importance``.
    """

    table: pd.DataFrame
    curves: pd.DataFrame
    networks: Mapping[str, Sequence[Block]]
    time: Mapping[str, TimeSpent]
    searches: Mapping[str, Sequence[str]] | None = None
    rungs: Mapping[str, Sequence[int]] = field(default_factory=dict)
    importance: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def ranked(self) -> Mapping[str, float]:
        """Choices by importance, where there are networks enough to tell."""
        return self.importance.get("fanova", {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Illustration:
    """A figure with what is said of it."""

    name: str
    title: str
    caption: str
    figure: Figure


def illustrations(material: Material) -> tuple[Illustration, ...]:
    """The figures that the material has data for.

    Of runs that were trained differently those that pool networks are left out: what sets the trainings apart would
    pass for the doing of a choice, or for agreement.
    """
    makers: tuple[Callable[[Material], Illustration | None], ...] = (
        _accuracy,
        _networks,
        _best_so_far,
        _hypervolume,
        _edf,
        _best_choices,
        _importance,
        _parallel,
        _curves,
        _fidelity,
        _time,
    )
    pooling = (_best_choices, _importance, _parallel, _fidelity)
    shown = makers if trained_alike(material.table) else [maker for maker in makers if maker not in pooling]
    return tuple(made for maker in shown if (made := maker(material)) is not None)


def _accuracy(material: Material) -> Illustration:
    table = material.table
    cost, budget = cost_of(table), budget_of(table)
    made, (axes,) = figure()
    resolution = budget.resolution if budget else None
    plot_accuracy.accuracy_vs_cost(
        table, axes, cost=cost, budget=limit_of(table, cost), resolution=resolution, dims=dims_of(table)
    )
    caption = (
        "Every trial that reported an accuracy. The front holds the networks trained to the end and within the budget "
        "that no other beats in both; stopped trials are never on it."
    )
    if not trained_alike(table):
        caption += " The runs were not trained alike: a network may be ahead of another by its training alone."
    name = f"accuracy_vs_{cost.removeprefix('measured.')}"
    return Illustration(name=name, title="Accuracy against cost", caption=caption, figure=made)


def _networks(material: Material) -> Illustration | None:
    known = networks(material.table)
    shown = [
        (name, material.networks[key])
        for name, rows in (("Winner", winner(material.table)), ("GoogLeNet", known[known["reference"]].head(1)))
        for key in rows["key"]
        if key in material.networks
    ]
    if not shown:
        return None
    made, axes = figure(9.5, 2.4 * len(shown), rows=len(shown))
    plot_architecture.side_by_side(shown, axes)
    caption = "To one scale: strips are branches, their height is channels, their colour multiply-adds."
    return Illustration(name="architecture", title="The winner beside GoogLeNet", caption=caption, figure=made)


def _anytime(material: Material, measure: anytime.Measure) -> Figure | None:
    table = material.table
    if not ((table["state"] == "complete") & table["within_budget"]).any():
        return None
    searches = anytime.by_search(table, material.searches)
    stars = networks(table[table["reference"]])["accuracy"]
    made, both = figure(9.0, 3.4, columns=2)
    axes_kinds: tuple[anytime.Axis, ...] = ("trainings", "seconds")
    for axes, against in zip(both, axes_kinds, strict=True):
        # One line for trainings of several kinds would belong to none of them.
        reference = float(stars.mean()) if len(stars) and trained_alike(table) else None
        seen = courses(searches, measure=measure, against=against)
        plot_anytime.anytime(seen, axes, measure=measure, against=against, reference=reference)
    legend_of_all(made, both)
    return made


def _best_so_far(material: Material) -> Illustration | None:
    made = _anytime(material, "best")
    caption = (
        "Best accuracy of a candidate so far, in the order of proposals. Bands are over seeds; one run has none, and "
        "what it shows may be chance."
    )
    return Illustration(name="best_so_far", title="Best so far", caption=caption, figure=made) if made else None


def _hypervolume(material: Material) -> Illustration | None:
    made = _anytime(material, "hypervolume")
    caption = (
        "Share of the box between no cost at no error, and the budget at the worst network trained to the end, that "
        "the front dominates."
    )
    return Illustration(name="hypervolume", title="Hypervolume", caption=caption, figure=made) if made else None


def _edf(material: Material) -> Illustration | None:
    groups = edf.populations(material.table, material.searches)
    if not groups:
        return None
    made, (axes,) = figure(5.6, 3.6)
    plot_edf.edf(groups, axes)
    caption = (
        "Share of trained networks with at most an error (Radosavovic et al. 2020). Several searches are weighted to "
        "one distribution of cost. Only a random sample describes its space; a search's sample also its sampler."
    )
    return Illustration(name="error_edf", title="Distribution of error", caption=caption, figure=made)


def _best_choices(material: Material) -> Illustration | None:
    known = proposed(material.table)
    names = [name for name in choices(known) if known[name].nunique() > 1]
    if len(known) < importance.LEAST or not names:
        return None
    names = sorted(names, key=lambda name: -material.ranked.get(name.removeprefix("choice."), 0.0))[:MOST_CHOICES]
    columns = min(4, len(names))
    rows = ceil(len(names) / columns)
    made, axes = figure(2.4 * columns, 1.9 * rows, columns=columns, rows=rows)
    for name, one in zip(names, axes, strict=False):
        plot_best_choice.best_choice(material.table, best_choice.best_choice(material.table, name), one)
    for rest in axes[len(names) :]:
        rest.set_axis_off()
    caption = (
        "Accuracy by the value of a choice, the most important ones first, with the bootstrap median and 95% band of "
        "the best value (Radosavovic et al. 2020). A band as wide as the axis says that the choice is open."
    )
    return Illustration(name="best_choices", title="Best value of each choice", caption=caption, figure=made)


def _importance(material: Material) -> Illustration | None:
    fanova, ped = material.ranked, material.importance.get("ped-anova", {})
    if not fanova:
        return None
    made, (axes,) = figure(6.0, 1.2 + 0.28 * min(15, len(fanova)))
    plot_importance.importance({"fANOVA (all networks)": fanova, "PED-ANOVA (what sets the best apart)": ped}, axes)
    caption = (
        "How much of the variation of accuracy each choice explains; with few networks, only the order is telling."
    )
    return Illustration(name="importance", title="Importance of choices", caption=caption, figure=made)


def _parallel(material: Material) -> Illustration | None:
    known = proposed(material.table)
    if len(known) < 2 or not choices(known):
        return None
    names = [f"choice.{name}" for name in material.ranked][:9] or None
    made, (axes,) = figure(9.0, 3.8)
    plot_parallel.parallel(material.table, axes, columns=[*names, "macs"] if names else None)
    caption = "Each line is a network trained to the end; the darker, the more accurate."
    return Illustration(name="parallel", title="Parallel coordinates", caption=caption, figure=made)


def _curves(material: Material) -> Illustration | None:
    runs = [str(run) for run in material.curves["run"].unique()]
    if not runs:
        return None
    columns = min(2, len(runs))
    rows = ceil(len(runs) / columns)
    made, axes = figure(6.4 if columns == 1 else 9.0, 3.6 * rows, columns=columns, rows=rows)
    names = labels(runs)
    for run, one in zip(runs, axes, strict=False):
        table, curves = (frame[frame["run"] == run] for frame in (material.table, material.curves))
        plot_curves.learning_curves(curves, table, one, rungs=material.rungs.get(run, ()))
        if len(runs) > 1:
            one.text(0.99, 0.02, names[run], transform=one.transAxes, ha="right", fontsize=8, fontweight="bold")
    for rest in axes[len(runs) :]:
        rest.set_axis_off()
    caption = "Accuracy by epoch; dotted curves were stopped at a rung."
    return Illustration(name="learning_curves", title="Learning curves", caption=caption, figure=made)


def _fidelity(material: Material) -> Illustration | None:
    table = material.table
    if len(rungs(table)) < 2:
        return None
    pairs = fidelity.agreement(_thinned(table))
    if not any(np.isfinite(pair.tau) for pair in pairs):
        return None
    made, (axes,) = figure(5.2, 3.4)
    ceiling = fidelity.ceiling(table)
    plot_fidelity.fidelity(pairs, axes, ceiling)
    caption = (
        "Kendall's tau between the accuracy after few epochs and after the last, over the trials that reached both: 1 "
        "where few epochs rank them alike. Stopped trials are missing from it, which lowers it."
    )
    if ceiling is not None:
        caption += (
            " The noise ceiling is tau between two whole trainings of the same networks with different seeds; "
            "a rung and its last epoch share theirs."
        )
    return Illustration(name="fidelity", title="How far few epochs can be trusted", caption=caption, figure=made)


def _thinned(table: pd.DataFrame) -> pd.DataFrame:
    """A dozen rungs at most: an accuracy after every epoch would give hundreds of pairs."""
    found = rungs(table)
    keep = {found[index] for index in np.unique(np.linspace(0, len(found) - 1, 12).round().astype(int))}
    return table.drop(columns=[f"accuracy_at_{epoch}" for epoch in found if epoch not in keep])


def _time(material: Material) -> Illustration | None:
    if not material.time:
        return None
    made, (axes,) = figure(7.0, 1.1 + 0.5 * len(material.time))
    plot_time.time_spent(material.time, axes)
    caption = (
        "Engine: what epochs took beside their four parts (building networks, opening data). Idle: places for trials "
        "in which no epoch ran (starting workers, proposing, waiting for the last trials)."
    )
    if any(not np.isfinite(list(spent.seconds.values())).all() for spent in material.time.values()):
        caption += " What a run does not tell is left out; an epoch that does not tell its parts is all training."
    return Illustration(name="time_spent", title="Where the time went", caption=caption, figure=made)
