"""Folders that are no image folder though they look like one are refused; those of ImageNet's layouts are not."""

import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nas.data import DataConfig
from nas.data.config import SPLITS, SplitName
from nas.data.load import load_data
from nas.data.splits import Data
from nas.errors import DataError


def tree(root: Path, *folders: str, images: int = 8) -> Path:
    for folder in folders:
        (root / folder).mkdir(parents=True)
        for index in range(images):
            pixels = np.random.default_rng([*folder.encode(), index]).integers(0, 256, (12, 12, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(root / folder / f"{index}.png")
    return root


def load(root: Path, splits: tuple[SplitName, ...] = SPLITS) -> Data:
    return load_data(DataConfig(name="folder", root=str(root), resolution=8), splits=splits)


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        (
            ("flowers/daisy", "flowers/rose"),
            "a data set must have 2 classes or more, laid out as root/class/image, but {root} has only `flowers`; "
            "if `daisy`, `rose` in it are the classes, `root` is one level too high.",
        ),
        (("daisy",), "laid out as root/class/image, but {root} has only `daisy`."),
        (("train/daisy", "val/daisy"), "laid out as root/class/image, but {root}/train has only `daisy`."),
        (
            ("flowers/train/daisy", "flowers/train/rose", "flowers/val/daisy", "flowers/val/rose"),
            "if `train`, `val` in it are the classes, `root` is one level too high.",
        ),
        (
            ("old/daisy", "old/rose", "new/daisy", "new/rose"),
            "images must stand in their class folder, as root/class/image, but all of {root} stand deeper, "
            "such as new/daisy/0.png: `root` is most likely one level too high.",
        ),
        (("train/all/daisy", "train/more/rose"), "but all of {root}/train stand deeper, such as all/daisy/0.png:"),
        (
            ("training/daisy", "training/rose", "validation/daisy", "validation/rose"),
            "training images must stand in `train` and held-out ones in `test` or `val`, each with one folder a class, "
            "but {root} has them in `training`, `validation`.",
        ),
        (("train", "test"), "but {root} has them in `train`, `test`."),
        (("train",), "{root}/train must hold one folder of images a class, but it has no folders."),
        (("Train", "Test"), "but {root} has them in `Train`, `Test`."),
        (("test/daisy", "test/rose", "val/daisy", "val/rose"), "but {root} has them in `test`, `val`."),
        (("training/daisy", "testing/daisy", "extra/daisy"), "but {root} has them in `training`, `testing`."),
        (("training/daisy", "training/rose"), "but {root} has them in `training`."),
        (("train/daisy", "train/rose", "Testing/daisy"), "`test` or `val`, but {root} has them in `Testing`."),
    ],
)
def test_other_layouts_are_refused_in_one_sentence(tmp_path: Path, folders: tuple[str, ...], message: str) -> None:
    root = tree(tmp_path / "up", *folders)
    for splits in (SPLITS, ("train", "a"), ("test",)):
        with pytest.raises(DataError) as caught:
            load(root, splits)
        assert message.format(root=root) in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("folders", "classes"),
    [
        (("daisy", "rose"), ("daisy", "rose")),
        (("train/daisy", "train/rose"), ("daisy", "rose")),
        (("train/daisy", "train/rose", "val/daisy", "val/rose"), ("daisy", "rose")),
        (("daisy", "rose/red", "rose/white"), ("daisy", "rose")),  # Folders within a class are its images.
        (("train/daisy/images", "train/rose/images"), ("daisy", "rose")),  # As Tiny ImageNet has them.
        (("training", "resting"), ("resting", "training")),  # One such name alone may be a class.
        (("car", "plane", "train"), ("car", "plane", "train")),
    ],
)
def test_the_layouts_of_imagenet_are_read(tmp_path: Path, folders: tuple[str, ...], classes: tuple[str, ...]) -> None:
    assert load(tree(tmp_path / "root", *folders, images=12)).class_names == classes


def test_a_class_that_a_split_lacks_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = tree(tmp_path / "root", "daisy", "rose", images=12)
    with caplog.at_level(logging.WARNING):
        load(root)
        assert caplog.messages == []
        tree(root, "tulip", images=2)
        load(root, ("train", "a"))
        load(root, ("b",))
        load(root, ("test",))
    assert len(caplog.messages) == 1 and caplog.messages[0].endswith(": tulip (2 images, none in a and b).")


def test_data_sets_that_are_known_have_images_of_every_class_in_every_split(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        load_data(DataConfig(name="digits"), splits=SPLITS)
        load_data(DataConfig(name="waves"), splits=SPLITS)
    assert caplog.messages == []
