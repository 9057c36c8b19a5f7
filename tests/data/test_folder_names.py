"""Names in an image folder: those that are no text, and those that are hidden."""

import os
import shutil
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nas.data import DataConfig
from nas.data.config import SPLITS
from nas.data.load import load_data
from nas.data.splits import FolderSplit
from nas.errors import DataError


@pytest.fixture
def copied(folder_root: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder_root, tmp_path / "tree"))


def names(root: Path) -> list[str]:
    split = load_data(DataConfig(name="folder", root=str(root), resolution=24), splits=("train",)).split("train")
    assert isinstance(split, FolderSplit)
    return [Path(path).name for path in split.paths]


def test_names_that_are_no_text_are_read(copied: Path) -> None:
    first = min((copied / "train").rglob("*.jpg"))
    first.rename(os.fsdecode(os.fsencode(first.parent) + b"/caf\xe9.jpg"))
    data = load_data(DataConfig(name="folder", root=str(copied), resolution=24), splits=("train", "a", "b"))
    assert sum(len(data.split(name)) for name in ("train", "a", "b")) == 72


def test_a_class_whose_name_is_no_text_is_refused_before_anything_trains(copied: Path) -> None:
    first = min((copied / "train").iterdir())
    first.rename(os.fsdecode(os.fsencode(first.parent) + b"/caf\xe9"))
    with pytest.raises(DataError, match=r"the name of a class folder must be UTF-8, but got 'caf\\udce9' in .*train\."):
        load_data(DataConfig(name="folder", root=str(copied), resolution=24), splits=("train",))


def test_what_is_hidden_is_neither_a_class_nor_an_image(folder_root: Path, copied: Path) -> None:
    first = min((copied / "train").iterdir())
    (copied / "train" / ".ipynb_checkpoints").mkdir()
    shutil.copy(min(first.iterdir()), copied / "train" / ".ipynb_checkpoints" / "a.jpg")
    (first / "._resource.jpg").write_bytes(b"of macOS, no image")
    (first / ".cache").mkdir()
    (first / ".cache" / "thumbnail.jpg").write_bytes(b"no image either")
    assert names(copied) == names(folder_root)


def test_near_duplicates_of_another_folder_are_not_taken_for_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names, sizes and times of the files are equal, as of archives that keep no times."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for folder, different in (("one", 40), ("two", 20)):
        for place in range(40):
            path = tmp_path / folder / "ab"[place % 2] / f"{place:02}.bmp"
            path.parent.mkdir(parents=True, exist_ok=True)
            draw = np.random.default_rng(place % different)
            Image.fromarray(draw.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(path)
            os.utime(path, ns=(0, 0))
    for folder in ("one", "two"):
        data = load_data(DataConfig(name="folder", root=str(tmp_path / folder), resolution=16), splits=SPLITS)
        files = [{Path(path).read_bytes() for path in data.split(name).paths} for name in SPLITS]  # type: ignore[union-attr]
        assert not any(one & other for one, other in combinations(files, 2))
