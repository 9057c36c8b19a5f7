"""Search with an evaluation of one's own: any space, any objective, the same engine."""

import inspect
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from nas.architecture import Architecture
from nas.budget import Budget
from nas.errors import ModelError, RunError
from nas.files import write_atomically
from nas.journal import Journal
from nas.proposer import Proposer
from nas.reachable import check_reachable, reference_fits
from nas.record import Objective, TrialRecord
from nas.run.engine import Engine, Listener
from nas.run.folder import RunFolder
from nas.run.job import Job
from nas.run.keys import RESERVED
from nas.run.local import run_here
from nas.run.measurement import check_measurable, measurement
from nas.run.recipe import EarlyStoppingConfig, ResourcesConfig, StopConfig
from nas.run.rungs import Rungs, rung_epochs
from nas.samplers import make_sampler
from nas.space import Space

Evaluate = Callable[[Architecture, int], Mapping[str, float] | Iterator[Mapping[str, float]]]
"""Trains an architecture for a number of epochs, from its start; returns metrics, ``accuracy`` among them.

A generator function yields them after each epoch instead, so that a trial that passes a rung trains on.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a search found.

    Attributes:
        trials: all of them, by number.
        finished: whether all that was asked for was evaluated.
    """

    trials: tuple[TrialRecord, ...]
    finished: bool

    @property
    def best(self) -> TrialRecord:
        """The most accurate complete trial that is a candidate (not a reference).

        Raises:
            RunError: no candidate was evaluated to its end.
        """
        complete = [trial for trial in self.trials if trial.state == "complete" and not trial.candidate.reference]
        if not complete:
            reasons = [trial.reason for trial in self.trials if trial.reason]
            first = f" The first failed: {reasons[0]}" if reasons else ""
            raise RunError(
                f"at least one complete trial is needed for a best one, but of {len(self.trials)} none is.{first}"
            )
        return max(complete, key=lambda trial: trial.accuracy or 0.0)


def search(
    space: Space,
    evaluate: Evaluate,
    budget: Budget,
    *,
    trials: int,
    core_hours: float | None = None,
    sampler: str = "gp",
    sampler_options: Mapping[str, Any] | None = None,
    epochs: int = 1,
    objectives: Sequence[Objective] = ("accuracy",),
    early_stopping: EarlyStoppingConfig | None = None,
    seed: int = 0,
    path: Path | str | None = None,
    resources: ResourcesConfig | None = None,
    listener: Listener | None = None,
) -> Result:
    """Search a space with one's own evaluation.

    Args:
        space: where candidates come from; its reference is trial 0.
        evaluate: called with an architecture and the epochs to train: a function for each rung and the end, each
            time from the start; a generator function once, for the end.
        budget: what candidates may cost.
        trials: evaluations in all, the reference included; a budget with too few pixels for the reference goes without.
        core_hours: no further evaluation begins once those before took so many; no limit unless given.
        sampler: a name, or the import path of an Optuna sampler.
        sampler_options: its keyword arguments.
        epochs: of a full evaluation.
        objectives: accuracy alone, or with costs.
        early_stopping: rule and rungs; none unless given.
        seed: the same seed gives the same points.
        path: a folder that keeps journal and curves; called again with it, the search goes on.
        resources: of one trial, on Ray; without them trials run in this process, one by one.
        listener: told of every event.

    Raises:
        NasError: an argument of another type, an unreachable budget, an unknown sampler, a run folder in disorder or
            in use.
    """
    stopping = early_stopping or EarlyStoppingConfig()
    if resources is not None and resources.storage is not None:
        raise RunError(
            "a search with one's own evaluation keeps its run on disk, in a path that every node reaches; "
            f"resources.storage must be None, but got {resources.storage!r}."
        )
    kinds = (("space", Space, space), ("budget", Budget, budget), ("early_stopping", EarlyStoppingConfig, stopping))
    for name, kind, given in kinds:
        if not isinstance(given, kind):
            raise RunError(f"`{name}` must be of type {kind.__name__}, but got {given!r}.")
    objectives = tuple(objectives)
    for name, least, value in (("seed", 0, seed), ("epochs", 1, epochs), ("trials", 1, trials)):
        if type(value) is not int or value < least:
            raise RunError(f"`{name} >= {least}` must hold for a whole number, but got {name}={value!r}.")
    stop = StopConfig(trials=trials, core_hours=core_hours)
    check_reachable(space, budget)
    measured = measurement(budget, objectives)
    check_measurable(space, budget, measured)
    stopping.check(epochs)
    chosen = make_sampler(sampler, sampler_options)
    with tempfile.TemporaryDirectory(prefix="nas-search-") as temporary:
        folder = Path(temporary if path is None else path)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(
                f"`path` must be a folder that can be written, but got {folder}: {error.strerror}."
            ) from error
        run = RunFolder(folder.resolve())
        with run.locked():
            journal = _journal(folder, space, budget, objectives, epochs, seed, sampler)
            engine = Engine(
                proposer=Proposer(
                    space,
                    budget,
                    chosen,
                    journal,
                    seed=seed,
                    reference_first=reference_fits(space, budget),
                    measure=measured,
                ),
                journal=journal,
                curves=run.curves,
                rungs=Rungs(stopping, epochs),
                budget=budget,
                stop=stop,
                listener=listener or Listener(),
                checkpoints=run.checkpoints,
                cores=resources.cpu if resources else 1.0,
            )
            every = inspect.isgeneratorfunction(evaluate)
            milestones = range(1, epochs + 1) if every else (*rung_epochs(stopping, epochs), epochs)
            task = FunctionTask(evaluate=evaluate, milestones=tuple(milestones))
            if resources is None:
                finished = run_here(engine, task, run.checkpoints)
            else:
                from nas.run.ray_tune import run_on_ray

                finished = run_on_ray(engine, task, run.checkpoints, resources)
            return Result(trials=journal.trials(), finished=finished)


