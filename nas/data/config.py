"""What a recipe says about data: which set, at which resolution, how it is split and augmented. Pure data, no torch."""

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, get_args

from nas.errors import DataError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

DATASETS: tuple[str, ...] = ("digits", "fashion-mnist", "cifar10", "cifar100", "folder", "waves")
"""The names that `DataConfig.name` may have."""
SERIES: tuple[str, ...] = ("waves",)
"""Those of them that are no images."""
PACKAGED: tuple[str, ...] = ("digits", "waves")
"""Those that come with a package, or are made."""
CLASSES: Mapping[str, int] = MappingProxyType(
    {"digits": 10, "fashion-mnist": 10, "cifar10": 10, "cifar100": 100, "waves": 8}
)
"""Of the data sets that always have so many."""

SplitName = Literal["train", "a", "b", "test"]
"""`train` trains; `a` drives the search; `b` is read once, to report a winner; `test` is read once, at the very end."""

SPLITS: tuple[SplitName, ...] = get_args(SplitName)
"""All split names, in the order train, a, b, test."""

Padding = Literal["zero", "reflect"]
Fill = Literal["mean", "noise"]
_LARGEST_ALPHA: Final = 1000.0  # of mixing: shares are then all but halves


@dataclass(frozen=True, slots=True, kw_only=True)
class DataConfig:
    """A data set and the way in which it is read.

    Raises:
        DataError: a field is out of range, or the name is unknown.
    """

    name: str
    """One of `DATASETS`."""
    root: str | None = None
    """Folder of the files; None looks in the usual places. Digits and waves have none, an image folder needs one."""
    resolution: int | None = None
    """Side of the images in pixels, or steps of the series; None: Fashion-MNIST 28, CIFAR and digits 32, waves 128, a
    folder 224."""
    validation_share: float = 0.1
    """Share of the training images that goes to split A, and again to split B."""
    split_seed: int = 0
    """Seed of the cut into splits."""
    download: bool = False
    """Fetch missing files by torchvision (Fashion-MNIST and CIFAR)."""
    limit: int | None = None
    """At most this many images in the training part, spread over the classes; A, B and test stay whole."""

    def __post_init__(self) -> None:
        if self.name not in DATASETS:
            near = difflib.get_close_matches(self.name.lower(), DATASETS, n=1, cutoff=0.5)
            hint = f'; did you mean "{near[0]}"?' if near else "."
            raise DataError(f'`data.name` must be one of {", ".join(DATASETS)}, but got "{self.name}"{hint}')
        if self.resolution is not None and not 4 <= self.resolution <= 2048:
            raise DataError(f"`data.resolution` must be between 4 and 2048 pixels or steps, but got {self.resolution}.")
        if not 0.0 < self.validation_share <= 0.4:
            raise DataError(
                "`data.validation_share` must be above 0 and at most 0.4, as it is taken twice, "
                f"but got {self.validation_share}."
            )
        if self.split_seed < 0:
            raise DataError(f"`data.split_seed` must be at least 0, but got {self.split_seed}.")
        if self.limit is not None and self.limit < 1:
            raise DataError(f"`data.limit` must be at least 1 image, but got {self.limit}.")
        if self.root is not None and self.name in PACKAGED:
            raise DataError(
                f'`data.root` must be left out for {self.name}, which need no files, but got "{self.root}".'
            )
        if self.name == "folder" and self.root is None:
            raise DataError('`data.root` must name the image folder when `data.name` is "folder", but got none.')

    def anchored(self) -> "DataConfig":
        """With an absolute ``root``: Ray's workers, and who resumes a run, work in other folders."""
        return self if self.root is None else replace(self, root=str(Path(self.root).expanduser().resolve()))


@dataclass(frozen=True, slots=True, kw_only=True)
class AugmentConfig:
    """Random changes of training images; all off by default. See `nas.data.augment` for their mathematics and sources.

    Raises:
        DataError: a field is out of range.
    """

    flip: bool = False
    """Mirror left and right with probability 1/2."""
    shift_pixels: int = 0
    """Move by up to this many pixels each way (padding, then a random crop)."""
    shift_padding: Padding = "zero"
    """What a shift brings in: black, or the image reflected."""
    erase_probability: float = 0.0
    """Probability of erasing a rectangle (random erasing)."""
    erase_area: tuple[float, float] = (0.02, 0.4)
    """Least and largest share of the area that is erased."""
    erase_fill: Fill = "mean"
    """What stands in the erased rectangle: the data set's mean, or noise."""
    resized_crop: bool = False
    """Cut a random part and resize it to the full side (the paper's crops)."""
    crop_area: tuple[float, float] = (0.08, 1.0)
    """Least and largest share of the area that `resized_crop` keeps; the aspect ratio lies in 3/4 to 4/3."""
    photometric: bool = False
    """Change brightness, contrast and saturation."""
    photometric_strength: float = 0.4
    """Their factors are drawn from 1 - strength to 1 + strength."""
    mixup_alpha: float = 0.0
    """Mix each image with another one by a share from Beta(alpha, alpha), and their labels; 0 is off."""
    cutmix_alpha: float = 0.0
    """Replace a box of each image, a share of the area that is drawn likewise, by another one's; 0 is off."""

    @property
    def mixes(self) -> bool:
        """Whether images are mixed, see `nas.data.mixing`: labels are then shares of classes."""
        return self.mixup_alpha > 0 or self.cutmix_alpha > 0

    def __post_init__(self) -> None:
        if self.shift_pixels < 0:
            raise DataError(f"`shift_pixels` must be at least 0, but got {self.shift_pixels}.")
        if self.shift_padding not in get_args(Padding):
            raise DataError(f'`shift_padding` must be zero or reflect, but got "{self.shift_padding}".')
        if self.erase_fill not in get_args(Fill):
            raise DataError(f'`erase_fill` must be mean or noise, but got "{self.erase_fill}".')
        for field in ("erase_probability", "photometric_strength"):
            value = getattr(self, field)
            if not 0.0 <= value <= 1.0:
                raise DataError(f"`{field}` must be between 0 and 1, but got {value}.")
        for field in ("mixup_alpha", "cutmix_alpha"):
            value = getattr(self, field)
            if not 0.0 <= value <= _LARGEST_ALPHA:
                raise DataError(f"`{field}` must be between 0 and {_LARGEST_ALPHA:g}, but got {value}.")
        for field in ("erase_area", "crop_area"):
            low, high = getattr(self, field)
            if not (math.isfinite(high) and 0.0 < low <= high <= 1.0):
                raise DataError(f"`0 < low <= high <= 1` must hold for `{field}`, but got low={low}, high={high}.")
        as_floats(self)


def as_floats(config: "DataclassInstance") -> None:
    """Make whole numbers in the fields for floats of a frozen dataclass floats: equal recipes are written alike."""
    for field in fields(config):
        value = getattr(config, field.name)
        if field.type is float:
            object.__setattr__(config, field.name, float(value))
        elif field.type == tuple[float, float]:
            object.__setattr__(config, field.name, tuple(map(float, value)))
