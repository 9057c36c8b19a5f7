"""Built networks: shapes, seeds, memory formats, resolutions, initial weights, training."""

import math
from copy import deepcopy
from dataclasses import replace
from random import Random

import pytest
import torch
import torch.nn.functional as F

from nas.architecture import Architecture, AuxiliaryHead, Cell, Reduction, Stem
from nas.errors import ArchitectureError, ModelError
from nas.network.build import build
from nas.network.network import Network
from nas.presets import GOOGLENET, TORCHVISION
from strategies import RESOLUTIONS, random_architecture

CELL = Cell(b1x1=8, b3x3_reduce=8, b3x3=16, b5x5_reduce=4, b5x5=8, pool_proj=8)
SMALL = Architecture(
    stem=Stem(kind="conv3x3", width=16),
    stages=((CELL, replace(CELL, shortcut=True, se=True, wide="dw5")), (replace(CELL, wide="3x3x2"),)),
    reductions=(Reduction(kind="conv", width=16),),
    auxiliary=(AuxiliaryHead(stage=0, cell=1, width=8, hidden=16),),
    dropout=0.0,
)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def small(architecture: Architecture = SMALL, seed: int = 0, auxiliary: bool = False) -> Network:
    return build(architecture, classes=5, resolution=16, auxiliary=auxiliary, generator=seeded(seed))


def test_outputs_in_training_and_inference() -> None:
    network = small(auxiliary=True)
    x = torch.randn(3, 3, 16, 16)
    logits, heads = network.train()(x)
    assert logits.shape == (3, 5)
    assert [head.shape for head in heads] == [(3, 5)]
    assert network.eval()(x).shape == (3, 5)
    assert small().train()(x).shape == (3, 5)
    assert [tuple(feature.shape) for feature in network.features(x)] == [(3, 40, 16, 16), (3, 40, 8, 8)]


def test_series() -> None:
    network = small(replace(SMALL, dims=1), auxiliary=True)
    logits, heads = network.train()(torch.randn(3, 3, 16))
    assert logits.shape == heads[0].shape == (3, 5)


def test_the_seed_is_an_argument() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    one, same, other = small(seed=1), small(seed=1), small(seed=2)
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), same.state_dict().values(), strict=True))
    assert not torch.equal(one.linear.linear.weight, other.linear.linear.weight)  # type: ignore[union-attr]


def test_the_trunk_works_at_other_resolutions() -> None:
    network = small(auxiliary=True)
    x = torch.randn(2, 3, 33, 20)
    assert network.eval()(x).shape == (2, 5)
    with pytest.raises(ModelError, match=r"built for, 16, but got resolution=\(33, 20\)\.$"):
        network.train()(x)
    heads = (replace(SMALL.auxiliary[0], pool="adaptive"),)
    assert small(replace(SMALL, auxiliary=heads), auxiliary=True).train()(x)[1][0].shape == (2, 5)
    with pytest.raises(ArchitectureError, match="the resolution is too low"):
        build(GOOGLENET, classes=10, resolution=16, generator=seeded())


def test_memory_format_does_not_matter() -> None:
    network = small().eval()
    x = torch.randn(2, 3, 16, 16)
    with torch.no_grad():
        expected = network(x)
        got = deepcopy(network).to(memory_format=torch.channels_last)(x.to(memory_format=torch.channels_last))
    torch.testing.assert_close(got, expected, rtol=0.0, atol=1e-5)


def test_a_copy_is_another_network() -> None:
    """As averages of the weights need it."""
    network = small().eval()
    twin = deepcopy(network)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.zero_()
        assert twin(torch.randn(1, 3, 16, 16)).abs().max() == 0.0
        assert network(torch.randn(1, 3, 16, 16)).abs().max() > 0.0