def _journal(
    folder: Path, space: Space, budget: Budget, objectives: tuple[Objective, ...], epochs: int, seed: int, sampler: str
) -> Journal:
    file = folder / "journal.log"
    attributes: dict[str, object] = {"space": space.name, "choices": space.told, "budget": budget.told}
    attributes |= {"epochs": epochs, "seed": seed, "sampler": sampler}
    if not file.exists():
        return Journal.create(file, name=space.name, objectives=objectives, attributes=attributes)
    journal = Journal.open(file)
    journal.hold_to(objectives, attributes, f"the search in {folder}")
    return journal


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionTask:
    """A task that calls a function at each milestone.

    Attributes:
        evaluate: the user's function.
        milestones: rising numbers of epochs, the last of them a full evaluation; every epoch for a generator function.
    """

    evaluate: Evaluate
    milestones: tuple[int, ...]

    @property
    def epochs(self) -> int:
        """Of a full evaluation."""
        return self.milestones[-1]

    def open(self, job: Job, *, threads: int) -> "FunctionSession":
        """Start at no epochs."""
        return FunctionSession(self, job.architecture)


def _number(name: str, value: object) -> float:
    """A metric as a plain number, such as one of numpy's or of torch's with one element."""
    if not isinstance(value, str):
        try:
            return float(value)  # type: ignore[arg-type]  # Whatever has __float__.
        except (TypeError, ValueError, RuntimeError):
            pass  # Told below.
    raise ModelError(f"every metric of evaluate must be a number, but got {name}={value!r}.")


@dataclass(slots=True)
class FunctionSession:
    """One candidate, evaluated to one milestone after the other."""

    task: FunctionTask
    architecture: Architecture
    epoch: int = field(default=0)
    _course: Iterator[Mapping[str, float]] | None = field(default=None)

    def step(self) -> Mapping[str, float]:
        """Evaluate to the next milestone.

        Raises:
            ModelError: the function gave no accuracy from 0 to 1, a metric that is no number or bears a taken name, or
                fewer epochs than it was asked for.
        """
        target = next(milestone for milestone in self.task.milestones if milestone > self.epoch)
        given = self._given(target)
        if not isinstance(given, Mapping):
            raise ModelError(f"evaluate must give metrics by name, such as {{'accuracy': 0.9}}, but gave {given!r}.")
        if "accuracy" not in given:
            raise ModelError(f"evaluate must give a metric 'accuracy', but gave {', '.join(given) or 'nothing'}.")
        # Tune calls its own figures "config/...".
        taken = sorted(name for name in given if name in RESERVED or str(name).startswith("config/"))
        if taken:
            raise ModelError(f"metrics of evaluate must have names of their own, but got {', '.join(taken)}.")
        metrics = {name: _number(name, value) for name, value in given.items()}
        if metrics["accuracy"] < 0 or metrics["accuracy"] > 1:
            raise ModelError(f"`0 <= accuracy <= 1` must hold, but evaluate gave accuracy={metrics['accuracy']:g}.")
        self.epoch = target
        return metrics

    def _given(self, target: int) -> object:
        if not inspect.isgeneratorfunction(self.task.evaluate):
            return self.task.evaluate(self.architecture, target)
        behind = 1
        if self._course is None:
            # What a generator holds cannot be kept on disk: one that goes on does its epochs again, unreported.
            self._course, behind = self.task.evaluate(self.architecture, self.task.epochs), target
        for given in islice(self._course, behind - 1, behind):
            return given
        raise ModelError(f"evaluate must yield metrics after each of {self.task.epochs} epochs, but ended before.")

    def save(self, path: Path) -> None:
        """Remember the milestone."""
        write_atomically(path, json.dumps({"epoch": self.epoch}))

    def load(self, path: Path) -> None:
        """Go on from a milestone; a file that holds none is a ModelError."""
        try:
            self.epoch = int(json.loads(path.read_text())["epoch"])
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(f"a checkpoint must hold an epoch, but {path} does not.") from error
