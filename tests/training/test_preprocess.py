"""A picture that is prepared by hand is what evaluation feeds to a network, bit for bit."""

from collections.abc import Callable
from pathlib import Path

import model_folders
import numpy as np
import pytest
import torch
from PIL import Image

import nas
from nas.data import DataConfig
from nas.data.batches import batches
from nas.data.load import load_data
from nas.data.preparation import preparation, told
from nas.data.splits import Data, FolderSplit
from nas.errors import DataError, ModelError
from nas.training.model_folder import normalised, read_facts


def opened(tmp_path: Path, config: DataConfig) -> tuple[Path, Data]:
    """A model folder of a data set, whose weights have a normalisation of their own, and its split A."""
    data = load_data(config, splits=("a",))
    folder = model_folders.make(tmp_path / "model", config, data.class_names, resolution=data.resolution)
    return folder, normalised(data, read_facts(folder))


def tree(root: Path, mode: str) -> DataConfig:
    for name in ("one", "two"):
        (root / name).mkdir(parents=True)
        for index in range(6):
            pixels = np.random.default_rng([*name.encode(), index]).integers(0, 256, (37 + index, 52, 4))
            picture = Image.fromarray(pixels.astype(np.uint8)).convert(mode)
            picture.save(root / name / f"{index}.png")
    return DataConfig(name="folder", root=str(root), resolution=24)


@pytest.mark.parametrize("mode", ["RGBA", "RGB", "L"])
def test_a_file_of_an_image_folder(tmp_path: Path, mode: str) -> None:
    folder, data = opened(tmp_path, tree(tmp_path / "images", mode))
    split = data.split("a")
    assert isinstance(split, FolderSplit)
    for path, (image, _) in zip(split.paths, batches(split, batch_size=1), strict=True):
        got = nas.preprocess(folder, path)
        assert got.shape == (1, 3, 24, 24) and got.dtype == torch.float32
        torch.testing.assert_close(got, image, rtol=0, atol=0)
        with Image.open(path) as picture:
            torch.testing.assert_close(nas.preprocess(read_facts(folder), picture), image, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("name", "resolution"), [("digits", 8), ("digits", 32), ("fashion-mnist", 32), ("fashion-mnist", 20)]
)
def test_an_image_of_a_data_set(tmp_path: Path, name: str, resolution: int) -> None:
    from nas.data.sources import read_portion

    config = DataConfig(name=name, resolution=resolution)
    raw = read_portion(config, "train")
    folder, data = opened(tmp_path, config)
    # The place in the published order of the first image of A, by its label and its pixels after the same way.
    fed, _ = next(batches(data.split("a"), batch_size=1))
    ways = (nas.preprocess(read_facts(folder), Image.fromarray(each[0])) for each in raw.images)
    assert any(torch.equal(way, fed) for way in ways)


def test_a_picture_of_another_size_is_brought_to_that_of_the_data_set(tmp_path: Path) -> None:
    folder, _ = opened(tmp_path, DataConfig(name="digits", resolution=16))
    small = Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8) * 3)
    expected = nas.preprocess(folder, small)
    large = small.resize((40, 40), Image.Resampling.NEAREST).convert("RGB")
    torch.testing.assert_close(nas.preprocess(folder, large), expected, rtol=0, atol=0.6)
    with pytest.raises(DataError, match=r"must be square, as those of digits are, but got 9 x 8 pixels"):
        nas.preprocess(folder, small.resize((9, 8)))


def test_what_is_no_picture_is_refused(tmp_path: Path, make_data: Callable[..., Data]) -> None:
    config = DataConfig(name="waves", resolution=64)
    folder = model_folders.make(tmp_path / "model", config, tuple("abcdefgh"))
    with pytest.raises(DataError, match=r"networks of digits, .*cifar100 and folder, but this one is of waves\."):
        nas.preprocess(folder, Image.new("RGB", (8, 8)))
    with pytest.raises(ModelError):
        nas.preprocess(tmp_path, Image.new("RGB", (8, 8)))
    folder = model_folders.make(tmp_path / "of-images", DataConfig(name="folder", root="."), ("a", "b"))
    with pytest.raises(DataError, match=r"none\.png cannot be read"):
        nas.preprocess(folder, tmp_path / "none.png")


@pytest.mark.parametrize(
    ("data", "resolution", "words"),
    [
        ("folder", 64, "without its transparency, cut to the centred square of 0.875 of its shorter side, and resized"),
        ("folder", 64, "resized to 64 x 64 pixels (bilinear, by Pillow)."),
        ("fashion-mnist", 32, "Grey pictures of 28 x 28 pixels get a black border of 2 pixels on each side."),
        (
            "digits",
            32,
            "Grey pictures of 8 x 8 pixels are resized to 32 x 32 pixels (bilinear, antialiased) and rounded",
        ),
        ("cifar10", 32, "Pictures of 32 x 32 pixels are taken as they are."),
    ],
)
def test_it_is_told(data: str, resolution: int, words: str) -> None:
    assert words in (told(data, resolution) or "")


def test_series_and_foreign_data_have_no_pictures() -> None:
    assert told("waves", 128) is told("mine", 32) is preparation("waves", 128) is None
