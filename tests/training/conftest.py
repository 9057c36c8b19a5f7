"""Small networks and small data, so that a training takes a second."""

from collections.abc import Callable, Iterator

import pytest
import torch

from nas.architecture import Architecture, AuxiliaryHead, Cell, Reduction, Stem
from nas.data import DataConfig
from nas.data.load import load_data
from nas.data.splits import Data, Split


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Small tensors gain nothing from threads, and sums are the same on every machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def cell(width: int, *, shortcut: bool = False) -> Cell:
    part = width // 4
    return Cell(b1x1=part, b3x3_reduce=part, b3x3=part, b5x5_reduce=part, b5x5=part, pool_proj=part, shortcut=shortcut)


@pytest.fixture(scope="session")
def tiny() -> Architecture:
    """Two stages of one cell, with an auxiliary head and dropout."""
    return Architecture(
        stem=Stem(kind="conv3x3", width=8),
        stages=((cell(16),), (cell(32, shortcut=True),)),
        reductions=(Reduction(),),
        auxiliary=(AuxiliaryHead(stage=0, cell=0, width=8, hidden=16),),
        dropout=0.2,
    )


@pytest.fixture(scope="session")
def noise() -> Data:
    """Random grey images of 12 pixels, 96 for training, in 4 classes."""
    return made(96, resolution=12)


def made(count: int, *, resolution: int, classes: int = 4, scale: float = 1.0) -> Data:
    generator = torch.Generator().manual_seed(5)
    mean, std = (0.5, 0.5, 0.5), (0.25 / scale, 0.25 / scale, 0.25 / scale)

    def split(size: int) -> Split:
        images = torch.randint(0, 256, (size, 1, resolution, resolution), generator=generator, dtype=torch.uint8)
        return Split(images=images, labels=torch.arange(size) % classes, mean=mean, std=std)

    return Data(
        name="noise",
        classes=classes,
        class_names=tuple(f"kind {index}" for index in range(classes)),
        resolution=resolution,
        mean=mean,
        std=std,
        parts={"train": split(count), "a": split(24)},
    )


@pytest.fixture(scope="session")
def make_data() -> Callable[..., Data]:
    return made


@pytest.fixture(scope="session")
def digits() -> Data:
    return load_data(DataConfig(name="digits", resolution=8), splits=("train", "a"))
