"""Training images mixed in pairs, and their labels with them: mixup (Zhang et al. 2017), CutMix (Yun et al. 2019).

Images 2k and 2k + 1 of a shuffled batch are a pair, each mixed into the other by a share of its own, and a last one
without a partner stays as it is. So pieces of a batch with even lengths are mixed as the whole batch is.
"""

import torch
import torch.nn.functional as F
from scipy.special import betaincinv
from torch import Tensor

from nas.data.config import AugmentConfig
from nas.data.draws import keys, uniform
from nas.data.send import send

_PURPOSE = 0x317A  # keeps these draws apart from those of augmentation and shuffling
_WHICH, _SHARE, _ROW, _COLUMN = range(4)


def mixed(
    images: Tensor, labels: Tensor, config: AugmentConfig, *, seed: int, epoch: int, indices: Tensor, classes: int
) -> tuple[Tensor, Tensor]:
    """Mix a batch by `config.mixup_alpha` and `config.cutmix_alpha`; where both are on, each image draws which.

    Args:
        images: [B, C, H, W] in 0..255, uint8 or floating, or series [B, C, steps]; not written to.
        labels: int64 [B], where the images are.
        config: what to do.
        seed: of the training run.
        epoch: number of the epoch.
        indices: index of each image in its split, int64 [B].
        classes: how many there are.

    Returns:
        Images of the same shape (uint8 becomes float32 by mixup), and the share of each class, float32 [B, classes].
    """
    places = torch.arange(len(images), device=images.device)
    partner = torch.where(places ^ 1 < len(images), places ^ 1, places)
    draw = uniform(keys(_PURPOSE, seed, epoch, indices.cpu()), 4)
    both = config.mixup_alpha > 0 and config.cutmix_alpha > 0
    cuts = draw[:, _WHICH] < (0.5 if both else float(config.cutmix_alpha > 0))
    kept = torch.ones(len(images))
    others = images[partner]
    if config.mixup_alpha > 0:
        kept = torch.where(cuts, 1.0, _beta(draw[:, _SHARE], config.mixup_alpha))
        images = torch.lerp(others.float(), images.float(), _beside(send(kept, images.device), images))
    if config.cutmix_alpha > 0:
        inside = _boxes(draw, cuts, _beta(draw[:, _SHARE], config.cutmix_alpha), images.shape[-2], images.shape[-1])
        kept = torch.where(cuts, 1.0 - inside.float().mean(dim=(1, 2)), kept)
        images = torch.where(send(inside, images.device).unsqueeze(1), others.to(images.dtype), images)
    own = F.one_hot(labels, classes).float()
    return images, torch.lerp(own[partner], own, send(kept, images.device).unsqueeze(1))


def _beta(draw: Tensor, alpha: float) -> Tensor:
    """Numbers from Beta(alpha, alpha) by way of uniform ones."""
    return torch.from_numpy(betaincinv(alpha, alpha, draw.double().numpy())).float()


def _beside(values: Tensor, images: Tensor) -> Tensor:
    return values.view(-1, *(1,) * (images.dim() - 1))


def _boxes(draw: Tensor, cuts: Tensor, kept: Tensor, rows: int, columns: int) -> Tensor:
    """The pixels that come from the partner, bool [B, rows, columns]: a box shaped as the image, cut at its edges."""
    side = torch.where(cuts, (1.0 - kept).clamp(min=0.0).sqrt(), 0.0)

    def within(size: int, centre: Tensor) -> Tensor:
        half, middle = (side * size / 2).unsqueeze(1), (centre * size).unsqueeze(1)
        place = torch.arange(size) + 0.5
        return (place >= middle - half) & (place < middle + half)

    return within(rows, draw[:, _ROW]).unsqueeze(2) & within(columns, draw[:, _COLUMN]).unsqueeze(1)
