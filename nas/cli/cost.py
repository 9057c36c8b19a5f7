"""``nas cost``: what a network costs, row by row, beside the paper's table."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from nas import serialize
from nas.architecture import Architecture, extent
from nas.budget import RUNTIMES, Budget
from nas.cost import Cost, Row, rows
from nas.cost import cost_told as count
from nas.errors import ArchitectureError, BudgetError, ModelError, counted
from nas.files import write_atomically
from nas.memory import memory
from nas.operations import lower
from nas.paper import TABLE_1
from nas.presets import PRESETS

if TYPE_CHECKING:
    from nas.training.latency import LatencyMeter

_IMAGENET: Final = (224, 1000)
"""Resolution and classes, where nothing else is told."""
_MOST: Final = 2**31
"""Torch counts in less."""


def cost(
    network: str = typer.Argument(
        help=f"One of {', '.join(PRESETS)}, a trial as RUN:NUMBER, a model folder, or a JSON file with an architecture."
    ),
    resolution: int | None = typer.Option(
        None, help="Width of the input in pixels; by default what a trial or a model folder was costed at, or 224."
    ),
    classes: int | None = typer.Option(
        None, help="Outputs of the last layer; by default those of a trial or a model folder, or 1000."
    ),
    budget: str = typer.Option(None, help="Most multiply-adds, such as 1.5e9: tell which networks fit."),
    measure: bool = typer.Option(False, "--measure", help="Add memory of activations, and latency, timed here."),
    batch: int = typer.Option(1, help="Images at a time, for --measure."),
    threads: int = typer.Option(1, help="Of the runtime, for --measure."),
    runtime: str = typer.Option(RUNTIMES[0], help=f"What runs the network for --measure: {' or '.join(RUNTIMES)}."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON instead of a table."),
    out: Path = typer.Option(None, help="Write the architecture to this JSON file."),
) -> None:
    """Count multiply-adds and weights without building the network, and print them by row."""
    if not measure and (batch, threads, runtime) != (1, 1, RUNTIMES[0]):
        raise BudgetError("--batch, --threads and --runtime must come with --measure, for without it nothing is timed.")
    architecture, side, outputs = _load(network)
    resolution, classes = resolution if resolution is not None else side, classes if classes is not None else outputs
    total = count(architecture, resolution=resolution, classes=classes)
    operations = lower(architecture, resolution=resolution, classes=classes).operations
    table = [row for row in rows(operations) if row.name not in ("dropout", "lrn1", "lrn2")]
    limit = _limit(budget, resolution, classes)
    presets = {name: replace(preset, dims=architecture.dims) for name, preset in PRESETS.items()}
    verdicts = {name: _fits(preset, limit) for name, preset in presets.items()} if limit else {}
    if limit and network not in PRESETS:
        verdicts = {network: limit.allows(total), **verdicts}
    if measure:
        meter = _meter(resolution, classes, batch, threads, runtime)
    if not as_json:  # Before what may take minutes.
        _print(network, resolution, classes, table, architecture, total)
    measured = _measure(architecture, meter) if measure else {}
    if as_json:
        data: dict[str, Any] = {"network": network, "resolution": resolution, "classes": classes, **asdict(total)}
        data["key"] = serialize.key(architecture)
        data["rows"] = [asdict(row) for row in table]
        if limit:
            data["fits"] = verdicts
        if measured:
            data["measured"] = {"batch": batch, "threads": threads, "runtime": runtime, **measured}
        typer.echo(json.dumps(data, indent=1))
    if out is not None:
        write_atomically(out, serialize.to_json(architecture, indent=1) + "\n")
    if as_json:
        return
    if measured:
        at = f"batch {batch}, {counted(threads, 'thread')} of {runtime}, median of {measured['runs']} warmed runs"
        typer.echo(f"latency: {1e3 * measured['latency_seconds']:.2f} ms ({at} on this machine)")
        inference, training = (measured[f"{kind}_bytes"] / 1e6 for kind in ("inference", "training"))
        typer.echo(f"peak memory of activations: {inference:.2f} MB in inference, {training:.2f} MB in training")
    macs = f"{limit.macs if limit else 0:,} MACs"
    told = {True: f"fits {macs}", False: f"does not fit {macs}", None: f"cannot be wired at {resolution} pixels"}
    for name, fits in verdicts.items():
        typer.echo(f"{name}: {told[fits]}")


def load_architecture(network: str) -> Architecture:
    """A preset by name, the network of a trial or of a model folder, or the architecture in a JSON file.

    Raises:
        ArchitectureError: none of these, or a file without an architecture.
        RunError: a run that has no such trial.
    """
    return _load(network)[0]


def _load(network: str) -> tuple[Architecture, int, int]:
    """The network, and the resolution and the classes that it was costed for; else ImageNet's."""
    if network in PRESETS:
        return PRESETS[network], *_IMAGENET
    if (named := named_trial(network)) is not None:
        from nas.journal import Journal

        run, number = named
        # The journal alone: a search by a function of one's own has no recipe.
        journal = Journal.open(run / "journal.log", read_only=True)
        architecture = journal.trial(number).candidate.architecture
        return architecture, *_costed(journal.attributes.get("budget"))
    path = Path(network)
    if (path / "architecture.json").is_file():
        return serialize.load(path / "architecture.json"), *_told(path)
    if not path.is_file():
        raise ArchitectureError(
            f"network must be one of {', '.join(PRESETS)}, a trial as RUN:NUMBER, a model folder or a JSON file, "
            f"but got {network!r}."
        )
    return serialize.load(path), *_IMAGENET


