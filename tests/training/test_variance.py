"""A batch of one image is refused where batch-norm could take no variance over it, and nowhere else."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from nas.architecture import Architecture
from nas.data.splits import Data
from nas.errors import TrialError
from nas.network.build import build
from nas.operations import lower
from nas.training import TrainingConfig
from nas.training.trainer import Trainer
from nas.training.variance import check_batch

ONE = TrainingConfig(epochs=1, batch_size=1, warmup_epochs=0.0, learning_rate=0.001)


@pytest.mark.parametrize("resolution", [2, 12])
@pytest.mark.parametrize("norm", ["batch", "none"])
@pytest.mark.parametrize("plan", ["plain", "fast"])
def test_refused_is_what_torch_would_fail_at(tiny: Architecture, resolution: int, norm: str, plan: str) -> None:
    architecture = replace(tiny, norm=norm)
    network = build(
        architecture,
        classes=4,
        resolution=resolution,
        generator=torch.Generator(),
        plan=plan,  # type: ignore[arg-type]
    )
    fails = told = False
    try:
        network.train()(torch.randn(1, 3, resolution, resolution))
    except ValueError as error:
        assert "Expected more than 1 value per channel" in str(error)
        fails = True
    try:
        check_batch(lower(architecture, resolution=resolution, classes=4).operations, ONE)
    except TrialError:
        told = True
    assert fails == told == (norm == "batch" and resolution == 2)


@pytest.mark.parametrize(
    ("images", "changes", "message"),
    [
        (
            96,
            {"batch_size": 1},
            "`training.batch_size >= 2` must hold with batch-norm, but got 1, and .* has one value",
        ),
        (1, {"batch_size": 8}, "`training images >= 2` must hold with batch-norm, but got 1, and "),
        (96, {"batch_size": 8, "images_per_epoch": 1}, "`training.images_per_epoch >= 2` must hold with batch-norm"),
    ],
)
def test_a_trainer_refuses_one_image(
    tiny: Architecture, make_data: Callable[..., Data], images: int, changes: dict[str, int], message: str
) -> None:
    with pytest.raises(TrialError, match=message):
        Trainer(tiny, make_data(images, resolution=2), replace(ONE, **changes), seed=0)  # type: ignore[arg-type]


def test_a_last_batch_of_one_image_is_left_out(tiny: Architecture, make_data: Callable[..., Data]) -> None:
    assert Trainer(tiny, make_data(9, resolution=2), replace(ONE, batch_size=4), seed=0).train_epoch().images == 8


def test_a_worker_has_two_images_of_a_batch(tiny: Architecture) -> None:
    operations = lower(tiny, resolution=2, classes=4).operations
    check_batch(operations, replace(ONE, batch_size=8), images=96, workers=4)
    with pytest.raises(TrialError, match=r"batch_size >= 2 \* workers` .*got training.batch_size=4, workers=4, and "):
        check_batch(operations, replace(ONE, batch_size=4), images=96, workers=4)
