"""The cost, which is read off data, against what torch and fvcore count on the built network."""

from random import Random

import pytest
import torch
from torch_counts import check_counts, fvcore_macs, on_meta

from nas.architecture import Architecture
from nas.cost import cost
from nas.network.network import Network, module_name
from nas.operations import lower
from nas.presets import PRESETS
from strategies import RESOLUTIONS, random_architecture


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
@pytest.mark.parametrize("resolution", [32, 96, 224])
def test_presets(preset: Architecture, resolution: int) -> None:
    check_counts(preset, resolution, 1000)


@pytest.mark.parametrize("dims", [1, 2])
@pytest.mark.parametrize("part", range(3))
def test_random_architectures(dims: int, part: int) -> None:
    """Three hundred networks on images, sixty on series."""
    for seed in range(part, 300 if dims == 2 else 60, 3):
        random = Random(seed)
        check_counts(random_architecture(random, dims), random.choice(RESOLUTIONS), random.randint(1, 20))


def test_every_shape_is_the_lowered_one() -> None:
    """In training, so that auxiliary heads are seen too."""
    for seed in range(60):
        random = Random(seed)
        architecture, resolution = random_architecture(random), random.choice(RESOLUTIONS)
        network = on_meta(architecture, resolution, 4, auxiliary=True).train()
        seen: dict[str, tuple[int, ...]] = {}
        for name, module in network.named_children():
            module.register_forward_hook(
                lambda _module, _x, y, name=name, seen=seen: seen.update({name: tuple(y.shape[1:])})
            )
        network(torch.empty(2, 3, *(resolution,) * architecture.dims, device="meta"))
        assert len(seen) == len(network.lowered.operations)
        for operation in network.lowered.operations:
            channels, *sizes = seen[module_name(operation.name)]
            assert channels == operation.out_channels
            assert set(sizes) <= {operation.out_size}


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_presets_with_fvcore(preset: Architecture) -> None:
    network = Network(lower(preset, resolution=32, classes=10))
    assert fvcore_macs(network, 32, 2) == cost(preset, resolution=32, classes=10).macs


def test_random_architectures_with_fvcore() -> None:
    for seed in range(30):
        random = Random(seed)
        architecture, resolution = random_architecture(random), random.choice(RESOLUTIONS)
        network = Network(lower(architecture, resolution=resolution, classes=10))
        assert (
            fvcore_macs(network, resolution, architecture.dims)
            == cost(architecture, resolution=resolution, classes=10).macs
        ), seed
