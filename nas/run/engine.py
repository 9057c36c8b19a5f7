"""The search itself, without an executor: what runs next, what a result means, when to end.

The journal is the only record. An executor (Ray Tune, or this process) asks for jobs, trains them
and tells what came out; whatever happens to the executor, a new engine on the same journal goes on.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from nas.budget import Budget
from nas.errors import RunError
from nas.files import remove_all_but
from nas.journal import Journal
from nas.record import Candidate, TrialRecord
from nas.run.curves import Curves
from nas.run.job import Job
from nas.run.keys import FAILURE, FATAL
from nas.run.recipe import StopConfig
from nas.run.rungs import Rungs, Standing


class Source(Protocol):
    """Where candidates come from: ``nas.proposer.Proposer``, or a list of them."""

    @property
    def pending(self) -> tuple[tuple[int, Candidate], ...]:
        """Trials that were running when the journal was opened, and are to be handed out again."""

    ended: str  # Why there is no further trial, once there is none.

    def ask(self) -> tuple[int, Candidate] | None:
        """The next new trial, in the journal as running; None where there is no further one."""


class Listener:
    """Who watches a search; this one is silent."""

    def opened(self, records: tuple[TrialRecord, ...]) -> None:
        """A session begins; these trials are recorded already."""

    def started(self, job: Job, candidate: Candidate) -> None:
        """A job was handed out."""

    def epoch(self, number: int, metrics: Mapping[str, float]) -> None:
        """A trial trained one epoch more."""

    def ended(self, record: TrialRecord) -> None:
        """A trial is complete, stopped or failed."""

    def said(self, message: str) -> None:
        """Something that the user should know."""


@dataclass(slots=True)
class _Live:
    candidate: Candidate
    epoch: int = 0
    judged: int = 0
    """The last epoch with a verdict of this session."""
    seconds: float = 0.0
    core_seconds: float = 0.0
    recorded: set[int] = field(default_factory=set)
    """Epochs that the journal holds; after a crash it may lack some of the curve's, or hold others."""


