"""The engine on the real Ray Tune: same results as in this process, faults, fractional GPUs."""

import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import ray
import torch
from engines import make_engine
from tiny_search import RAY_WARNINGS
from toys import BUDGET, SPACE, Faulty, evaluate, gpus, uneven

from nas.architecture import Architecture
from nas.data.config import DataConfig
from nas.errors import RunError
from nas.journal import Journal
from nas.proposer import Proposer
from nas.run.engine import Listener
from nas.run.function import FunctionTask, search
from nas.run.ray_tune import run_on_ray
from nas.run.recipe import EarlyStoppingConfig, ResourcesConfig
from nas.run.training_task import TrainingTask
from nas.samplers import make_sampler
from nas.training.config import TRAININGS

pytestmark = RAY_WARNINGS


@pytest.fixture(scope="module", autouse=True)
def one_ray() -> Iterator[None]:
    import toys

    # "local": not one that another test or program has started on this machine.
    ray.init(address="local", num_cpus=4, num_gpus=2, include_dashboard=False, log_to_driver=False)
    ray.cloudpickle.register_pickle_by_value(toys)  # Workers need not find the tests' folder.
    yield
    ray.shutdown()


def test_same_points_and_results_as_in_this_process(tmp_path: Path) -> None:
    stopping = EarlyStoppingConfig(rule="asha", first_rung=1, reduction=3)
    arguments = {"trials": 12, "sampler": "tpe", "epochs": 9, "early_stopping": stopping}
    here = search(SPACE, evaluate, BUDGET, **arguments)  # type: ignore[arg-type]
    there = search(SPACE, evaluate, BUDGET, path=tmp_path, resources=ResourcesConfig(concurrency=1), **arguments)  # type: ignore[arg-type]
    assert there.finished
    for mine, theirs in zip(here.trials, there.trials, strict=True):
        assert mine.candidate.point == theirs.candidate.point
        assert (mine.state, mine.accuracies) == (theirs.state, theirs.accuracies)
    assert not list((tmp_path / "checkpoints").iterdir())


def test_a_batch_gives_the_same_points_at_any_concurrency(tmp_path: Path) -> None:
    found = []
    for concurrency in (1, 2):
        folder = tmp_path / str(concurrency)
        folder.mkdir()
        journal = Journal.create(folder / "journal.log", name="toy", objectives=("accuracy",), attributes={})
        sampler = make_sampler("tpe", {"n_startup_trials": 3})
        proposer = Proposer(SPACE, BUDGET, sampler, journal, seed=0)
        engine = make_engine(proposer, journal, BUDGET, folder, trials=9, epochs=1, batch=3)
        task = FunctionTask(evaluate=uneven, milestones=(1,))
        assert run_on_ray(engine, task, folder / "checkpoints", ResourcesConfig(concurrency=concurrency))
        found.append([trial.candidate.point for trial in journal.trials()])
        told = {line["places"] for number in range(9) for line in engine.curves.read(number)}
        assert told == {concurrency}, "the idle time of a run is counted by its places"
    assert found[0] == found[1] and len(found[0]) == 9


def unsendable(architecture: Architecture, epochs: int) -> Mapping[str, float]:
    """Travels by name, in a module that workers cannot import."""
    return evaluate(architecture, epochs)


def test_what_workers_cannot_import_ends_the_search_with_one_sentence() -> None:
    with pytest.raises(RunError, match="could not be set up: ModuleNotFoundError") as caught:
        search(SPACE, unsendable, BUDGET, trials=3, sampler="random", resources=ResourcesConfig(concurrency=1))
    assert len(str(caught.value).splitlines()) == 1


def test_trials_that_raise_or_die_once(tmp_path: Path) -> None:
    result = search(
        SPACE, Faulty("raise", tmp_path), BUDGET, trials=5, sampler="random", resources=ResourcesConfig(concurrency=2)
    )
    failed = [trial for trial in result.trials if trial.state == "failed"]
    assert result.finished and 0 < len(failed) < 5
    assert all("a layer failed" in (trial.reason or "") for trial in failed)
    result = search(
        SPACE, Faulty("exit", tmp_path), BUDGET, trials=4, sampler="random", resources=ResourcesConfig(concurrency=2)
    )
    assert len(list(tmp_path.iterdir())) > 0, "some worker died"
    assert {trial.state for trial in result.trials} == {"complete"}, "and its trial was started again"


def test_a_trial_whose_worker_dies_every_time_fails_with_the_reason(tmp_path: Path) -> None:
    result = search(
        SPACE,
        Faulty("exit-always", tmp_path),
        BUDGET,
        trials=4,
        sampler="random",
        resources=ResourcesConfig(concurrency=2, max_failures=1),
    )
    failed = [trial for trial in result.trials if trial.state == "failed"]
    assert result.finished and 0 < len(failed) < 4
    assert all("worker died 2 times: The actor died" in (trial.reason or "") for trial in failed)


def test_a_search_on_a_ray_that_runs_already_is_not_finished_where_it_was_interrupted() -> None:
    class Interrupting(Listener):
        def epoch(self, number: int, metrics: Mapping[str, float]) -> None:
            signal.raise_signal(signal.SIGINT)  # Tune's own handler takes it, and ``fit`` returns as ever.

    # A place is free, so the engine has said already that nothing more is to be handed out.
    result = search(
        SPACE,
        evaluate,
        BUDGET,
        trials=1,
        sampler="random",
        epochs=2,
        early_stopping=EarlyStoppingConfig(rule="asha", first_rung=1, reduction=2),
        resources=ResourcesConfig(concurrency=2),
        listener=Interrupting(),
    )
    assert [trial.state for trial in result.trials] == ["running"] and not result.finished


@pytest.mark.parametrize(("asked", "given"), [(None, 1), (0, 0), (0.5, 1)])
def test_a_trial_has_a_gpu_unless_it_shall_have_none(asked: float | None, given: int) -> None:
    resources = ResourcesConfig(gpu=asked, concurrency=1)
    result = search(SPACE, gpus, BUDGET, trials=1, sampler="random", resources=resources)
    (trial,) = result.trials
    assert (trial.metrics["gpus"], trial.metrics["hidden"]) == (given, given == 0)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU that torch can use")
def test_a_gpu_that_torch_cannot_use_is_not_replaced_by_the_processor(tmp_path: Path) -> None:
    """Ray counts GPUs by their driver, or by what it is told, as here."""
    journal = Journal.create(tmp_path / "journal.log", name="toy", objectives=("accuracy",), attributes={})
    proposer = Proposer(SPACE, BUDGET, make_sampler("random"), journal, seed=0)
    engine = make_engine(proposer, journal, BUDGET, tmp_path, trials=2, epochs=1)
    task = TrainingTask(DataConfig(name="digits"), TRAININGS["modern"])
    with pytest.raises(RunError, match=r"must be able to compute on the GPU of .* resume the run when this is mended"):
        run_on_ray(engine, task, tmp_path / "checkpoints", ResourcesConfig(concurrency=1, gpu=0.5))
    assert [trial.state for trial in journal.trials()] == ["running"], "it is owed"


def test_fractional_gpus_share_a_device(tmp_path: Path) -> None:
    result = search(SPACE, evaluate, BUDGET, trials=3, sampler="random", resources=ResourcesConfig(cpu=0.5, gpu=0.25))
    assert result.finished and len(result.trials) == 3
    with pytest.raises(RunError, match="gpu=4, but Ray has"):
        search(SPACE, evaluate, BUDGET, trials=1, sampler="random", resources=ResourcesConfig(gpu=4))
