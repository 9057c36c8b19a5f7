"""Folding batch-norm changes no output, and leaves the network that was folded as it was."""

from random import Random

import pytest
import torch

from nas.network.build import build
from nas.network.fold import folded
from nas.network.layers import Convolution
from strategies import random_architecture


@pytest.mark.parametrize("seed", range(6))
def test_outputs_stay(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    architecture = random_architecture(Random(seed))
    network = build(architecture, classes=5, resolution=33, generator=generator, plan="plain")
    x = torch.randn(4, 3, *(33,) * architecture.dims, generator=generator)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, Convolution) and module.norm is not None:  # As after training: nothing is neutral.
                for tensor in (module.norm.weight, module.norm.running_var):
                    tensor.uniform_(0.5, 2.0, generator=generator)
                for tensor in (module.norm.bias, module.norm.running_mean):
                    tensor.uniform_(-0.5, 0.5, generator=generator)
        network.eval()
        before = network(x)
        small = folded(network)
        after = small(x)
    assert torch.allclose(before, after, rtol=1e-4, atol=1e-5)
    assert not any("norm" in name for name in small.state_dict())
    assert torch.equal(network(x), before)
