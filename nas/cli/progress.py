"""Live progress of a search: a line for each trial that ends, the running ones, the best so far."""

import time
from collections.abc import Mapping
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from nas.architecture import Architecture
from nas.budget import Budget
from nas.cli.console import make_console
from nas.record import Candidate, TrialRecord
from nas.run.engine import Listener
from nas.run.job import Job


class Progress(Listener):
    """A listener that draws on the terminal; without one, it prints the line of each trial only.

    Args:
        trials: asked for in all.
        epochs: of a full trial.
        budget: a reference over it is not the best of a search; None where there is none.
        console: where to draw; standard output unless given.
    """

    def __init__(
        self, trials: int, epochs: int, *, budget: Budget | None = None, console: Console | None = None
    ) -> None:
        self._trials = trials
        self._epochs = epochs
        self._budget = budget
        self._console = console or make_console()
        self._running: dict[int, tuple[Candidate, Mapping[str, float]]] = {}
        self._best: TrialRecord | None = None
        self._ended = 0
        self._began = time.monotonic()
        self._live = Live(console=self._console, get_renderable=self._render, refresh_per_second=4, transient=True)

    def __enter__(self) -> "Progress":
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._live.stop()

    def opened(self, records: tuple[TrialRecord, ...]) -> None:
        """Count what earlier sessions of the run have done."""
        for record in records:
            if record.state != "running":
                self._ended += 1
                self._is_better(record)
        if self._ended:
            self._console.print(f"{self._ended} trials of this run ended in earlier sessions")

    def started(self, job: Job, candidate: Candidate) -> None:
        """A trial begins."""
        self._running[job.number] = (candidate, {})

    def epoch(self, number: int, metrics: Mapping[str, float]) -> None:
        """A trial trained one epoch more."""
        candidate, _ = self._running[number]
        self._running[number] = (candidate, metrics)

    def ended(self, record: TrialRecord) -> None:
        """A trial is over: print its line."""
        self._running.pop(record.number, None)
        self._ended += 1
        self._console.print(self._line(record, self._is_better(record)))

    def said(self, message: str) -> None:
        """A message for the user."""
        self._console.print(Text(message, style="yellow"))

    def _is_better(self, record: TrialRecord) -> bool:
        candidate = record.candidate
        # Below the band, as a reference may be, is within the budget.
        within = self._budget is None or self._budget.within(candidate.cost, candidate.measured)
        counts = record.state == "complete" and within
        better = counts and (self._best is None or (record.accuracy or 0) > (self._best.accuracy or 0))
        if better:
            self._best = record
        return better

    def _line(self, record: TrialRecord, better: bool) -> Text:
        candidate = record.candidate
        text = Text(f"{record.number:>5}  {candidate.cost.macs / 1e6:>8.2f}M MACs  {shape(candidate.architecture):<8}")
        match record.state:
            case "failed":
                text.append(f"  failed: {record.reason or 'ended from outside'}", style="red")
            case "stopped":
                text.append(f"  {_percent(record.accuracy)}  stopped after epoch {record.epochs}", style="dim")
            case _:
                text.append(f"  {_percent(record.accuracy)}", style="bold green" if better else "")
                text.append(f"  {record.seconds:6.1f} s")
        if candidate.reference:
            text.append("  GoogLeNet (reference)", style="cyan")
        elif better:
            text.append("  best so far", style="green")
        return text

    def _render(self) -> Table:
        table = Table.grid(padding=(0, 2))
        minutes = (time.monotonic() - self._began) / 60
        best = f"best {_percent(self._best.accuracy)} (trial {self._best.number})" if self._best else "no result yet"
        table.add_row(Text(f"{self._ended} trials ended of {self._trials}  {minutes:.1f} min  {best}", style="bold"))
        for number, (candidate, metrics) in sorted(self._running.items()):
            epoch = int(metrics.get("epoch", 0))
            accuracy = _percent(metrics["accuracy"]) if "accuracy" in metrics else "starting"
            macs = f"{candidate.cost.macs / 1e6:.2f}M MACs"
            table.add_row(Text(f"  trial {number}: epoch {epoch}/{self._epochs}  {accuracy}  {macs}", style="dim"))
        return table


def shape(architecture: Architecture) -> str:
    """Cells by stage, such as ``2+5+2``."""
    return "+".join(str(len(stage)) for stage in architecture.stages)


def _percent(accuracy: float | None) -> str:
    return "      -" if accuracy is None else f"{accuracy:7.2%}"
