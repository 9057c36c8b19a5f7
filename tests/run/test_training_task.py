"""The training task: how a candidate of a search is opened."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from toys import SPACE

from nas.data.config import AugmentConfig, DataConfig
from nas.errors import DataError
from nas.run.final_task import FinalTask
from nas.run.job import Job
from nas.run.training_task import TrainingTask
from nas.training import trainer as trainer_module
from nas.training.config import TRAININGS

JOB = Job(number=0, architecture=SPACE.reference, key="0123456789abcdef", seed=0)


def test_a_shift_out_of_the_images_is_refused_before_anything_starts() -> None:
    training = replace(TRAININGS["modern"], augment=AugmentConfig(shift_pixels=8))
    with pytest.raises(DataError, match="below the image's side, 8, but got 8"):
        TrainingTask(DataConfig(name="digits", resolution=8), training)


@pytest.mark.parametrize(("threads", "processes"), [(1, 0), (3, 2)])
@pytest.mark.parametrize("final", [False, True], ids=["search", "final"])
def test_images_in_files_are_decoded_by_all_threads_but_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, final: bool, threads: int, processes: int
) -> None:
    noise = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / "train" / name).mkdir(parents=True)
        for index in range(10):
            pixels = noise.integers(0, 256, (16, 16, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "train" / name / f"{index}.png")
    asked: list[int] = []
    real = trainer_module.batches

    def batches(*args: object, workers: int, **options: object) -> object:
        asked.append(workers)
        return real(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(trainer_module, "batches", batches)
    data = DataConfig(name="folder", root=str(tmp_path), resolution=16)
    training = TRAININGS["modern"]
    task = FinalTask(data, training, tmp_path / "weights") if final else TrainingTask(data, training)
    task.open(JOB, threads=threads).step()
    assert asked and set(asked) == {processes}
