"""Loading a data set: read, group near-duplicates, cut into splits, bring to the asked resolution."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from nas.data.config import SPLITS, DataConfig, SplitName
from nas.data.cut import cut_splits, spread, warn_of_lacking
from nas.data.duplicates import group_near_duplicates
from nas.data.folder import load_folder
from nas.data.preparation import border
from nas.data.sources import read_portion
from nas.data.splits import Channels, Data, Split
from nas.errors import DataError

_DIGITS_RESOLUTION = 32
_RESIZE_CHUNK = 4096


def load_data(config: DataConfig, *, splits: Sequence[SplitName] = ("train", "a")) -> Data:
    """Load the splits of a data set that are asked for by name, and no others.

    A and B are each `validation_share` of the training images, stratified by class, near-duplicates on one side. The
    test split is the published one; of digits, which has none, a fifth is cut first. Mean and standard deviation are
    those of the whole training part (of an image folder: ImageNet's), whatever is asked for.

    Raises:
        DataError: a name in `splits` is unknown, or the data are missing, unreadable or too few.
    """
    check_splits(splits)
    if config.name == "folder":
        return load_folder(config, splits)
    raw = read_portion(config, "train")
    # Generated series are drawn one by one: none is near another.
    groups = group_near_duplicates(raw.images) if raw.images.ndim == 4 else np.arange(len(raw.labels))
    chosen = cut_splits(raw.labels, groups, config, own_test=config.name != "digits")
    if "train" in splits:
        warn_of_lacking(raw.labels, chosen, raw.class_names)
    whole = raw.images[chosen["train"]]
    mean, std = _statistics(
        fit(whole[start : start + _RESIZE_CHUNK], config) for start in range(0, len(whole), _RESIZE_CHUNK)
    )
    chosen["train"] = chosen["train"][spread(raw.labels[chosen["train"]], config.limit)]
    parts: dict[SplitName, Split] = {}
    for name in splits:
        if name == "test" and "test" not in chosen:
            test = read_portion(config, "test")
            images, labels = test.images, test.labels
        else:
            images, labels = raw.images[chosen[name]], raw.labels[chosen[name]]
        parts[name] = Split(images=fit(images, config), labels=torch.from_numpy(labels.copy()), mean=mean, std=std)
    return Data(
        name=config.name,
        classes=len(raw.class_names),
        class_names=raw.class_names,
        resolution=_resolution(config, raw.images.shape[-1]),
        mean=mean,
        std=std,
        parts=parts,
    )


def check_splits(splits: Sequence[SplitName]) -> None:
    """Raise DataError unless `splits` is a non-empty sequence of split names."""
    unknown = [name for name in splits if name not in SPLITS]
    if isinstance(splits, str) or unknown or not splits:
        raise DataError(f"`splits` must be one or more of {', '.join(SPLITS)}, but got {splits!r}.")


def _resolution(config: DataConfig, own: int) -> int:
    if config.resolution is not None:
        return config.resolution
    return _DIGITS_RESOLUTION if config.name == "digits" else own


def fit(images: NDArray[np.uint8], config: DataConfig) -> Tensor:
    """Bring images [N, C, H, H] to the asked resolution: uint8 tensor [N, C, R, R]; series come at theirs.

    Fashion-MNIST goes from 28 to 32 by a black border; everything else is resized bilinearly (antialiased).
    """
    own = images.shape[-1]
    side = _resolution(config, own)
    if side == own:
        return torch.from_numpy(np.array(images))
    if edge := border(config.name, own=own, side=side):
        return torch.from_numpy(np.pad(images, ((0, 0), (0, 0), (edge, edge), (edge, edge))))
    resized = torch.empty((*images.shape[:2], side, side), dtype=torch.uint8)
    for start in range(0, len(images), _RESIZE_CHUNK):
        chunk = torch.from_numpy(np.array(images[start : start + _RESIZE_CHUNK])).float()
        chunk = F.interpolate(chunk, size=(side, side), mode="bilinear", align_corners=False, antialias=True)
        resized[start : start + _RESIZE_CHUNK] = chunk.round_().clamp_(0, 255).byte()
    return resized


def _statistics(chunks: Iterable[Tensor]) -> tuple[Channels, Channels]:
    """Mean and standard deviation of each of 3 channels of uint8 images [N, C, H, W] (or series), scaled to 0..1.

    In chunks, for at a higher resolution than their own all of them are gigabytes.
    """
    values = np.arange(256) / 255.0
    means, stds = [], []
    counted = ([torch.bincount(part.reshape(-1), minlength=256) for part in chunk.unbind(1)] for chunk in chunks)
    for parts in zip(*counted, strict=True):
        counts = torch.stack(parts).sum(0).numpy()
        mean = float(np.average(values, weights=counts))
        means.append(mean)
        stds.append(max(float(np.average((values - mean) ** 2, weights=counts)) ** 0.5, 1.0 / 255.0))
    (red, green, blue), (red_std, green_std, blue_std) = (
        figures * 3 if len(figures) == 1 else figures for figures in (means, stds)
    )
    return (red, green, blue), (red_std, green_std, blue_std)
