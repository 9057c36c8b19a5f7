"""Networks that were chosen, each to be trained with several seeds: the engine's source of candidates."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from nas.architecture import Architecture
from nas.budget import Budget
from nas.cost import cost_told
from nas.data.config import DataConfig
from nas.errors import RunError, counted
from nas.journal import Journal
from nas.record import Candidate
from nas.serialize import key


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """What one inference takes, as the search measured it that chose a network, on the machine that drove it.

    Attributes:
        latency_seconds: of a batch.
        batch: images of it.
        threads: of the runtime.
        runtime: what it was measured in.
        limit_seconds: what the search allowed, if it limited it.
    """

    latency_seconds: float
    batch: int
    threads: int
    runtime: str
    limit_seconds: float | None

    @property
    def conditions(self) -> str:
        """Beside the figure, in words."""
        limit = "" if self.limit_seconds is None else f", at most {1e3 * self.limit_seconds:g} ms"
        return f"batch {self.batch}, {counted(self.threads, 'thread')} of {self.runtime}{limit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A network and what to call it.

    Attributes:
        label: what to call it.
        architecture: what it is.
        searched: the data on whose split A a search chose it, or None.
        timed: its latency, where that search measured it.
    """

    label: str
    architecture: Architecture
    searched: DataConfig | None = None
    timed: Timed | None = None

    @property
    def key(self) -> str:
        """Of the architecture."""
        return key(self.architecture)

    def is_blind(self, data: DataConfig) -> bool:
        """Whether the search that chose it saw no image of split B: of the same data cut otherwise, it may have.

        Roots do not count. Two image folders may be copies of one another, so they are taken for the same data.
        """
        before = self.searched
        if before is None or before.name != data.name:
            return True
        return (before.split_seed, before.validation_share) == (data.split_seed, data.validation_share)


def check_distinct(networks: Sequence[Chosen]) -> None:
    """Hold networks to being given once each: trainings are kept by network and seed, and would write over one another.

    Raises:
        RunError: two are equal, named by their labels.
    """
    known: dict[str, str] = {}
    for network in networks:
        if network.key in known:
            raise RunError(
                f"every network must be given once, but {known[network.key]} and {network.label} are the same one."
            )
        known[network.key] = network.label


class ChosenNetworks:
    """Hands out what the journal does not hold yet; a training that failed is tried once more a session.

    Args:
        networks: to be trained.
        seeds: of each.
        journal: the record.
        budget: at which their cost is counted.
    """

    def __init__(self, networks: Sequence[Chosen], seeds: Sequence[int], journal: Journal, budget: Budget) -> None:
        self._journal = journal
        records = journal.trials()
        known = {(each.candidate.key, each.candidate.seed) for each in records if each.state != "failed"}
        # The longest way to go first, so that they end together and no core idles beside the last.
        owed = (each for each in records if each.state == "running" and each.candidate.seed in seeds)
        self.pending = tuple((each.number, each.candidate) for each in sorted(owed, key=lambda each: each.epochs))
        """Trainings that were under way when the journal was opened."""
        self._new = deque(
            Candidate(
                architecture=network.architecture,
                key=network.key,
                point=None,
                cost=budget.cost(network.architecture),
                seed=seed,
            )
            for seed in seeds
            for network in networks
            if (network.key, seed) not in known
        )
        self.trials = len(records) + len(self._new)
        """In the journal once all are handed out."""
        self.ended = "every network has all its trainings"

    def ask(self) -> tuple[int, Candidate] | None:
        """The next training, in the journal as running."""
        if not self._new:
            return None
        candidate = self._new.popleft()
        return self._journal.add(candidate), candidate


def budget_of(networks: Sequence[Chosen], *, resolution: int, classes: int) -> Budget:
    """A budget that holds all of them.

    Raises:
        ArchitectureError: images too small for one of them.
    """
    spent = [cost_told(network.architecture, resolution=resolution, classes=classes) for network in networks]
    return Budget(resolution=resolution, classes=classes, macs=max(each.macs for each in spent))
