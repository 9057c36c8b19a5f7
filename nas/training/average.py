"""The moving average of a network's weights (Polyak averaging), which is what is evaluated."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

EVERY = 4
"""Steps between updates. The decay is raised to this power, so that the average's memory is the same."""


class Average:
    """average = decay * average + (1 - decay) * weights, after every ``EVERY`` steps.

    Early on the decay is at most (1 + steps) / (10 + steps), so that the early weights are soon forgotten; before the
    first update the average is the weights themselves. The statistics of batch-norm are averaged like the weights.

    Attributes:
        steps: training steps seen.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.steps = 0
        self._live = averaged(network)
        self._shadow = {name: value.detach().clone() for name, value in self._live.items()}

    @torch.no_grad()
    def update(self) -> None:
        """Take notice of a training step."""
        self.steps += 1
        if self.steps % EVERY == 0:
            decay = min(self.decay, (1 + self.steps) / (10 + self.steps)) ** EVERY
            torch._foreach_lerp_(list(self._shadow.values()), list(self._live.values()), 1.0 - decay)
        elif self.steps < EVERY:
            torch._foreach_copy_(list(self._shadow.values()), list(self._live.values()))

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within the context the network has the averaged weights; they must not be changed there."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    def _exchange(self) -> None:
        for name, value in self._live.items():
            value.data, self._shadow[name].data = self._shadow[name].data, value.data

    def state(self) -> dict[str, Tensor]:
        """The averaged tensors by name."""
        return self._shadow

    @torch.no_grad()
    def load(self, state: Mapping[str, Tensor], steps: int) -> None:
        """Go on from a state that ``state`` gave after ``steps`` steps."""
        self.steps = steps
        for name, value in self._shadow.items():
            value.copy_(state[name])


def averaged(network: nn.Module) -> dict[str, Tensor]:
    """The parameters and floating buffers of a network by name: what an average covers."""
    tensors: dict[str, Tensor] = dict(network.named_parameters())
    tensors.update((name, value) for name, value in network.named_buffers() if value.is_floating_point())
    return tensors
