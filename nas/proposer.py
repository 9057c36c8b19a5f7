"""Which network is trained next: sampler, budget and journal put together."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from nas.architecture import Architecture
from nas.budget import Budget, wanted
from nas.errors import ArchitectureError, BudgetError, SpaceError
from nas.feasible import FeasibleSampler, Network
from nas.journal import Journal
from nas.record import Candidate
from nas.samplers.base import History, Proposal, Sampler
from nas.samplers.encoding import constraints, distributions, to_params
from nas.serialize import key
from nas.space import Point, Space

ATTEMPTS: Final = 4
"""Proposals that a sampler may make for one trial, each with a random state of its own."""
RANDOM_POINTS: Final = 200
SEARCHED: Final = 20_000
"""Points looked at, one step after another from those known, before a space counts as exhausted."""

MEASUREMENTS: Final = 100
"""Networks that may be over a measured limit for one trial: each takes a second, in ONNX Runtime some ten."""

Measure = Callable[[Architecture], Mapping[str, float]]
"""Measures a candidate before it is trained, as ``{"latency_seconds": 0.003}``."""


class Proposer:
    """Asks the sampler, holds its points to the budget, and enters accepted ones into the journal.

    The n-th trial follows from the seed, from n and from what was told before, so a search that is
    opened again goes on as it would have. Trial 0 is the space's reference, over the budget or not.
    """

    def __init__(
        self,
        space: Space,
        budget: Budget,
        sampler: Sampler,
        journal: Journal,
        *,
        seed: int,
        trial_seed: int = 0,
        reference_first: bool = True,
        measure: Measure | None = None,
    ) -> None:
        """Set up for a new journal, or for one that is opened again.

        Raises:
            SpaceError: a trial of the journal is no point of the space, or of another network: it has changed since.
        """
        for record in journal.trials():
            if record.candidate.point is not None:
                _hold(space, record.number, record.candidate, record.candidate.point)
        self._space, self._budget, self._sampler, self._journal = space, budget, sampler, journal
        self._seed, self._trial_seed, self._reference_first = seed, trial_seed, reference_first
        self._measure = measure
        self._feasible = FeasibleSampler(space, budget)
        self.pending = tuple((record.number, record.candidate) for record in journal.running())
        """Trials that were running when the journal was opened, and are to be handed out again."""
        self.ended = ""
        """Why there is no next trial, once there is none."""

    def ask(self) -> tuple[int, Candidate] | None:
        """The next trial, in the journal as running; None where no further network was found, as ``ended`` tells.

        Raises:
            BudgetError: no point of the space is within the budget, or none that was measured for the first trial.
            SamplerError: the sampler cannot work on this search.
            RunError: the journal cannot be written.
        """
        trials = self._journal.trials()
        number = len(trials)
        if self._reference_first and number == 0:
            return self._enter(self._reference(), {})
        history = History(
            space=self._space,
            budget=self._budget,
            objectives=self._journal.objectives,
            number=number,
            seed=self._seed,
            trials=trials,
            observed=self._journal.observed(),
            taken=frozenset(record.candidate.key for record in trials if record.candidate.seed == self._trial_seed),
            study=self._journal.study,
            feasible=self._feasible,
        )
        refused: list[tuple[float, Network]] = []
        seen = set(history.taken)
        for network, proposal in self._networks(history, refused):
            if network.key in seen:
                continue
            seen.add(network.key)
            candidate, over = self._measured(network)
            if over <= 0:
                return self._enter(candidate, proposal.system if proposal else {})
            refused.append((over, network))
            if len(refused) == MEASUREMENTS:
                break
        if refused and all(record.candidate.reference for record in trials):
            least = min(over for over, _ in refused)
            raise BudgetError(
                f"a network of the space must be within the measured limits, but of {len(refused)} that were measured "
                f"none is: the nearest is {least:.1%} over; raise them, or set budget.macs as well."
            )
        self.ended = f"the space holds no further network {wanted(self._budget)}"
        if self._budget.at_least:
            self.ended += f" (`budget.at_least` is {self._budget.at_least:g}: a lower one allows more)"
        if refused:
            self.ended = f"of {len(refused)} further networks that were measured none is within the measured limits"
        return None

    def _networks(
        self, history: History, refused: Sequence[tuple[float, Network]]
    ) -> Iterator[tuple[Network, Proposal | None]]:
        """Networks to choose from: the sampler's, their neighbours, random ones, and all within reach.

        Neighbours and random ones are first those of fewer MACs than any that was refused so far, for these are slower.
        """
        near: list[Network] = []
        try:
            yield from self._drawn(history, refused, near)
        except BudgetError:
            # Draws that fail where networks are known say that few are left, not that there are none.
            if all(record.candidate.reference for record in history.trials):
                raise
        listed = self._feasible.listed
        if listed is None:
            yield from ((network, None) for network in _reachable(history, near))
        else:
            rng = np.random.default_rng([self._seed, history.number, ATTEMPTS + 1])
            yield from ((listed[place], None) for place in rng.permutation(len(listed)))

    def _drawn(
        self, history: History, refused: Sequence[tuple[float, Network]], near: list[Network]
    ) -> Iterator[tuple[Network, Proposal | None]]:
        def below(network: Network) -> bool:
            return all(network.cost.macs < slow.cost.macs for _, slow in refused)

        for attempt in range(ATTEMPTS):
            rng = np.random.default_rng([self._seed, history.number, attempt])
            proposal = self._sampler.propose(history, rng)
            network = history.admit(proposal.point)
            if network is not None:
                near.append(network)
                yield network, proposal
        for network in near:
            for point in self._space.neighbours(network.point):
                if (neighbour := history.admit(point)) is not None and below(neighbour):
                    yield neighbour, None
        rng = np.random.default_rng([self._seed, history.number, ATTEMPTS])
        others: list[Network] = []
        for _ in range(RANDOM_POINTS):
            near.append(history.random(rng))
            if below(near[-1]):
                yield near[-1], None
            else:
                others.append(near[-1])
        # From the fastest on, as far as MACs tell: where the limit is tight, few others are within it.
        yield from ((network, None) for network in sorted(others, key=lambda network: network.cost.macs))

    def _reference(self) -> Candidate:
        architecture, point = self._space.reference, self._space.reference_point()
        return Candidate(
            architecture=architecture,
            key=key(architecture),
            point=point,
            cost=self._budget.cost(architecture),
            seed=self._trial_seed,
            reference=True,
            measured=self._measure(architecture) if self._measure else {},
            active=self._space.active(point) if point is not None else (),
        )

    def _measured(self, network: Network) -> tuple[Candidate, float]:
        """The candidate of a network, and by how much it is over the measured limit; at most 0 is within."""
        candidate = Candidate(
            architecture=network.architecture,
            key=network.key,
            point=network.point,
            cost=network.cost,
            seed=self._trial_seed,
            measured=self._measure(network.architecture) if self._measure else {},
            active=self._space.active(network.point),
        )
        return candidate, self._budget.excess(network.cost, candidate.measured) - 1.0

    def _enter(self, candidate: Candidate, system: Mapping[str, object]) -> tuple[int, Candidate]:
        known = candidate.point is not None
        number = self._journal.add(
            candidate,
            params=to_params(self._space, candidate.point) if candidate.point is not None else {},
            distributions=distributions(self._space) if known else {},
            constraints=constraints(self._budget, candidate.cost, candidate.measured),
            system=system,
        )
        return number, candidate


def _reachable(history: History, starts: list[Network]) -> Iterator[Network]:
    """Networks of the budget, breadth first from those that are known, also through points outside it."""
    known = [record.candidate.point for record in history.trials if record.candidate.point is not None]
    queue = deque([*(network.point for network in starts), *known])
    names = [choice.name for choice in history.space.choices]
    visited = {tuple(point[name] for name in names) for point in queue}
    looked = 0
    while queue and looked < SEARCHED:
        for point in history.space.neighbours(queue.popleft()):
            looked += 1
            values = tuple(point[name] for name in names)
            if values in visited:
                continue
            visited.add(values)
            queue.append(point)
            network = history.admit(point)
            if network is not None:
                yield network


def _hold(space: Space, number: int, candidate: Candidate, point: Point) -> None:
    begun = f"a search goes on in the space that it began in, but trial {number}"
    try:
        space.check(point)
        now = key(space.decode(point))
    except (ArchitectureError, SpaceError) as error:
        raise SpaceError(f"{begun} is no point of {space.name!r} as it is now: {error}") from error
    # What a space names as the point of its reference need not be that network to the last detail.
    if now != candidate.key and not candidate.reference:
        raise SpaceError(
            f"{begun} would be another network in {space.name!r} as it is now: {now}, and not {candidate.key}."
        )
