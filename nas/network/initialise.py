"""Initial weights, drawn from a given generator only."""

import math

import torch
from torch import Tensor, nn

from nas import operations as ops
from nas.network.layers import Convolution, Linear
from nas.network.network import Network, module_name

LOGIT_STD = 0.01
"""Of linear layers without ReLU: classifiers start near equal odds, gates near one half."""


@torch.no_grad()
def initialise(network: Network, generator: torch.Generator) -> None:
    """Set every parameter: He et al. (arXiv 1502.01852) where a ReLU follows, zeros for biases.

    With batch-norm the fan is the outgoing one; without, the incoming one, so that activations keep
    their scale. The branches of a cell with a shortcut start at zero (their last scale, or their
    last kernel where there is no batch-norm), so that the cell starts as its shortcut. Without
    batch-norm, what a gate will halve at the start is doubled.
    """
    operations = network.lowered.operations
    readers: dict[str, list[ops.Operation]] = {}
    for operation in operations:
        for name in operation.inputs:
            readers.setdefault(name, []).append(operation)
    for operation in operations:
        module = network.get_submodule(module_name(operation.name))
        if isinstance(operation, ops.Conv) and isinstance(module, Convolution):
            _convolution(operation, module, _ends(operation, readers), generator)
        elif isinstance(operation, ops.Linear) and isinstance(module, Linear):
            variance = 2 / module.linear.in_features if operation.relu else LOGIT_STD**2
            _normal(module.linear.weight, variance, generator)
            nn.init.zeros_(module.linear.bias)


def _ends(operation: ops.Operation, readers: dict[str, list[ops.Operation]]) -> set[type[ops.Operation]]:
    """What the value runs into, through concatenation and gate: ``Add`` second input only, ``Gate``."""
    met: set[type[ops.Operation]] = set()
    for reader in readers.get(operation.name, []):
        if isinstance(reader, ops.Gate) and reader.inputs[0] == operation.name:
            met |= {ops.Gate} | _ends(reader, readers)
        elif isinstance(reader, ops.Concat):
            met |= _ends(reader, readers)
        elif isinstance(reader, ops.Add) and reader.inputs[1] == operation.name:
            met.add(ops.Add)
    return met


def _convolution(
    operation: ops.Conv, module: Convolution, ends: set[type[ops.Operation]], generator: torch.Generator
) -> None:
    area = math.prod(module.conv.kernel_size)
    channels = operation.out_channels if operation.batch_norm else operation.in_channels
    variance = (2 if operation.relu else 1) / (area * channels / operation.groups)
    if not operation.batch_norm and ops.Gate in ends:
        variance *= 4
    _normal(module.conv.weight, variance, generator)
    if module.conv.bias is not None:
        nn.init.zeros_(module.conv.bias)
    if module.norm is not None:
        module.norm.reset_parameters()
    if not operation.relu and ops.Add in ends:
        nn.init.zeros_(module.conv.weight if module.norm is None else module.norm.weight)


def _normal(weight: Tensor, variance: float, generator: torch.Generator) -> None:
    weight.normal_(0.0, math.sqrt(variance), generator=generator)
