"""Batches that batch-norm can train on: over one image it has no variance where a map has one pixel. No torch."""

from collections.abc import Iterable

from nas.errors import TrialError
from nas.operations import Conv, Operation
from nas.training.config import TrainingConfig


def check_batch(
    operations: Iterable[Operation], config: TrainingConfig, *, images: int | None = None, workers: int = 1
) -> None:
    """Hold a recipe to what batch-norm needs: torch itself would say so in the midst of the first step.

    All batches of an epoch are of one size: a last one that is not full is left out, or is the only one. Where memory
    runs out, none is cut into micro-batches of one image.

    Args:
        operations: of the network.
        config: how it is trained.
        images: in the training part, where it is known.
        workers: processes that share a batch, each with statistics of its own.

    Raises:
        TrialError: a batch, or a worker's share of it, is one image.
    """
    alone = next((each.name for each in operations if _is_normalised(each) and each.out_size == 1), None)
    if alone is None:
        return
    told = f"and {alone} has one value a channel of each image."
    if config.batch_size == workers:
        if workers == 1:
            raise TrialError(f"`training.batch_size >= 2` must hold with batch-norm, but got 1, {told}")
        raise TrialError(
            "`training.batch_size >= 2 * workers` must hold with batch-norm, "
            f"but got training.batch_size={config.batch_size}, workers={workers}, {told}"
        )
    counts = {"training images": images, "training.images_per_epoch": config.images_per_epoch}
    for name, count in counts.items():
        if count == 1:
            raise TrialError(f"`{name} >= 2` must hold with batch-norm, but got 1, {told}")


def _is_normalised(operation: Operation) -> bool:
    return isinstance(operation, Conv) and operation.batch_norm
