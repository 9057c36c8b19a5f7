"""Train chosen networks fully, choose the best by split A, read B and test of it once, and deliver it.

::

    FOLDER/                a model folder, see nas.run.deliver
        recipe.yaml        the plan
        metrics.json       the ledger of what was read from the held-out splits, and its summary
        training/          the record of the trainings: journal, curves, checkpoints, weights by key and seed
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nas.budget import Budget
from nas.data.config import SplitName
from nas.errors import RunError, TrialError
from nas.journal import Journal
from nas.record import TrialRecord
from nas.run.chosen import Chosen, ChosenNetworks, budget_of
from nas.run.engine import Engine, Listener
from nas.run.files import write_atomically
from nas.run.final_task import FinalTask
from nas.run.folder import RunFolder
from nas.run.ledger import LEDGER, Figures, Ledger
from nas.run.local import run_here
from nas.run.plan import PLAN, Plan, check_own_folder, plan_to_yaml
from nas.run.recipe import EarlyStoppingConfig, StopConfig
from nas.run.rungs import Rungs
from nas.run.summary import Summary, summarise
from nas.training.config import training_key

if TYPE_CHECKING:
    from nas.data.splits import Data


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """One network after its trainings.

    Attributes:
        network: which.
        records: its complete trainings, by seed.
        readings: of each, by split name, in the same order.
    """

    network: Chosen
    records: tuple[TrialRecord, ...]
    readings: tuple[dict[str, Figures], ...]

    def summary(self, split: SplitName, figure: str = "accuracy") -> Summary:
        """Over the seeds."""
        return summarise([reading[split][figure] for reading in self.readings])

    @property
    def best(self) -> int:
        """Place of the training that is best on split A; of equals the first."""
        values = [reading["a"]["accuracy"] for reading in self.readings]
        return values.index(max(values))


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What came of it.

    Attributes:
        folder: the model folder.
        plan: by which it was trained.
        winner: the network that was best on split A by its mean, with all its readings.
        others: the networks it was chosen among, best first, read on split A only.
        budget: at which costs are counted.
        failed: trainings that came to nothing, with their reasons.
    """

    folder: Path
    plan: Plan
    winner: Trained
    others: tuple[Trained, ...]
    budget: Budget
    failed: tuple[TrialRecord, ...]


def train(
    networks: Sequence[Chosen], plan: Plan, folder: Path, listener: Listener, *, in_process: bool = False
) -> Delivered | None:
    """Train every network with every seed and deliver the best; called again, it goes on.

    Args:
        networks: one, or several to choose from.
        plan: how.
        folder: a new one, or one of an earlier call with the same networks, data and training; seeds may be added.
        listener: told of every event.
        in_process: train here, one seed after the other, and not on Ray.

    Returns:
        None where the user interrupted it.

    Raises:
        NasError: of the kind that names what is wrong.
        TrialError: no training of any network came to a result.
    """
    from nas.run.deliver import deliver

    task = FinalTask(plan.data, plan.training, folder / "training" / "weights")
    budget = budget_of(networks, resolution=task.resolution, classes=task.classes)
    run = _prepare(folder, plan, networks)
    with run.locked(), run.session():
        journal = Journal.open(run.journal)
        _check_networks(folder, journal, networks)
        ledger = Ledger.open(folder / LEDGER)
        ledger.check_seeds(plan.seed_numbers)
        # Not before the checks: a call that is refused changes nothing.
        write_atomically(folder / PLAN, plan_to_yaml(plan))
        if not _train_all(networks, plan, run, task, journal, budget, listener, in_process=in_process):
            return None
        records = journal.trials()
        data = _HeldOut(plan)
        trained = [_read(network, records, plan, task, ledger, data, ("a",)) for network in networks]
        whole = [each for each in trained if each.records]
        failed = tuple(record for record in records if record.state == "failed" and not _done(record, records))
        if not whole:
            raise TrialError(f"no training came to a result; the first failed so: {failed[0].reason}")
        winner = _winner(whole, ledger)
        # Chosen; only now, and only of this network, are B and test read.
        winner = _read(winner.network, records, plan, task, ledger, data, ("a", "b", "test"))
        others = sorted(
            (each for each in whole if each.network != winner.network), key=lambda each: -each.summary("a").mean
        )
        delivered = Delivered(
            folder=folder, plan=plan, winner=winner, others=tuple(others), budget=budget, failed=failed
        )
        deliver(delivered, run, ledger, task)
    return delivered


def _winner(trained: Sequence[Trained], ledger: Ledger) -> Trained:
    """The best on split A, of equals the first; or the one whose test was read before: a choice is made once."""
    judged = {entry["key"] for entry in ledger.content["readings"] if "test" in entry}
    before = next((each for each in trained if each.network.key in judged), None)
    return before or max(trained, key=lambda each: each.summary("a").mean)


