"""Folded networks give the outputs of the original."""

from random import Random

import pytest
import torch

from nas.network.build import build
from nas.network.fold import fold
from nas.network.network import Network, PlanName
from nas.presets import GOOGLENET, TORCHVISION
from strategies import random_architecture


def lived(network: Network) -> Network:
    """With statistics, scales and shifts that are not the initial ones."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if name.endswith(("norm.weight", "running_var")):
                tensor.uniform_(0.5, 2.0, generator=generator)
            elif name.endswith(("bias", "running_mean")):
                tensor.normal_(0.0, 0.2, generator=generator)
    return network.eval()


def check(network: Network, x: torch.Tensor) -> None:
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    folded = fold(network)
    with torch.no_grad():
        expected = network(x)
        torch.testing.assert_close(folded(x), expected, rtol=1e-5, atol=1e-5)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert not any("norm" in name for name in folded.state_dict())


@pytest.mark.parametrize("plan", ["plain", "fast"])
def test_random_networks(plan: PlanName) -> None:
    for seed in range(20):
        architecture = random_architecture(Random(seed))
        generator = torch.Generator().manual_seed(seed)
        network = lived(build(architecture, classes=4, resolution=32, generator=generator, plan=plan))
        check(network, torch.randn(2, 3, *(32,) * architecture.dims, generator=generator))


def test_presets() -> None:
    for preset in (GOOGLENET, TORCHVISION):
        generator = torch.Generator().manual_seed(0)
        network = lived(build(preset, classes=10, resolution=64, generator=generator))
        check(network, torch.randn(2, 3, 64, 64, generator=generator))
