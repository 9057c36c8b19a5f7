"""Image folders: layouts, framing, workers, bad files."""

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from nas.data import AugmentConfig, DataConfig, image_file
from nas.data import folder as folder_module
from nas.data.batches import batches
from nas.data.config import SPLITS
from nas.data.identical import group_identical
from nas.data.image_file import open_image
from nas.data.load import load_data
from nas.data.splits import FolderSplit
from nas.errors import DataError


def folder_split(root: Path, name: str = "train", resolution: int = 24) -> FolderSplit:
    data = load_data(DataConfig(name="folder", root=str(root), resolution=resolution), splits=SPLITS)
    split = data.split("test" if name == "test" else "train")
    assert isinstance(split, FolderSplit)
    return split


@pytest.fixture
def copied(folder_root: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder_root, tmp_path / "tree"))


@pytest.mark.parametrize("crop", [False, True])
def test_workers_and_batch_size_change_no_image(folder_root: Path, crop: bool) -> None:
    split = folder_split(folder_root)
    config = AugmentConfig(flip=True, shift_pixels=2, resized_crop=crop)

    def images(batch_size: int, workers: int, epoch: int = 1) -> torch.Tensor:
        made = batches(split, batch_size=batch_size, seed=2, epoch=epoch, shuffle=True, augment=config, workers=workers)
        return torch.cat([batch for batch, _ in made])

    plain = images(7, 0)
    assert plain.shape == (60, 3, 24, 24)
    torch.testing.assert_close(images(16, 2), plain, rtol=0, atol=1e-5)
    assert not torch.equal(images(7, 0, epoch=2), plain)


def test_evaluation_sees_the_centre(tmp_path: Path) -> None:
    """The centred square of 224/256 of the shorter side: here 56 of 64 pixels, so that nothing is resampled."""
    squares = {}
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        for index in range(6):
            pixels = np.random.default_rng([index, len(squares)]).integers(0, 256, (64, 96, 3)).astype(np.uint8)
            path = tmp_path / name / f"{index}.png"
            Image.fromarray(pixels).save(path)
            squares[str(path)] = torch.from_numpy(pixels[4:60, 20:76]).permute(2, 0, 1) / 255
    split = folder_split(tmp_path, resolution=56)
    images, _ = next(batches(split, batch_size=2))
    mean, std = (torch.tensor(each).view(3, 1, 1) for each in (folder_module.IMAGENET_MEAN, folder_module.IMAGENET_STD))
    expected = torch.stack([squares[path] for path in split.paths[:2]])
    torch.testing.assert_close(images * std + mean, expected, rtol=0, atol=1e-5)


def test_labels_follow_the_class_folders(folder_root: Path) -> None:
    data = load_data(DataConfig(name="folder", root=str(folder_root), resolution=16), splits=SPLITS)
    assert data.class_names == ("cat", "dog", "newt")
    for name in SPLITS:
        split = data.split(name)
        assert isinstance(split, FolderSplit)
        assert [Path(path).parent.name for path in split.paths] == [data.class_names[label] for label in split.labels]
        assert {Path(path).parents[1].name for path in split.paths} == {"val" if name == "test" else "train"}


def test_test_folder_goes_before_val_if_it_has_classes(copied: Path) -> None:
    (copied / "test").mkdir()
    (copied / "test" / "unlabelled.jpg").write_bytes(b"")
    assert "/val/" in folder_split(copied, "test").paths[0]
    shutil.rmtree(copied / "test")
    shutil.copytree(copied / "val", copied / "test")
    assert "/test/" in folder_split(copied, "test").paths[0]


def test_classes_without_train_are_cut_into_all_four(copied: Path) -> None:
    data = load_data(DataConfig(name="folder", root=str(copied / "train")), splits=SPLITS)
    assert data.resolution == 224
    sizes = {name: len(data.split(name)) for name in SPLITS}
    assert sizes["test"] == 15 and sum(sizes.values()) == 72 and min(sizes.values()) >= 3


