"""The fast plan against the plain one: same outputs, gradients, statistics and weights after a step."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from random import Random
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from fast_pairs import SMALL, images, outputs, pair
from torch import Tensor, nn
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils.flop_counter import FlopCounterMode
from torch.utils.hooks import RemovableHandle

from nas.architecture import Architecture
from nas.network.fast import function
from nas.network.fast.compile import library
from nas.network.fast.function import suitable
from nas.network.fast.tape import Tape
from nas.network.network import Network
from nas.presets import GOOGLENET, TORCHVISION
from strategies import random_architecture

pytestmark = pytest.mark.skipif(library() is None, reason="there is no C++ compiler to make the kernels with")


def step(network: Network, x: Tensor, mixed: bool = False) -> tuple[Tensor, ...]:
    """One step of stochastic gradient descent; returns the outputs before it."""
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    out = outputs(network, x, mixed)
    labels = torch.arange(len(x)) % 5
    sum((F.cross_entropy(each.float(), labels) for each in out), torch.zeros(())).backward()
    optimizer.step()
    return tuple(each.detach() for each in out)


def check_step(architecture: Architecture, resolution: int) -> None:
    plain, fast = pair(architecture, resolution)
    x = images(resolution)
    assert suitable(fast, x) is not None
    for expected, got in zip(step(plain, x), step(fast, x), strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-5)
    expected_state = plain.state_dict()
    for name, got in fast.state_dict().items():
        torch.testing.assert_close(
            got, expected_state[name], rtol=1e-5, atol=1e-5, msg=lambda text, n=name: f"{n}: {text}"
        )
    assert [each.grad is None for each in plain.parameters()] == [each.grad is None for each in fast.parameters()]


@pytest.mark.parametrize("norm", ["batch", "none"])
def test_one_step_is_equal(norm: str) -> None:
    check_step(replace(SMALL, norm=norm), 12)  # type: ignore[arg-type]


def test_a_pass_for_statistics_alone_is_equal_and_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    _, fast = pair(SMALL, 12)
    twin, x, tapes = deepcopy(fast), images(12), []

    class Kept(Tape):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            tapes.append(len(self.saved))

    monkeypatch.setattr(function, "Tape", Kept)
    with torch.no_grad():
        out = outputs(fast, x)
    expected = outputs(twin, x)
    assert tapes[0] == 0 < tapes[1]
    for got, like in zip((*out, *fast.state_dict().values()), (*expected, *twin.state_dict().values()), strict=True):
        assert torch.equal(got, like)


def test_googlenet_is_as_near_to_float64_as_the_plain_plan() -> None:
    """So deep a network amplifies rounding: a ReLU or a maximum that tips moves gradients by a percent in any plan."""
    plain, fast = pair(TORCHVISION, 64)
    exact = deepcopy(plain).double()
    x = images(64, 16)
    for network, batch in ((exact, x.double()), (plain, x), (fast, x)):
        labels = torch.arange(len(x)) % 5
        sum((F.cross_entropy(each, labels) for each in outputs(network, batch)), torch.zeros(())).backward()
    length = sum(float(each.grad.square().sum()) for each in exact.parameters()) ** 0.5  # type: ignore[union-attr]
    assert _error(exact, plain) < 0.05 * length
    assert _error(exact, fast) < 0.05 * length
    torch.testing.assert_close(outputs(fast, x)[0], outputs(plain, x)[0], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("part", range(4))
def test_one_step_of_random_networks_is_equal(part: int) -> None:
    for seed in range(part, 40, 4):
        check_step(random_architecture(Random(seed), 2), 32)


def test_gradients_of_images_are_equal() -> None:
    plain, fast = pair(SMALL, 12)
    found = []
    for network in (plain, fast):
        x = images(12).requires_grad_()
        outputs(network, x)[0].square().sum().backward()
        assert x.grad is not None
        found.append(x.grad)
    torch.testing.assert_close(found[1], found[0], rtol=1e-4, atol=1e-6)


def test_an_output_that_is_not_used_needs_no_gradient() -> None:
    plain, fast = pair(SMALL, 12)
    for network in (plain, fast):
        outputs(network, images(12))[0].sum().backward()
    for (name, expected), got in zip(plain.named_parameters(), fast.parameters(), strict=True):
        assert (expected.grad is None) == (got.grad is None) == name.startswith("aux1"), name


def test_bfloat16_is_as_near_to_float32_as_the_plain_plan() -> None:
    plain, fast = pair(SMALL, 12)
    exact = deepcopy(plain)
    x = images(12, batch=32)
    truth, one, other = outputs(exact, x)[0], outputs(plain, x, mixed=True)[0], outputs(fast, x, mixed=True)[0]
    assert other.dtype == one.dtype
    error, ours = (truth - one).abs().mean(), (truth - other).abs().mean()
    assert ours < 1.5 * error + 1e-3
    for network in (exact, plain, fast):
        network.zero_grad()
        step(network, x, mixed=network is not exact)
    assert _error(exact, fast) < 1.3 * _error(exact, plain)


def _error(exact: nn.Module, other: nn.Module) -> float:
    pairs = zip(exact.parameters(), other.parameters(), strict=True)
    return sum(float((one.grad - two.grad).square().sum()) for one, two in pairs) ** 0.5  # type: ignore[operator]


@pytest.mark.parametrize("mixed", [False, True])
def test_evaluation_is_equal(mixed: bool) -> None:
    for seed in range(20):
        plain, fast = pair(random_architecture(Random(seed), 2), 32)
        with torch.inference_mode():
            for network in (plain, fast):
                outputs(network, images(32))  # Statistics that are not the initial ones.
                network.eval()
            assert suitable(fast, images(32)) is not None
            expected, got = (outputs(network, images(32), mixed)[0].float() for network in (plain, fast))
        tolerance = 0.03 if mixed else 1e-5
        torch.testing.assert_close(got, expected, rtol=tolerance, atol=tolerance)
    assert suitable(fast, images(32)) is None  # With gradients.


def test_checkpoints_do_not_depend_on_the_plan() -> None:
    plain, fast = pair(SMALL, 12)
    assert list(plain.state_dict()) == list(fast.state_dict())
    fast.load_state_dict(plain.state_dict())
    with torch.inference_mode():
        assert suitable(fast.eval(), images(12)) is not None
        expected, got = (outputs(network.eval(), images(12))[0] for network in (plain, fast))
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-5)


def test_it_works_without_gradients_and_at_another_resolution() -> None:
    plain, fast = pair(replace(SMALL, auxiliary=()), 12)
    x = images(17)
    with torch.no_grad():
        torch.testing.assert_close(outputs(fast, x)[0], outputs(plain, x)[0], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(
        fast.get_buffer("conv1.norm.running_var"), plain.get_buffer("conv1.norm.running_var"), rtol=1e-5, atol=1e-6
    )


def unseen() -> tuple[Network, Network]:
    """A pair in evaluation, which takes the kernels wherever gradients are off."""
    plain, fast = pair(replace(SMALL, auxiliary=()), 12)
    return plain.eval(), fast.eval()


@pytest.mark.parametrize("training", [True, False])
def test_images_that_are_too_small_are_told_as_that(training: bool) -> None:
    for network, said in zip(
        pair(replace(GOOGLENET, norm="batch"), 64), ("too small", r"must be larger .* give 0 x 0"), strict=True
    ):
        with torch.set_grad_enabled(training), pytest.raises(RuntimeError, match=said):
            network.train(training)(images(16))


@pytest.mark.filterwarnings("ignore:`torch.jit.trace:FutureWarning")  # torch's, and still what people use.
@torch.no_grad()
def test_a_trace_is_of_the_network() -> None:
    plain, fast = unseen()
    assert suitable(fast, images(12)) is not None
    traced = torch.jit.trace(fast, images(12), check_trace=False)
    other = -images(12, batch=3)
    torch.testing.assert_close(traced(other), plain(other), rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_export_compile_and_transforms_see_the_network() -> None:
    plain, fast = unseen()
    x = images(12)
    seen = (
        torch.export.export(fast, (x,)).module(),
        torch.compile(fast, backend="eager", fullgraph=True),
        make_fx(fast)(x),
        lambda x: torch.func.vmap(fast)(x.unsqueeze(1)).squeeze(1),
    )
    for run in seen:
        torch.testing.assert_close(run(-x), plain(-x), rtol=1e-5, atol=1e-5)
    counts = []
    for network in (plain, fast):
        with FlopCounterMode(display=False) as counter:
            network(x)
        counts.append(counter.get_total_flops())
    assert counts[0] == counts[1] > 0
    assert suitable(fast, x.as_subclass(Marked)) is None


class Marked(Tensor):
    """A tensor of another class."""


@torch.no_grad()
@pytest.mark.parametrize(
    "register", [nn.Module.register_forward_hook, nn.Module.register_forward_pre_hook], ids=["forward", "pre"]
)
def test_hooks_are_called(register: Callable[..., RemovableHandle]) -> None:
    _, fast = unseen()
    called: list[nn.Module] = []

    def hook(module: nn.Module, *_: object) -> None:
        called.append(module)

    convolution = fast.get_submodule("conv1.conv")
    handle = register(convolution, hook)
    fast(images(12))
    assert called == [convolution]
    handle.remove()
    assert suitable(fast, images(12)) is not None
    register(fast, hook)
    assert suitable(fast, images(12)) is not None  # The network's own hooks need no modules.
    fast(images(12))
    assert called == [convolution, fast]
