"""One step against a plain loop written by hand, and what happens when memory runs out."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from nas.architecture import Architecture
from nas.errors import TrialError
from nas.network.build import build
from nas.training import TrainingConfig
from nas.training.optimizer import groups, make_optimizer
from nas.training.step import Stepper, training_loss

CONFIG = TrainingConfig(
    epochs=1, batch_size=16, learning_rate=0.1, weight_decay=1e-2, label_smoothing=0.1, auxiliary_weight=0.3
)


def batch(size: int = 16) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    return torch.randn(size, 3, 12, 12, generator=generator), torch.arange(size) % 4


def network_of(architecture: Architecture, *, norm: str = "batch", auxiliary: bool = True) -> nn.Module:
    architecture = replace(
        architecture,
        norm=norm,
        dropout=0.0,
        auxiliary=tuple(replace(head, dropout=0.0) for head in architecture.auxiliary),
    )
    network = build(
        architecture, classes=4, resolution=12, auxiliary=auxiliary, generator=torch.Generator().manual_seed(1)
    )
    return network.train()


def smoothed(logits: Tensor, labels: Tensor, smoothing: float) -> Tensor:
    targets = torch.full_like(logits, smoothing / logits.shape[1])
    targets[torch.arange(len(labels)), labels] += 1.0 - smoothing
    return -(targets * torch.log_softmax(logits, dim=1)).sum(dim=1).mean()


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_two_steps_equal_a_plain_loop(tiny: Architecture, layout: torch.memory_format) -> None:
    ours, plain = network_of(tiny), network_of(tiny)
    ours.to(memory_format=layout)
    images, labels = batch()
    optimizer = make_optimizer(ours, CONFIG)
    stepper = Stepper(ours, CONFIG, torch.float32)
    velocity = {name: torch.zeros_like(value) for name, value in plain.named_parameters()}
    for _ in range(2):
        ours_loss = stepper.gradients(images, labels) / len(labels)
        optimizer.step()
        optimizer.zero_grad()

        logits, (head,) = plain(images)
        loss = smoothed(logits, labels, 0.1) + 0.3 * smoothed(head, labels, 0.1)
        gradients = torch.autograd.grad(loss, list(plain.parameters()))
        with torch.no_grad():
            for (name, value), gradient in zip(plain.named_parameters(), gradients, strict=True):
                if value.ndim > 1:
                    gradient = gradient + 1e-2 * value
                velocity[name] = 0.9 * velocity[name] + gradient
                value -= 0.1 * (gradient + 0.9 * velocity[name])
        assert ours_loss.item() == pytest.approx(loss.item(), rel=1e-5)
    for (name, value), expected in zip(ours.named_parameters(), plain.parameters(), strict=True):
        assert (value - expected).abs().max() < 1e-5, name
    for name, value in ours.named_buffers():
        assert torch.allclose(value, plain.get_buffer(name), atol=1e-5), name


def test_auxiliary_loss_reaches_the_heads(tiny: Architecture) -> None:
    network = network_of(tiny)
    images, labels = batch()
    with_heads = training_loss(network(images), labels, CONFIG)
    without = training_loss(network(images)[0], labels, CONFIG)
    assert with_heads > without
    Stepper(network, CONFIG, torch.float32).gradients(images, labels)
    heads = [value.grad for name, value in network.named_parameters() if name.startswith("aux1")]
    assert heads and all(gradient is not None and gradient.abs().sum() > 0 for gradient in heads)


def test_only_weights_decay(tiny: Architecture) -> None:
    network = network_of(tiny)
    weights, rest = groups(network)
    names = {id(value): name for name, value in network.named_parameters()}
    decayed = {name for name in names.values() if name.endswith(("conv.weight", "linear.weight"))}
    assert {names[id(value)] for value in weights} == decayed
    assert len(weights) + len(rest) == len(names)
    optimizer = make_optimizer(network, CONFIG)
    decay = {names[id(p)]: group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
    assert decay["3a_b1x1.conv.weight"] == 1e-2
    assert decay["3a_b1x1.norm.weight"] == decay["3a_b1x1.norm.bias"] == decay["linear.linear.bias"] == 0.0


@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "muon"])
def test_decay_alone_shrinks_weights(tiny: Architecture, optimizer: str) -> None:
    network = network_of(tiny)
    before = {name: value.detach().clone() for name, value in network.named_parameters()}
    made = make_optimizer(network, replace(CONFIG, optimizer=optimizer, nesterov=False))
    for value in network.parameters():
        value.grad = torch.zeros_like(value)
    made.step()
    for name, value in network.named_parameters():
        factor = 1 - 0.1 * 1e-2 if value.ndim > 1 else 1.0
        assert torch.allclose(value, before[name] * factor, rtol=1e-5, atol=1e-7), name


class Fails:
    """Raises at the first calls, as if memory ran out there."""

    def __init__(self, network: nn.Module, error: Callable[[], Exception], times: int) -> None:
        self.left = times
        self.sizes: list[int] = []
        self.error = error
        network.register_forward_pre_hook(self)

    def __call__(self, _: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self.sizes.append(len(inputs[0]))
        if self.left:
            self.left -= 1
            raise self.error()


def cpu_error() -> Exception:
    return RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory: you tried to")


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, cpu_error])
def test_half_of_the_batch_gives_the_same_gradients(tiny: Architecture, error: Callable[[], Exception]) -> None:
    whole, halved = network_of(tiny, norm="none"), network_of(tiny, norm="none")
    images, labels = batch(15)
    expected = Stepper(whole, CONFIG, torch.float32).gradients(images, labels)
    seen = Fails(halved, error, times=1)
    stepper = Stepper(halved, CONFIG, torch.float32)
    loss = stepper.gradients(images, labels)
    assert seen.sizes == [15, 8, 7]
    assert stepper.parts == 2
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    for value, like in zip(halved.parameters(), whole.parameters(), strict=True):
        assert value.grad is not None and like.grad is not None
        assert torch.allclose(value.grad, like.grad, atol=1e-5)


def test_memory_that_runs_out_again_fails_the_trial(tiny: Architecture) -> None:
    network = network_of(tiny)
    Fails(network, torch.OutOfMemoryError, times=2)
    with pytest.raises(TrialError, match=r"micro-batches of 8 images; `batch_size` must be below 16"):
        Stepper(network, CONFIG, torch.float32).gradients(*batch())


def test_other_errors_pass(tiny: Architecture) -> None:
    network = network_of(tiny)
    Fails(network, lambda: RuntimeError("shapes differ"), times=1)
    with pytest.raises(RuntimeError, match="shapes differ"):
        Stepper(network, CONFIG, torch.float32).gradients(*batch())
