"""What a sampler sees and gives: points, costs and results, never networks in training."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt
import optuna

from nas.architecture import Architecture
from nas.budget import Budget
from nas.cost import Cost
from nas.errors import ArchitectureError
from nas.feasible import Feasible, FeasibleSampler, project
from nas.record import Objective, TrialRecord
from nas.serialize import key
from nas.space import Point, Space


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A point that the budget allows, and what it stands for."""

    point: Point
    architecture: Architecture
    key: str
    cost: Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All that a proposal may depend on, besides its random generator.

    Attributes:
        space: where points come from.
        budget: what they may cost.
        objectives: what is optimised; accuracy is maximised, all else minimised.
        number: of the trial that is asked for.
        seed: of the search, for what has to stay the same through all of it.
        trials: all trials so far, by number.
        observed: those to learn from: told, finite, and points of the space.
        taken: content keys that are not to be proposed again.
        study: Optuna's view of the same trials.
        feasible: draws points in the budget.
    """

    space: Space
    budget: Budget
    objectives: tuple[Objective, ...]
    number: int
    seed: int
    trials: tuple[TrialRecord, ...]
    observed: tuple[TrialRecord, ...]
    taken: frozenset[str]
    study: optuna.Study
    feasible: FeasibleSampler

    def admit(self, point: Point) -> Network | None:
        """The network of a point, canonical and costed, or None where the budget does not allow it."""
        settled = self.space.settle(point)
        try:
            architecture = self.space.decode(settled)
        except ArchitectureError:
            return None
        spent = self.budget.admit(architecture)
        if spent is None:
            return None
        canonical = self.space.canonical_of(settled, architecture)
        return Network(point=canonical, architecture=architecture, key=key(architecture), cost=spent)

    def random(self, rng: np.random.Generator) -> Network:
        """A random network in the budget.

        Raises:
            BudgetError: there is none.
        """
        return _network(self.feasible.sample(rng))

    def project(self, point: Point, rng: np.random.Generator) -> Network | None:
        """A network in the budget that is near a point, or None where none was found."""
        try:
            found = project(self.space, self.budget, point, rng)
        except ArchitectureError:
            return None
        return _network(found) if found is not None else None

    def losses(self) -> npt.NDArray[np.float64]:
        """What was observed, to be minimised: one row for each observed trial, one column an objective."""
        rows = [[figure(record, objective) for objective in self.objectives] for record in self.observed]
        return np.array(rows, dtype=np.float64).reshape(len(rows), len(self.objectives))


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A point, and what an Optuna sampler wants kept with the trial if it is accepted."""

    point: Point
    system: Mapping[str, object] = field(default_factory=dict)


class Sampler(Protocol):
    """Proposes points. It has no state: everything follows from the history and the generator."""

    @property
    def name(self) -> str:
        """As recipes and reports call it."""

    def propose(self, history: History, rng: np.random.Generator) -> Proposal:
        """A point that the budget allows; it may have been proposed before where nothing new is near."""


def _network(found: Feasible) -> Network:
    return Network(point=found.point, architecture=found.architecture, key=key(found.architecture), cost=found.cost)


def figure(record: TrialRecord, objective: Objective) -> float:
    """An objective of an observed trial, turned so that less is better."""
    if objective == "accuracy":
        return -float(record.accuracy if record.accuracy is not None else 0.0)
    return record.candidate.figure(objective)
