"""Faults of the machine: memory that runs out, a disk that is full, files that were cut off."""

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import toys
from engines import Heard
from tiny_search import TRAINING, write_recipe

from nas.errors import RunError
from nas.journal import Journal
from nas.run.curves import Curves
from nas.run.engine import FAILURE
from nas.run.function import search
from nas.run.job import Job
from nas.run.recipe import ResourcesConfig
from nas.run.work import Work


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of half a megabyte, in memory."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(place)], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"mounting a small disk needs root: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place: Path) -> Path:
    """Fill a disk; gives the file that does it."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (4096, 1):
            try:
                while file.write(b"x" * size):
                    pass
            except OSError:
                continue
    return filler


def test_a_full_disk_is_one_sentence_and_the_search_goes_on_when_there_is_space(small_disk: Path) -> None:
    arguments: dict[str, Any] = {"trials": 12, "sampler": "tpe", "epochs": 2}
    whole = search(toys.SPACE, toys.evaluate, toys.BUDGET, **arguments)
    run = small_disk / "run"
    search(toys.SPACE, toys.evaluate, toys.BUDGET, path=run, **{**arguments, "trials": 4})
    filler = fill(small_disk)
    with pytest.raises(RunError, match="No space left on device") as caught:
        search(toys.SPACE, toys.evaluate, toys.BUDGET, path=run, **arguments)
    assert len(str(caught.value).splitlines()) == 1
    journal = Journal.open(run / "journal.log", read_only=True)
    assert not journal.repaired and len(journal.trials()) >= 4
    filler.unlink()
    done = search(toys.SPACE, toys.evaluate, toys.BUDGET, path=run, **arguments)
    assert done.finished
    assert [trial.candidate.point for trial in done.trials] == [trial.candidate.point for trial in whole.trials]
    assert [trial.accuracies for trial in done.trials] == [trial.accuracies for trial in whole.trials]


def test_a_curve_that_cannot_be_written_stays_whole(small_disk: Path) -> None:
    curves = Curves(small_disk / "curves")
    line = {"epoch": 1.0, "accuracy": 0.25, "text": 0.123456789}
    curves.append(0, line)
    filler = fill(small_disk)
    with pytest.raises(RunError, match="No space left"):
        for _ in range(1000):  # The last page of the file has room for some.
            curves.append(0, line)
    content = curves.path(0).read_bytes()
    assert content.endswith(b"\n") and len(set(content.splitlines())) == 1
    filler.unlink()
    curves.append(0, line)


def test_a_damaged_line_of_a_curve_is_told_and_can_be_deleted(tmp_path: Path) -> None:
    arguments: dict[str, Any] = {"sampler": "random", "path": tmp_path}
    search(toys.SPACE, toys.evaluate, toys.BUDGET, trials=3, **arguments)
    curve = tmp_path / "curves" / "0002.jsonl"
    whole = curve.read_bytes()
    for damaged in (b"\0" * 20, b"\xff", whole[:20]):
        curve.write_bytes(whole + damaged + b"\n")
        with pytest.raises(RunError, match=r"line 2 of .*/0002\.jsonl must be JSON, .*; delete it"):
            search(toys.SPACE, toys.evaluate, toys.BUDGET, trials=4, **arguments)
    curve.write_bytes(whole)
    assert search(toys.SPACE, toys.evaluate, toys.BUDGET, trials=4, **arguments).finished


@pytest.mark.slow
def test_a_worker_that_takes_all_memory_ends_no_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import psutil
    import ray

    heard = Heard()
    memory = psutil.virtual_memory()
    # Ray ends workers from here on; Tune takes that for an error of its own.
    monkeypatch.setenv("RAY_memory_usage_threshold", f"{(memory.total - memory.available + 2**31) / memory.total:.3f}")
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        ray.cloudpickle.register_pickle_by_value(toys)
        result = search(
            toys.SPACE,
            toys.Faulty("memory", tmp_path),
            toys.BUDGET,
            trials=6,
            sampler="random",
            resources=ResourcesConfig(concurrency=2),
            listener=heard,
        )
    finally:
        ray.shutdown()
    assert len(list(tmp_path.iterdir())) > 0, "some worker was ended"
    assert {trial.state for trial in result.trials} == {"complete"} and result.finished
    assert "low on memory" in heard.messages[0] and "at most 1 at a time" in heard.messages[0]


@pytest.mark.slow
def test_nas_search_on_a_full_disk(small_disk: Path, tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, training={**TRAINING, "epochs": 6})
    command = [sys.executable, "-m", "nas", "search", str(recipe), "--out", str(small_disk)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    curve = small_disk / "tiny" / "curves" / "0000.jsonl"
    deadline = time.monotonic() + 200
    while not curve.exists():
        assert time.monotonic() < deadline and process.poll() is None, process.communicate()
        time.sleep(0.05)
    filler = fill(small_disk)
    _, err = process.communicate(timeout=100)
    assert process.returncode == 2 and len(err.splitlines()) == 1 and "resume" in err, err
    assert list(small_disk.glob("tiny/checkpoints/*.tmp")) == []
    filler.unlink()
    again = subprocess.run(
        [sys.executable, "-m", "nas", "resume", str(small_disk / "tiny")], capture_output=True, text=True
    )
    # Plots need more room than this disk has; the trials do not.
    trials = Journal.open(small_disk / "tiny" / "journal.log", read_only=True).trials()
    assert [trial.state for trial in trials] == ["complete"] * 3, again.stderr
    for trial in trials:
        epochs = [line["epoch"] for line in Curves(small_disk / "tiny" / "curves").read(trial.number)]
        assert epochs == [1, 2, 3, 4, 5, 6]


@pytest.fixture(scope="module")
def task() -> Any:
    from nas.data.config import DataConfig
    from nas.run.training_task import TrainingTask
    from nas.training.config import TRAININGS

    training = replace(TRAININGS["modern"], epochs=2, batch_size=64, ema_decay=0.0, warmup_epochs=0.5)
    return TrainingTask(DataConfig(name="digits", resolution=16), training)


JOB = Job(number=0, architecture=toys.SPACE.reference, key="0123456789abcdef", seed=0)


@pytest.mark.parametrize(("fits", "trained"), [(32, True), (16, False)])
def test_memory_that_runs_out_halves_the_batch_once(
    task: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fits: int, trained: bool
) -> None:
    import torch

    from nas.network.network import Network

    forward = Network.forward

    def small(self: Network, images: torch.Tensor) -> Any:
        if self.training and len(images) > fits:
            raise torch.OutOfMemoryError("as if")
        return forward(self, images)

    monkeypatch.setattr(Network, "forward", small)
    metrics, _ = Work(task, JOB, tmp_path, threads=1, warn=pytest.fail).step()
    if trained:
        assert metrics["epoch"] == 1 and metrics["images"] > 1000
        assert metrics["micro_batches"] == 2, "batch-norm saw halves from then on: the curve tells"
    else:
        assert set(metrics) == {FAILURE, "seconds"} and metrics["seconds"] > 0
        assert "memory ran out" in metrics[FAILURE] and "batch_size" in metrics[FAILURE]


def test_a_truncated_checkpoint_starts_the_trial_again_with_a_warning(task: Any, tmp_path: Path) -> None:
    first, _ = Work(task, JOB, tmp_path, threads=1, warn=pytest.fail).step()
    checkpoint = tmp_path / JOB.checkpoint
    checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
    warnings: list[str] = []
    again, done = Work(task, JOB, tmp_path, threads=1, warn=warnings.append).step()
    assert not done and (again["epoch"], again["train_loss"]) == (1, first["train_loss"]), "the same, from the start"
    assert len(warnings) == 1 and "trial 0 starts again" in warnings[0]
