"""Data sets to test on: the real ones, and generated ones in the layouts of CIFAR and of image folders."""

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from nas.data import DataConfig
from nas.data.config import SPLITS
from nas.data.load import load_data
from nas.data.splits import Data

CIFAR_COPIES = 12
FOLDER_CLASSES = ("cat", "dog", "newt")


def pictures(count: int, *, seed: int, side: int = 32) -> NDArray[np.uint8]:
    """Smooth random colour images [N, 3, side, side], none of them near another."""
    coarse = np.random.default_rng(seed).integers(20, 200, (count, 3, 8, 8))
    return np.kron(coarse, np.ones((1, 1, side // 8, side // 8), dtype=np.int64)).astype(np.uint8)


def copies(images: NDArray[np.uint8], *, seed: int) -> NDArray[np.uint8]:
    """Near-duplicates: darker, with more light and slight noise."""
    noise = np.random.default_rng(seed).normal(0, 3, images.shape)
    return np.clip(images * 0.85 + 12 + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def cifar_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both CIFARs' layout, 200 training images and 40 for test in each; the last training images are copies."""
    root = tmp_path_factory.mktemp("cifar")
    images = pictures(200, seed=1)
    images[-CIFAR_COPIES:] = copies(images[:CIFAR_COPIES], seed=2)
    labels = [index % 10 for index in range(200 - CIFAR_COPIES)] + [index % 10 for index in range(CIFAR_COPIES)]
    test, test_labels = pictures(40, seed=3).reshape(40, -1), [index % 10 for index in range(40)]
    ten, hundred = root / "cifar-10-batches-py", root / "cifar-100-python"
    ten.mkdir()
    hundred.mkdir()
    flat = images.reshape(200, -1)
    for batch in range(5):
        part = slice(40 * batch, 40 * batch + 40)
        _dump(ten / f"data_batch_{batch + 1}", {"data": flat[part], "labels": labels[part]})
    _dump(ten / "test_batch", {"data": test, "labels": test_labels})
    _dump(ten / "batches.meta", {"label_names": [f"kind {index}" for index in range(10)]})
    _dump(hundred / "train", {"data": flat, "fine_labels": labels})
    _dump(hundred / "test", {"data": test, "fine_labels": test_labels})
    _dump(hundred / "meta", {"fine_label_names": [f"kind {index}" for index in range(10)]})
    return root


def _dump(path: Path, content: dict[str, object]) -> None:
    path.write_bytes(pickle.dumps(content))


@pytest.fixture
def any_cifar_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Torchvision knows CIFAR by checksums, which generated files cannot have."""
    from torchvision.datasets import CIFAR10, CIFAR100

    for kind in (CIFAR10, CIFAR100):
        for field in ("train_list", "test_list"):
            monkeypatch.setattr(kind, field, [[name, None] for name, _ in getattr(kind, field)])
        monkeypatch.setattr(kind, "meta", {**kind.meta, "md5": None})


@pytest.fixture(scope="session")
def folder_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders train and val of 3 classes with 24 and 6 images; `copy` files are compressed again."""
    root = tmp_path_factory.mktemp("folder")
    for place, name in enumerate(FOLDER_CLASSES):
        for part, count in (("train", 20), ("val", 6)):
            folder = root / part / name
            folder.mkdir(parents=True)
            for index, image in enumerate(pictures(count, seed=10 * place + len(part), side=8)):
                small = Image.fromarray(image[:, ::2, ::2].transpose(1, 2, 0))
                picture = small.resize((60 + index, 50 + place), Image.Resampling.BICUBIC)
                picture.save(folder / f"{index:02d}.jpg", quality=95)
                if part == "train" and index < 4:
                    picture.save(folder / f"copy{index:02d}.jpg", quality=75)
        (root / "train" / name / "notes.txt").write_text("no image")
    return root


@pytest.fixture(scope="session")
def load_once() -> Callable[[DataConfig], Data]:
    """All splits of a data set, which tests share and do not write to."""
    known: dict[DataConfig, Data] = {}

    def load(config: DataConfig) -> Data:
        if config not in known:
            known[config] = load_data(config, splits=SPLITS)
        return known[config]

    return load


@pytest.fixture
def config_of(request: pytest.FixtureRequest) -> Callable[..., DataConfig]:
    """A configuration by name, with the generated data where there are no real ones."""

    def make(name: str, resolution: int | None = None, limit: int | None = None, split_seed: int = 0) -> DataConfig:
        root: Path | None = None
        if name.startswith("cifar"):
            request.getfixturevalue("any_cifar_accepted")
            root = request.getfixturevalue("cifar_root")
        elif name == "folder":
            root = request.getfixturevalue("folder_root")
        return DataConfig(
            name=name,
            resolution=resolution,
            root=None if root is None else str(root),
            limit=limit,
            split_seed=split_seed,
        )

    return make
