"""What is known of a trial: the candidate that was proposed, and what became of it. Pure data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, TypeAlias

from nas.architecture import Architecture
from nas.cost import Cost
from nas.errors import RunError
from nas.space import Point

TrialState: TypeAlias = Literal["running", "complete", "stopped", "failed"]
"""``stopped`` is a trial that a scheduler ended before its last epoch: never on a reported front."""
Objective: TypeAlias = Literal["accuracy", "macs", "params", "activations", "latency_seconds"]
"""Accuracy is maximised, all else minimised."""
ToldAs: TypeAlias = Literal["complete", "pruned", "fail"]
"""How a stopped trial is told to the sampler: as a result, as a pruned trial, or not at all."""


def _nothing() -> Mapping[str, float]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A network that is to be trained once, with one seed.

    Attributes:
        architecture: what is trained.
        key: its content key.
        point: the space's point, or None for a reference outside the space.
        cost: as the budget counts it.
        seed: of initialisation, order and augmentation.
        reference: whether it is the space's reference, marked in tables and plots, and not a
            candidate for the winner where it is over the budget.
        measured: costs that were measured rather than counted, such as ``latency_seconds``.
        active: names of the choices that apply to the point; None where that was not recorded.
    """

    architecture: Architecture
    key: str
    point: Point | None
    cost: Cost
    seed: int
    reference: bool = False
    measured: Mapping[str, float] = field(default_factory=_nothing)
    active: tuple[str, ...] | None = None

    def figure(self, objective: Objective) -> float:
        """A cost that is an objective.

        Raises:
            RunError: it was neither counted nor measured.
        """
        value = getattr(self.cost, objective, None)
        if value is None:
            value = self.measured.get(objective)
        if value is None:
            raise RunError(f"objective {objective!r} must be known of a candidate, but {self.key} has no such figure.")
        return float(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRecord:
    """One trial of a search.

    Attributes:
        number: place in the order of proposals, from 0.
        candidate: what is trained.
        state: where it stands.
        accuracies: by number of epochs trained, the accuracy on split A in [0, 1].
        accuracy: the last of them, or None before the first and for a failed trial.
        epochs: epochs trained.
        seconds: spent in training and validation.
        ended: when it did, in Unix seconds; None while it runs, or where nobody knows.
        reason: why it failed or was stopped.
        metrics: any further figures of the last epoch.
    """

    number: int
    candidate: Candidate
    state: TrialState
    accuracies: Mapping[int, float] = field(default_factory=dict)
    accuracy: float | None = None
    epochs: int = 0
    seconds: float = 0.0
    ended: float | None = field(default=None, compare=False)
    reason: str | None = None
    metrics: Mapping[str, float] = field(default_factory=_nothing)
