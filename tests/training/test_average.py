"""The moving average against the recursion that defines it."""

import pytest
import torch
from torch import nn

from nas.training.average import EVERY, Average


def test_follows_the_recursion() -> None:
    network = nn.Linear(1, 1, bias=False)
    average = Average(network, 0.9)
    expected = network.weight.item()
    for step in range(1, 10 * EVERY + 1):
        with torch.no_grad():
            network.weight.fill_(float(step))
        average.update()
        if step < EVERY:
            expected = step  # A training of so few steps delivers what it trained.
        if step % EVERY == 0:
            decay = min(0.9, (1 + step) / (10 + step)) ** EVERY
            expected = decay * expected + (1 - decay) * step
    assert average.state()["weight"].item() == pytest.approx(expected, rel=1e-5)


def test_memory_does_not_depend_on_how_often_it_is_updated() -> None:
    """Weights that stand still from step 400 on are approached by decay ** steps."""
    network = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        network.weight.fill_(1.0)
    average = Average(network, 0.99)
    average.load(average.state(), 4000)
    with torch.no_grad():
        network.weight.fill_(0.0)
    for _ in range(100 * EVERY):
        average.update()
    assert abs(average.state()["weight"].item() - 0.99 ** (100 * EVERY)) < 1e-5


def test_covers_statistics_and_exchanges() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))
    average = Average(network, 0.5)
    assert {"1.running_mean", "1.running_var", "0.weight", "1.bias"} <= average.state().keys()
    assert "1.num_batches_tracked" not in average.state()
    before = network[0].weight.detach().clone()
    live = {name: value for name, value in network.named_parameters()}
    with torch.no_grad():
        network[0].weight.add_(1.0)
    with average.applied():
        assert torch.equal(network[0].weight, before)
    assert torch.equal(network[0].weight, before + 1.0)
    assert all(live[name] is value for name, value in network.named_parameters())
