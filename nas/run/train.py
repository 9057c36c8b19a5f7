"""Train chosen networks fully, choose the best by split A, read B and test of it once, and deliver it.

::

    FOLDER/                a model folder, see nas.run.deliver
        recipe.yaml        the plan
        metrics.json       the ledger of what was read from the held-out splits, and its summary
        training/          the record of the trainings: journal, curves, checkpoints, weights by key and seed
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nas.budget import Budget
from nas.errors import NasError, RunError, TrialError
from nas.files import write_atomically
from nas.journal import Journal
from nas.operations import lower
from nas.record import TrialRecord
from nas.run.chosen import Chosen, ChosenNetworks, budget_of, check_distinct
from nas.run.engine import Engine, Listener
from nas.run.final_task import FinalTask
from nas.run.folder import RunFolder
from nas.run.ledger import LEDGER, Ledger
from nas.run.local import run_here
from nas.run.plan import PLAN, Plan, check_own_folder
from nas.run.readings import Finals, HeldOut, Retrained
from nas.run.recipe import EarlyStoppingConfig, StopConfig
from nas.run.recipe_file import to_yaml
from nas.run.rungs import Rungs
from nas.training.config import training_key
from nas.training.variance import check_batch


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
    winner: Retrained
    others: tuple[Retrained, ...]
    budget: Budget
    failed: tuple[TrialRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """Networks after their trainings.

    Attributes:
        trained: best first by the mean on split A, the only one that was read.
        budget: at which costs are counted.
        failed: trainings that came to nothing, with their reasons.
    """

    trained: tuple[Retrained, ...]
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

    with _opened(networks, plan, folder) as finals:
        ranked = _ranked(networks, finals, listener, in_process=in_process)
        if ranked is None:
            return None
        winner = _winner(ranked.trained, finals.ledger)
        delivered = Delivered(
            folder=folder,
            plan=plan,
            # Chosen; only now, and only of this network, are B and test read.
            winner=finals.read(winner.network, ("a", "b", "test")),
            others=tuple(each for each in ranked.trained if each.network != winner.network),
            budget=ranked.budget,
            failed=ranked.failed,
        )
        deliver(delivered, finals.run, finals.ledger, finals.task)
    return delivered


def rank(
    networks: Sequence[Chosen], plan: Plan, folder: Path, listener: Listener, *, in_process: bool = False
) -> Ranked | None:
    """Train every network with every seed and order them by split A: B and test stay unread, nothing is delivered.

    The first round of a choice, with few epochs. Arguments, errors and what an interruption gives are those of
    :func:`train`, which may be called afterwards with the same folder.
    """
    with _opened(networks, plan, folder) as finals:
        return _ranked(networks, finals, listener, in_process=in_process)


@contextmanager
def _opened(networks: Sequence[Chosen], plan: Plan, folder: Path) -> Iterator[Finals]:
    """Make the folder, or hold networks and plan to what stands there."""
    from nas.data.splits import check_dims  # with torch

    task = FinalTask(plan.data, plan.training, folder / "training" / "weights")
    check_distinct(networks)
    for network in networks:
        check_dims(network.architecture.dims, held=task.dims, data=plan.data.name)
    budget = budget_of(networks, resolution=task.resolution, classes=task.classes)
    for network in networks:  # What a team's share of a batch is, its trainers know.
        lowered = lower(network.architecture, resolution=task.resolution, classes=task.classes)
        check_batch(lowered.operations, plan.training)
    new = not folder.exists()
    run = _prepare(folder, plan, networks, task.images)
    ours = False  # What another process has just made is not ours to remove.
    try:
        with run.locked(), run.session():
            ours = new
            journal = Journal.open(run.journal)
            _check_networks(folder, journal, networks)
            journal.hold_to(("accuracy",), {"images": task.images}, f"the training in {folder}")
            ledger = Ledger.open(folder / LEDGER)
            ledger.check_seeds(plan.seed_numbers)
            # Not before the checks: a call that is refused changes nothing.
            write_atomically(folder / PLAN, to_yaml(plan))
            yield Finals(
                plan=plan, task=task, budget=budget, run=run, journal=journal, ledger=ledger, held_out=HeldOut(plan)
            )
    except NasError:
        if ours and not Journal.open(run.journal, read_only=True).trials():
            shutil.rmtree(folder)  # as where a GPU is asked for that Ray lacks
        raise


def _ranked(networks: Sequence[Chosen], finals: Finals, listener: Listener, *, in_process: bool) -> Ranked | None:
    """Train what is not trained, and read A of it all; of equals the first given comes first."""
    if not _train_all(networks, finals, listener, in_process=in_process):
        return None
    failed = finals.failed()
    trained = [each for each in (finals.read(network, ("a",)) for network in networks) if each.records]
    if not trained:
        raise TrialError(f"no training came to a result; the first failed so: {failed[0].reason}")
    trained.sort(key=lambda each: -each.summary("a").mean)
    return Ranked(trained=tuple(trained), budget=finals.budget, failed=failed)


def _winner(trained: Sequence[Retrained], ledger: Ledger) -> Retrained:
    """The first, which is the best on split A; or the one whose test was read before: a choice is made once."""
    judged = {entry["key"] for entry in ledger.content["readings"] if "test" in entry}
    return next((each for each in trained if each.network.key in judged), trained[0])


def _prepare(folder: Path, plan: Plan, networks: Sequence[Chosen], images: str) -> RunFolder:
    """Make the folder, or hold the plan to what stands there."""
    run = RunFolder(folder.resolve() / "training")
    check_own_folder(folder, plan)
    try:
        run.path.mkdir(parents=True, exist_ok=True)
        if not (folder / PLAN).exists():
            write_atomically(folder / PLAN, to_yaml(plan))
    except OSError as error:
        raise RunError(f"the folder of a training must be writable, but got {folder}: {error.strerror}.") from error
    if not run.journal.exists():
        attributes = {
            "networks": [network.key for network in networks],
            "epochs": plan.training.epochs,
            "training": training_key(plan.training),
            "seed": plan.first_seed,
            "images": images,
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


def _train_all(networks: Sequence[Chosen], finals: Finals, listener: Listener, *, in_process: bool) -> bool:
    plan, run, journal = finals.plan, finals.run, finals.journal
    source = ChosenNetworks(networks, plan.seed_numbers, journal, finals.budget)
    if not source.pending and source.trials == len(journal.trials()):
        return True
    engine = Engine(
        proposer=source,
        journal=journal,
        curves=run.curves,
        rungs=Rungs(EarlyStoppingConfig(), plan.training.epochs),
        budget=finals.budget,
        stop=StopConfig(trials=source.trials),
        listener=listener,
        checkpoints=run.checkpoints,
        cores=plan.cores,
    )
    if plan.workers > 1:
        from nas.run.distributed import run_distributed

        return run_distributed(engine, finals.task, run.checkpoints, plan.resources, workers=plan.workers)
    if in_process:
        return run_here(engine, finals.task, run.checkpoints)
    from nas.run.ray_tune import run_on_ray

    return run_on_ray(engine, finals.task, run.checkpoints, plan.resources)
