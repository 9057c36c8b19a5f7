"""``nas analyze``, ``models`` and ``watch``: look at runs and trained networks from their files alone."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from nas.errors import ModelError, RunError

LAZINESS: Final = 20
"""So many times what a look takes is waited for the next: a long journal is read whole, beside trainings."""

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from analysis.progress import Progress


def analyze(
    runs: list[Path] = typer.Argument(help="Run folders; a folder of run folders is one search with several seeds."),
    into: Path | None = typer.Option(
        None,
        help="Where files go, but for trials.parquet, a cache; unless given the run's, or analysis beside several.",
    ),
    report: bool = typer.Option(True, help="Also write every figure, and report.html, a page of its own."),
    tensorboard: Path | None = typer.Option(None, help="Also write the curves into this folder, for TensorBoard."),
) -> None:
    """Draw accuracy against MACs and all other figures, and print the Pareto front with GoogLeNet beside it."""
    show(runs, into=into, report=report)
    if tensorboard is not None:
        from analysis.runs import named_apart
        from analysis.source import runs_in
        from analysis.tensorboard import write_events

        flat = [one for run in runs for one in runs_in(run)]
        named = [(one, each.name) for one, each in zip(flat, named_apart(flat), strict=True)]
        written = [path for one, name in named for path in write_events(one, tensorboard, name)]
        typer.echo(f"wrote the curves of {len(written)} trials; look at them by: tensorboard --logdir {tensorboard}")


def models(
    folders: list[Path] = typer.Argument(help="Model folders, the one to beat first."),
    run: list[Path] = typer.Option([], help="A search whose trials are drawn in the background; may be repeated."),
    split: str = typer.Option("test", help="a, b or test, as the trainings have read it; nothing is evaluated."),
    into: Path = typer.Option(Path("reports/models"), help="Where models.png, models.svg and models.csv go."),
) -> None:
    """Compare trained networks on one data set: cost, accuracy with intervals, gain over the first; and draw them."""
    from analysis.trained import SPLITS, read_trained
    from analysis.write import draw_models
    from nas.cli.console import make_console
    from nas.cli.models import trained_table

    chosen = next((known for known in SPLITS if known == split), None)
    if chosen is None:
        raise ModelError(f'--split must be {", ".join(SPLITS)}, but got "{split}".')
    found = read_trained(folders, chosen)
    paths = draw_models(found, into, runs=run)
    console = make_console()
    console.print(trained_table(found, width=console.width))
    for path in paths:
        console.print(f"wrote {relative(path)}", soft_wrap=True)


def watch(
    run: Path = typer.Argument(help="The folder of a running search."),
    every: float = typer.Option(2.0, min=0.2, help="Seconds between two looks; more where a look takes long."),
    once: bool = typer.Option(False, "--once", help="Look once and end."),
) -> None:
    """Show a running search live, from its files: in another terminal, on any machine that sees the folder."""
    from rich.live import Live

    from analysis.progress import progress
    from nas.cli.console import make_console

    console = make_console()
    seen = progress(run)
    if once:
        console.print(_standing(seen))
        return
    with Live(_standing(seen), console=console, auto_refresh=False) as live:
        looked = 0.0
        while not seen.over:
            time.sleep(max(every, LAZINESS * looked))
            began = time.monotonic()
            seen = progress(run)
            looked = time.monotonic() - began
            live.update(_standing(seen), refresh=True)


def show(runs: Sequence[Path], *, into: Path | None = None, report: bool = False) -> None:
    """Write the figures of runs and print their front: what every search ends with.

    Raises:
        RunError: not runs, or not to be written to.
    """
    import pandas as pd

    from analysis.alike import TRAINING, unlike
    from analysis.runs import cost_of, load
    from analysis.source import runs_in
    from analysis.table import trained_alike
    from analysis.write import TIME
    from analysis.write import analyze as draw
    from analysis.write import front_table as front
    from nas.cli.console import make_console
    from nas.cli.tables import front_table, time_table

    console = make_console()
    try:
        paths = draw(list(runs), into=into, report=report)
    except OSError as error:
        if into is not None and not Path(str(error.filename)).is_relative_to(into):
            raise  # What was to be read, which another folder does not mend.
        raise RunError(
            f"the figures' folder must be writable, but {error.filename} is not ({error.strerror}); "
            "name another by --into."
        ) from error
    flat = [member for run in runs for member in runs_in(run)]
    table = load(flat)
    cost = cost_of(table)
    rows = front(table, cost)
    console.print(front_table(rows, cost, width=console.width, runs=len(flat)) if rows else _no_front(table))
    if not trained_alike(table):
        told = "; ".join(unlike(flat, TRAINING)) or "as their journals tell"
        console.print(f"not trained alike, so that figures of all networks together are left out: {told}")
        console.print("the front is of all of them, whatever their training; gains are over GoogLeNet trained alike")
    figures = [path for path in paths if path.parent.name == "figures"]
    for path in paths:
        if path.name == TIME:
            console.print(time_table(pd.read_csv(path)))
    for path in paths:
        if path not in figures:
            console.print(f"wrote {relative(path)}", soft_wrap=True)
    if figures:
        console.print(f"wrote {len(figures)} files in {relative(figures[0].parent)}", soft_wrap=True)


def _no_front(table: "pd.DataFrame") -> str:
    """Why there is none: what the last trial failed of, if any did."""
    failed = table[table["state"] == "failed"].tail(1)
    reasons = failed["reason"].fillna("no reason recorded")
    told = [f"; trial {trial} failed: {reason}" for trial, reason in zip(failed["trial"], reasons, strict=True)]
    return f"no front yet, for no trial was trained to the end within the budget{''.join(told)}"


def relative(path: Path) -> Path:
    """A path as the user would type it: from the current folder, if it is below it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _standing(seen: "Progress") -> "Table":
    from rich.table import Table

    wanted = f" of {seen.trials_wanted}" if seen.trials_wanted else ""
    table = Table(title=f"{seen.name}: {seen.finished}{wanted} trials ended", min_width=60)
    table.add_column("")
    table.add_column("")
    told = {state: "interrupted" if seen.over and state == "running" else state for state in seen.states}
    table.add_row("trials", ", ".join(f"{count} {told[state]}" for state, count in seen.states.items()))
    if seen.best is not None:
        trial, macs, accuracy = seen.best
        table.add_row("best", f"trial {trial}: {accuracy:.2%} at {macs / 1e6:.2f}M MACs")
    if seen.reference is not None:
        table.add_row("GoogLeNet", f"{seen.reference:.2%}")
    for one in seen.running:
        epochs = f"{one.epochs}/{seen.epochs_wanted}" if seen.epochs_wanted else str(one.epochs)
        reached = "" if one.accuracy is None else f", {one.accuracy:.2%}"
        table.add_row(f"trial {one.trial}", f"epoch {epochs}{reached}, {one.macs / 1e6:.2f}M MACs")
    table.add_row("device time", f"{seen.device_seconds / 3600:.2f} hours")
    if seen.seconds_left and not seen.over:
        table.add_row("left", f"about {seen.seconds_left / 60:.0f} minutes")
    if seen.over and seen.trials_wanted and seen.finished < seen.trials_wanted:
        table.add_row("ended", "before all trials: at a limit of time, by Ctrl-C, or for want of networks")
    if not seen.over:
        table.add_row("last written", f"{seen.silent_seconds / 60:.0f} minutes ago")
    for trial, reason in seen.failures:
        table.add_row(f"trial {trial} failed", reason)
    return table
