"""Batch-norm statistics that belong to given weights.

The running statistics of training belong to weights that have since moved; for averaged weights they are wrong, and
early in training useless: averaging them, too, left networks at chance for their first epochs (benchmarks/README.md).
So they are taken anew, as Izmailov et al. do for averaged weights (arXiv 1803.05407, section 3.2).
"""

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from nas.data.batches import batches
from nas.data.splits import FolderSplit, Split
from nas.training.memory import within_memory

IMAGES = (256, 4096)
"""Least and most training images that statistics are taken over."""
PASSING = 1024
"""Enough after an epoch that is not the last."""
BATCH_SIZE = 256


def images_for(epoch: int, *, epochs: int, images: int) -> int:
    """How many images to take statistics over, after an epoch of so many ``images``.

    A forward pass costs a third of a training step: they stay at a twelfth of an epoch's cost, and at the end, where
    they belong to what is delivered, may be up to a hundredth of the whole training's.
    """
    passing = min(images // 4, PASSING)
    return max(passing, images * epochs // 40) if epoch == epochs else passing


@torch.no_grad()
def estimate_statistics(
    network: nn.Module,
    split: Split | FolderSplit,
    *,
    images: int,
    device: torch.device,
    dtype: torch.dtype,
    workers: int = 0,
) -> None:
    """Set the running statistics of batch-norm to the mean over some images; without batch-norm, do nothing.

    The images are drawn from the whole split, the same at every call, and not augmented: as those are on which a
    network is judged. They come in random order: an image folder lists one class after another, and the variance within
    batches of one class is not that of the images. Dropout draws from torch's generator. The network is left in the
    mode it was in.

    Args:
        network: on ``device``.
        split: the training images.
        images: how many of them to read, within ``IMAGES``.
        device: where the network is.
        dtype: of the arithmetic.
        workers: processes that decode, for image folders.

    Raises:
        TrialError: memory runs out with two images.
    """
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    if not norms:
        return
    was_training = network.training
    momenta = [norm.momentum for norm in norms]
    network.train()
    limit = min(max(images, IMAGES[0]), IMAGES[1], len(split))

    def work(size: int) -> None:
        # One image alone has no variance where maps have one pixel.
        whole = limit - 1 if limit > size and limit % size == 1 else limit
        stream = batches(split, batch_size=size, limit=whole, shuffle=True, device=device, dtype=dtype, workers=workers)
        seen = 0
        for pixels, _ in stream:
            seen += len(pixels)
            for norm in norms:
                # The running mean becomes the mean so far: the first batch's takes the place of all before it.
                norm.momentum = len(pixels) / seen
            with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
                network(pixels)

    try:
        within_memory(work, BATCH_SIZE, what="taking batch-norm's statistics")
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        network.train(was_training)
