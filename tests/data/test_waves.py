"""Generated series: the same everywhere, of every class, loaded, batched and shifted like images."""

import hashlib
import pickle

import numpy as np
import pytest
import torch

from nas.data import AugmentConfig, DataConfig
from nas.data.augment import augment
from nas.data.batches import batches
from nas.data.config import SPLITS
from nas.data.load import load_data
from nas.data.splits import Data, Split, check_dims
from nas.data.waves import CLASSES, COUNTS, waves
from nas.errors import DataError


@pytest.fixture(scope="module")
def data() -> Data:
    return load_data(DataConfig(name="waves", resolution=48), splits=SPLITS)


def test_shapes_and_splits(data: Data) -> None:
    assert (data.classes, data.class_names, data.resolution, data.dims) == (8, CLASSES, 48, 1)
    sizes = {name: len(part) for name, part in data.parts.items()}
    assert sizes == {"train": 1920, "a": 240, "b": 240, "test": 800}
    for part in data.parts.values():
        assert isinstance(part, Split) and part.images.dtype == torch.uint8
        assert part.images.shape[1:] == (1, 48) and part.resolution == 48
        counts = torch.bincount(part.labels)
        assert counts.max() == counts.min()
    together = torch.cat([part.images for part in data.parts.values() if isinstance(part, Split)]).flatten(1)
    assert len(together.unique(dim=0)) == sum(COUNTS.values())
    assert load_data(DataConfig(name="waves")).resolution == 128


def test_the_same_everywhere() -> None:
    series, labels = waves("test", 16)
    again, _ = waves("test", 16)
    assert np.array_equal(series, again) and np.array_equal(labels[:9], [0, 1, 2, 3, 4, 5, 6, 7, 0])
    # Rounding to 8 bits hides the last digits of sines, so that the bytes do not depend on the machine.
    assert hashlib.sha256(series.tobytes()).hexdigest()[:16] == "3dc169e068b1169c"


def test_batches(data: Data) -> None:
    part = data.split("a")
    images, labels = next(batches(part, batch_size=240))
    assert images.shape == (240, 3, 48) and labels.shape == (240,) and images.dtype == torch.float32
    assert isinstance(part, Split)
    expected = (part.images[:240].double() / 255 - part.mean[0]) / part.std[0]
    assert torch.allclose(images.double(), expected.expand(-1, 3, -1), atol=1e-5)
    assert abs(float(images.mean())) < 0.1 and 0.9 < float(images.std()) < 1.1


def test_shift_and_mirror_along_time(data: Data) -> None:
    part = data.split("train")
    assert isinstance(part, Split)
    series, indices = part.images[:64], torch.arange(64)
    moved = augment(series, AugmentConfig(shift_pixels=6), seed=0, epoch=0, indices=indices)
    assert moved.shape == series.shape
    for before, after in zip(series[:, 0], moved[:, 0], strict=True):
        fits = [
            torch.equal(after[max(0, -by) : 48 - max(0, by)], before[max(0, by) : 48 + min(0, by)])
            for by in range(-6, 7)
        ]
        assert any(fits)
    mirrored = augment(series, AugmentConfig(flip=True), seed=0, epoch=0, indices=indices)
    same = (mirrored == series).all(dim=2)[:, 0]
    assert 10 < int(same.sum()) < 54
    assert torch.equal(mirrored[~same], series[~same].flip(2))


@pytest.mark.parametrize("name", ["resized_crop", "erase_probability", "cutmix_alpha"])
def test_what_is_for_images_only(data: Data, name: str) -> None:
    config = AugmentConfig(**{name: True if name == "resized_crop" else 0.5})  # type: ignore[arg-type]
    with pytest.raises(DataError, match=f"`{name}` must be off for series"):
        next(batches(data.split("train"), batch_size=4, augment=config, classes=data.classes))


def test_networks_for_images_are_refused(data: Data) -> None:
    check_dims(1, held=data.dims, data=data.name)
    with pytest.raises(DataError, match="must be 1 for waves, which are series, but got dims=2, a network for images"):
        check_dims(2, held=data.dims, data=data.name)


def test_pickled_and_back(data: Data) -> None:
    back = pickle.loads(pickle.dumps(data))
    part, again = data.split("b"), back.split("b")
    assert isinstance(part, Split) and isinstance(again, Split)
    assert torch.equal(part.images, again.images) and back.dims == 1
