"""One training step: loss, gradients, and what to do when memory runs out."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nas.errors import TrialError
from nas.training.config import TrainingConfig
from nas.training.memory import out_of_memory


def training_loss(output: Tensor | tuple[Tensor, tuple[Tensor, ...]], labels: Tensor, config: TrainingConfig) -> Tensor:
    """Sum over the batch of the cross-entropies of logits (and, by their weight, of auxiliary logits), a scalar.

    Labels are classes, int64 [B], or shares of the classes, float32 [B, classes].
    """
    logits, heads = output if isinstance(output, tuple) else (output, ())
    loss = F.cross_entropy(logits.float(), labels, reduction="sum", label_smoothing=config.label_smoothing)
    for head in heads:
        extra = F.cross_entropy(head.float(), labels, reduction="sum", label_smoothing=config.label_smoothing)
        loss = loss + config.auxiliary_weight * extra
    return loss


class Stepper:
    """Computes gradients of the mean loss of a batch.

    Where memory runs out the batch is cut into two micro-batches, once and for all later steps; their gradients add up
    to the same (batch-norm then normalises over the micro-batch). A second time is an error.

    Attributes:
        parts: micro-batches a batch is cut into from now on, 1 or 2.
    """

    def __init__(self, network: nn.Module, config: TrainingConfig, dtype: torch.dtype, *, may_cut: bool = True) -> None:
        self.network = network
        self.config = config
        self.dtype = dtype
        self.parts = 1
        self._may_cut = may_cut

    def gradients(self, images: Tensor, labels: Tensor) -> Tensor:
        """Leave the gradients in the parameters, which must have none; returns the summed loss, detached.

        Raises:
            TrialError: memory runs out even with half of the batch.
        """
        try:
            return self._gradients(images, labels)
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            if self.parts > 1 or len(labels) < 4 or not self._may_cut:
                raise TrialError(
                    f"memory ran out with micro-batches of {-(-len(labels) // self.parts)} images; "
                    f"`batch_size` must be below {self.config.batch_size} here."
                ) from error
        # Outside of the handler: the exception's frames would keep the tensors alive.
        self.parts = 2
        for parameter in self.network.parameters():
            parameter.grad = None
        if images.device.type == "cuda":
            torch.cuda.empty_cache()
        return self.gradients(images, labels)

    def _gradients(self, images: Tensor, labels: Tensor) -> Tensor:
        size = -(-len(labels) // self.parts)
        total = torch.zeros((), device=labels.device)
        for part, targets in zip(images.split(size), labels.split(size), strict=True):
            with torch.autocast(images.device.type, self.dtype, enabled=self.dtype != torch.float32):
                output = self.network(part)
            loss = training_loss(output, targets, self.config)
            (loss / len(labels)).backward()
            total += loss.detach()
        return total