def test_every_random_network_trains_one_step() -> None:
    for seed in range(30):
        random = Random(seed)
        architecture, resolution = random_architecture(random), random.choice(RESOLUTIONS[:3])
        network = build(architecture, classes=3, resolution=resolution, auxiliary=True, generator=seeded(seed))
        x = torch.randn(4, 3, *(resolution,) * architecture.dims, generator=seeded(seed))
        out = network.train()(x)
        logits, heads = out if isinstance(out, tuple) else (out, ())
        assert len(heads) == len(architecture.auxiliary)
        loss = sum((F.cross_entropy(each, torch.tensor([0, 1, 2, 0])) for each in (logits, *heads)), torch.zeros(()))
        loss.backward()
        for name, parameter in network.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name


def spread(network: Network) -> list[float]:
    """Standard deviation of the output of every stage, on noise."""
    with torch.no_grad():
        features = network.train().features(torch.randn(4, 3, 32, 32, generator=seeded()))
    return [float(feature.std()) for feature in features]


@pytest.mark.parametrize("norm", ["batch", "none", "lrn"])
def test_the_signal_lives_at_the_start(norm: str) -> None:
    network = build(replace(GOOGLENET, norm=norm), classes=10, resolution=32, generator=seeded())  # type: ignore[arg-type]
    assert all(0.2 < value < 5.0 for value in spread(network)), spread(network)


@pytest.mark.parametrize("shortcut", [True, False])
@pytest.mark.parametrize("se", [True, False])
def test_the_signal_lives_in_deep_networks_without_norm(shortcut: bool, se: bool) -> None:
    cell = replace(CELL, shortcut=shortcut, se=se)
    deep = Architecture(
        stem=Stem(kind="conv3x3", width=40),
        stages=((cell,) * 10,) * 2,
        reductions=(Reduction(),),
        norm="none",
    )
    network = build(deep, classes=10, resolution=32, generator=seeded())
    assert all(0.1 < value < 30.0 for value in spread(network)), spread(network)


def test_a_shortcut_cell_starts_as_its_shortcut() -> None:
    for norm in ("batch", "none"):
        cells = (replace(CELL, shortcut=True), replace(CELL, shortcut=True, se=True))
        built = build(
            Architecture(stem=Stem(kind="conv3x3", width=40), stages=(cells,), reductions=(), norm=norm),  # type: ignore[arg-type]
            classes=2,
            resolution=8,
            generator=seeded(),
            plan="plain",  # For the hook.
        )
        seen: list[torch.Tensor] = []
        built.get_submodule("3a_add").register_forward_hook(
            lambda _module, inputs, y, seen=seen: seen.extend((inputs[0], y))
        )
        built.train()(torch.randn(2, 3, 8, 8))
        assert torch.equal(seen[0], seen[1])


@pytest.mark.parametrize(("norm", "rate"), [("batch", 0.05), ("none", 0.01)])
def test_it_learns(norm: str, rate: float) -> None:
    """Four fixed patterns under noise."""
    torch.manual_seed(0)
    network = small(replace(SMALL, norm=norm), auxiliary=True)  # type: ignore[arg-type]
    optimizer = torch.optim.SGD(network.parameters(), lr=rate, momentum=0.9)
    patterns = torch.randn(4, 3, 16, 16)
    labels = torch.arange(4).repeat(8)
    losses = []
    for _ in range(60):
        logits, heads = network.train()(patterns[labels] + 0.3 * torch.randn(32, 3, 16, 16))
        loss = F.cross_entropy(logits, labels) + 0.3 * F.cross_entropy(heads[0], labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(F.cross_entropy(logits.detach(), labels)))
    assert losses[0] == pytest.approx(math.log(5), abs=0.3)
    assert min(losses) < 0.3


def test_torchvision_preset_in_full() -> None:
    network = build(TORCHVISION, classes=1000, resolution=224, auxiliary=True, generator=seeded())
    # With the auxiliary heads, torchvision's network has 13,004,888 parameters.
    assert sum(parameter.numel() for parameter in network.parameters()) == 13_004_888
