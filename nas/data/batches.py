"""Batches for training and evaluation: normalised, 3 channels, on the device, in an order that seed and epoch fix."""

from collections.abc import Iterator

import torch
from torch import Tensor

from nas.data.augment import augment as augmented
from nas.data.config import AugmentConfig
from nas.data.draws import permutation
from nas.data.folder import decoded_augment, decoded_batches
from nas.data.mixing import mixed
from nas.data.send import send
from nas.data.splits import Channels, FolderSplit, Split
from nas.errors import DataError

_PURPOSE = 0x0DE4  # keeps the order's draws apart from those of splitting and augmentation


def batches(
    split: Split | FolderSplit,
    *,
    batch_size: int,
    seed: int = 0,
    epoch: int = 0,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
    augment: AugmentConfig | None = None,
    shuffle: bool = False,
    limit: int | None = None,
    drop_last: bool = False,
    rank: int = 0,
    world_size: int = 1,
    workers: int = 0,
    classes: int = 0,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Iterate once over a split.

    Args:
        split: of a loaded data set.
        batch_size: images a batch, over all ranks together.
        seed: with `epoch`, fixes the order and the augmentation.
        epoch: number of the epoch.
        device: where the batches go. Images that live elsewhere are sent as uint8, and augmented and normalised there.
        dtype: floating type of the images.
        augment: random changes; None for evaluation.
        shuffle: random order; otherwise the split's own.
        limit: images an epoch. Shuffled, successive epochs take successive pieces of one random order until it is used
            up (of a size that the limit does not divide, the remainder waits for the next order); not shuffled, they
            are the same images, evenly spaced.
        drop_last: leave out a last batch that is not full.
        rank: which share of every batch this process gets.
        world_size: how many processes share a batch, in contiguous pieces.
        workers: processes that decode; they matter for image folders only.
        classes: how many there are, for an `augment` that mixes images.

    Returns:
        An iterator over images [B, 3, H, W], channels_last (series [B, 3, steps]), normalised by the split's mean and
        std, and labels, int64 [B]; where `augment` mixes images, shares of the classes, float32 [B, classes].

    Raises:
        DataError: an argument is out of range, or an image cannot be decoded.
    """
    if batch_size < 1 or batch_size % world_size or not 0 <= rank < world_size:
        raise DataError(
            "`batch_size >= 1`, `0 <= rank < world_size` and batch_size divisible by world_size must hold, "
            f"but got batch_size={batch_size}, rank={rank}, world_size={world_size}."
        )
    if augment is not None and augment.mixes and classes < 1:
        raise DataError(f"`classes` must be given where images are mixed, but got classes={classes}.")
    order = epoch_order(len(split), seed=seed, epoch=epoch, shuffle=shuffle, limit=limit)
    pieces = _pieces(order, batch_size, rank, world_size, drop_last)
    place, changes = torch.device(device), augment
    scale, offset = _normalisation(split.mean, split.std, place)
    if isinstance(split, FolderSplit):
        source = decoded_batches(split, pieces, seed=seed, epoch=epoch, augment=augment, workers=workers)
        changes = None if augment is None else decoded_augment(augment)
    else:
        source = _gathered(split, pieces)

    def stream() -> Iterator[tuple[Tensor, Tensor]]:
        for indices, stored, labels in source:
            images, targets = send(stored, place), send(labels, place)
            if changes is not None:
                images = augmented(images, changes, seed=seed, epoch=epoch, indices=indices, mean=split.mean)
            if changes is not None and changes.mixes:
                images, targets = mixed(
                    images, targets, changes, seed=seed, epoch=epoch, indices=indices, classes=classes
                )
            yield _finish(images, scale, offset, dtype), targets

    return stream()  # A generator of its own, so that arguments are refused here and not at the first batch.


def epoch_order(size: int, *, seed: int, epoch: int, shuffle: bool, limit: int | None = None) -> Tensor:
    """Indices of an epoch's images in their order; int64 [min(size, limit)]. See `batches`."""
    if limit is not None and limit < 1:
        raise DataError(f"`limit` must be at least 1 image an epoch, but got {limit}.")
    count = size if limit is None else min(limit, size)
    if count == 0:
        return torch.zeros(0, dtype=torch.int64)
    if not shuffle:
        return torch.arange(count) * size // count
    epochs_a_pass = size // count
    place = epoch % epochs_a_pass * count
    return permutation(size, _PURPOSE, seed, epoch // epochs_a_pass)[place : place + count]


def batch_count(size: int, *, batch_size: int, limit: int | None = None, drop_last: bool = False) -> int:
    """How many batches an epoch over `size` images has: the length of a schedule."""
    count = size if limit is None else min(limit, size)
    return count // batch_size if drop_last else -(-count // batch_size)


def _pieces(order: Tensor, batch_size: int, rank: int, world_size: int, drop_last: bool) -> list[Tensor]:
    """This rank's indices of each batch."""
    count = batch_count(len(order), batch_size=batch_size, drop_last=drop_last)
    whole = order[: count * batch_size].split(batch_size) if count else ()
    return [batch[len(batch) * rank // world_size : len(batch) * (rank + 1) // world_size] for batch in whole]


def _gathered(split: Split, pieces: list[Tensor]) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Indices, images and labels of each batch, where the split lives."""
    for piece in pieces:
        indices = piece.to(split.images.device)
        yield indices, split.images.index_select(0, indices), split.labels.index_select(0, indices)


def _normalisation(mean: Channels, std: Channels, device: torch.device) -> tuple[Tensor, Tensor]:
    """Scale and offset [3] such that value * scale + offset is (value / 255 - mean) / std."""
    means, stds = torch.tensor(mean, dtype=torch.float64), torch.tensor(std, dtype=torch.float64)
    return (1.0 / (255.0 * stds)).float().to(device), (-means / stds).float().to(device)


def _finish(images: Tensor, scale: Tensor, offset: Tensor, dtype: torch.dtype) -> Tensor:
    """Normalise [B, C, H, W] in float32, convert, and expand grey to 3 channels; images are channels_last."""
    if images.dim() == 3:  # Series have one memory format.
        return (images.to(torch.float32) * scale[:, None]).add_(offset[:, None]).to(dtype)
    if images.shape[1] == 1:  # one channel through all the arithmetic, copied to three at the very end
        grey = images.to(torch.float32).mul_(scale[0]).add_(offset[0]).to(dtype)
        return grey.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
    # The transposition is cheapest while the pixels are still bytes.
    pixels = images.permute(0, 2, 3, 1).contiguous().to(torch.float32)
    return pixels.mul_(scale).add_(offset).to(dtype).permute(0, 3, 1, 2)
