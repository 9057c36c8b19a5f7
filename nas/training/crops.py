"""Class probabilities averaged over crops of each image."""

from collections.abc import Iterator, Mapping

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nas.data.bar import bar
from nas.data.batches import batches
from nas.data.image_file import open_image
from nas.data.splits import FolderSplit, Split
from nas.errors import DataError
from nas.training.evaluate import BATCH_SIZE
from nas.training.geometry import CROPS, Crop, crops_of


def cut(images: Tensor, crops: Mapping[Crop, int], resolution: int) -> Iterator[tuple[Tensor, int]]:
    """Cut crops out of images of one size.

    Args:
        images: [B, C, H, W], in 0..255.
        crops: of that size, see ``nas.training.geometry.crops_of``.
        resolution: of the crops.

    Yields:
        One crop of every image, float32 [B, C, resolution, resolution], and how often it counts.
    """
    images = images.float()
    resized: dict[tuple[int, int], Tensor] = {}
    for crop, count in crops.items():
        size = (crop.height, crop.width)
        if size not in resized:
            resized = {size: _resize(images, size)}
        whole = resized[size]
        square = whole[:, :, crop.top : crop.top + crop.side, crop.left : crop.left + crop.side]
        square = _resize(square, (resolution, resolution))
        yield square.flip(3) if crop.mirrored else square, count


@torch.inference_mode()
def probabilities(
    network: nn.Module,
    split: Split | FolderSplit,
    *,
    crops: int,
    device: torch.device | str = "cpu",
    batch_size: int = BATCH_SIZE,
    workers: int = 0,
) -> Tensor:
    """Softmax probabilities of every image of a split, averaged over its crops.

    Args:
        network: in evaluation mode, on ``device``.
        split: of images.
        crops: 1 is the image as training's validation sees it, 10 and 144 as in the paper.
        device: where the network is.
        batch_size: crops at a time.
        workers: processes that decode, for image folders and one crop.

    Returns:
        float64 [N, classes] on the CPU; rows add up to 1.

    Raises:
        DataError: another number of crops, crops of a series, or an image that cannot be read.
    """
    if crops not in CROPS:
        raise DataError(f"`crops` must be one of {', '.join(map(str, CROPS))}, but got {crops}.")
    device = torch.device(device)
    if crops == 1:
        stream = batches(split, batch_size=batch_size, device=device, workers=workers)
        return _gathered((_softmax(network, images) for images, _ in stream), len(split), "1 crop")
    if isinstance(split, Split) and split.images.dim() != 4:
        raise DataError(f"`crops` must be 1 for series, but got {crops}.")
    mean = (255.0 * torch.tensor(split.mean, device=device)).view(1, 3, 1, 1)
    std = (255.0 * torch.tensor(split.std, device=device)).view(1, 3, 1, 1)
    means = (
        _mean(network, images.to(device), mean, std, crops, split.resolution, batch_size)
        for images in _whole(split, max(1, batch_size // crops))
    )
    return _gathered(means, len(split), f"{crops} crops")


def _gathered(parts: Iterator[Tensor], images: int, what: str) -> Tensor:
    kept: list[Tensor] = []
    with bar(what, images) as waiting:
        for part in parts:
            kept.append(part)
            waiting.update(len(part))
    return torch.cat(kept)


def _whole(split: Split | FolderSplit, size: int) -> Iterator[Tensor]:
    """Images as they are, uint8 [B, C, H, W]: of a folder one by one, for each has a size of its own."""
    if isinstance(split, Split):
        yield from split.images.split(size)
        return
    for path in split.paths:
        yield torch.from_numpy(np.array(open_image(path))).permute(2, 0, 1).unsqueeze(0)


def _mean(
    network: nn.Module, images: Tensor, mean: Tensor, std: Tensor, crops: int, resolution: int, batch_size: int
) -> Tensor:
    found = crops_of(crops, height=images.shape[2], width=images.shape[3], resolution=resolution)
    total = torch.zeros((), dtype=torch.float64)
    waiting: list[tuple[Tensor, int]] = []
    # Different crops go through the network together, as many as make a batch.
    together = max(1, batch_size // len(images))
    for place, (crop, count) in enumerate(cut(images, found, resolution), start=1):
        waiting.append((((crop - mean) / std).expand(-1, 3, -1, -1), count))
        if len(waiting) == together or place == len(found):
            told = _softmax(network, torch.cat([each for each, _ in waiting])).view(len(waiting), len(images), -1)
            weights = torch.tensor([times for _, times in waiting], dtype=torch.float64).view(-1, 1, 1)
            total = total + (told * weights).sum(dim=0)
            waiting = []
    return total / crops


def _softmax(network: nn.Module, images: Tensor) -> Tensor:
    return network(images).double().softmax(dim=1).cpu()


def _resize(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear, antialiased; the images themselves where they have that size."""
    if tuple(images.shape[2:]) == size:
        return images
    return F.interpolate(images, size=size, mode="bilinear", align_corners=False, antialias=True)
