"""What stands in the folder of full trainings, and what was read of them: a held-out split once a network."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas.budget import Budget
from nas.data.config import SplitName
from nas.errors import RunError
from nas.journal import Journal
from nas.record import TrialRecord
from nas.run.chosen import Chosen
from nas.run.final_task import FinalTask
from nas.run.folder import RunFolder
from nas.run.ledger import Figures, Ledger
from nas.run.plan import Plan
from nas.summary import Summary, summarise

if TYPE_CHECKING:
    from nas.data.splits import Data


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrained:
    """One network after its trainings.

    Attributes:
        network: which.
        records: its complete trainings, by seed.
        readings: of each, by split name, in the same order.
        core_seconds: of all its trainings, by the cores that each epoch had.
    """

    network: Chosen
    records: tuple[TrialRecord, ...]
    readings: tuple[dict[str, Figures], ...]
    core_seconds: float

    def summary(self, split: SplitName, figure: str = "accuracy") -> Summary:
        """Over the seeds."""
        return summarise([reading[split][figure] for reading in self.readings])

    @property
    def best(self) -> int:
        """Place of the training that is best on split A; of equals the first."""
        values = [reading["a"]["accuracy"] for reading in self.readings]
        return values.index(max(values))


class HeldOut:
    """The splits, each loaded when it is first read: where all figures are in the ledger, none is."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._loaded: dict[SplitName, Data] = {}

    def data(self, split: SplitName) -> "Data":
        """The data set with that split."""
        from nas.data.load import load_data

        if split not in self._loaded:
            self._loaded[split] = load_data(self._plan.data, splits=(split,))
        return self._loaded[split]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finals:
    """An open folder of full trainings, and what is done in it."""

    plan: Plan
    task: FinalTask
    budget: Budget
    run: RunFolder
    journal: Journal
    ledger: Ledger
    held_out: HeldOut

    def failed(self) -> tuple[TrialRecord, ...]:
        """Trainings that came to nothing, and for which no later one made up."""
        records = self.journal.trials()
        return tuple(record for record in records if record.state == "failed" and not _done(record, records))

    def read(self, network: Chosen, splits: tuple[SplitName, ...]) -> Retrained:
        """Read splits of all seeds of one network, by way of the ledger."""
        from nas.training.finals import digest, figures, read_split

        mine = sorted(
            (each for each in self.journal.trials() if each.state == "complete" and each.candidate.key == network.key),
            key=lambda each: each.candidate.seed,
        )
        mine = [each for each in mine if each.candidate.seed in self.plan.seed_numbers]
        readings: list[dict[str, Figures]] = []
        for record in mine:
            seed = record.candidate.seed
            path = self.task.weights(network.key, seed)
            if not path.is_file():
                raise RunError(f"the weights of a complete training must stand in {path}, but there is no such file.")
            weights = digest(path)

            def evaluate(split: SplitName, path: Path = path) -> Figures:
                data = self.held_out.data(split)
                return figures(read_split(path, network.architecture, data, split, **reading_by(self.plan)))

            readings.append({split: self.ledger.read(network.key, seed, weights, split, evaluate) for split in splits})
        spent = sum(self.run.curves.core_seconds(record.number, self.plan.cores) for record in mine)
        return Retrained(network=network, records=tuple(mine), readings=tuple(readings), core_seconds=spent)


def reading_by(plan: Plan) -> dict[str, Any]:
    """Where and by what a split is read: device and processes of ``read_split``.

    An image folder is decoded by the cores of one training, which is over, as far as they are here.
    """
    cores = min(int(plan.cores), os.cpu_count() or 1)
    return {
        "device": "cpu" if plan.resources.gpu == 0 else None,
        "workers": cores if plan.data.name == "folder" else 0,
    }


def _done(failed: TrialRecord, records: Sequence[TrialRecord]) -> bool:
    """Whether a later training made up for a failed one."""
    wanted = (failed.candidate.key, failed.candidate.seed)
    return any(each.state == "complete" and (each.candidate.key, each.candidate.seed) == wanted for each in records)
