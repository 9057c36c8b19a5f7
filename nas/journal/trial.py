"""One trial as Optuna keeps it, and as a record."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from optuna.trial import FrozenTrial

from nas.cost import Cost
from nas.errors import RunError
from nas.record import Candidate, TrialRecord, TrialState
from nas.serialize import from_dict, to_dict

RESULT = "result"
"""The user attribute that holds what a trial was told, beside the values that Optuna knows."""


def attributes(candidate: Candidate, *, feasible: bool) -> dict[str, Any]:
    """The user attributes of a new trial; feasibility among them, for optuna-dashboard shows no constraints."""
    return {
        "key": candidate.key,
        "architecture": to_dict(candidate.architecture),
        "point": dict(candidate.point) if candidate.point is not None else None,
        **asdict(candidate.cost),
        "seed": candidate.seed,
        "reference": candidate.reference,
        "feasible": feasible,
        "measured": dict(candidate.measured),
        "active": candidate.active,
    }


def candidate(trial: FrozenTrial) -> Candidate:
    """The candidate of a trial; the inverse of :func:`attributes`."""
    user = trial.user_attrs
    return Candidate(
        architecture=from_dict(user["architecture"]),
        key=user["key"],
        point=user["point"],
        cost=Cost(**{name: user[name] for name in Cost.__dataclass_fields__}),
        seed=user["seed"],
        reference=user["reference"],
        measured=user["measured"],
        active=tuple(user["active"]) if user.get("active") is not None else None,
    )


def result(
    key: str,
    state: TrialState,
    accuracy: float | None,
    epochs: int,
    seconds: float,
    reason: str | None,
    metrics: Mapping[str, float],
) -> dict[str, Any]:
    """What a trial is told, as JSON, with the key of its network: figures that are not finite are left out."""
    return {
        "key": key,
        "state": state,
        "accuracy": accuracy,
        "epochs": epochs,
        "seconds": seconds,
        "reason": reason,
        "metrics": {name: value for name, value in metrics.items() if math.isfinite(value)},
    }


def record(trial: FrozenTrial, proposed: Candidate) -> TrialRecord:
    """A trial as a record; what was told counts once the trial is finished.

    Raises:
        RunError: the result is that of another network, as where whole lines of a journal were lost.
    """
    finished = trial.state.is_finished()
    told = trial.user_attrs.get(RESULT, {}) if finished else {}
    if told.get("key", proposed.key) != proposed.key:
        raise RunError(
            f"each trial of a journal must hold its own result, but trial {trial.number} is of network {proposed.key} "
            f"and its result of {told['key']}: lines of the journal were lost or moved."
        )
    accuracies = dict(sorted(trial.intermediate_values.items()))
    if told.get("accuracy") is not None:
        accuracies[told["epochs"]] = told["accuracy"]
    # A trial that was finished without us, as by a button of optuna-dashboard, has no result.
    state: TrialState = told.get("state", "failed") if finished else "running"
    return TrialRecord(
        number=trial.number,
        candidate=proposed,
        state=state,
        accuracies=accuracies,
        accuracy=None if state == "failed" else next(reversed(accuracies.values()), None),
        epochs=told.get("epochs", max(accuracies, default=0)),
        seconds=told.get("seconds", 0.0),
        ended=trial.datetime_complete.timestamp() if trial.datetime_complete else None,
        reason=told.get("reason"),
        metrics=told.get("metrics", {}),
    )
