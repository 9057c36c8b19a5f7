"""What the training loop brings to a search, and what the engine brings: {plain, ours} x {Tune and Optuna, ours}.

"ours" is the engine as the flagship's recipe has it: `gp` in the band from 0.9 of the budget, every network trained to
the end. "ours-asha" is the same engine set as Tune's search is: all networks within the budget, ASHA at every epoch.

    python -m benchmarks.four_ways --loop plain --engine tune --core-hours 1.5 --seed 0
    nas compare runs/out/four_ways/plain-tune runs/out/four_ways/ours-ours --column metric.accuracy_b

Same space (`inception_small`), budget (GoogLeNet's own cost at 32 pixels), data (Fashion-MNIST at 28), recipe,
core-hours and two trainings of one thread at a time. The plain loop is torch as its tutorials have it; Tune's search is
OptunaSearch with ASHA, as its documentation has it, with a rejection of points that are over the budget. Decisions
are by split A; split B is read beside it, outside the time that is counted (our engine counts the last reading).
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

import ray
import torch
import torch.nn.functional as F
from optuna import Study
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState
from ray import tune
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search.optuna import OptunaSearch
from torch import nn
from torch.utils.data import DataLoader, SubsetRandomSampler

from benchmarks.loops import Images, plain_network
from nas.architecture import Architecture
from nas.budget import Budget
from nas.cost import cost
from nas.data import AugmentConfig, DataConfig
from nas.data.config import SplitName
from nas.data.load import load_data
from nas.data.splits import Data
from nas.run.function import search
from nas.run.recipe import EarlyStoppingConfig, ResourcesConfig
from nas.spaces import load_space
from nas.training import TrainingConfig
from nas.training.trainer import Trainer

LIMIT: Final = 30_574_592
BUDGET: Final = Budget(macs=LIMIT, resolution=28, classes=10)
DATA: Final = DataConfig(name="fashion-mnist")
RECIPE: Final = TrainingConfig(
    epochs=3,
    batch_size=128,
    images_per_epoch=16_000,
    learning_rate=0.1,
    weight_decay=5e-4,
    schedule="one-cycle",
    warmup_epochs=0.5,
    label_smoothing=0.1,
    augment=AugmentConfig(flip=True, shift_pixels=2),
)
"""What a tutorial's loop can do as well: both loops train by it. Three epochs see every image once."""
AT_ONCE: Final = 2
TRIALS: Final = 10_000
"""More than the time allows."""

Curve = Iterator[tuple[float, Callable[[], float]]]
"""Accuracy on split A after each epoch, and how to get that on split B."""


def plain(architecture: Architecture, seed: int) -> Curve:
    """Float32, torch's modules, one image after another through torchvision's transforms."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    data = load_data(DATA, splits=("train", "a", "b"))
    network = plain_network(architecture, data.resolution, data.classes)
    images = Images.of(data.split("train"), training=True)
    optimizer = torch.optim.SGD(
        network.parameters(),
        lr=RECIPE.learning_rate,
        momentum=RECIPE.momentum,
        nesterov=True,
        weight_decay=RECIPE.weight_decay,
    )
    each = RECIPE.images_per_epoch or len(images)
    steps = RECIPE.epochs * (each // RECIPE.batch_size)
    warm = RECIPE.warmup_epochs / RECIPE.epochs
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 0.5) / steps / warm, (1 - (step + 0.5) / steps) / (1 - warm))
    )
    order = torch.randperm(len(images)).tolist()
    for epoch in range(RECIPE.epochs):
        network.train()
        part = SubsetRandomSampler(order[epoch * each : (epoch + 1) * each])
        for batch, labels in DataLoader(images, RECIPE.batch_size, sampler=part, drop_last=True):
            optimizer.zero_grad()
            F.cross_entropy(network(batch), labels, label_smoothing=RECIPE.label_smoothing).backward()
            optimizer.step()
            schedule.step()
        yield _accuracy(network, data, "a"), lambda: _accuracy(network, data, "b")


def _accuracy(network: nn.Module, data: Data, name: SplitName) -> float:
    network.eval()
    images = Images.of(data.split(name), training=False)
    with torch.no_grad():
        right = sum(
            int((network(batch).argmax(dim=1) == labels).sum())
            for batch, labels in DataLoader(images, RECIPE.batch_size)
        )
    return right / len(images)


def ours(architecture: Architecture, seed: int) -> Curve:
    """The product's trainer."""
    trainer = Trainer(architecture, load_data(DATA, splits=("train", "a", "b")), RECIPE, seed=seed, threads=1)
    while not trainer.done:
        yield trainer.train_epoch().accuracy, lambda: trainer.evaluate("b").accuracy


LOOPS: Final[Mapping[str, Callable[[Architecture, int], Curve]]] = {"plain": plain, "ours": ours}


def run(loop: str, architecture: Architecture, seed: int, *, every: bool) -> Iterator[dict[str, float]]:
    """Train; what is reported after each epoch, with split B after ``every`` one or the last."""
    began, spent = time.perf_counter(), 0.0
    for epoch, (accuracy, accuracy_b) in enumerate(LOOPS[loop](architecture, seed), start=1):
        spent += time.perf_counter() - began
        told = {"accuracy": accuracy, "seconds": spent}
        if every or epoch == RECIPE.epochs:
            told["accuracy_b"] = accuracy_b()
        yield told
        began = time.perf_counter()