def _prepare(folder: Path, plan: Plan, networks: Sequence[Chosen]) -> RunFolder:
    """Make the folder, or hold the plan to what stands there."""
    run = RunFolder(folder.resolve() / "training")
    check_own_folder(folder, plan)
    try:
        run.path.mkdir(parents=True, exist_ok=True)
        if not (folder / PLAN).exists():
            write_atomically(folder / PLAN, plan_to_yaml(plan))
    except OSError as error:
        raise RunError(f"the folder of a training must be writable, but got {folder}: {error.strerror}.") from error
    if not run.journal.exists():
        attributes = {
            "networks": [network.key for network in networks],
            "epochs": plan.training.epochs,
            "training": training_key(plan.training),
            "seed": plan.first_seed,
        }
        Journal.create(run.journal, name="training", objectives=("accuracy",), attributes=attributes)
    return run


def _check_networks(folder: Path, journal: Journal, networks: Sequence[Chosen]) -> None:
    keys = [network.key for network in networks]
    if journal.attributes.get("networks") != keys:
        raise RunError(
            f"the networks must be those of the training in {folder}, {', '.join(journal.attributes['networks'])}, "
            f"but got {', '.join(keys)}; choose another --out."
        )


def _train_all(
    networks: Sequence[Chosen],
    plan: Plan,
    run: RunFolder,
    task: FinalTask,
    journal: Journal,
    budget: Budget,
    listener: Listener,
    *,
    in_process: bool,
) -> bool:
    if journal.repaired:
        listener.said("the last line of the journal was torn and has been cut off; nothing before it is lost.")
    source = ChosenNetworks(networks, plan.seed_numbers, journal, budget)
    if not source.pending() and source.trials == len(journal.trials()):
        return True
    engine = Engine(
        proposer=source,
        journal=journal,
        curves=run.curves,
        rungs=Rungs(EarlyStoppingConfig(), plan.training.epochs),
        budget=budget,
        stop=StopConfig(trials=source.trials),
        listener=listener,
        checkpoints=run.checkpoints,
        cores=plan.resources.cpu,
    )
    if plan.workers > 1:
        from nas.run.distributed import run_distributed

        return run_distributed(engine, task, run.checkpoints, plan.resources, workers=plan.workers)
    if in_process:
        return run_here(engine, task, run.checkpoints)
    from nas.run.ray_tune import run_on_ray

    return run_on_ray(engine, task, run.checkpoints, plan.resources)


class _HeldOut:
    """The splits, each loaded when it is first read: where all figures are in the ledger, none is."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._loaded: dict[SplitName, Data] = {}

    def data(self, split: SplitName) -> "Data":
        from nas.data.load import load_data

        if split not in self._loaded:
            self._loaded[split] = load_data(self._plan.data, splits=(split,))
        return self._loaded[split]


def _read(
    network: Chosen,
    records: Sequence[TrialRecord],
    plan: Plan,
    task: FinalTask,
    ledger: Ledger,
    held_out: _HeldOut,
    splits: tuple[SplitName, ...],
) -> Trained:
    """Read splits of all seeds of one network, by way of the ledger."""
    from nas.training.finals import digest, figures, read_split

    mine = sorted(
        (each for each in records if each.state == "complete" and each.candidate.key == network.key),
        key=lambda each: each.candidate.seed,
    )
    mine = [each for each in mine if each.candidate.seed in plan.seed_numbers]
    readings: list[dict[str, Figures]] = []
    for record in mine:
        seed = record.candidate.seed
        path = task.weights(network.key, seed)
        if not path.is_file():
            raise RunError(f"the weights of a complete training must stand in {path}, but there is no such file.")
        weights = digest(path)

        def evaluate(split: SplitName, path: Path = path) -> Figures:
            data = held_out.data(split)
            return figures(read_split(path, network.architecture, data, split, workers=_decoders(plan)))

        readings.append({split: ledger.read(network.key, seed, weights, split, evaluate) for split in splits})
    return Trained(network=network, records=tuple(mine), readings=tuple(readings))


def _decoders(plan: Plan) -> int:
    """Processes for the images of a folder: the cores of one training, which is over, as far as they are here."""
    return min(int(plan.resources.cpu * plan.workers), os.cpu_count() or 1) if plan.data.name == "folder" else 0


def _done(failed: TrialRecord, records: Sequence[TrialRecord]) -> bool:
    """Whether a later training made up for a failed one."""
    wanted = (failed.candidate.key, failed.candidate.seed)
    return any(each.state == "complete" and (each.candidate.key, each.candidate.seed) == wanted for each in records)
