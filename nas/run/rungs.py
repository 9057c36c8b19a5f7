"""Which trials go on at a rung: asynchronous successive halving (Li et al. 2018), on error or on a front.

Pure and exact: the state is what was recorded at the rungs, so it is rebuilt from the journal.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import moocore
import numpy as np

from nas.run.recipe import EarlyStoppingConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A trial at a rung: its accuracy there, and what the front is of beside it."""

    accuracy: float
    costs: tuple[float, ...]


def rung_epochs(config: EarlyStoppingConfig, epochs: int) -> tuple[int, ...]:
    """Epochs at which decisions fall: ``first_rung * reduction ** k`` below the last epoch."""
    if config.rule == "none":
        return ()
    rungs, epoch = [], config.first_rung
    while epoch < epochs:
        rungs.append(epoch)
        epoch *= config.reduction
    return tuple(rungs)


@dataclass(slots=True)
class Rungs:
    """The rungs of one search and what stands on them.

    A trial goes on if it is among the best ``1 / reduction`` of those recorded at its rung, itself
    included; the best of them does where that share is less than one trial.
    """

    config: EarlyStoppingConfig
    epochs: int
    _standings: dict[int, list[Standing]] = field(default_factory=dict)

    def record(self, epoch: int, standing: Standing) -> None:
        """Note a trial at a rung."""
        if epoch in rung_epochs(self.config, self.epochs):
            self._standings.setdefault(epoch, []).append(standing)

    def verdict(self, number: int, epoch: int, standing: Standing) -> bool:
        """Whether trial ``number``, which is recorded at ``epoch``, goes on."""
        rungs = rung_epochs(self.config, self.epochs)
        if epoch not in rungs:
            return True
        if self.config.rule == "hyperband" and rungs.index(epoch) < number % len(rungs):
            return True  # A trial of a later bracket is first judged at a later rung.
        others = self._standings[epoch]
        places = max(1, len(others) // self.config.reduction)
        return _better(standing, others, front=self.config.rule == "asha-front") < places


def _better(mine: Standing, standings: Sequence[Standing], *, front: bool) -> int:
    """How many standings are strictly better: by accuracy, or by non-dominated rank."""
    if not front:
        return sum(other.accuracy > mine.accuracy for other in standings)
    ranks = moocore.pareto_rank(np.array([(-each.accuracy, *each.costs) for each in standings]))
    return int((ranks < ranks[standings.index(mine)]).sum())
