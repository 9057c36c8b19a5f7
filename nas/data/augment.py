"""Random changes of training images, a whole batch at a time.

What happens to an image depends on (seed, epoch, index of the image) and on nothing else: see `nas.data.draws`. Each
kind of change has draws of its own, so that switching one on leaves the others as they were.

Order: crop, then flip and shift, then photometric changes, then erasing.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from nas.data.config import AugmentConfig
from nas.data.draws import keys, mix, uniform
from nas.data.send import send
from nas.errors import DataError

_PURPOSE = 0xA06  # keeps these draws apart from those of shuffling and splitting
_CROP = (0, 1, 2, 3)
_FLIP_AND_SHIFT = (4, 5, 6)
_PHOTOMETRIC = (7, 8, 9)
_ERASE = (10, 11, 12, 13, 14)
_NOISE = 15

CROP_ASPECT = (3 / 4, 4 / 3)
"""Least and largest width to height of a random crop (Szegedy et al. 2014, section 6)."""
ERASE_ASPECT = (0.3, 1 / 0.3)
"""Least and largest height to width of an erased rectangle (Zhong et al. 2017, Random Erasing)."""


def augment(
    images: Tensor,
    config: AugmentConfig,
    *,
    seed: int,
    epoch: int,
    indices: Tensor,
    mean: tuple[float, ...] = (0.5, 0.5, 0.5),
) -> Tensor:
    """Augment a batch.

    Args:
        images: [B, C, H, W], C = 1 or 3, in 0..255, uint8 or floating; not written to. Series [B, C, steps] can be
            mirrored and shifted along time, and made louder; they are neither cropped nor erased.
        config: what to do.
        seed: of the training run.
        epoch: number of the epoch.
        indices: index of each image in its split, int64 [B].
        mean: of the data set, scaled to 0..1, for erasing and around series.

    Returns:
        Images of the same shape, in 0..255; uint8 stays uint8 unless crops or photometric changes make it float32.

    Raises:
        DataError: a shift does not fit the images, or series are to be cropped or erased.
    """
    if len(images) == 0:  # a rank may get nothing of a short last batch
        return images
    check_augment(config, dims=images.dim() - 2, side=images.shape[-1])
    if images.dim() == 3:
        rows = augment(images.unsqueeze(2), config, seed=seed, epoch=epoch, indices=indices, mean=mean)
        return rows.squeeze(2)
    # Drawn where the indices are, and sent: a GPU that has to wait for numbers from this side stands still.
    key = sample_keys(seed, epoch, indices)
    if config.resized_crop:
        images = _resized_crop(images, config, key)
    if config.flip or config.shift_pixels:
        images = _flip_and_shift(images, config, key, mean)
    if config.photometric:
        images = _photometric(images, config, key)
    if config.erase_probability > 0:
        images = _erase(images, config, key, mean)
    return images


def check_augment(config: AugmentConfig, *, dims: int, side: int) -> None:
    """Hold changes to the data: shifts to their side in pixels or steps, and series are neither cropped nor cut.

    Raises:
        DataError: they are to be, or moved out of sight.
    """
    if config.shift_pixels >= side:
        raise DataError(f"`shift_pixels` must be below the image's side, {side}, but got {config.shift_pixels}.")
    for wrong in ("resized_crop", "erase_probability", "cutmix_alpha"):
        if dims == 1 and getattr(config, wrong):
            raise DataError(f"`{wrong}` must be off for series, but got {wrong}={getattr(config, wrong)}.")


def sample_keys(seed: int, epoch: int, indices: Tensor) -> Tensor:
    """The key of each sample's draws in an epoch; int64 [B]."""
    return keys(_PURPOSE, seed, epoch, indices)


def crop_boxes(config: AugmentConfig, key: Tensor, heights: Tensor, widths: Tensor) -> tuple[Tensor, ...]:
    """Boxes of `resized_crop` in pixels, not rounded: top, left, height, width, each float32 [B].

    The area is uniform, the logarithm of the aspect ratio is uniform over the part of 3/4 to 4/3 in which the box fits
    into the image; so nothing is drawn again. Where no such ratio fits, the box is the nearest that does.

    Args:
        config: its `crop_area` counts.
        key: of each image, from `sample_keys`, int64 [B].
        heights: of the images in pixels, float [B].
        widths: as `heights`.
    """
    draw = send(uniform(key, _CROP), heights.device)
    low, high = config.crop_area
    share = low + (high - low) * draw[:, 0]
    # width = sqrt(share * H * W * ratio) <= W and height = sqrt(share * H * W / ratio) <= H
    least = torch.log(share * widths / heights).clamp(min=math.log(CROP_ASPECT[0]))
    largest = torch.log(widths / (share * heights)).clamp(max=math.log(CROP_ASPECT[1]))
    ratio = torch.exp(least + (largest - least).clamp(min=0.0) * draw[:, 1])
    ratio = torch.minimum(ratio, widths / (share * heights))  # where an upright image has no room for 3/4
    area = share * heights * widths
    height = torch.minimum((area / ratio).sqrt(), heights)
    width = torch.minimum((area * ratio).sqrt(), widths)
    return (heights - height) * draw[:, 2], (widths - width) * draw[:, 3], height, width


