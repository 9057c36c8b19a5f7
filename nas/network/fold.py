"""Fold batch-norm into the convolutions before it, for inference and export."""

from copy import deepcopy

import torch
from torch import nn

from nas.network.fast.function import Built
from nas.network.layers import Convolution
from nas.network.network import Network


@torch.no_grad()
def fold(network: Network) -> Network:
    """A copy for inference whose convolutions have a bias in place of batch-norm; the outputs are the same.

    It is in evaluation mode, of the plan of the original, and cannot be trained on; its state has other names.
    """
    folded = deepcopy(network).eval()
    for module in folded.children():
        if isinstance(module, Convolution) and module.norm is not None:
            norm, conv = module.norm, module.conv
            assert norm.running_mean is not None and norm.running_var is not None
            scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
            conv.weight.mul_(scale.view(-1, *(1,) * (conv.weight.dim() - 1)))
            conv.bias = nn.Parameter(norm.bias - norm.running_mean * scale)
            module.norm = None
    folded.built = Built.of(folded)
    return folded.requires_grad_(False)