@dataclass(slots=True, kw_only=True)
class Engine:
    """One session of a search.

    Attributes:
        checkpoints: folder of the workers' checkpoints, which are deleted with their trials.
        spent_hours: wall hours of earlier sessions of the run.
        cores: cores of one trial, now: every epoch is noted with them, for ``stop.core_hours``.
        places: trials that run at once, as what runs them tells: every epoch is noted with them, for the idle time.
        batch: as in ``SamplerConfig``.
        after_end: called with an ended trial's number, the files of its checkpoint, and what trials are under way.
    """

    proposer: Source
    journal: Journal
    curves: Curves
    rungs: Rungs
    budget: Budget
    stop: StopConfig
    listener: Listener
    checkpoints: Path
    spent_hours: float = 0.0
    cores: float = 1.0
    places: int = 1
    batch: int = 0
    after_end: Callable[[int, tuple[str, ...], tuple[int, ...]], None] | None = None
    clock: Callable[[], float] = time.monotonic
    exhausted: bool = False
    _live: dict[int, _Live] = field(default_factory=dict)
    _pending: list[tuple[int, Candidate]] = field(default_factory=list)
    _trials: int = 0
    _cut_short: bool = False
    _core_seconds: float = 0.0
    """Of trials that have ended."""
    _began: float = 0.0

    def __post_init__(self) -> None:
        self._began = self.clock()
        records = self.journal.trials()
        self.listener.opened(records)
        if self.journal.repaired:
            self.listener.said("the last line of the journal was torn and has been cut off; nothing before it is lost.")
        for record in records:
            self._trials += 1
            if record.state != "running":
                self._core_seconds += self.curves.core_seconds(record.number, self.cores)
            if record.state == "failed":  # The epoch in which it failed is not on its curve.
                told = sum(line["seconds"] for line in self.curves.read(record.number))
                self._core_seconds += max(0.0, record.seconds - told) * self.cores
            for epoch, accuracy in record.accuracies.items():
                self.rungs.record(epoch, self._standing(record.candidate, accuracy))
        self._pending = list(self.proposer.pending)
        for number, _ in self._pending:
            self.curves.mend(number)
        # What processes left that were killed while they wrote, or between telling the journal of an end and deleting.
        remove_all_but({name for each in self._pending for name in Job.of(*each).files}, self.checkpoints)
        # A batch that was cut short while it was proposed: its rest is to come before any result of it.
        self._cut_short = bool(self.batch) and 0 < len(self._pending) == self._trials % self.batch

    @property
    def finished(self) -> bool:
        """Whether nothing is left to hand out."""
        return self.exhausted and not self._pending

    def settled(self) -> bool:
        """Whether nothing is owed: no trial was under way, and a limit is reached."""
        return not self._pending and not self._live and self._limit_reached()

    def next(self) -> Job | None:
        """The next job, or None: for now, or for good where ``finished``."""
        if not self._pending or self._cut_short:
            self._cut_short = False
            self._propose()
        if not self._pending:
            return None
        number, candidate = self._pending.pop(0)
        curve = self.curves.read(number)
        live = self._live[number] = _Live(
            candidate=candidate,
            epoch=int(curve[-1]["epoch"]) if curve else 0,
            seconds=sum(line["seconds"] for line in curve),
            core_seconds=self.curves.core_seconds(number, self.cores),
            recorded=set(self.journal.trial(number).accuracies),
        )
        for line in curve:
            self._record(number, live, line)
        self.listener.started(job := Job.of(number, candidate), candidate)
        return job

    def _propose(self) -> None:
        if self.batch and self._live:
            return  # A batch is proposed from the results before it, whole.
        wanted = len(self._pending) + (self.batch - self._trials % self.batch if self.batch else 1)
        while len(self._pending) < wanted and not self._limit_reached():
            if (asked := self.proposer.ask()) is None:
                self.exhausted = True
                self.listener.said(f"{self.proposer.ended}; the search ends here.")
                return
            self._trials += 1
            self._pending.append(asked)

    def _limit_reached(self) -> bool:
        hours = self.spent_hours + (self.clock() - self._began) / 3600
        core_hours = (self._core_seconds + sum(live.core_seconds for live in self._live.values())) / 3600
        if not self.exhausted:
            self.exhausted = self._trials >= self.stop.trials
            for name, spent in (("hours", hours), ("core_hours", core_hours)):
                limit = getattr(self.stop, name)
                if not self.exhausted and limit is not None and spent >= limit:
                    self.exhausted = True
                    self.listener.said(
                        f"stop.{name}={limit:g} is reached, with {self._trials} of {self.stop.trials} trials begun; "
                        "the search ends here."
                    )
        return self.exhausted

    def observe(self, number: int, metrics: Mapping[str, float]) -> bool:
        """Note an epoch of a trial; whether the trial goes on (its last epoch goes to :meth:`finish`)."""
        live = self._live.get(number)
        if live is None:
            return False
        if self.journal.trial(number).state != "running":  # Ended from outside, as by a button of optuna-dashboard.
            self._end(number)
            return False
        accuracy, epoch = metrics["accuracy"], int(metrics["epoch"])
        self._note(number, live, metrics)
        if not math.isfinite(accuracy):
            self.fail(number, _not_finite(metrics))
            return False
        if epoch < live.epoch or epoch == live.judged:
            return True  # Told again by a worker that was started again.
        # The last epoch of the session before is told again, and judged again, for its verdict may have been lost: by
        # what was recorded first, since an epoch that is trained again need not end as it did.
        live.judged = epoch
        accuracy = self.journal.trial(number).accuracies[epoch]
        standing = self._standing(live.candidate, accuracy)
        if live.candidate.reference or self.rungs.verdict(number, epoch, standing):
            return True
        self.journal.stop(
            number,
            accuracy=accuracy,
            epochs=epoch,
            seconds=live.seconds,
            metrics=_extra(metrics),
            told_as=self.rungs.config.told_as,
        )
        self._end(number)
        return False

    def finish(self, number: int, metrics: Mapping[str, float | str]) -> None:
        """Note the last result of a trial; nothing where :meth:`observe` has stopped it already.

        Raises:
            RunError: the result says that the run cannot go on; the trial stays owed.
        """
        live = self._live.get(number)
        if live is None:
            return
        if FATAL in metrics:
            raise RunError(str(metrics[FATAL]))
        if FAILURE in metrics:
            lost = float(metrics.get("seconds", 0.0))
            live.seconds += lost
            live.core_seconds += lost * self.cores
            return self.fail(number, str(metrics[FAILURE]))
        figures = {name: value for name, value in metrics.items() if not isinstance(value, str)}
        self._note(number, live, figures)
        if not math.isfinite(figures["accuracy"]):
            return self.fail(number, _not_finite(figures))
        self.journal.complete(
            number,
            accuracy=figures["accuracy"],
            epochs=int(figures["epoch"]),
            seconds=live.seconds,
            metrics=_extra(figures),
        )
        self._end(number)

    def put_back(self, number: int) -> None:
        """Owe a trial whose worker was lost: it is handed out before others, and goes on from its last epoch."""
        self._pending.insert(0, (number, self._live.pop(number).candidate))

    def fail(self, number: int, reason: str) -> None:
        """Note that a trial failed for good."""
        live = self._live[number]
        self.journal.fail(number, reason, epochs=live.epoch, seconds=live.seconds)
        self._end(number)

    def _note(self, number: int, live: _Live, metrics: Mapping[str, float]) -> None:
        epoch = int(metrics["epoch"])
        new = epoch > live.epoch
        if new:
            live.epoch = epoch
            live.seconds += metrics["seconds"]
            live.core_seconds += metrics["seconds"] * self.cores
            self.curves.append(number, {**metrics, "cores": self.cores, "places": self.places})
        self._record(number, live, metrics)
        if new:
            self.listener.epoch(number, metrics)

    def _record(self, number: int, live: _Live, metrics: Mapping[str, float]) -> None:
        """Enter an epoch that the journal lacks into it, and stand the trial on its rung."""
        epoch, accuracy = int(metrics["epoch"]), metrics["accuracy"]
        if epoch in live.recorded or not math.isfinite(accuracy):
            return
        self.journal.report(number, epoch, accuracy)
        live.recorded.add(epoch)
        self.rungs.record(epoch, self._standing(live.candidate, accuracy))

    def _end(self, number: int) -> None:
        live = self._live.pop(number)
        self._core_seconds += live.core_seconds
        files = Job.of(number, live.candidate).files
        for name in files:
            (self.checkpoints / name).unlink(missing_ok=True)
        if self.after_end is not None:
            self.after_end(number, files, tuple(self._live))
        self.listener.ended(self.journal.trial(number))

    def _standing(self, candidate: Candidate, accuracy: float) -> Standing:
        """Beside accuracy stand the objectives that are costs, or else the share of the budget."""
        costs = tuple(candidate.figure(each) for each in self.journal.objectives if each != "accuracy")
        return Standing(accuracy=accuracy, costs=costs or (self.budget.excess(candidate.cost, candidate.measured),))


def _not_finite(metrics: Mapping[str, float]) -> str:
    return f"the accuracy after epoch {int(metrics['epoch'])} is {metrics['accuracy']}, not a finite number"


def _extra(metrics: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if name not in ("accuracy", "epoch", "seconds")}
