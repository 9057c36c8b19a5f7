"""A loaded data set: its facts and those of its splits that were asked for."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nas.data.config import SPLITS, SplitName
from nas.errors import DataError

Channels = tuple[float, float, float]
"""One figure for each of red, green and blue."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Split:
    """Images of one split as one tensor in memory. Never written to: several processes may share it."""

    images: Tensor
    """uint8 [N, C, H, W], or series [N, C, steps]; grey images are stored as C = 1, and replicated to 3 channels in
    the batch."""
    labels: Tensor
    """int64 [N]."""
    mean: Channels
    """Of the training part, of pixels scaled to 0..1."""
    std: Channels
    """As `mean`: the standard deviation."""

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def resolution(self) -> int:
        """Side of the images in pixels, or steps of the series."""
        return self.images.shape[-1]

    @property
    def dims(self) -> int:
        """2 for images, 1 for series."""
        return self.images.dim() - 2

    def __reduce__(self) -> tuple[object, ...]:
        """By way of arrays, which Ray's object store holds once a node and gives to workers without a copy."""
        return _split, (self.images.numpy(), self.labels.numpy(), self.mean, self.std)


def _split(images: NDArray[np.uint8], labels: NDArray[np.int64], mean: Channels, std: Channels) -> Split:
    with warnings.catch_warnings():
        # Arrays from Ray's object store are read-only, and torch warns that writing to them is undefined. Nothing
        # writes to a split: batches are gathered into new memory.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable", category=UserWarning)
        return Split(images=torch.from_numpy(images), labels=torch.from_numpy(labels), mean=mean, std=std)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FolderSplit:
    """Images of one split as files, decoded when a batch asks for them."""

    paths: tuple[str, ...]
    """The files, [N]."""
    labels: Tensor
    """int64 [N]."""
    mean: Channels
    """ImageNet's, as every published model of that kind uses."""
    std: Channels
    """As `mean`: the standard deviation."""
    resolution: int
    """Side in pixels of the images that batches hold."""
    dims: Literal[2] = 2
    """Images."""

    def __len__(self) -> int:
        return len(self.paths)


def check_dims(dims: int, *, held: int, data: str) -> None:
    """Hold a network to the kind of data.

    Args:
        dims: of the network: 2 for images, 1 for series.
        held: what the data are.
        data: their name.

    Raises:
        DataError: a network for images and data that are series, or the other way round.
    """
    if dims != held:
        names = {1: "series", 2: "images"}
        raise DataError(
            f"`dims` of a network must be {held} for {data}, which are {names[held]}, "
            f"but got dims={dims}, a network for {names[dims]}."
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Data:
    """A data set and the splits that were asked for."""

    name: str
    classes: int
    class_names: tuple[str, ...]
    resolution: int
    """Side of the images in pixels, or steps of the series."""
    mean: Channels
    std: Channels
    parts: Mapping[SplitName, Split | FolderSplit]
    """Only what was asked for: `split` reads it with a clear error."""

    @property
    def dims(self) -> int:
        """2 for images, 1 for series."""
        return next((part.dims for part in self.parts.values()), 2)

    def split(self, name: SplitName) -> Split | FolderSplit:
        """The split of that name.

        Raises:
            DataError: it is unknown, or was not asked for when the data were loaded.
        """
        if name not in SPLITS:
            raise DataError(f'`split` must be one of {", ".join(SPLITS)}, but got "{name}".')
        if name not in self.parts:
            raise DataError(
                f'split "{name}" of {self.name} was not loaded: name it in `splits` of load_data, which got '
                f"{', '.join(self.parts)}; split b and test are for final reports only."
            )
        return self.parts[name]
