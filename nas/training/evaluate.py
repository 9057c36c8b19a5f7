"""Loss and accuracy of a network on a split."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nas.data.batches import batches
from nas.data.splits import FolderSplit, Split
from nas.training.memory import within_memory
from nas.training.team import ALONE, Team

BATCH_SIZE = 256
"""Of evaluation: the fastest for networks with large maps, and near it for the others (benchmarks/README.md)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evaluation:
    """How a network does on a split."""

    loss: float
    """Mean cross-entropy, without smoothing."""
    accuracy: float
    """Share of images whose largest logit is that of their label."""
    images: int
    logits: Tensor | None
    """float32 [N, classes] on the CPU, in the order of the split, where they were asked for."""


@torch.inference_mode()
def evaluate(
    network: nn.Module,
    split: Split | FolderSplit,
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
    batch_size: int = BATCH_SIZE,
    logits: bool = False,
    workers: int = 0,
    team: Team = ALONE,
) -> Evaluation:
    """Evaluate a network in inference mode; it is left in the mode it was in.

    Args:
        network: on ``device``, in float32.
        split: what to evaluate on, whole, in its order.
        device: where the network is.
        dtype: of the arithmetic, see ``nas.training.device.pick_dtype``.
        batch_size: images at a time, fewer where memory runs out; it changes nothing but speed and memory.
        logits: keep them.
        workers: processes that decode, for image folders.
        team: processes that evaluate together, each a share of every batch; logits are of the own share.

    Raises:
        TrialError: memory runs out with two images, or in a team.
    """
    device = torch.device(device)
    was_training = network.training
    network.eval()

    def work(images: int) -> tuple[Tensor, Tensor, list[Tensor]]:
        stream = batches(
            split,
            batch_size=images * team.size,
            device=device,
            dtype=dtype,
            rank=team.rank,
            world_size=team.size,
            workers=workers,
        )
        return _passed(network, stream, device, dtype, logits=logits)

    try:
        # A team shares every batch, so that all must agree on how large it is.
        loss, right, kept = within_memory(work, batch_size, what="evaluation", may_cut=team.size == 1)
    finally:
        network.train(was_training)
    loss, right = team.sum(loss), team.sum(right)
    count = len(split)
    return Evaluation(
        loss=loss.item() / count,
        accuracy=right.item() / count,
        images=count,
        logits=torch.cat(kept) if logits else None,
    )


def _passed(
    network: nn.Module,
    stream: Iterable[tuple[Tensor, Tensor]],
    device: torch.device,
    dtype: torch.dtype,
    *,
    logits: bool,
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Summed loss, right answers, and the logits of every batch if they are asked for."""
    kept: list[Tensor] = []
    loss = torch.zeros((), dtype=torch.float64, device=device)
    right = torch.zeros((), dtype=torch.int64, device=device)
    for images, labels in stream:
        if not len(labels):
            continue  # A last batch smaller than the team.
        with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
            output = network(images)
        output = output.float()
        loss += F.cross_entropy(output, labels, reduction="sum")
        right += (output.argmax(dim=1) == labels).sum()
        if logits:
            kept.append(output.cpu())
    return loss, right, kept
