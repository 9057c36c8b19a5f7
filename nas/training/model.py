"""What can be trained: an architecture, or any network that somebody knows how to build."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn

from nas import serialize
from nas.architecture import Architecture
from nas.network.build import build


class Model(Protocol):
    """A network to be, with a name for what it is."""

    @property
    def key(self) -> str:
        """Equal for equal networks: checkpoints are held to it."""

    @property
    def dims(self) -> int:
        """2 for images, 1 for series."""

    def build(self, *, classes: int, resolution: int, auxiliary: bool, generator: torch.Generator) -> nn.Module:
        """A new network on the CPU, initialised from ``generator``; it gives what ``nas.network.Network`` does."""


@dataclass(frozen=True, slots=True)
class FromArchitecture:
    """The network of an architecture."""

    architecture: Architecture

    @property
    def key(self) -> str:
        """The architecture's content key."""
        return serialize.key(self.architecture)

    @property
    def dims(self) -> int:
        """As the architecture's."""
        return self.architecture.dims

    def build(self, *, classes: int, resolution: int, auxiliary: bool, generator: torch.Generator) -> nn.Module:
        """As ``nas.network.build.build``."""
        return build(
            self.architecture, classes=classes, resolution=resolution, auxiliary=auxiliary, generator=generator
        )