class WithinBudget(OptunaSearch):
    """OptunaSearch that asks again until a point is within the budget, and notes what ``nas compare`` reads."""

    def suggest(self, trial_id: str) -> dict[str, Any]:
        """Ask Optuna."""
        study = cast(Study, self._ot_study)
        while macs(point := cast(dict[str, Any], super().suggest(trial_id))) > LIMIT:
            study.tell(self._ot_trials.pop(trial_id), state=TrialState.FAIL)
        self._ot_trials[trial_id].set_user_attr("macs", macs(point))
        return point

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """An epoch: trials that the end of the search cuts off are told by it."""
        self._note(trial_id, result)
        super().on_trial_result(trial_id, result)

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """The last epoch, whose result comes only here; Ray tells Optuna that what ASHA stopped is complete."""
        self._note(trial_id, result or {})
        if result and result["training_iteration"] < RECIPE.epochs:
            self._ot_trials[trial_id].set_user_attr("stopped", True)
        super().on_trial_complete(trial_id, result, error)

    def _note(self, trial_id: str, result: dict[str, Any]) -> None:
        for name in ("accuracy_b", "seconds"):
            if name in result:
                self._ot_trials[trial_id].set_user_attr(name, result[name])


class CoreHours(tune.Stopper):
    """Ends the search once its trainings took so long, whatever else the driver did."""

    def __init__(self, core_hours: float) -> None:
        self.limit = core_hours * 3600
        self.seconds: dict[str, float] = {}

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Note a trial's time; it goes on."""
        self.seconds[trial_id] = result["seconds"]
        return False

    def stop_all(self) -> bool:
        """Whether the time is up."""
        return sum(self.seconds.values()) >= self.limit


def decode(point: Mapping[str, Any]) -> Architecture:
    """The network of what Optuna suggests, in which every choice has a value."""
    space = load_space("inception_small")
    return space.decode(space.canonical(point))


def macs(point: Mapping[str, Any]) -> int:
    """Its cost."""
    return cost(decode(point), resolution=BUDGET.resolution, classes=BUDGET.classes).macs


def by_tune(loop: str, core_hours: float, seed: int, folder: Path) -> None:
    """Ray Tune's own search, kept in an Optuna journal."""

    def train(point: dict[str, Any]) -> None:
        for told in run(loop, decode(point), seed, every=True):
            tune.report(told)

    storage = JournalStorage(JournalFileBackend(str(folder / "journal.log")))
    searcher = WithinBudget(storage=storage, study_name="tune", seed=seed, metric="accuracy", mode="max")
    with tempfile.TemporaryDirectory() as results:
        tune.Tuner(
            train,
            param_space={
                choice.name: tune.choice(list(choice.values)) for choice in load_space("inception_small").choices
            },
            tune_config=tune.TuneConfig(
                search_alg=searcher,
                scheduler=ASHAScheduler(max_t=RECIPE.epochs, grace_period=1, reduction_factor=2),
                metric="accuracy",
                mode="max",
                num_samples=TRIALS,
            ),
            run_config=tune.RunConfig(storage_path=results, stop=CoreHours(core_hours), verbose=1),
        ).fit()


def by_us(loop: str, core_hours: float, seed: int, folder: Path, *, asha: bool = False) -> None:
    """This engine: its sampler, its journal; in the band below the budget, or in all of it with ASHA."""

    def evaluate(architecture: Architecture, epochs: int) -> Iterator[Mapping[str, float]]:
        for told in run(loop, architecture, seed, every=False):
            del told["seconds"]  # The engine's own clock tells it.
            yield told

    search(
        load_space("inception_small"),
        evaluate,
        BUDGET if asha else replace(BUDGET, at_least=0.9),
        trials=TRIALS,
        epochs=RECIPE.epochs,
        early_stopping=EarlyStoppingConfig(rule="asha", first_rung=1, reduction=2) if asha else None,
        core_hours=core_hours,
        seed=seed,
        path=folder,
        resources=ResourcesConfig(concurrency=AT_ONCE),
    )


ENGINES: Final[Mapping[str, Callable[[str, float, int, Path], None]]] = {
    "tune": by_tune,
    "ours": by_us,
    "ours-asha": partial(by_us, asha=True),
}


def main() -> None:
    """Run one of the ways."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loop", choices=tuple(LOOPS), required=True)
    parser.add_argument("--engine", choices=tuple(ENGINES), required=True)
    parser.add_argument("--core-hours", type=float, default=1.5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/out/four_ways"))
    options = parser.parse_args()
    folder = (options.out / f"{options.loop}-{options.engine}" / f"seed-{options.seed}").resolve()
    folder.mkdir(parents=True)
    ray.init(address="local", num_cpus=AT_ONCE, include_dashboard=False, log_to_driver=False)
    ENGINES[options.engine](options.loop, options.core_hours, options.seed, folder)
    ray.shutdown()


if __name__ == "__main__":
    # By its name, for workers: what belongs to __main__ is sent to them by value, which not all of it bears.
    from benchmarks.four_ways import main as run_one

    run_one()
