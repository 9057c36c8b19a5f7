"""Several processes that train one network together, each on its share of every batch."""

import torch
import torch.distributed
from torch import Tensor, nn

from nas.errors import TrialError
from nas.training.config import TrainingConfig


class Team:
    """The processes of torch's process group, or this process alone.

    Gradients are averaged over the processes by ``DistributedDataParallel``; with equal shares of a batch
    that is the gradient of the batch. On GPUs batch-norm takes its statistics over the whole batch
    (``SyncBatchNorm``); on the CPU, where torch has none, over each process's share.

    Attributes:
        rank: of this process, from 0.
        size: how many processes.
    """

    def __init__(self, *, rank: int = 0, size: int = 1) -> None:
        self.rank = rank
        self.size = size

    def check(self, config: TrainingConfig, images: int) -> None:
        """Hold a recipe to the number of processes.

        Raises:
            TrialError: batches that cannot be shared equally.
        """
        if config.batch_size % self.size or (self.size > 1 and images < config.batch_size):
            raise TrialError(
                "`batch_size` must be a multiple of the number of workers and at most the number of images, "
                f"but got batch_size={config.batch_size}, workers={self.size}, images={images}."
            )

    def prepare(self, network: nn.Module) -> nn.Module:
        """The network with batch-norm over all processes, where that is possible; its state keeps its names."""
        on_gpu = any(parameter.device.type == "cuda" for parameter in network.parameters())
        return nn.SyncBatchNorm.convert_sync_batchnorm(network) if self.size > 1 and on_gpu else network

    def trained(self, network: nn.Module) -> nn.Module:
        """What forward and backward are called on: leaves averaged gradients in the network's parameters.

        Buffers go their own way until :meth:`agree`: training does not read them.
        """
        if self.size == 1:
            return network
        return nn.parallel.DistributedDataParallel(network, broadcast_buffers=False)

    def sum(self, value: Tensor) -> Tensor:
        """The sum of a tensor over the processes; the same object where there is one."""
        if self.size > 1:
            torch.distributed.all_reduce(value)
        return value

    def agree(self, network: nn.Module) -> None:
        """Give every process the buffers (statistics of batch-norm) of the first."""
        if self.size > 1:
            for buffer in network.buffers():
                torch.distributed.broadcast(buffer, src=0)


ALONE = Team()
"""This process."""
