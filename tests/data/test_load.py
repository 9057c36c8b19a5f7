"""Loading: where files are looked for, what is said when they are missing or wrong."""

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from nas.data import DataConfig
from nas.data import sources as sources_module
from nas.data.load import load_data
from nas.data.splits import Split
from nas.errors import DataError


def write_idx(path: Path, array: NDArray[np.uint8]) -> None:
    header = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = header + array.tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def write_fashion(folder: Path, *, suffix: str = ".gz", stems: tuple[str, ...] = ("train", "t10k")) -> None:
    """A small set in Fashion-MNIST's format."""
    for stem in stems:
        images = np.random.default_rng(len(stem)).integers(0, 256, (100, 28, 28)).astype(np.uint8)
        write_idx(folder / f"{stem}-images-idx3-ubyte{suffix}", images)
        write_idx(folder / f"{stem}-labels-idx1-ubyte{suffix}", (np.arange(100) % 10).astype(np.uint8))


def fashion(root: Path, **fields: Any) -> DataConfig:
    return DataConfig(name="fashion-mnist", root=str(root), **fields)


@pytest.mark.parametrize("inside", ["", "FashionMNIST/raw", "raw", "fashion-mnist"])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_fashion_is_found_in_a_given_root(tmp_path: Path, inside: str, suffix: str) -> None:
    write_fashion(tmp_path / inside, suffix=suffix)
    data = load_data(fashion(tmp_path), splits=("train", "a", "b", "test"))
    assert [len(data.split(name)) for name in ("train", "a", "b", "test")] == [80, 10, 10, 100]


def test_test_files_are_not_opened_unless_asked_for(tmp_path: Path) -> None:
    write_fashion(tmp_path, stems=("train",))
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(b"must not be read")
    assert set(load_data(fashion(tmp_path), splits=("train", "a", "b")).parts) == {"train", "a", "b"}
    with pytest.raises(DataError, match="t10k-labels-idx1-ubyte"):
        load_data(fashion(tmp_path), splits=("test",))


def test_resolutions_of_fashion(tmp_path: Path) -> None:
    write_fashion(tmp_path)
    images = {}
    for resolution in (None, 28, 32, 14, 56):
        split = load_data(fashion(tmp_path, resolution=resolution)).split("a")
        assert isinstance(split, Split)
        images[resolution] = split.images
        assert split.resolution == (resolution or 28)
    assert torch.equal(images[None], images[28])
    assert torch.equal(images[32][:, :, 2:-2, 2:-2], images[28])
    border = images[32].clone()
    border[:, :, 2:-2, 2:-2] = 0
    assert border.max() == 0
    halves = torch.nn.functional.avg_pool2d(images[28].float(), 2)
    assert (images[14].float() - halves).abs().mean() < 20  # antialiased: a wider triangle than the mean of four
    assert abs(images[56].float().mean() - images[28].float().mean()) < 1


def test_missing_fashion_names_the_places_and_the_remedies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError) as caught:
        load_data(fashion(tmp_path / "nowhere"))
    said = str(caught.value)
    for part in (f"{tmp_path}/nowhere and {tmp_path}/nowhere/FashionMNIST/raw", "train-images-idx3-ubyte(.gz)"):
        assert part in said
    assert said.endswith(
        "run `apt-get install dataset-fashion-mnist`, name its folder in `data.root` (`--root` of nas evaluate and "
        "nas export), or set `data.download` to true, by a recipe or --set."
    )
    monkeypatch.setattr(sources_module, "FASHION_DEBIAN", tmp_path / "debian")
    with pytest.raises(DataError, match=f"looked for in {tmp_path}/debian and "):
        load_data(DataConfig(name="fashion-mnist"))


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("train-labels-idx1-ubyte.gz", np.zeros(99, dtype=np.uint8), "has 100 images, but "),
        ("train-labels-idx1-ubyte.gz", np.full(100, 10, dtype=np.uint8), "labels from 0 to 9, but the largest is 10."),
        (
            "train-images-idx3-ubyte.gz",
            np.zeros((100, 28, 27), dtype=np.uint8),
            "square images, but its shape is (100,",
        ),
        ("train-images-idx3-ubyte.gz", np.zeros((100, 784), dtype=np.uint8), "with 3 dimensions"),
    ],
)
def test_inconsistent_fashion(tmp_path: Path, name: str, array: NDArray[np.uint8], message: str) -> None:
    write_fashion(tmp_path)
    write_idx(tmp_path / name, array)
    with pytest.raises(DataError) as caught:
        load_data(fashion(tmp_path))
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_download_is_torchvisions_and_only_when_asked_for_and_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    class Fake:
        def __init__(self, root: str, train: bool, download: bool) -> None:
            calls.append((root, train, download))
            write_fashion(Path(root) / "FashionMNIST" / "raw")

    import torchvision.datasets

    monkeypatch.setattr(torchvision.datasets, "FashionMNIST", Fake)
    with pytest.raises(DataError):
        load_data(fashion(tmp_path))
    assert calls == []
    for _ in range(2):
        assert len(load_data(fashion(tmp_path, download=True)).split("train")) == 80
    assert calls == [(str(tmp_path), True, True)]


def test_a_failed_download_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torchvision.datasets

    class Fake:
        base_folder = "cifar"
        filename = "cifar.tar.gz"

        def __init__(self, **_: object) -> None:
            raise OSError("no network")

    monkeypatch.setattr(torchvision.datasets, "CIFAR10", Fake)
    with pytest.raises(DataError, match=rf"^cifar10 could not be downloaded to {tmp_path}: no network$"):
        load_data(DataConfig(name="cifar10", root=str(tmp_path), download=True))


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_missing_cifar(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError) as caught:
        load_data(DataConfig(name=name, root=str(tmp_path)))
    said = str(caught.value)
    assert said.startswith(f"{name} was looked for in {tmp_path}/cifar-10") and "`data.download`" in said


def test_corrupt_cifar_is_one_sentence(cifar_root: Path) -> None:
    """Without the fixture that suspends checksums, the generated files are corrupt ones."""
    with pytest.raises(DataError, match=r"-py holds no intact cifar10, a file is missing or corrupt") as caught:
        load_data(DataConfig(name="cifar10", root=str(cifar_root)))
    assert "\n" not in str(caught.value)


def test_cifar_root_may_be_the_inner_folder(cifar_root: Path, any_cifar_accepted: None) -> None:
    data = load_data(DataConfig(name="cifar10", root=str(cifar_root / "cifar-10-batches-py"), resolution=16))
    split = data.split("a")
    assert isinstance(split, Split) and split.images.shape == (20, 3, 16, 16)
    assert data.class_names[3] == "kind 3"


@pytest.mark.parametrize("splits", [(), ("train", "c"), "a", ("validation",)])
def test_unknown_splits(splits: Any) -> None:
    with pytest.raises(DataError, match=r"^`splits` must be one or more of train, a, b, test, but got "):
        load_data(DataConfig(name="digits"), splits=splits)


def test_digits_pixels_span_the_range() -> None:
    split = load_data(DataConfig(name="digits", resolution=8)).split("train")
    assert isinstance(split, Split)
    assert set(split.images.unique().tolist()) == {round(value * 255 / 16) for value in range(17)}
