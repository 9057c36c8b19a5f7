"""Read somebody else's Optuna journal: a study of accuracy or error whose trials carry ``macs``."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from nas.errors import RunError
from nas.journal.file import opened
from nas.record import TrialState as State

_STATES: Final[Mapping[TrialState, State]] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "stopped",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "running",
}


_COSTS: Final = ("macs", "params", "activations")


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignTrial:
    """A trial of a study that this project did not write.

    Attributes:
        number: its place in the study.
        state: a pruned trial counts as stopped, and so does one with the user attribute ``stopped``.
        accuracy: its first objective, as a share in [0, 1] that is to be large; None where it has none.
        accuracies: its intermediate values, likewise, by step.
        costs: ``macs`` and, where they are known, ``params`` and ``activations``.
        params: what Optuna suggested.
        seconds: its user attribute ``seconds``, else from start to end; 0 while it runs.
        ended: when it did, in Unix seconds; None while it runs.
        metrics: all other numbers among its user attributes.
    """

    number: int
    state: State
    accuracy: float | None
    accuracies: Mapping[int, float]
    costs: Mapping[str, int]
    params: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    ended: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)


def is_foreign(path: Path) -> bool:
    """Whether a file is an Optuna journal with one study that this project did not write."""
    try:
        return "schema" not in _study(path).user_attrs
    except RunError:
        return False


def _study(path: Path) -> optuna.Study:
    try:
        storage, name = opened(path, read_only=True)
        return optuna.load_study(study_name=name, storage=storage)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, AssertionError) as error:
        raise RunError(f"{path} must be an Optuna journal, but it cannot be replayed: {error}.") from error


def read_foreign(path: Path) -> tuple[ForeignTrial, ...]:
    """The trials of an Optuna journal with one study.

    The first objective must be accuracy (maximised) or error (minimised), as a share. Each trial's
    ``macs`` is a user attribute, or an objective of that name. A trial may tell its training time by the user
    attribute ``seconds``: Ray Tune asks ahead, so that a trial waits between its start and its training. And that it
    was ``stopped`` before its end, for Ray tells Optuna that what its schedulers stopped is complete.

    Raises:
        RunError: no journal with one study, a study of this project's own, a value that is no share,
            or trials without ``macs``.
    """
    study = _study(path)
    if "schema" in study.user_attrs:
        raise RunError(f"the journal {path} is this project's own; open it as a run.")
    trials = study.get_trials(deepcopy=False)
    columns = {name: place for place, name in enumerate(study.metric_names or ())}
    maximised = study.directions[0] == StudyDirection.MAXIMIZE
    found = tuple(_trial(path, trial, columns, maximised) for trial in trials)
    if found and not any("macs" in trial.costs for trial in found):
        raise RunError(f"the trials of {path} must carry the user attribute 'macs', but none does.")
    return tuple(trial for trial in found if "macs" in trial.costs)


def _trial(path: Path, trial: FrozenTrial, columns: Mapping[str, int], maximised: bool) -> ForeignTrial:
    costs: dict[str, int] = {}
    for name in _COSTS:
        value = trial.user_attrs.get(name)
        if value is None and trial.values and name in columns:
            value = trial.values[columns[name]]
        if isinstance(value, int | float) and math.isfinite(value):
            costs[name] = round(value)
    steps = {step: _share(path, trial, value, maximised) for step, value in sorted(trial.intermediate_values.items())}
    accuracies = {step: value for step, value in steps.items() if value is not None}
    state = _STATES[trial.state]
    if state == "complete" and trial.user_attrs.get("stopped") is True:
        state = "stopped"
    accuracy = _share(path, trial, trial.values[0], maximised) if trial.values else None
    if accuracy is None and state != "failed":
        accuracy = next(reversed(accuracies.values()), None)
    numbers = {
        name: float(value)
        for name, value in trial.user_attrs.items()
        if name not in _COSTS and isinstance(value, int | float) and not isinstance(value, bool)
    }
    seconds = numbers.pop("seconds", None)
    if seconds is None:
        seconds = trial.duration.total_seconds() if trial.duration else 0.0
    return ForeignTrial(
        number=trial.number,
        state=state,
        accuracy=accuracy,
        accuracies=accuracies,
        costs=costs,
        params=trial.params,
        seconds=seconds,
        ended=trial.datetime_complete.timestamp() if trial.datetime_complete else None,
        metrics=numbers,
    )


def _share(path: Path, trial: FrozenTrial, value: float, maximised: bool) -> float | None:
    if not math.isfinite(value):
        return None
    if not 0 <= value <= 1:
        raise RunError(
            f"the first objective of {path} must be an accuracy or error in [0, 1], "
            f"but trial {trial.number} has {value}."
        )
    return value if maximised else 1 - value
