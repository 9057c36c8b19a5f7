"""What a sampler sees and gives: points, costs and results, never networks in training."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt
import optuna

from nas.budget import Budget
from nas.feasible import FeasibleSampler, Network, admit, network, project
from nas.record import Objective, TrialRecord
from nas.samplers.fidelity import at_the_end
from nas.space import Point, Space


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
        admitted = admit(self.space, self.budget, settled)
        return None if admitted is None else network(self.space, settled, *admitted)

    def random(self, rng: np.random.Generator) -> Network:
        """A random network in the budget.

        Raises:
            BudgetError: there is none.
        """
        return self.feasible.sample(rng)

    def project(self, point: Point, rng: np.random.Generator) -> Network | None:
        """A network in the budget that is near a point, or None where none was found."""
        return project(self.space, self.budget, self.space.settle(point), rng)

    def losses(self) -> npt.NDArray[np.float64]:
        """What was observed, to be minimised: one row for each observed trial, one column an objective.

        Accuracies are negated; that of a trial that was stopped early is the one expected of it at the end.
        """
        costs = [[record.candidate.figure(cost) for cost in self.objectives[1:]] for record in self.observed]
        shape = (len(self.observed), len(self.objectives) - 1)
        return np.column_stack([-at_the_end(self.observed), np.array(costs, dtype=np.float64).reshape(shape)])


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
