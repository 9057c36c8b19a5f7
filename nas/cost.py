"""What a network costs, in total and by row of the paper's table, without building it.

One MAC is one multiply-add of a convolution or linear layer, at inference, batch 1. Bias,
normalisation, activation, pooling and concatenation are no MACs.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from nas.architecture import Architecture
from nas.errors import ArchitectureError
from nas.lowering import Counter, wire
from nas.operations import Operation

_ENOUGH: Final = 2049
"""A network with nine halvings can be wired below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The cost of one inference of one image (auxiliary heads are not part of it)."""

    macs: int
    params: int
    weights: int
    activations: int


def cost(architecture: Architecture, *, resolution: int, classes: int) -> Cost:
    """Count a network at a resolution; about 50 microseconds for GoogLeNet.

    Raises:
        ArchitectureError: a resolution too low for the pools, or not a positive whole number.
    """
    counter = Counter(dims=architecture.dims, batch_norm=architecture.norm == "batch")
    wire(architecture, counter, resolution=resolution, classes=classes)
    return Cost(macs=counter.macs, params=counter.params, weights=counter.weights, activations=counter.activations)


def cost_told(architecture: Architecture, *, resolution: int, classes: int) -> Cost:
    """As :func:`cost`, for what a user names: the error tells the least resolution that will do.

    Raises:
        ArchitectureError: as :func:`cost`.
    """
    try:
        return cost(architecture, resolution=resolution, classes=classes)
    except ArchitectureError as error:
        for enough in range(resolution + 1, _ENOUGH) if resolution > 0 else ():
            try:
                cost(architecture, resolution=enough, classes=classes)
            except ArchitectureError:
                continue
            raise ArchitectureError(f"`resolution >= {enough}` must hold, but got {resolution}: {error}") from error
        raise


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the cost table: a stem convolution, a pool, a cell or the classifier."""

    name: str
    in_channels: int
    out_channels: int
    out_size: int
    macs: int
    weights: int
    params: int
    activations: int


def rows(operations: Iterable[Operation]) -> tuple[Row, ...]:
    """Sum operations by row, in the order of the network."""
    table = []
    for name, group in groupby(operations, key=lambda operation: operation.row):
        members = list(group)
        table.append(
            Row(
                name=name,
                in_channels=members[0].in_channels,
                out_channels=members[-1].out_channels,
                out_size=members[-1].out_size,
                macs=sum(member.macs for member in members),
                weights=sum(member.weights for member in members),
                params=sum(member.params for member in members),
                activations=sum(member.activations for member in members),
            )
        )
    return tuple(table)
