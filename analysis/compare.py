"""Which of two searches was better, at equal trainings and at equal device-seconds."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from analysis.alike import hold_to_baseline, hold_to_one_search, seeds_of, unlike
from analysis.anytime import Axis, Measure, Steps, anytime
from analysis.courses import courses
from analysis.runs import apart, check_comparable, load
from analysis.source import runs_in, source
from analysis.statistics import ENOUGH_SEEDS, Difference, Estimate, mean_share, median_time, paired, unpaired
from analysis.table import winner
from nas.errors import RunError


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One measure at one equal effort.

    Of pairs of runs with equal seeds those count in which both had a network by then. A search that is late to find any
    looks better for it than it is: ``pairs`` tells of how many it is to be read.

    Attributes:
        measure: ``best`` accuracy, in [0, 1], or ``hypervolume``, a share of the common box.
        against: what both spent as much of.
        effort: how much of it: as much as every run spent, of the pairs where there are any.
        a: mean over the runs of the first search that count; without such a pair, over all that had a network.
        b: of the second.
        difference: of b over a, seed by seed, of the pairs that count.
        pairs: how many there are, those that do not count included.
    """

    measure: Measure
    against: Axis
    effort: float
    a: Estimate
    b: Estimate
    difference: Difference
    pairs: int

    @property
    def verdict(self) -> Literal["a", "b", "undecided", "too few seeds"]:
        """Which search was better, where at least 5 pairs of seeds say so outside the noise."""
        said = self.difference.verdict
        if said == "better":
            return "b"
        return "a" if said == "worse" else said


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Median effort of both to an accuracy: the one that half of the runs of the weaker search reached."""

    against: Axis
    accuracy: float
    a: float
    b: float

    @property
    def ratio(self) -> float:
        """Median effort of b over that of a; missing where a median is."""
        known = np.isfinite(self.a) and np.isfinite(self.b) and self.a > 0
        return self.b / self.a if known else float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """All that ``nas compare`` prints."""

    names: tuple[str, str]
    rows: tuple[Comparison, ...]
    targets: tuple[Target, ...]
    over_random: tuple[Difference, Difference] | None
    left_out: tuple[str, ...] = ()
    """Runs that have trained no candidate to the end yet."""
    unpaired: tuple[str, ...] = ()
    """Runs that count for nothing, for the other search has no run of their seed, and why."""
    unlike: tuple[str, ...] = ()
    """In what their recipes differ beyond sampler, seed and stopping, such as ``training.epochs (1 and 4)``."""


HEAD: Final = ("measure", "at equal", "a", "b", "b over a", "p", "better")


def cells(row: Comparison, names: tuple[str, str], report: str = "accuracy") -> tuple[str, ...]:
    """A row as texts under :data:`HEAD`, in percent and points, for a table on screen."""
    told = "accuracy" if report == "accuracy" else f"accuracy's {report}"
    what = f"best {told} (%)" if row.measure == "best" else "hypervolume (% of the box)"
    effort = f"{row.effort:,.0f} trainings" if row.against == "trainings" else f"{row.effort / 3600:.3g} device-hours"
    gap = row.difference
    a, b = names if names[0] != names[1] else ("a", "b")
    verdict = {"a": a, "b": b, "undecided": "neither, inside the noise"}
    few = f"{gap.n} of {ENOUGH_SEEDS} seeds" if row.pairs else "no seed in common"
    said = verdict.get(row.verdict, f"no claim: {few}")
    if gap.n < row.pairs:
        said += f"; {gap.n} of {row.pairs} pairs had a network by then"
    p = "" if math.isnan(gap.p) else f"{gap.p:.3f}"
    return (what, effort, row.a.text(100), row.b.text(100), gap.text(), p, said)


def names_of(searches: Sequence[Path | str]) -> list[str]:
    """What searches are called where they stand side by side: by their folders, and the folders' own where need be."""
    homes = [Path(one).resolve() for one in searches]  # `.` has no name of its own
    each = list(dict.fromkeys(homes))  # one that is given twice is called alike
    names = dict(zip(each, apart([home.name for home in each], [home.parent.name for home in each]), strict=True))
    return [names[home] for home in homes]


def compare(
    a: Path | str,
    b: Path | str,
    *,
    random: Path | str | None = None,
    report: str = "accuracy",
    names: tuple[str, str] | None = None,
) -> Compared:
    """Compare two searches; each is a run folder, or a folder of run folders that differ in their seed.

    Runs are paired by the seeds of their recipes; those without a recipe in the order of their names. Where there are
    pairs, runs without a partner count for nothing: a short one would end the comparison for all.

    Args:
        a: the first search.
        b: the second.
        random: a random search of the same budget, data and training, to say how much better than its mean network
            both are.
        report: column that is reported of the network that is best by ``accuracy``.
        names: of the two, where they stand beside others; by default those of :func:`names_of`.

    Raises:
        RunError: not runs, of different data sets, two of one seed in a search or that differ in more than it, a
            random search of another budget, data or training, a search without a complete trial, or without figures in
            the column ``report``.
    """
    check_comparable([source(run) for path in (a, b, random) if path is not None for run in runs_in(path)])
    (runs_a, first), (runs_b, second) = trained(a, report), trained(b, report)
    drawn, tables = trained(random) if random is not None else ([], [])
    if drawn:
        hold_to_baseline(drawn, (runs_a[0], runs_b[0]))
    baseline = pd.concat(tables, ignore_index=True) if tables else None
    one, other = names or names_of((a, b))
    known = (seeds_of(runs_a), seeds_of(runs_b))
    seeds = (known[0], known[1]) if known[0] is not None and known[1] is not None else None
    left, right = seeds or (range(len(runs_a)), range(len(runs_b)))
    lone = (*_lone(runs_a, left, right, b), *_lone(runs_b, right, left, a))
    compared = compare_tables(first, second, names=(one, other), seeds=seeds, random=baseline, report=report)
    return replace(
        compared,
        left_out=tuple(str(run) for path in (a, b) for run in runs_in(path) if run not in (*runs_a, *runs_b)),
        unpaired=tuple(lone),
        unlike=unlike((*runs_a, *runs_b, *drawn)),
    )


