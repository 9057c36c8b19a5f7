"""What the fast plan is not for: left to the plain plan, or refused as torch refuses it."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
import torch
from fast_pairs import SMALL, images, outputs, pair
from torch import Tensor, nn

from nas.network.fast.compile import library
from nas.network.fast.function import suitable
from nas.network.network import Network

pytestmark = pytest.mark.skipif(library() is None, reason="there is no C++ compiler to make the kernels with")


def test_where_it_does_not_apply_the_plain_plan_runs() -> None:
    _, fast = pair(SMALL, 12)
    x = images(12)
    assert suitable(fast, x.double()) is None
    with torch.autocast("cpu", torch.float16):
        assert suitable(fast, x) is None
    fast.get_submodule("3a_b1x1").eval()
    assert suitable(fast, x) is None
    fast.train()
    assert suitable(fast, x) is not None
    next(fast.parameters()).requires_grad_(False)
    assert suitable(fast, x) is None
    _, series = pair(replace(SMALL, dims=1), 12)
    assert suitable(series, torch.randn(2, 3, 12)) is None
    assert outputs(series, torch.randn(2, 3, 12))[0].shape == (2, 5)


class Adapted(nn.Module):
    """A convolution with something beside it, as LoRA has it."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv, self.weight, self.bias = conv, conv.weight, conv.bias

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x) + 0.1  # type: ignore[no-any-return]


def _pruned(network: Any) -> None:
    for name, axis in (("conv1", 0), ("conv2", 1)):
        conv = network.get_submodule(name).conv
        conv.weight = nn.Parameter(conv.weight.detach().narrow(axis, 0, 8))
    network.conv1.norm = nn.BatchNorm2d(8)


def _made_elsewhere(network: Any) -> None:
    conv = network.conv1.conv
    weight = conv.weight.detach().clone()
    del conv.weight
    conv.weight = weight


def _dilated(network: Any) -> None:
    network.conv2.conv.dilation = network.conv2.conv.padding = (2, 2)


@pytest.mark.parametrize(
    "change",
    [
        lambda network: setattr(network.conv1, "norm", nn.GroupNorm(1, network.conv1.conv.out_channels)),
        lambda network: setattr(network.conv1, "norm", None),
        lambda network: setattr(network.conv2, "conv", Adapted(network.conv2.conv)),
        lambda network: network.add_module("3a_pool", nn.AvgPool2d(3, 1, 1)),
        lambda network: network.add_module("conv2", nn.Sequential(network.conv2)),
        lambda network: nn.utils.parametrizations.weight_norm(network.conv1.conv),
        _pruned,
        _made_elsewhere,
        _dilated,
    ],
)
def test_layers_that_are_not_as_built_are_left_to_the_plain_plan(change: Callable[[Any], object]) -> None:
    plain, fast = pair(SMALL, 12)
    x = images(12)
    assert suitable(fast, x) is not None and suitable(deepcopy(fast), x) is not None
    for network in (plain, fast):
        change(network)
    assert suitable(fast, x) is None
    with torch.inference_mode():
        assert torch.equal(outputs(plain.eval(), x)[0], outputs(fast.eval(), x)[0])


def gradients(network: Network, loss: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad(loss, list(network.parameters())))


def loss_of(network: Network, x: Tensor) -> Tensor:
    return sum((each.square().mean() for each in outputs(network, x)), torch.zeros(()))


def test_the_way_back_may_be_within_autocast() -> None:
    _, fast = pair(SMALL, 12)
    x = images(12)
    expected = gradients(fast, loss_of(fast, x))
    loss = loss_of(fast, x)
    with torch.autocast("cpu", torch.bfloat16):
        got = gradients(fast, loss)
    assert all(torch.equal(one, other) for one, other in zip(got, expected, strict=True))


def test_parameters_for_one_call_and_shared_ones_have_their_gradients() -> None:
    plain, fast = pair(SMALL, 12)
    x = images(12)
    found = []
    for network in (plain, fast):
        swapped = {name: (1.1 * each).detach().requires_grad_() for name, each in network.named_parameters()}
        out = torch.func.functional_call(network, swapped, (x,))
        found.append(torch.autograd.grad(out[0].square().mean() + out[1][0].square().mean(), list(swapped.values())))
    torch.testing.assert_close(found[1], found[0], rtol=1e-4, atol=1e-5)
    for network in (plain, fast):
        cells = [network.get_submodule(f"{name}_b3x3").conv for name in ("3a", "3b")]
        cells[1].weight = cells[0].weight
    assert suitable(fast, x) is not None
    one, two = (gradients(network, loss_of(network, x)) for network in (plain, fast))
    torch.testing.assert_close(two, one, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("what", ["images", "weight"])
def test_changes_before_the_way_back_are_refused(what: str) -> None:
    _, fast = pair(SMALL, 12)
    x = images(12).contiguous(memory_format=torch.channels_last)
    loss = loss_of(fast, x)
    with torch.no_grad():
        (x if what == "images" else fast.get_submodule("conv1").conv.weight).mul_(2)  # type: ignore[union-attr]
    with pytest.raises(RuntimeError, match="inplace"):
        loss.backward()


def test_what_torch_refuses_or_takes_is_refused_or_taken() -> None:
    plain, fast = pair(SMALL, 12)
    for network in (plain, fast):
        assert outputs(network, images(12, batch=0))[0].shape == (0, 5)
        assert outputs(network.eval(), images(12, batch=0))[0].shape == (0, 5)
    for network in pair(replace(SMALL, auxiliary=()), 12):
        with pytest.raises(ValueError, match="more than 1 value per channel"):
            network(images(1, batch=1))
    with pytest.raises(RuntimeError, match="meta"):
        fast.eval().to("meta")(images(12))


def test_other_defaults_of_torch_are_left_to_the_plain_plan() -> None:
    _, fast = pair(SMALL, 12)
    x = images(12)
    torch.set_default_dtype(torch.float64)
    try:
        assert suitable(fast, x) is None
    finally:
        torch.set_default_dtype(torch.float32)
    with torch.device("meta"):
        assert suitable(fast, x) is None


def test_a_graph_is_used_once() -> None:
    _, fast = pair(SMALL, 12)
    loss = outputs(fast, images(12))[0].sum()
    loss.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="once a step"):
        loss.backward()
