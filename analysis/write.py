"""What ``nas analyze`` and ``models`` write: figures, the data behind them, the report; and the front."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from analysis.alike import differ_in_seed
from analysis.pareto import front, on_front
from analysis.plots.accuracy_vs_cost import accuracy_vs_cost
from analysis.plots.trained import trained_networks
from analysis.runs import (
    apart,
    budget_of,
    cache_of,
    check_comparable,
    cost_of,
    dims_of,
    limit_of,
    load,
    named_apart,
)
from analysis.source import Source, runs_in, source
from analysis.style import figure, save
from analysis.table import networks, trainings
from analysis.trained import Trained, table_of
from nas.files import write_atomically
from nas.published import published

TIME: Final = "time_spent.csv"


def analyze(
    runs: Path | str | Sequence[Path | str], *, into: Path | str | None = None, report: bool = False
) -> tuple[Path, ...]:
    """Analyse a run, or several together, from their folders alone.

    Writes ``accuracy_vs_macs.png`` and ``.svg``, ``accuracy_vs_macs.csv`` (the data behind it) and
    ``trials.csv`` (every column), and brings ``trials.parquet`` beside each journal up to date. Where the runs looked
    at another cost, by their second objective or their budget, the same is written of it.

    Args:
        runs: run folders or journals; a folder of run folders is one search with several seeds, for
            bands in the figures, where they differ in their seeds alone.
        into: where files go; by default the run's folder, or ``analysis`` beside the first of several.
        report: also write ``report.html``, every figure, as PNG, SVG and PDF, into ``figures``, and
            ``time_spent.csv``, the place-seconds by what they went for, where there are curves to tell it.

    Returns:
        The files, the PNG first.

    Raises:
        RunError: not a run, a journal that is damaged, or runs of different data sets.
    """
    given = [runs] if isinstance(runs, Path | str) else list(runs)
    several = [runs_in(one) for one in given]
    flat = [one for members in several for one in members]
    sources = named_apart(flat)
    check_comparable(sources)
    table = load(flat)
    folder = Path(into) if into is not None else _home(sources)
    folder.mkdir(parents=True, exist_ok=True)
    costs = dict.fromkeys((cost_of(table), "macs"))
    paths = [path for cost in costs for path in plot(table, folder, cost)]
    paths.append(write_csv(table, folder / "trials.csv"))
    caches = dict.fromkeys(cache_of(one) for one in sources)
    paths += [cache for cache in caches if cache.is_file()]
    if report:
        paths += _report(sources, table, folder, _searches(given, several, [one.name for one in sources]))
    return tuple(paths)


def _searches(
    given: Sequence[Path | str], several: Sequence[Sequence[Path]], names: Sequence[str]
) -> dict[str, list[str]]:
    """The names of each search's runs, by its own: a folder of runs that differ in more than their seeds is many."""
    homes = [Path(one).resolve() for one in given]
    labels = apart([home.name for home in homes], [home.parent.name for home in homes])
    rest = iter(names)
    found: dict[str, list[str]] = {}
    for label, runs in zip(labels, several, strict=True):
        own = [next(rest) for _ in runs]
        found |= {label: own} if differ_in_seed(runs) else {name: [name] for name in own}
    return found


def _home(sources: Sequence[Source]) -> Path:
    first = sources[0].folder or sources[0].journal.parent
    return first if len(sources) == 1 else first.resolve().parent / "analysis"


def _report(
    sources: Sequence[Source], table: pd.DataFrame, folder: Path, members: Mapping[str, Sequence[str]]
) -> list[Path]:
    # Here rather than at the top: the plot alone, which every search ends with, needs none of it.
    from analysis.figures import illustrations
    from analysis.material import documents, gather
    from analysis.report.page import page
    from analysis.report.picture import Picture, picture
    from analysis.time_spent import time_table

    material = gather(sources, table, searches=members if len(members) < len(sources) else None)
    gallery = folder / "figures"
    gallery.mkdir(exist_ok=True)
    paths: list[Path] = []
    pictures: list[Picture] = []
    for one in illustrations(material):
        files = [save(one.figure, gallery / f"{one.name}.{kind}") for kind in ("svg", "png", "pdf")]
        pictures.append(picture(one, files[0].read_bytes()))
        paths += files
    text = page(
        title=", ".join(members if len(members) < len(sources) else [one.name for one in sources]),
        table=material.table,
        curves=material.curves,
        networks=material.networks,
        figures=pictures,
        documents=documents(sources),
    )
    times = [write_csv(time_table(material.time), folder / TIME)] if material.time else []
    written = folder / "report.html"
    write_atomically(written, text)
    return [*times, written, *paths]


