"""The data sets that fit in memory, as arrays at their own resolution."""

import contextlib
import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nas.data.cache import cache_folder
from nas.data.config import DataConfig
from nas.data.idx import read_idx
from nas.data.waves import CLASSES, DEFAULT_STEPS, waves
from nas.errors import DataError

Portion = Literal["train", "test"]

FASHION_CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
FASHION_DEBIAN = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package `dataset-fashion-mnist` puts the files."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Raw:
    """A portion of a data set as published."""

    images: NDArray[np.uint8]
    """[N, C, H, W], or series [N, C, steps]."""
    labels: NDArray[np.int64]
    """[N]."""
    class_names: tuple[str, ...]


def download_folder() -> Path:
    """Where downloads go when no `root` is given."""
    return cache_folder() / "data"


def read_portion(config: DataConfig, portion: Portion) -> Raw:
    """Read the published train or test portion of a data set (digits has only train).

    Raises:
        DataError: it is missing, unreadable or inconsistent.
    """
    if config.name == "digits":
        return _digits()
    if config.name == "waves":
        series, labels = waves(portion, config.resolution or DEFAULT_STEPS)
        return Raw(images=series, labels=labels, class_names=CLASSES)
    return _fashion(config, portion) if config.name == "fashion-mnist" else _cifar(config, portion)


def _digits() -> Raw:
    from sklearn.datasets import load_digits  # here: it takes a second to import, and other data sets do without it

    digits = load_digits()
    scaled = np.rint(np.asarray(digits.images) * (255.0 / 16.0)).astype(np.uint8)
    labels = np.asarray(digits.target, dtype=np.int64)
    return Raw(images=scaled[:, None], labels=labels, class_names=tuple(str(digit) for digit in range(10)))


def _fashion(config: DataConfig, portion: Portion) -> Raw:
    folders: tuple[Path, ...]
    if config.root is not None:
        base = Path(config.root).expanduser()
        folders = (base, base / "FashionMNIST" / "raw", base / "raw", base / "fashion-mnist")
    else:
        base = download_folder()
        folders = (FASHION_DEBIAN, base / "FashionMNIST" / "raw")
    stem = "train" if portion == "train" else "t10k"
    names = (f"{stem}-images-idx3-ubyte", f"{stem}-labels-idx1-ubyte")
    found = [_find(folders, name) for name in names]
    if config.download and None in found:
        _download(config, base, portion)
        found = [_find(folders, name) for name in names]
    images_path, labels_path = found
    if images_path is None or labels_path is None:
        raise DataError(
            f"Fashion-MNIST was looked for in {' and '.join(map(str, folders))}, but "
            f"{names[0] if images_path is None else names[1]}(.gz) is not there: "
            "run `apt-get install dataset-fashion-mnist`, name its folder in `data.root` (`--root` of nas evaluate and "
            "nas export), or set `data.download` to true, by a recipe or --set."
        )
    images, labels = read_idx(images_path, dimensions=3), read_idx(labels_path, dimensions=1)
    if len(images) != len(labels):
        raise DataError(f"{images_path} has {len(images)} images, but {labels_path} has {len(labels)} labels.")
    if len(images) == 0 or images.shape[1] != images.shape[2]:
        raise DataError(f"{images_path} must hold square images, but its shape is {images.shape}.")
    if labels.max() >= len(FASHION_CLASSES):
        raise DataError(f"{labels_path} must hold labels from 0 to 9, but the largest is {labels.max()}.")
    return Raw(images=images[:, None], labels=labels.astype(np.int64), class_names=FASHION_CLASSES)


def _find(folders: tuple[Path, ...], name: str) -> Path | None:
    candidates = (folder / f"{name}{suffix}" for folder in folders for suffix in ("", ".gz"))
    return next((path for path in candidates if path.is_file()), None)


def _cifar(config: DataConfig, portion: Portion) -> Raw:
    from torchvision.datasets import CIFAR10, CIFAR100

    kind = CIFAR10 if config.name == "cifar10" else CIFAR100
    base = download_folder() if config.root is None else Path(config.root).expanduser()
    if base.name == kind.base_folder:
        base = base.parent
    if not (base / kind.base_folder).is_dir():
        if not config.download:
            raise DataError(
                f"{config.name} was looked for in {base / kind.base_folder} (torchvision's layout), but is not there: "
                f"unpack {kind.filename} into {base}, name its folder in `data.root`, or set `data.download` to true."
            )
        _download(config, base, portion)
    try:
        stored = kind(root=str(base), train=portion == "train", download=False)
    except (RuntimeError, OSError, KeyError) as error:
        if config.download:
            _download(config, base, portion)  # What is not intact is fetched and unpacked again.
            return _cifar(replace(config, download=False), portion)
        raise DataError(
            f"{base / kind.base_folder} holds no intact {config.name}, a file is missing or corrupt ({error}): "
            f"delete the folder and unpack {kind.filename} again, or set `data.download` to true."
        ) from error
    images = np.ascontiguousarray(np.asarray(stored.data, dtype=np.uint8).transpose(0, 3, 1, 2))
    labels = np.asarray(stored.targets, dtype=np.int64)
    return Raw(images=images, labels=labels, class_names=tuple(stored.classes))


def _download(config: DataConfig, base: Path, portion: Portion) -> None:
    from torchvision.datasets import CIFAR10, CIFAR100, FashionMNIST

    kind = {"fashion-mnist": FashionMNIST, "cifar10": CIFAR10, "cifar100": CIFAR100}[config.name]
    try:
        base.mkdir(parents=True, exist_ok=True)
        with contextlib.redirect_stdout(io.StringIO()):  # torchvision prints; the command line owns the screen
            kind(root=str(base), train=portion == "train", download=True)
    except (RuntimeError, OSError) as error:
        raise DataError(f"{config.name} could not be downloaded to {base}: {error}") from error