def test_an_image_that_is_added_moves_few_of_the_others(copied: Path) -> None:
    config = DataConfig(name="folder", root=str(copied / "train"))

    def homes() -> dict[str, str]:
        data = load_data(config, splits=SPLITS)
        homes = {}
        for name in SPLITS:
            split = data.split(name)
            assert isinstance(split, FolderSplit)
            homes |= dict.fromkeys(split.paths, name)
        return homes

    before = homes()
    first = min((copied / "train").iterdir())
    draw = np.random.default_rng(7).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    Image.fromarray(draw).save(first / "0-added.png")
    after = homes()
    assert len(after) == len(before) + 1
    assert sum(after[path] != before[path] for path in before) <= 3, "of every part one may make room"


def test_sixteen_bits_of_grey_keep_their_range(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 256, dtype=np.uint16).reshape(16, 16)
    Image.fromarray(ramp).save(tmp_path / "ramp.png")
    Image.fromarray(ramp).save(tmp_path / "ramp.tiff")
    (tmp_path / "ramp.pgm").write_bytes(b"P5 16 16 65535\n" + ramp.astype(">u2").tobytes())
    Image.frombytes("I;16B", (16, 16), ramp.astype(">u2").tobytes()).save(tmp_path / "big-endian.tiff")
    for name in ("ramp.png", "ramp.tiff", "ramp.pgm", "big-endian.tiff"):
        red = np.asarray(open_image(tmp_path / name))[..., 0]
        assert np.abs(red.astype(int).ravel() - np.arange(256)).max() <= 1, name


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_thirty_two_bits_are_refused(tmp_path: Path, dtype: type) -> None:
    Image.fromarray(np.full((16, 16), 70_000, dtype=dtype)).save(tmp_path / "deep.tiff")
    with pytest.raises(DataError, match=r"8 or 16 bits a channel, but .*deep\.tiff has 32"):
        open_image(tmp_path / "deep.tiff")


