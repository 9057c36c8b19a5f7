"""One job in a worker: checkpoints, lost reports, faults."""

import errno
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from toys import BUDGET, SPACE, evaluate

from nas.architecture import Architecture
from nas.errors import DataError, RunError
from nas.run.engine import FAILURE, FATAL
from nas.run.function import FunctionSession, FunctionTask, search
from nas.run.job import Job
from nas.run.recipe import EarlyStoppingConfig
from nas.run.work import Work

JOB = Job(number=3, architecture=SPACE.reference, key="0123456789abcdef", seed=0)
TASK = FunctionTask(evaluate=evaluate, milestones=(1, 2, 3))


def work(folder: Path, warnings: list[str] | None = None, task: FunctionTask = TASK) -> Work:
    return Work(task, JOB, folder, threads=1, warn=(warnings if warnings is not None else []).append)


def test_a_new_worker_tells_the_last_epoch_again_and_goes_on(tmp_path: Path) -> None:
    first = work(tmp_path)
    told = [first.step()[0] for _ in range(2)]
    second = work(tmp_path)
    again, done = second.step()
    assert (again["epoch"], again["accuracy"]) == (2, told[1]["accuracy"]) and not done
    last, done = second.step()
    assert last["epoch"] == 3 and done


def test_metrics_that_are_ahead_of_their_checkpoint_are_not_told(tmp_path: Path) -> None:
    first = work(tmp_path)
    first.step()
    checkpoint = (tmp_path / JOB.checkpoint).read_bytes()
    first.step()
    (tmp_path / JOB.checkpoint).write_bytes(checkpoint)
    metrics, _ = work(tmp_path).step()
    assert metrics["epoch"] == 2, "the second epoch is trained again"


@pytest.mark.parametrize("damage", [b"", b'{"epoch', b"{}"])
def test_a_damaged_checkpoint_starts_again_with_a_warning(tmp_path: Path, damage: bytes) -> None:
    work(tmp_path).step()
    (tmp_path / JOB.checkpoint).write_bytes(damage)
    warnings: list[str] = []
    metrics, _ = work(tmp_path, warnings).step()
    assert metrics["epoch"] == 1
    assert len(warnings) == 1 and "trial 3 starts again" in warnings[0]


def test_what_killed_processes_left_is_removed_when_the_run_goes_on(tmp_path: Path) -> None:
    search(SPACE, evaluate, BUDGET, trials=1, path=tmp_path)
    checkpoints = tmp_path / "checkpoints"
    checkpoints.mkdir(exist_ok=True)
    left = [checkpoints / name for name in (*JOB.files, f".{JOB.checkpoint}.0a1b2c3d", f"{JOB.checkpoint}.told")]
    for path in left:
        path.write_text("of a trial that has ended")
    (checkpoints / "ray-train").mkdir()
    search(SPACE, evaluate, BUDGET, trials=1, path=tmp_path)
    assert [path.name for path in checkpoints.iterdir()] == ["ray-train"]


def test_a_checkpoint_that_cannot_be_used_does_not_keep_its_network_beside_the_next(tmp_path: Path) -> None:
    """On a GPU there need not be room for both."""
    opened: list[weakref.ref[FunctionSession]] = []
    alive: list[int] = []

    class Weighty(FunctionSession):
        """Without slots it can be referred to weakly."""

    class Watched(FunctionTask):
        def open(self, job: Job, *, threads: int) -> FunctionSession:
            alive.append(sum(each() is not None for each in opened))
            session = Weighty(task=self, architecture=job.architecture)
            opened.append(weakref.ref(session))
            return session

    work(tmp_path).step()
    (tmp_path / JOB.checkpoint).write_bytes(b"")
    work(tmp_path, task=Watched(evaluate=evaluate, milestones=(1, 2, 3))).step()
    assert alive == [0, 0]


def rising(architecture: Architecture, epochs: int) -> Iterator[Mapping[str, float]]:
    for epoch in range(1, epochs + 1):
        yield {"accuracy": epoch / epochs}


def test_a_generator_trains_on_and_a_new_worker_takes_it_to_where_it_was(tmp_path: Path) -> None:
    task = FunctionTask(evaluate=rising, milestones=(1, 2, 3))
    first = work(tmp_path, task=task)
    assert [first.step()[0]["accuracy"] for _ in range(2)] == [1 / 3, 2 / 3]
    second = work(tmp_path, task=task)
    again, last = second.step(), second.step()
    assert (again[0]["epoch"], again[0]["accuracy"], again[1]) == (2, 2 / 3, False)
    assert (last[0]["epoch"], last[0]["accuracy"], last[1]) == (3, 1.0, True)


def test_a_generator_must_yield_every_epoch(tmp_path: Path) -> None:
    def short(architecture: Architecture, epochs: int) -> Iterator[Mapping[str, float]]:
        yield {"accuracy": 0.5}

    begun = work(tmp_path, task=FunctionTask(evaluate=short, milestones=(1, 2, 3)))
    assert begun.step()[0]["accuracy"] == 0.5
    failure = begun.step()[0][FAILURE]
    assert failure == "evaluate must yield metrics after each of 3 epochs, but ended before."

    def empty(architecture: Architecture, epochs: int) -> Iterator[Mapping[str, float]]:
        yield None  # type: ignore[misc]

    failure = work(tmp_path / "empty", task=FunctionTask(evaluate=empty, milestones=(1, 2))).step()[0][FAILURE]
    assert failure.startswith("evaluate must give metrics by name") and failure.endswith("but gave None.")