def _lone(
    runs: Sequence[Path], own: Sequence[Hashable], theirs: Sequence[Hashable], other: Path | str
) -> tuple[str, ...]:
    """The runs of a search that have no partner in the other, where some have."""
    if not set(own) & set(theirs):
        return ()
    return tuple(
        f"{run} (no trained run of seed={seed[0]}, trial_seed={seed[1]} in {other})"
        if isinstance(seed, tuple)
        else f"{run} (no trained run number {place} in {other})"
        for place, (run, seed) in enumerate(zip(runs, own, strict=True), start=1)
        if seed not in theirs
    )


def trained(path: Path | str, report: str = "accuracy") -> tuple[list[Path], list[pd.DataFrame]]:
    """The runs of a search, but for those that have only begun, and their tables.

    Raises:
        RunError: runs that differ in more than their seeds, none that is left, or without figures in the column
            ``report``, which must be an accuracy.
    """
    hold_to_one_search(runs_in(path))
    known = {run: table for run in runs_in(path) if not winner(table := load(run)).empty}
    if not known:
        raise RunError(f"a search must have trained a candidate to the end to be compared, but {path} has none.")
    for table in known.values():
        if report not in table.columns or not is_numeric_dtype(table[report]):
            raise RunError(f"the trials of {path} must have figures in the column {report!r}, but have none.")
    if report != "accuracy" and not report.startswith("metric.accuracy"):
        raise RunError(
            "the column must be accuracy or a metric.accuracy_..., for more must be better and 1 all, "
            f"but got {report!r}."
        )
    for run, table in known.items():
        outside = table.loc[~table[report].between(0, 1) & table[report].notna(), report]
        if len(outside):
            raise RunError(
                f"the column {report} must hold shares in [0, 1], but in {run} there is {float(outside.iloc[0]):g}."
            )
    return list(known), list(known.values())


def compare_tables(
    a: Sequence[pd.DataFrame],
    b: Sequence[pd.DataFrame],
    *,
    names: tuple[str, str],
    seeds: tuple[Sequence[Hashable], Sequence[Hashable]] | None = None,
    random: pd.DataFrame | None = None,
    report: str = "accuracy",
) -> Compared:
    """As :func:`compare`, from one table a run. Runs of equal ``seeds`` are paired; without seeds, in their order."""
    left, right = seeds or (range(len(a)), range(len(b)))
    pairs = [(a[place], b[list(right).index(seed)]) for place, seed in enumerate(left) if seed in right]
    if pairs:
        a, b = [one for one, _ in pairs], [other for _, other in pairs]
    rows: list[Comparison] = []
    targets: list[Target] = []
    measures: tuple[Measure, ...] = ("best", "hypervolume")
    axes: tuple[Axis, ...] = ("trainings", "seconds")
    for against in axes:
        for measure in measures:
            both = courses({"a": a, "b": b}, measure=measure, against=against, report=report)
            rows.append(_at_equal_effort(both["a"], both["b"], len(pairs), measure, against))
            if measure == "best":
                targets.append(_target(both["a"], both["b"], against))
    over = None
    if random is not None and len(random):
        over = (over_random(a, random), over_random(b, random))
    return Compared(names=names, rows=tuple(rows), targets=tuple(targets), over_random=over)


def _at_equal_effort(a: Sequence[Steps], b: Sequence[Steps], pairs: int, measure: Measure, against: Axis) -> Comparison:
    """Compare courses that are so many pairs, or, where there are none, all of both."""
    effort = min((course.end for course in (*a, *b)), default=0.0)
    left, right = ([float(course.at(np.array([effort]))[0]) for course in courses] for courses in (a, b))
    couples = zip(left, right, strict=True) if pairs else ()
    known = [couple for couple in couples if np.isfinite(couple).all()]
    ours, theirs = [one for one, _ in known], [other for _, other in known]
    return Comparison(
        measure=measure,
        against=against,
        effort=effort,
        a=mean_share(ours or left),  # Of the pairs, if any, lest the difference contradict what stands beside it.
        b=mean_share(theirs or right),
        difference=paired(ours, theirs),
        pairs=pairs,
    )


def _target(a: Sequence[Steps], b: Sequence[Steps], against: Axis) -> Target:
    finals = [[course.y[-1] for course in courses if len(course.y)] for courses in (a, b)]
    medians = [float(np.nanmedian(values)) for values in finals if np.isfinite(values).any()]
    accuracy = min(medians) if len(medians) == 2 else float("nan")
    reached = [
        median_time([course.first(accuracy) for course in courses], [course.end for course in courses])
        for courses in (a, b)
    ]
    return Target(against=against, accuracy=accuracy, a=reached[0], b=reached[1])


def over_random(searches: Sequence[pd.DataFrame], random: pd.DataFrame) -> Difference:
    """How far the winners are above the mean network that a random search trained within the same budget."""
    drawn = random[(random["state"] == "complete") & random["within_budget"] & ~random["reference"]]
    finals = [anytime(table).y for table in searches]
    return unpaired(drawn["accuracy"], [float(course[-1]) for course in finals if len(course)])