@pytest.mark.parametrize("limit", [10, 1000])
def test_equal_files_stay_together_also_where_there_are_many(
    copied: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    """Above the limit files are compared by their bytes; either way 20 copies of a file form one group with it."""
    monkeypatch.setattr(folder_module, "NEAR_DUPLICATE_LIMIT", limit)
    for index in range(20):
        source = copied / "train" / "dog" / f"{index % 5 + 5:02d}.jpg"
        shutil.copy(source, copied / "train" / "cat" / f"again{index:02d}.jpg")
    data = load_data(DataConfig(name="folder", root=str(copied)), splits=("train", "a", "b"))
    homes: dict[bytes, str] = {}
    for name in ("train", "a", "b"):
        split = data.split(name)
        assert isinstance(split, FolderSplit)
        for path in split.paths:
            assert homes.setdefault(Path(path).read_bytes(), name) == name


def test_only_files_of_one_size_and_end_are_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contents = [bytes([index % 7]) * 5000 + bytes([index]) * 5000 for index in range(100)]
    paths = [tmp_path / f"{index}.png" for index in range(103)]
    for path, content in zip(paths, [*contents, contents[5], contents[5], b"short"], strict=True):
        path.write_bytes(content)
    whole, read = [], Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: whole.append(path.stem) or read(path))
    groups = group_identical(paths).tolist()
    assert groups == [*range(100), 5, 5, 102]
    assert sorted(whole) == ["100", "101", "5"]


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE])
def test_a_disk_that_fails_for_a_moment_is_asked_again(
    copied: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    path, tries, real = copied / "train" / "dog" / "00.jpg", [], Image.open

    def failing(*args: Any) -> Image.Image:
        tries.append(args)
        if len(tries) < 3:
            raise OSError(number, os.strerror(number))
        return real(*args)

    monkeypatch.setattr(image_file.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(Image, "open", failing)
    assert open_image(path).mode == "RGB"
    assert len(tries) == 3
    tries.clear()
    with pytest.raises(DataError, match="cannot be read"):
        open_image(copied / "none.jpg")
    monkeypatch.setattr(Image, "open", real)
    with pytest.raises(DataError, match="No such file"):
        open_image(copied / "none.jpg")


@pytest.mark.parametrize(("limit", "reader"), [(10, "group_identical"), (1000, "_near")])
def test_images_are_looked_at_once_and_only_for_a_cut(
    copied: Path, monkeypatch: pytest.MonkeyPatch, limit: int, reader: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(copied.parent / "cache"))
    looked = []
    read = getattr(folder_module, reader)
    monkeypatch.setattr(folder_module, "NEAR_DUPLICATE_LIMIT", limit)
    monkeypatch.setattr(folder_module, reader, lambda paths: looked.append(len(paths)) or read(paths))
    config = DataConfig(name="folder", root=str(copied))
    load_data(config, splits=("test",))
    assert looked == []
    load_data(config, splits=("test", "a"))
    load_data(config, splits=("train",))
    assert looked == [72]
    shutil.copy(copied / "train" / "dog" / "00.jpg", copied / "train" / "cat" / "again.jpg")
    load_data(config, splits=("a",))
    assert looked == [72, 73]


def _without_class(root: Path) -> None:
    for path in (root / "train" / "dog").glob("*.jpg"):
        path.unlink()


def _truncated(root: Path) -> None:
    path = root / "train" / "dog" / "03.jpg"
    path.write_bytes(path.read_bytes()[:400])


def _text(root: Path) -> None:
    (root / "train" / "dog" / "03.jpg").write_text("no image at all")


def _fewer_classes(root: Path) -> None:
    shutil.rmtree(root / "val" / "newt")


def _flat_val(root: Path) -> None:
    """As ImageNet's validation images are unpacked."""
    for path in list((root / "val").rglob("*.jpg")):
        path.rename(root / "val" / f"{path.parent.name}-{path.name}")
    for path in (root / "val").iterdir():
        if path.is_dir():
            path.rmdir()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_flat_val, "{root}/val must hold one folder of images a class, but it has no folders."),
        (
            lambda root: (root / "val").rename(root / "valid"),
            "held-out images must stand in `test` or `val`, but {root} has them in `valid`.",
        ),
        (_without_class, "the class folder {root}/train/dog has no images (.jpg, .jpeg, "),
        (
            _truncated,
            "the image {root}/train/dog/03.jpg cannot be read, it is truncated or corrupt (",
        ),
        (_text, "the image {root}/train/dog/03.jpg cannot be read, it is truncated or corrupt (cannot identify"),
        (_fewer_classes, '{root}/val must have the classes of {root}/train, but "newt" is in one of them only.'),
        (shutil.rmtree, "the image folder was looked for in {root}, but is not there: name in `root` a folder"),
        (
            lambda root: (shutil.rmtree(root), root.mkdir()),
            "{root} must hold one folder of images a class, but",
        ),
    ],
)
def test_bad_folders_are_refused_in_one_sentence(copied: Path, damage: object, message: str) -> None:
    assert callable(damage)
    damage(copied)
    with pytest.raises(DataError) as caught:
        load_data(DataConfig(name="folder", root=str(copied)), splits=SPLITS)
    assert message.format(root=copied) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_classes_of_the_test_split_are_told_before_a_training(copied: Path) -> None:
    _fewer_classes(copied)
    with pytest.raises(DataError, match="must have the classes of"):
        load_data(DataConfig(name="folder", root=str(copied)), splits=("train", "a"))


@pytest.mark.parametrize("workers", [0, 1])
def test_an_image_that_breaks_later_is_named(copied: Path, workers: int) -> None:
    split = folder_split(copied)
    os.truncate(split.paths[30], 300)
    with pytest.raises(DataError) as caught:
        list(batches(split, batch_size=8, workers=workers))
    assert str(caught.value).startswith(f"the image {split.paths[30]} cannot be read")
    assert "\n" not in str(caught.value)


def test_grey_and_transparent_images_become_rgb(tmp_path: Path) -> None:
    for mode, name in (("L", "grey"), ("RGBA", "clear")):
        (tmp_path / name).mkdir()
        for index in range(5):
            pixels = np.random.default_rng(index).integers(0, 255, (20, 20, 4)).astype(np.uint8)
            picture = Image.fromarray(pixels[..., 0] if mode == "L" else pixels)
            picture.save(tmp_path / name / f"{index}.png")
    images, _ = next(batches(folder_split(tmp_path), batch_size=4))
    assert images.shape == (4, 3, 24, 24)
