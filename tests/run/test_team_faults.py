"""A team of workers of which one fails, is lost, or cannot see the data."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import ray
import torch
from engines import make_engine
from tiny_search import RAY_WARNINGS
from toys import SPACE

from nas.errors import DataError, RunError, TrialError
from nas.journal import Journal
from nas.record import TrialRecord
from nas.run.chosen import Chosen, ChosenNetworks, budget_of
from nas.run.distributed import run_distributed
from nas.run.job import Job
from nas.run.recipe import ResourcesConfig
from nas.training.team import Team

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_ray"), *RAY_WARNINGS]

Step = Callable[[Path, int, int], None]
"""What a worker does in an epoch: given the test's folder, its rank, and the epochs before."""


class Task:
    """Notes the start of each worker as a file, and takes its steps."""

    def __init__(self, folder: Path, epochs: int, step: Step) -> None:
        self.folder, self.epochs, self.step = folder, epochs, step

    def open(self, job: Job, *, threads: int, team: Team) -> "Session":
        (self.folder / f"{team.rank}-{os.getpid()}").touch()
        return Session(self, team.rank)


class Session:
    def __init__(self, task: Task, rank: int) -> None:
        self.task, self.rank, self.epoch = task, rank, 0

    def step(self) -> dict[str, float]:
        self.task.step(self.task.folder, self.rank, self.epoch)
        self.epoch += 1
        return {"accuracy": 0.5}

    def save(self, path: Path) -> None:
        path.write_text(str(self.epoch))

    def load(self, path: Path) -> None:
        self.epoch = int(path.read_text())


def meet() -> None:
    """Wait for the other worker, as for its part of the gradients."""
    torch.distributed.all_reduce(torch.ones(1))


def trained_by_two(folder: Path, epochs: int, step: Step) -> TrialRecord:
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    journal = Journal.in_memory(objectives=("accuracy",))
    networks = (Chosen(label="toy", architecture=SPACE.reference),)
    budget = budget_of(networks, resolution=16, classes=10)
    source = ChosenNetworks(networks, (0,), journal, budget)
    engine = make_engine(source, journal, budget, folder, trials=1, epochs=epochs)
    run_distributed(engine, Task(folder, epochs, step), folder / "checkpoints", ResourcesConfig(), workers=2)
    (record,) = journal.trials()
    return record


def starts(folder: Path) -> list[int]:
    """How often each of the two was started."""
    return [len(list(folder.glob(f"{rank}-*"))) for rank in (0, 1)]


@pytest.mark.timeout(900)  # The other worker would wait half an hour.
@pytest.mark.parametrize("failing", [0, 1])
def test_a_failure_of_one_worker_alone_ends_the_training_at_once(tmp_path: Path, failing: int) -> None:
    def step(folder: Path, rank: int, epoch: int) -> None:
        if rank == failing:
            raise TrialError("an image of this worker is damaged.")
        meet()

    record = trained_by_two(tmp_path, 2, step)
    assert record.state == "failed" and record.reason == "an image of this worker is damaged."
    assert starts(tmp_path)[failing] == 1, "what is known to fail is not tried again"
    assert not list((tmp_path / "checkpoints").glob("*.told"))


def test_a_worker_that_is_lost_at_the_very_end_costs_nothing(tmp_path: Path) -> None:
    def step(folder: Path, rank: int, epoch: int) -> None:
        while rank and not list((folder / "checkpoints").glob("*.told")):
            time.sleep(0.1)
        if rank:
            raise RuntimeError("lost at the very end")

    record = trained_by_two(tmp_path, 1, step)
    assert record.state == "complete" and record.accuracy == 0.5
    assert starts(tmp_path)[0] == 1, "what is done is not trained again"


def test_a_team_that_loses_a_worker_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    def step(folder: Path, rank: int, epoch: int) -> None:
        if rank == 1 and epoch == 1 and starts(folder)[1] == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        meet()

    record = trained_by_two(tmp_path, 2, step)
    assert record.state == "complete" and record.epochs == 2
    assert starts(tmp_path) == [2, 2]


def test_data_that_another_worker_misses_end_the_run_at_once(tmp_path: Path) -> None:
    def step(folder: Path, rank: int, epoch: int) -> None:
        if rank == 1:
            raise DataError("the image folder was looked for in /data, but is not there.")
        meet()

    with pytest.raises(RunError, match="looked for in /data, but is not there; resume the run"):
        trained_by_two(tmp_path, 1, step)
    assert starts(tmp_path)[1] == 1, "what is missing is not looked for again"
