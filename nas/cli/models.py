"""Tables of trained networks."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table

from nas.architecture import extent
from nas.budget import MEASURED, Budget
from nas.cli.console import FILE_WIDTH
from nas.cli.progress import shape
from nas.data.config import SplitName
from nas.published import Published
from nas.record import TrialRecord
from nas.run.recipe import Recipe

if TYPE_CHECKING:
    from analysis.trained import Trained
    from nas.run.plan import Plan
    from nas.run.readings import Retrained
    from nas.run.train import Delivered

_SPLITS: Final[tuple[tuple[SplitName, str], ...]] = (
    ("test", "test"),
    ("b", "validation B"),
    ("a", "validation A"),
)
_LATENCY: Final = "latency (ms)"


def top_table(name: str, recipe: Recipe, records: Sequence[TrialRecord]) -> Table:
    """The best trials of a run, by the name of its folder."""
    table = Table(title=f"{name}: the best {len(records)} by split A, after {_epochs(recipe.training.epochs)}")
    seconds = [record.candidate.measured.get(MEASURED) for record in records]
    timed = any(each is not None for each in seconds)
    for column in ("trial", "accuracy on A", "MACs", "params", *([_LATENCY] if timed else []), "cells"):
        table.add_column(column, justify="right")
    table.add_column("key")
    table.add_column("")
    for record, latency in zip(records, seconds, strict=True):
        candidate = record.candidate
        table.add_row(
            str(record.number),
            f"{record.accuracy or 0.0:.2%}",
            f"{candidate.cost.macs:,}",
            f"{candidate.cost.params:,}",
            *([_milliseconds(latency)] if timed else []),
            shape(candidate.architecture),
            candidate.key,
            "GoogLeNet (reference)" if candidate.reference else "",
        )
    return table


def choice_table(trained: Sequence["Retrained"], plan: "Plan", budget: Budget) -> Table:
    """The networks that were retrained, by split A; the first of them is the one that was chosen."""
    seeds = "one seed" if plan.seeds == 1 else f"{plan.seeds} seeds"
    table = Table(title=f"{_epochs(plan.training.epochs)}, {seeds}: chosen by the mean on split A")
    table.add_column("network")
    timed = any(each.network.timed for each in trained)
    for column in ("accuracy on A", "MACs", "params", *([_LATENCY] if timed else [])):
        table.add_column(column, justify="right")
    for place, each in enumerate(trained):
        cost = budget.cost(each.network.architecture)
        table.add_row(
            each.network.label,
            each.summary("a").percent(),
            f"{cost.macs:,}",
            f"{cost.params:,}",
            *([_milliseconds(each.network.timed.latency_seconds if each.network.timed else None)] if timed else []),
            style="bold green" if place == 0 else None,
        )
    return table


def result_table(delivered: "Delivered", published: Sequence[Published] = ()) -> Table:
    """What was delivered, and what others report on the same data."""
    winner, data = delivered.winner, delivered.plan.data.name
    cost = delivered.budget.cost(winner.network.architecture)
    size = extent(delivered.budget.resolution, winner.network.architecture.dims)
    table = Table(title=f"{winner.network.label} on {data} at {size}, {_epochs(delivered.plan.training.epochs)}")
    table.add_column("network")
    table.add_column("accuracy")
    for column in ("MACs", "params"):
        table.add_column(column, justify="right")
    if published:
        table.add_column("source")
    timed = winner.network.timed
    if timed:
        table.add_column(_LATENCY, justify="right")
    for split, told in _SPLITS:
        figures = [f"{cost.macs:,}", f"{cost.params:,}"] if split == "test" else ["", ""]
        source = ["this training"] if published else []
        latency = [_milliseconds(timed.latency_seconds)] if timed and split == "test" else []
        table.add_row(f"ours, {told}", winner.summary(split).percent(), *figures, *source, *latency, style="bold green")
    add_published(table, published)
    return table


def weights_table(label: str, data: str, figures: Mapping[str, Any], published: Sequence[Published]) -> Table:
    """How weights from elsewhere do, by the figures of ``nas.run.weights``, and what others report."""
    table = Table(title=f"{label} on {data}, {figures['images']:,} images of the test split")
    for column in ("network", "accuracy"):
        table.add_column(column)
    for column in ("MACs", "params"):
        table.add_column(column, justify="right")
    table.add_column("source")
    low, high = figures["interval"]
    top1 = f"{figures['accuracy']:.2%} (95% interval {100 * low:.2f} to {100 * high:.2f})"
    top5 = f", top-5 {figures['top5']:.2%}" if "top5" in figures else ""
    costs = (f"{figures[name]:,}" for name in ("macs", "params"))
    table.add_row(label, f"{top1}{top5}", *costs, "these weights", style="bold green")
    add_published(table, published)
    return table


def add_published(table: Table, published: Sequence[Published]) -> None:
    """Append what others report."""
    for figure in published:
        note = f" ({figure.note})" if figure.note else ""
        table.add_row(
            figure.who, reported(figure), _count(figure.macs), _count(figure.params), f"{figure.source}{note}"
        )


def reported(figure: Published) -> str:
    """A published accuracy as text."""
    parts = []
    if figure.top1 is not None:
        parts.append(f"{figure.top1:.2%}" + (f" +- {100 * figure.spread:.2f}" if figure.spread is not None else ""))
    if figure.top5 is not None:
        parts.append(f"top-5 {figure.top5:.2%}")
    return ", ".join(parts)


def _epochs(count: int) -> str:
    return "one epoch" if count == 1 else f"{count} epochs"


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{1e3 * seconds:.3g}"


def _count(value: float | None) -> str:
    return "" if value is None else f"{value / 1e6:,.2f}M"


def trained_table(models: Sequence["Trained"], *, width: int = FILE_WIDTH) -> Table:
    """Model folders side by side; gains are over the first: of the means, and by the images.

    On a terminal of few columns without parameters and epochs, which ``models.csv`` has.
    """
    first = models[0]
    where = {"test": "the test split", "a": "split A", "b": "split B"}[first.split]
    table = Table(title=f"{first.data}: mean accuracy on {where} with 95% interval over seeds")
    wide = width >= FILE_WIDTH
    by_image = any(model.over_images(first) is not None for model in models[1:])
    room = wide and not by_image
    table.add_column("network", overflow="fold", min_width=None if wide else 12)
    sizes = ("MACs", "params", "epochs") if wide else ("MACs",)
    for column in sizes:
        table.add_column(column, justify="right", no_wrap=True)
    interval = len("+0.15 [+0.02,")
    for column in ("accuracy (%)", "gain over the first", *(["gain, image by image"] if by_image else [])):
        # Where there is no room for all, an interval stands below its figure, rather than a name in pieces.
        table.add_column(column, justify="right", no_wrap=room, overflow="fold", width=None if room else interval)
    for model in models:
        images = model.over_images(first) if model is not first else None
        table.add_row(
            model.label,
            *(f"{model.macs:,}", f"{model.params:,}", str(model.epochs))[: len(sizes)],
            model.accuracy.text(100),
            model.over(first).text() if model is not first else "",
            *([images.text() if images else ""] if by_image else []),
            style="bold cyan" if model is first else None,
        )
    return table
