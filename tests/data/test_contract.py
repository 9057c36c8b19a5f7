"""What every data set must do, whatever it is."""

import pickle
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from nas.data import DataConfig
from nas.data.batches import batches
from nas.data.config import SPLITS
from nas.data.duplicates import near_pairs
from nas.data.load import load_data
from nas.data.sources import FASHION_DEBIAN
from nas.data.splits import Data, FolderSplit, Split
from nas.errors import DataError

fashion = pytest.mark.skipif(
    not FASHION_DEBIAN.is_dir(), reason=f"needs {FASHION_DEBIAN}: apt-get install dataset-fashion-mnist"
)


class Case(NamedTuple):
    name: str
    asked: int | None
    resolution: int
    classes: int
    sizes: tuple[int, int, int, int]
    """Of train, a, b and test."""
    untouched: bool
    """The pixels are as published, so that near-duplicates are what they are in the files."""


CASES = (
    pytest.param(Case("digits", None, 32, 10, (1148, 145, 145, 359), False), id="digits-32"),
    pytest.param(Case("digits", 8, 8, 10, (1148, 145, 145, 359), True), id="digits-8"),
    pytest.param(Case("fashion-mnist", None, 28, 10, (48000, 6000, 6000, 10000), True), id="fashion-28", marks=fashion),
    pytest.param(Case("fashion-mnist", 32, 32, 10, (48000, 6000, 6000, 10000), False), id="fashion-32", marks=fashion),
    pytest.param(Case("cifar10", None, 32, 10, (160, 20, 20, 40), True), id="cifar10"),
    pytest.param(Case("cifar100", None, 32, 10, (160, 20, 20, 40), True), id="cifar100"),
    pytest.param(Case("folder", 40, 40, 3, (60, 6, 6, 18), True), id="folder"),
)
contract = pytest.mark.parametrize("case", CASES)
Make = Callable[..., DataConfig]
Load = Callable[[DataConfig], Data]


def pixels(split: Split | FolderSplit) -> NDArray[np.uint8]:
    if isinstance(split, Split):
        return split.images.numpy()
    small = [Image.open(path).convert("RGB").resize((16, 16), Image.Resampling.BOX) for path in split.paths]
    return np.stack([np.asarray(image) for image in small]).transpose(0, 3, 1, 2)


@contract
def test_facts_and_shapes(case: Case, config_of: Make, load_once: Load) -> None:
    data = load_once(config_of(case.name, case.asked))
    assert (data.name, data.resolution, data.classes) == (case.name, case.resolution, case.classes)
    assert len(data.class_names) == len(set(data.class_names)) == case.classes
    assert tuple(len(data.split(split)) for split in SPLITS) == case.sizes
    for split_name in SPLITS:
        split = data.split(split_name)
        assert split.labels.dtype == torch.int64
        assert split.labels.shape == (len(split),)
        assert set(split.labels.tolist()) == set(range(case.classes)), "every class is in every split"
        assert split.resolution == case.resolution
        if isinstance(split, Split):
            assert split.images.dtype == torch.uint8
            assert split.images.shape == (len(split), split.images.shape[1], case.resolution, case.resolution)
            assert split.images.shape[1] in (1, 3)


@contract
def test_batches_are_normalised_with_three_channels(case: Case, config_of: Make, load_once: Load) -> None:
    data = load_once(config_of(case.name, case.asked))
    split = data.split("train")
    collected = list(batches(split, batch_size=256, limit=2048, shuffle=True, seed=3))
    images, labels = torch.cat([pair[0] for pair in collected]), torch.cat([pair[1] for pair in collected])
    assert images.shape == (min(2048, case.sizes[0]), 3, case.resolution, case.resolution)
    assert images.dtype == torch.float32
    assert labels.shape == (len(images),)
    assert collected[0][0].is_contiguous(memory_format=torch.channels_last)
    if isinstance(split, Split):
        values = split.images.double().mean(dim=(0, 2, 3)) / 255
        assert torch.allclose(values.expand(3), torch.tensor(data.mean, dtype=torch.float64), atol=1e-6)
        assert images.mean(dim=(0, 2, 3)).abs().max() < 0.05
        assert (images.std(dim=(0, 2, 3)) - 1).abs().max() < 0.05
        if split.images.shape[1] == 1:
            assert torch.equal(images[:, 0], images[:, 1]) and torch.equal(images[:, 0], images[:, 2])