def _told(folder: Path) -> tuple[int, int]:
    """By a model folder: its metrics, or else its weights."""
    metrics = folder / "metrics.json"
    if not metrics.exists():
        from nas.training.model_folder import WEIGHTS, read_facts

        facts = read_facts(folder) if (folder / WEIGHTS).exists() else None
        return (facts.resolution, facts.classes) if facts else _IMAGENET
    try:
        return _costed(json.loads(metrics.read_text(encoding="utf-8"))["network"])
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{metrics} must tell what its network was costed at, but it does not: {error!r}.") from error


def _costed(told: object) -> tuple[int, int]:
    if not isinstance(told, Mapping):
        return _IMAGENET
    return int(told["resolution"]), int(told["classes"])


def named_trial(network: str) -> tuple[Path, int] | None:
    """The run folder and the number in ``RUN:NUMBER``; None for anything else."""
    run, _, number = network.rpartition(":")
    return (Path(run), int(number)) if run and number.isdecimal() else None


def _fits(architecture: Architecture, limit: Budget) -> bool | None:
    """Whether a network is within a budget; None where the budget has too few pixels for it."""
    try:
        return limit.allows(limit.cost(architecture))
    except ArchitectureError:
        return None


def _meter(resolution: int, classes: int, batch: int, threads: int, runtime: str) -> "LatencyMeter":
    """A meter of what is in range: the rest is refused before anything is printed."""
    for name, value in (("batch", batch), ("threads", threads)):
        if not 1 <= value < _MOST:
            raise BudgetError(f"`1 <= {name} < {_MOST}` must hold, but got {name}={value}.")
    from nas.training.device import check_threads
    from nas.training.latency import LatencyMeter

    check_threads(threads)
    return LatencyMeter(resolution=resolution, classes=classes, batch=batch, threads=threads, runtime=runtime)


def _measure(architecture: Architecture, meter: "LatencyMeter") -> dict[str, int | float]:
    needed = memory(architecture, resolution=meter.resolution, classes=meter.classes, batch=meter.batch)
    timing = meter.measure(architecture)
    return {
        "latency_seconds": timing.seconds,
        "runs": timing.runs,
        "inference_bytes": needed.inference,
        "training_bytes": needed.training,
    }


def _limit(text: str | None, resolution: int, classes: int) -> Budget | None:
    if text is None:
        return None
    try:
        macs = float(text)
        if not macs.is_integer():
            raise ValueError("not a whole number")
    except (ValueError, OverflowError) as error:
        raise BudgetError(f"budget must be a whole number of multiply-adds such as 1.5e9, but got {text!r}.") from error
    return Budget(macs=int(macs), resolution=resolution, classes=classes)


def _print(
    name: str,
    resolution: int,
    classes: int,
    table: list[Row],
    architecture: Architecture,
    total: Cost,
) -> None:
    from rich.table import Table

    from nas.cli.console import make_console

    # The paper's figures stand beside the network of the paper's table, at its own resolution.
    paper = architecture == PRESETS["googlenet"] and (resolution, classes) == (224, 1000)
    shown = Table(title=f"{name} at {extent(resolution, architecture.dims)}, {classes} classes")
    shown.add_column("row")
    for column in (
        "in",
        "out",
        "size",
        "MACs",
        *(["paper"] if paper else []),
        "weights",
        *(["paper"] if paper else []),
    ):
        shown.add_column(column, justify="right")
    for row in table:
        figures = [f"{row.macs:,}" if row.macs else "", f"{row.weights:,}" if row.weights else ""]
        if paper:
            printed = TABLE_1.get(row.name)
            figures = [figures[0], printed.operations if printed else "", figures[1], printed.params if printed else ""]
        shown.add_row(row.name, str(row.in_channels), str(row.out_channels), str(row.out_size), *figures)
    console = make_console()
    console.print(shown)
    console.print(
        f"total: {total.macs:,} MACs, {total.params:,} params ({total.weights:,} weights, and biases or norm scales)"
    )
    console.print("One MAC is one multiply-add of a convolution or linear layer; many call it two FLOPs.")
