"""From an architecture to a network that is ready to train."""

import torch

from nas.architecture import Architecture
from nas.network.initialise import initialise
from nas.network.network import Network, PlanName
from nas.operations import lower


def build(
    architecture: Architecture,
    *,
    classes: int,
    resolution: int,
    generator: torch.Generator,
    auxiliary: bool = False,
    plan: PlanName = "fast",
) -> Network:
    """Build and initialise a network, on the CPU, in float32.

    Args:
        architecture: what to build.
        classes: number of classes.
        resolution: width of the images in pixels (steps of a series, where dims is 1).
        generator: source of the initial weights.
        auxiliary: with the auxiliary heads of the architecture, for training.
        plan: how it is executed, which changes no value beyond rounding; see :class:`Network`.

    Raises:
        ArchitectureError: a resolution too low for the architecture.
    """
    network = Network(lower(architecture, resolution=resolution, classes=classes, auxiliary=auxiliary), plan=plan)
    initialise(network, generator)
    return network
