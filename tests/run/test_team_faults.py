"""A team of workers of which one fails, is lost, or cannot see the data."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
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
from nas.run.distributed import SharedTask, run_distributed
from nas.run.job import Job
from nas.run.recipe import ResourcesConfig
from nas.training.team import Team

pytestmark = [pytest.mark.slow, *RAY_WARNINGS]

SMALL = replace(SPACE.decode({"stem": 8, "width3": 16, "width4": 16, "wide": 8}), norm="none", dropout=0.0)


@pytest.fixture(scope="module", autouse=True)
def one_ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        ray.init(address="local", num_cpus=4, include_dashboard=False, log_to_driver=False)
        yield
        ray.shutdown()


class Halting:
    """A task whose first worker fails while the second waits for its part of a sum."""

    epochs = 2

    def __init__(self, starts: Path) -> None:
        self.starts = starts

    def open(self, job: Job, *, threads: int, team: Team) -> "HaltingSession":
        (self.starts / f"{team.rank}-{os.getpid()}").touch()
        return HaltingSession(team)


class HaltingSession:
    epoch = 0

    def __init__(self, team: Team) -> None:
        self.team = team

    def step(self) -> dict[str, float]:
        if self.team.rank == 0:
            raise TrialError("an image of the first worker is damaged.")
        torch.distributed.all_reduce(torch.ones(1))
        return {"accuracy": 0.5}


def trained_by_two(task: SharedTask, folder: Path, epochs: int) -> TrialRecord:
    journal = Journal.in_memory(objectives=("accuracy",))
    networks = (Chosen(label="small", architecture=SMALL),)
    budget = budget_of(networks, resolution=8, classes=10)
    source = ChosenNetworks(networks, (0,), journal, budget)
    engine = make_engine(source, journal, budget, folder, trials=1, epochs=epochs)
    run_distributed(engine, task, folder / "checkpoints", ResourcesConfig(), workers=2)
    (record,) = journal.trials()
    return record


@pytest.mark.timeout(900)  # The second worker would wait half an hour.
def test_a_failure_of_the_first_worker_alone_ends_the_training_at_once(tmp_path: Path) -> None:
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    record = trained_by_two(Halting(tmp_path), tmp_path, epochs=2)
    assert record.state == "failed" and record.reason == "an image of the first worker is damaged."
    assert len(list(tmp_path.glob("0-*"))) == 1, "what is known to fail is not tried again"
    assert not list((tmp_path / "checkpoints").glob("*.told"))


class Late:
    """A task whose second worker fails when the first has told the end."""

    epochs = 1

    def __init__(self, starts: Path) -> None:
        self.starts = starts

    def open(self, job: Job, *, threads: int, team: Team) -> "LateSession":
        (self.starts / f"{team.rank}-{os.getpid()}").touch()
        return LateSession(self.starts, team)


class LateSession:
    def __init__(self, starts: Path, team: Team) -> None:
        self.starts = starts
        self.team = team
        self.epoch = 0

    def step(self) -> dict[str, float]:
        self.epoch += 1
        while self.team.rank and not list((self.starts / "checkpoints").glob("*.told")):
            time.sleep(0.1)
        if self.team.rank:
            raise RuntimeError("lost at the very end")
        return {"accuracy": 0.5}


def test_a_worker_that_is_lost_at_the_very_end_costs_nothing(tmp_path: Path) -> None:
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    record = trained_by_two(Late(tmp_path), tmp_path, epochs=1)
    assert record.state == "complete" and record.accuracy == 0.5
    assert len(list(tmp_path.glob("0-*"))) == 1, "what is done is not trained again"


class Lost:
    """A task whose second worker is killed once, while the first waits for it."""

    epochs = 2

    def __init__(self, starts: Path) -> None:
        self.starts = starts

    def open(self, job: Job, *, threads: int, team: Team) -> "LostSession":
        (self.starts / f"{team.rank}-{os.getpid()}").touch()
        return LostSession(self.starts, team)


class LostSession:
    def __init__(self, starts: Path, team: Team) -> None:
        self.starts, self.team, self.epoch = starts, team, 0

    def step(self) -> dict[str, float]:
        if self.team.rank == 1 and self.epoch == 1 and len(list(self.starts.glob("1-*"))) == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        torch.distributed.all_reduce(torch.ones(1))
        self.epoch += 1
        return {"accuracy": 0.5}

    def save(self, path: Path) -> None:
        if self.team.rank == 0:
            path.write_text(str(self.epoch))

    def load(self, path: Path) -> None:
        self.epoch = int(path.read_text())


def test_a_team_that_loses_a_worker_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    record = trained_by_two(Lost(tmp_path), tmp_path, epochs=2)
    assert record.state == "complete" and record.epochs == 2
    assert [len(list(tmp_path.glob(f"{rank}-*"))) for rank in (0, 1)] == [2, 2]


class Blind:
    """A task whose second worker cannot see the data."""

    epochs = 1

    def __init__(self, starts: Path) -> None:
        self.starts = starts

    def open(self, job: Job, *, threads: int, team: Team) -> "HaltingSession":
        (self.starts / f"{team.rank}-{os.getpid()}").touch()
        if team.rank == 1:
            raise DataError("the image folder was looked for in /data, but is not there.")
        return HaltingSession(Team(rank=1))


def test_data_that_another_worker_misses_end_the_run_at_once(tmp_path: Path) -> None:
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    with pytest.raises(RunError, match="looked for in /data, but is not there; resume the run"):
        trained_by_two(Blind(tmp_path), tmp_path, epochs=1)
    assert len(list(tmp_path.glob("1-*"))) == 1, "what is missing is not looked for again"