def _resized_crop(images: Tensor, config: AugmentConfig, key: Tensor) -> Tensor:
    """Cut a box out of each image and resize it bilinearly to the full size."""
    size, _, rows, columns = images.shape
    heights = torch.full((size,), float(rows), device=images.device)
    widths = torch.full((size,), float(columns), device=images.device)
    top, left, height, width = crop_boxes(config, key, heights, widths)
    theta = torch.zeros(size, 2, 3, device=images.device)
    # In grid_sample's coordinates the image spans -1 to 1, edge to edge.
    theta[:, 0, 0], theta[:, 0, 2] = width / columns, (2 * left + width) / columns - 1
    theta[:, 1, 1], theta[:, 1, 2] = height / rows, (2 * top + height) / rows - 1
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images.float(), grid, mode="bilinear", padding_mode="border", align_corners=False)


def _flip_and_shift(images: Tensor, config: AugmentConfig, key: Tensor, mean: tuple[float, ...]) -> Tensor:
    """Mirror and move each image by one gather."""
    size, channels, rows, columns = images.shape
    reach = config.shift_pixels
    down = reach if rows > 1 else 0  # A series has one row, and moves along time only.
    draw = send(uniform(key, _FLIP_AND_SHIFT), images.device)
    source = images
    if reach:
        border = (reach, reach, down, down)
        if config.shift_padding == "zero":
            # Black around an image; around a series its rest, which is no byte 0 where values are of both signs.
            source = F.pad(images, border, value=0 if rows > 1 else round(255 * mean[0]))
        else:  # reflection is not implemented for uint8
            source = F.pad(images.float(), border, mode="reflect").to(images.dtype)
    column = torch.arange(columns, device=images.device).expand(size, columns)
    if config.flip:
        column = torch.where(draw[:, :1] < 0.5, columns - 1 - column, column)
    row = torch.arange(rows, device=images.device).expand(size, rows)
    if reach:
        shifts = (draw[:, 1:] * (2 * reach + 1)).long()  # in float32 the product stays below 2 reach + 1
        row, column = row + shifts[:, :1] * (rows > 1), column + shifts[:, 1:]
    places = (row * source.shape[-1]).unsqueeze(2) + column.unsqueeze(1)
    places = places.view(size, 1, -1).expand(size, channels, -1)
    return source.reshape(size, channels, -1).gather(2, places).view(images.shape)


def _photometric(images: Tensor, config: AugmentConfig, key: Tensor) -> Tensor:
    """Brightness, contrast about the image's mean, saturation about each pixel's grey, in that order (Howard 2013)."""
    strength = config.photometric_strength
    draw = send(uniform(key, _PHOTOMETRIC), images.device)
    factors = (1.0 - strength + 2.0 * strength * draw).view(-1, 3, 1, 1)
    # A series has no brightness: contrast about its mean is its loudness.
    changed = (images.float() * (factors[:, 0:1] if images.shape[2] > 1 else 1.0)).clamp_(0.0, 255.0)
    grey = _grey(changed).mean(dim=(1, 2, 3), keepdim=True)
    changed = torch.lerp(grey, changed, factors[:, 1:2]).clamp_(0.0, 255.0)
    if images.shape[1] == 3:
        changed = torch.lerp(_grey(changed), changed, factors[:, 2:3]).clamp_(0.0, 255.0)
    return changed


def _grey(images: Tensor) -> Tensor:
    """Luma of ITU-R BT.601, [B, 1, H, W]."""
    if images.shape[1] == 1:
        return images
    weights = send(torch.tensor((0.299, 0.587, 0.114)), images.device).view(1, 3, 1, 1)
    return (images * weights).sum(dim=1, keepdim=True)


def _erase(images: Tensor, config: AugmentConfig, key: Tensor, mean: tuple[float, ...]) -> Tensor:
    """Erase a rectangle of some images (Zhong et al. 2017); one that would not fit is cut to the image's side."""
    _, channels, rows, columns = images.shape
    draw = send(uniform(key, _ERASE), images.device)
    low, high = config.erase_area
    area = (low + (high - low) * draw[:, 1]) * rows * columns
    least, largest = math.log(ERASE_ASPECT[0]), math.log(ERASE_ASPECT[1])
    aspect = torch.exp(least + (largest - least) * draw[:, 2])
    height = (area * aspect).sqrt().round().clamp(1, rows)
    width = (area / aspect).sqrt().round().clamp(1, columns)
    height = torch.where(draw[:, 0] < config.erase_probability, height, 0.0)
    top = (draw[:, 3] * (rows - height + 1)).floor()
    left = (draw[:, 4] * (columns - width + 1)).floor()
    row, column = torch.arange(rows, device=images.device), torch.arange(columns, device=images.device)
    in_rows = (row >= top[:, None]) & (row < (top + height)[:, None])
    in_columns = (column >= left[:, None]) & (column < (left + width)[:, None])
    mask = (in_rows[:, :, None] & in_columns[:, None, :]).unsqueeze(1)
    if config.erase_fill == "mean":
        fill = send(torch.tensor(mean[:channels]), images.device).view(1, channels, 1, 1) * 255.0
        return torch.where(mask, fill.round().to(images.dtype), images)
    image, _, where_row, where_column = mask.nonzero(as_tuple=True)
    place = (where_row * columns + where_column).unsqueeze(1) * channels + torch.arange(channels, device=images.device)
    noise = uniform(mix(send(key, images.device) + _NOISE)[image].unsqueeze(1) + mix(place), 1).squeeze(-1)
    erased = images.clone()
    erased[image, :, where_row, where_column] = (noise * 256.0).floor().to(images.dtype)
    return erased
