"""Our googlenet-torchvision is torchvision's: same state, same outputs."""

import pytest
import torch
from torchvision.models import GoogLeNet

from nas.errors import ModelError
from nas.network.build import build
from nas.network.network import Network, PlanName
from nas.network.torchvision_names import from_torchvision, torchvision_name
from nas.presets import BVLC, TORCHVISION


def theirs(dropout: float) -> GoogLeNet:
    torch.manual_seed(0)
    network = GoogLeNet(num_classes=7, aux_logits=True, init_weights=False, dropout=dropout, dropout_aux=dropout)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0  # Statistics that fit, or else the signal dies on its way and any output is equal.
            with torch.no_grad():
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(0.0, 0.2)
    with torch.no_grad():
        network.train()(torch.randn(4, 3, 96, 96))
    return network


def ours(like: GoogLeNet, resolution: int, auxiliary: bool = True) -> Network:
    generator = torch.Generator().manual_seed(1)
    network = build(TORCHVISION, classes=7, resolution=resolution, auxiliary=auxiliary, generator=generator)
    network.load_state_dict(from_torchvision(like.state_dict(), network.state_dict()))
    return network


# At 96 pixels torchvision's own outputs are up to 1.6e-5 from those of float64.
@pytest.mark.parametrize(
    ("resolution", "auxiliary", "plan", "tolerance"),
    [(224, True, "plain", 1e-5), (224, True, "fast", 1e-5), (96, False, "plain", 1e-5), (96, False, "fast", 2e-5)],
)
def test_inference_is_equal(resolution: int, auxiliary: bool, plan: PlanName, tolerance: float) -> None:
    reference = theirs(0.0).eval()
    network = ours(reference, resolution, auxiliary).eval()
    network.plan = plan
    x = torch.randn(2, 3, resolution, resolution)
    with torch.no_grad():
        expected, got = reference(x), network(x)
    assert got.shape == (2, 7)
    assert (expected[0] - expected[1]).abs().max() > 0.01
    torch.testing.assert_close(got, expected, rtol=0.0, atol=tolerance)


def test_training_outputs_are_equal() -> None:
    reference = theirs(0.0).train()
    network = ours(reference, 96).train()
    for module in network.children():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    x = torch.randn(4, 3, 96, 96)
    main, aux2, aux1 = reference(x)
    logits, heads = network(x)
    torch.testing.assert_close(logits, main, rtol=0.0, atol=1e-4)
    torch.testing.assert_close(heads[0], aux1, rtol=0.0, atol=1e-4)
    torch.testing.assert_close(heads[1], aux2, rtol=0.0, atol=1e-4)
    assert not torch.allclose(aux1, aux2, atol=1e-2)


def test_names_are_one_to_one() -> None:
    reference = theirs(0.0).state_dict()
    network = build(TORCHVISION, classes=7, resolution=64, auxiliary=True, generator=torch.Generator().manual_seed(0))
    assert {torchvision_name(name) for name in network.state_dict()} == set(reference)


def test_another_network_is_refused() -> None:
    network = build(BVLC, classes=7, resolution=64, generator=torch.Generator().manual_seed(0))
    with pytest.raises(ModelError, match=r"must have 'conv1\.conv\.bias' for our 'conv1\.conv\.bias'"):
        from_torchvision(theirs(0.0).state_dict(), network.state_dict())
    with pytest.raises(ModelError, match=r"no counterpart of '3a_shortcut\.conv\.weight'"):
        torchvision_name("3a_shortcut.conv.weight")
    with pytest.raises(ModelError, match="has 'more' beyond it"):
        state = theirs(0.0).state_dict()
        mine = build(TORCHVISION, classes=7, resolution=64, generator=torch.Generator().manual_seed(0))
        from_torchvision(state | {"more": torch.zeros(1)}, mine.state_dict())
