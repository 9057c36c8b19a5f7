"""Three nodes: fractional GPUs, data in shared memory, a node that is killed, a cluster that is joined."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import noted
import numpy as np
import pytest
import ray
import toys
from engines import make_engine
from ray.cluster_utils import Cluster
from tiny_search import RAY_WARNINGS

from nas.errors import RunError
from nas.journal import Journal
from nas.proposer import Proposer
from nas.run import link
from nas.run.curves import Curves
from nas.run.distributed import run_distributed
from nas.run.engine import Engine, Listener
from nas.run.job import Job, Session
from nas.run.ray_tune import run_on_ray
from nas.run.recipe import ResourcesConfig
from nas.samplers import make_sampler
from nas.training.team import Team

pytestmark = [pytest.mark.slow, *RAY_WARNINGS]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    cluster = Cluster()
    for _ in range(3):
        cluster.add_node(num_cpus=4, num_gpus=1, include_dashboard=False)
    for module in (noted, toys):
        ray.cloudpickle.register_pickle_by_value(module)  # Workers need not find the tests' folder.
    yield cluster
    cluster.shutdown()


def engine(folder: Path, trials: int, listener: Listener) -> Engine:
    journal = Journal.create(folder / "journal.log", name="toy", objectives=("accuracy",), attributes={})
    sampler = make_sampler("random")
    proposer = Proposer(toys.SPACE, toys.BUDGET, sampler, journal, seed=0)
    return make_engine(proposer, journal, toys.BUDGET, folder, trials=trials, epochs=4, listener=listener)


def run(cluster: Cluster, folder: Path, task: noted.NotedTask, trials: int, gpu: float, listener: Listener) -> Journal:
    resources = ResourcesConfig(cpu=0.25, gpu=gpu, concurrency=min(trials, 5), address=cluster.address)
    search = engine(folder, trials, listener)
    assert run_on_ray(search, task, folder / "checkpoints", resources)
    assert not ray.is_initialized(), "a cluster that was joined is left"
    return search.journal


def test_workers_of_one_training_must_fit_on_single_machines(cluster: Cluster, tmp_path: Path) -> None:
    resources = ResourcesConfig(cpu=3, gpu=0, address=cluster.address)
    with pytest.raises(RunError, match=r"4 workers of cpu=3 and gpu=0 each must fit .* there are places for 3"):
        run_distributed(engine(tmp_path, 1, Listener()), Unopened(), tmp_path / "checkpoints", resources, workers=4)


def test_a_trial_must_fit_on_a_single_machine(cluster: Cluster, tmp_path: Path) -> None:
    """Ray would wait for ever, without a word."""
    resources = ResourcesConfig(cpu=5, gpu=0, address=cluster.address)
    with pytest.raises(RunError, match=r"one trial needs cpu=5 .* Ray has cpu=12 .* none of which holds it"):
        run_on_ray(engine(tmp_path, 1, Listener()), toys, tmp_path / "checkpoints", resources)  # type: ignore[arg-type]


class Unopened:
    epochs = 1

    def open(self, job: Job, *, threads: int, team: Team) -> Session:
        raise AssertionError("nothing is opened where nothing fits")


def test_quarters_of_gpus_are_placed_and_data_is_shared_memory(cluster: Cluster, tmp_path: Path) -> None:
    task = noted.NotedTask(notes=tmp_path, data=np.ones(1_000_000, np.uint8), epochs=1, together=5)
    journal = run(cluster, tmp_path, task, 5, 0.25, Listener())
    assert {trial.state for trial in journal.trials()} == {"complete"}
    notes = noted.read(tmp_path)
    assert all(note["shared"] and not note["writable"] for note in notes), "no worker holds a copy of its own"
    busiest: Counter[str] = Counter()
    for note in notes:
        together = Counter(
            other["node"] for other in notes if other["began"] <= note["began"] < other["ended"] and other["gpus"]
        )
        busiest |= together
    assert sum(busiest.values()) == 5 and max(busiest.values()) <= 4, f"at most four share a GPU: {busiest}"
    assert max(busiest.values()) > 1, "and some do"
    assert {gpu for note in notes for gpu in note["gpus"]} == {0}, "each node has one"


class Joining(Listener):
    """Adds a node after the first epoch."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.joined: Any = None

    def epoch(self, number: int, metrics: Mapping[str, float]) -> None:
        if self.joined is None:
            self.joined = self._cluster.add_node(num_cpus=4, include_dashboard=False)


def test_a_node_that_joins_is_used(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "COUNT_SECONDS", 0.5)
    task = noted.NotedTask(notes=tmp_path, data=np.ones(10, np.uint8), seconds=2.0)
    joining = Joining(cluster)
    search = engine(tmp_path, 9, joining)
    resources = ResourcesConfig(cpu=4, gpu=0, address=cluster.address)
    try:
        assert run_on_ray(search, task, tmp_path / "checkpoints", resources)
        nodes = {note["node"] for note in noted.read(tmp_path)}
        told = [line["places"] for number in range(9) for line in search.curves.read(number)]
        assert joining.joined.node_id in nodes and (min(told), max(told)) == (3, 4)
    finally:
        cluster.remove_node(joining.joined)


class Killing(Listener):
    """Kills a node when one of its trials has a checkpoint of its second epoch."""

    def __init__(self, cluster: Cluster, notes: Path) -> None:
        self._cluster, self._notes = cluster, notes
        self.killed: str | None = None

    def epoch(self, number: int, metrics: Mapping[str, float]) -> None:
        if self.killed is None and metrics["epoch"] == 2:
            last = [note["node"] for note in noted.read(self._notes) if note["number"] == number][-1]
            for node in self._cluster.worker_nodes:  # The head holds the cluster, so a trial there is let be.
                if node.node_id == last:
                    self.killed = last
                    self._cluster.remove_node(node, allow_graceful=False)
                    return


def test_trials_of_a_node_that_is_killed_go_on_elsewhere(cluster: Cluster, tmp_path: Path) -> None:
    task = noted.NotedTask(notes=tmp_path, data=np.ones(10, np.uint8), seconds=1.0)
    killing = Killing(cluster, tmp_path)
    journal = run(cluster, tmp_path, task, 6, 0.5, killing)
    assert killing.killed is not None
    trials = journal.trials()
    assert [trial.state for trial in trials] == ["complete"] * 6
    notes = noted.read(tmp_path)
    moved = 0
    for trial in trials:
        mine = [note for note in notes if note["number"] == trial.number]
        assert [line["epoch"] for line in Curves(tmp_path / "curves").read(trial.number)] == [1, 2, 3, 4]
        there = [note["epoch"] for note in mine if note["node"] == killing.killed]
        elsewhere = [note["epoch"] for note in mine if note["node"] != killing.killed]
        if there and elsewhere:
            moved += 1
            assert elsewhere[0] in (max(there), max(there) + 1), "it goes on from its checkpoint"
            assert len(mine) <= 5, "at most the epoch in flight is repeated"
    assert moved >= 1


def test_an_address_where_nothing_listens_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"resources\.address must be a running Ray cluster"):
        run_on_ray(
            engine(tmp_path, 1, Listener()),
            noted.NotedTask(notes=tmp_path, data=np.ones(1, np.uint8)),
            tmp_path,
            ResourcesConfig(address="127.0.0.1:1"),
        )
