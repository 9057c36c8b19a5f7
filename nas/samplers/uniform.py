"""Random search: each choice that applies uniform in turn, of what the budget allows."""

from dataclasses import dataclass

import numpy as np

from nas.samplers.base import History, Proposal


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomSampler:
    """Uniform over feasible points where rejection finds them; see ``nas.feasible.FeasibleSampler``."""

    name: str = "random"

    def propose(self, history: History, rng: np.random.Generator) -> Proposal:
        """A random point in the budget."""
        return Proposal(point=history.random(rng).point)