@contract
def test_splits_are_disjoint_and_near_duplicates_stay_together(case: Case, config_of: Make, load_once: Load) -> None:
    data = load_once(config_of(case.name, case.asked))
    cut_from_one = ("train", "a", "b", "test") if case.name == "digits" else ("train", "a", "b")
    images = np.concatenate([pixels(data.split(split)) for split in cut_from_one])
    side = np.concatenate([np.full(len(data.split(split)), place) for place, split in enumerate(cut_from_one)])
    homes: dict[bytes, int] = {}
    for image, home in zip(images, side.tolist(), strict=True):
        assert homes.setdefault(image.tobytes(), home) == home, "the same image on two sides"
    pairs = near_pairs(images) if case.untouched else np.zeros((0, 2), dtype=np.int64)
    assert (side[pairs[:, 0]] == side[pairs[:, 1]]).all()
    if case.name != "digits" and case.untouched:
        assert len(pairs) >= 12, "the test must see near-duplicates to mean anything"


@contract
def test_loading_again_gives_the_same(case: Case, config_of: Make, load_once: Load) -> None:
    first, again = (
        load_once(config_of(case.name, case.asked)),
        load_data(config_of(case.name, case.asked), splits=SPLITS),
    )
    other = load_data(config_of(case.name, case.asked, split_seed=1), splits=SPLITS)
    for split in SPLITS:
        assert np.array_equal(pixels(first.split(split)), pixels(again.split(split)))
        assert torch.equal(first.split(split).labels, again.split(split).labels)
    assert not np.array_equal(pixels(first.split("a")), pixels(other.split("a")))
    assert np.array_equal(pixels(first.split("test")), pixels(other.split("test"))), "one test split for every seed"


@contract
def test_b_and_test_are_reached_only_by_name(case: Case, config_of: Make, load_once: Load) -> None:
    data = load_data(config_of(case.name, case.asked))
    assert set(data.parts) == {"train", "a"}
    for split in ("b", "test"):
        with pytest.raises(
            DataError, match=rf'^split "{split}" of {case.name} was not loaded: .* got train, a; .*only\.$'
        ):
            data.split(split)


@contract
def test_limit_caps_the_training_part_only(case: Case, config_of: Make, load_once: Load) -> None:
    whole, capped = (
        load_once(config_of(case.name, case.asked)),
        load_data(config_of(case.name, case.asked, limit=30), splits=SPLITS),
    )
    assert tuple(len(capped.split(split)) for split in SPLITS) == (30, *case.sizes[1:])
    assert set(capped.split("train").labels.tolist()) == set(range(case.classes))
    assert (capped.mean, capped.std) == (whole.mean, whole.std)


@contract
def test_as_the_object_store_of_ray_gives_it_back(case: Case, config_of: Make, load_once: Load) -> None:
    data = load_data(config_of(case.name, case.asked))
    kept: list[pickle.PickleBuffer] = []
    told = pickle.dumps(data, protocol=5, buffer_callback=kept.append)
    back: Data = pickle.loads(told, buffers=[memoryview(each).toreadonly() for each in kept])
    assert set(back.parts) == {"train", "a"}
    for field in ("name", "classes", "class_names", "resolution", "mean", "std"):
        assert getattr(back, field) == getattr(data, field)
    for split_name in ("train", "a"):
        mine, theirs = data.split(split_name), back.split(split_name)
        assert torch.equal(mine.labels, theirs.labels)
        if isinstance(mine, Split) and isinstance(theirs, Split):
            assert theirs.images.data_ptr() == mine.images.data_ptr(), "copied"
            assert torch.equal(mine.images, theirs.images)
        else:
            assert isinstance(mine, FolderSplit) and isinstance(theirs, FolderSplit)
            assert mine.paths == theirs.paths
    first, second = (next(batches(each.split("train"), batch_size=8, shuffle=True)) for each in (data, back))
    assert torch.equal(first[0], second[0])
