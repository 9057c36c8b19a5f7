"""Regularised evolution (Real et al., "Regularized Evolution for Image Classifier Architecture Search", AAAI 2019).

The population is the latest proposals that were told, so the oldest dies. With several objectives a
tournament is won by non-dominated rank, then by crowding distance (Deb et al., NSGA-II, 2002).
"""

from dataclasses import dataclass

import moocore
import numpy as np
import numpy.typing as npt

from nas.errors import SamplerError
from nas.samplers.base import History, Proposal
from nas.samplers.neighbourhood import mutant

TRIES = 50
"""Mutants of one parent that are looked at before one is brought into the budget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvolutionSampler:
    """Mutates the winner of a tournament in one choice.

    Attributes:
        population: trials that can be parents; as many are drawn at random at the beginning.
        tournament: trials drawn from them, of which the best is the parent.
    """

    population: int = 20
    tournament: int = 5
    name: str = "evolution"

    def __post_init__(self) -> None:
        if not 1 <= self.tournament <= self.population:
            raise SamplerError(
                f"`1 <= tournament <= population` must hold, "
                f"but got tournament={self.tournament}, population={self.population}."
            )

    def propose(self, history: History, rng: np.random.Generator) -> Proposal:
        """A mutant of a good recent trial, or a random point while there are too few."""
        if len(history.observed) < self.population:
            return Proposal(point=history.random(rng).point)
        living = history.observed[-self.population :]
        order = fitness_order(history.losses()[-self.population :])
        entrants = rng.choice(len(living), size=self.tournament, replace=False)
        parent = living[min(entrants.tolist(), key=order.index)].candidate.point
        assert parent is not None
        return Proposal(point=mutant(history, parent, rng, tries=TRIES).point)


def fitness_order(losses: npt.NDArray[np.float64]) -> list[int]:
    """Rows from best to worst: by non-dominated rank, then by crowding distance, then the newer one first.

    Args:
        losses: one row a trial, one column an objective, less is better.
    """
    ranks = moocore.pareto_rank(losses)
    crowding = np.zeros(len(losses))
    for rank in range(int(ranks.max(initial=-1)) + 1):
        members = np.flatnonzero(ranks == rank)
        crowding[members] = crowding_distance(losses[members])
    return sorted(range(len(losses)), key=lambda row: (int(ranks[row]), -float(crowding[row]), -row))


def crowding_distance(front: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Distance of each row to its neighbours in the same front; infinite at the ends, unless there is one objective."""
    rows, objectives = front.shape
    distance = np.zeros(rows)
    if objectives < 2:
        return distance
    for column in front.T:
        order = np.argsort(column, kind="stable")
        span = float(column[order[-1]] - column[order[0]])
        distance[order[[0, -1]]] = np.inf
        if span > 0:
            distance[order[1:-1]] += (column[order[2:]] - column[order[:-2]]) / span
    return distance