def test_a_search_evaluates_a_generator_once_a_trial() -> None:
    calls = []

    def counted(architecture: Architecture, epochs: int) -> Iterator[Mapping[str, float]]:
        calls.append(epochs)
        for epoch in range(1, epochs + 1):
            yield dict(evaluate(architecture, epoch))

    stopping = EarlyStoppingConfig(rule="asha", first_rung=1, reduction=2)
    settings = {"trials": 8, "sampler": "random", "epochs": 4, "early_stopping": stopping}
    result = search(SPACE, counted, BUDGET, **settings)  # type: ignore[arg-type]
    states = [trial.state for trial in result.trials]
    assert calls == [4] * 8 and "stopped" in states and "complete" in states
    whole = [trial for trial in result.trials if trial.state == "complete"]
    assert all(list(trial.accuracies) == [1, 2, 3, 4] for trial in whole), "a point of the curve after each epoch"
    by_rungs = search(SPACE, evaluate, BUDGET, **settings)  # type: ignore[arg-type]
    assert [trial.state for trial in by_rungs.trials] == states


@pytest.mark.parametrize("number", [np.float32(0.5), np.array(0.5), torch.tensor(0.5), 0.5])
def test_a_function_may_give_any_kind_of_number(tmp_path: Path, number: object) -> None:
    task = FunctionTask(evaluate=lambda architecture, epochs: {"accuracy": number, "more": number}, milestones=(1, 2))  # type: ignore[dict-item]
    metrics, _ = work(tmp_path, task=task).step()
    assert (metrics["accuracy"], metrics["more"]) == (0.5, 0.5)
    assert type(metrics["accuracy"]) is float


@pytest.mark.parametrize("value", ["0.5", None, [0.5, 0.6], torch.ones(2)])
def test_a_metric_that_is_no_number_fails_the_trial_by_name(tmp_path: Path, value: object) -> None:
    task = FunctionTask(evaluate=lambda architecture, epochs: {"accuracy": 0.5, "more": value}, milestones=(1,))  # type: ignore[dict-item]
    metrics, done = work(tmp_path, task=task).step()
    assert done and metrics[FAILURE] == f"every metric of evaluate must be a number, but got more={value!r}."


@pytest.mark.parametrize(("number", "key"), [(errno.ENOSPC, FATAL), (errno.EDQUOT, FATAL), (errno.EACCES, FAILURE)])
def test_a_full_disk_ends_the_run_and_other_faults_the_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, key: str
) -> None:
    def save(self: FunctionSession, path: Path) -> None:
        raise OSError(number, "as if")

    monkeypatch.setattr(FunctionSession, "save", save)
    metrics, done = work(tmp_path).step()
    assert done and set(metrics) == ({FAILURE, "seconds"} if key == FAILURE else {FATAL})
    assert key == FAILURE or "free some, then resume" in metrics[FATAL]


def test_missing_data_end_the_run_and_not_the_trial(tmp_path: Path) -> None:
    def unmounted(architecture: object, epochs: int) -> Mapping[str, float]:
        raise DataError("the image folder was looked for in /data, but is not there.")

    metrics, done = work(tmp_path, task=FunctionTask(evaluate=unmounted, milestones=(1,))).step()
    assert done and metrics == {
        FATAL: "the image folder was looked for in /data, but is not there; resume the run when this is mended."
    }


@pytest.mark.parametrize(
    "error",
    [
        torch.AcceleratorError("CUDA error: an illegal memory access was encountered"),
        RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"),
        RuntimeError("DataLoader worker (pid 7) is killed by signal: Bus error."),
        RuntimeError("[gloo] Connection closed by peer [127.0.0.1]:4"),
        RuntimeError("[gloo] writev [127.0.0.1]:4: Broken pipe"),
    ],
)
def test_what_breaks_the_process_is_no_fault_of_the_trial(tmp_path: Path, error: Exception) -> None:
    """In that process every other trial would fail: the error ends it, and the trial goes on in another one."""

    def broken(architecture: object, epochs: int) -> Mapping[str, float]:
        raise error

    with pytest.raises(type(error)):
        work(tmp_path, task=FunctionTask(evaluate=broken, milestones=(1,))).step()


def test_a_broken_process_ends_the_search_in_it_and_another_goes_on(tmp_path: Path) -> None:
    calls: list[int] = []

    def evaluated(architecture: Architecture, epochs: int) -> Mapping[str, float]:
        calls.append(epochs)
        if len(calls) >= 3 and broken:
            raise torch.AcceleratorError("CUDA error: device-side assert triggered")
        return evaluate(architecture, epochs)

    broken = True
    with pytest.raises(RunError, match=r"^trial 2 has failed and left this process unable to compute: Accel"):
        search(SPACE, evaluated, BUDGET, trials=6, path=tmp_path)
    assert len(calls) == 3, "no other trial was lost to it"
    broken = False
    states = [trial.state for trial in search(SPACE, evaluated, BUDGET, trials=6, path=tmp_path).trials]
    assert states == ["complete", "complete", "failed", "complete", "complete", "complete"]


def test_nothing_is_built_before_the_first_step(tmp_path: Path) -> None:
    def never(architecture: object, epochs: int) -> Mapping[str, float]:
        raise MemoryError("built too early")

    assert FAILURE in work(tmp_path, task=FunctionTask(evaluate=never, milestones=(1,))).step()[0]  # type: ignore[arg-type]