def plot(table: pd.DataFrame, folder: Path, cost: str = "macs") -> tuple[Path, Path, Path]:
    """Write the plot of accuracy against a cost as PNG and SVG, and its points as CSV."""
    budget = budget_of(table)
    made, (axes,) = figure()
    accuracy_vs_cost(
        table,
        axes,
        cost=cost,
        budget=limit_of(table, cost),
        resolution=budget.resolution if budget else None,
        dims=dims_of(table),
    )
    name = f"accuracy_vs_{cost.removeprefix('measured.')}"
    png, svg = (save(made, folder / f"{name}.{kind}") for kind in ("png", "svg"))
    return png, svg, write_csv(plotted(table, cost), folder / f"{name}.csv")


def draw_models(models: Sequence[Trained], folder: Path, *, runs: Sequence[Path] = ()) -> tuple[Path, Path, Path]:
    """Write trained networks beside what others report of GoogLeNet, and whatever has a cost: PNG, SVG, and CSV.

    Args:
        models: the one to beat first.
        folder: where files go.
        runs: searches whose trials stand behind them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    flat = [each for run in runs for each in runs_in(run)]
    check_comparable(map(source, flat), models[0].data_set)
    trials = load(flat) if flat else None
    beside = [
        each
        for each in published(models[0].data, models[0].classes)
        if each.macs is not None or each.who.lower().startswith("googlenet")
    ]
    made, (axes,) = figure(6.4, 4.4)
    trained_networks(models, axes, published=beside, trials=trials)
    png, svg = (save(made, folder / f"models.{kind}") for kind in ("png", "svg"))
    # Further digits are those of scipy's version, and the file is compared with one that another wrote.
    return png, svg, write_csv(table_of(models).round(8), folder / "models.csv")


def plotted(table: pd.DataFrame, cost: str = "macs") -> pd.DataFrame:
    """The points of the plot, and whether each network is on the front."""
    keep = ["run", "trial", "key", "state", "reference", cost, "accuracy", "epochs", "seed"]
    points = table.loc[table["accuracy"].notna(), keep]
    done = points["state"] == "complete"
    return points.assign(on_front=on_front(points, table, cost) & done)


def write_csv(table: pd.DataFrame, path: Path) -> Path:
    """Write a table as CSV, whole or not at all."""
    write_atomically(path, table.to_csv(index=False, lineterminator="\n"))
    return path


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontRow:
    """A network of the front, or the reference beside it.

    Attributes:
        run: name of its run.
        trial: number of its first trial.
        key: its content key.
        reference: whether it is the network to beat.
        on_front: whether no candidate is better (false only for the reference).
        macs: multiply-adds, at the budget's resolution.
        params: parameters; 0 where somebody else's study does not tell them.
        cost: what the front is by.
        accuracy: mean over its seeds, split A, in [0, 1].
        seeds: how many there are.
        gain: accuracy above that of the reference that was trained alike, in points of percent; None without one.
        macs_ratio: of that reference's MACs; None without one.
    """

    run: str
    trial: int
    key: str
    reference: bool
    on_front: bool
    macs: int
    params: int
    cost: float
    accuracy: float
    seeds: int
    gain: float | None
    macs_ratio: float | None


def front_table(table: pd.DataFrame, cost: str = "macs") -> tuple[FrontRow, ...]:
    """The front by rising cost, with the reference in its place, whether or not it is on the front."""
    best = front(table, cost)
    known = networks(table)
    beside = known[known["reference"] & ~known["key"].isin(best["key"])]
    rows = pd.concat([best.assign(on_front=True), beside.assign(on_front=False)], ignore_index=True)
    rows = rows.sort_values([cost, "trial"], kind="stable")
    stars = known.assign(by=trainings(known, table))[known["reference"]].drop_duplicates("by").to_dict("records")
    bases = {str(star["by"]): (float(star["accuracy"]), int(star["macs"])) for star in stars}
    return tuple(
        FrontRow(
            run=str(row["run"]),
            trial=int(row["trial"]),
            key=str(row["key"]),
            reference=bool(row["reference"]),
            on_front=bool(row["on_front"]),
            macs=int(row["macs"]),
            params=int(row["params"]),
            cost=float(row[cost]),
            accuracy=float(row["accuracy"]),
            seeds=int(row["n"]),
            gain=100 * (float(row["accuracy"]) - base[0]) if base else None,
            macs_ratio=int(row["macs"]) / base[1] if base else None,
        )
        for row in rows.assign(by=trainings(rows, table)).to_dict("records")
        # Trained by another recipe, the reference would tell of the recipes and not of the networks.
        for base in (bases.get(str(row["by"])),)
    )
