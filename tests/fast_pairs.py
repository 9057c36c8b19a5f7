"""One small network with either plan, and batches for it."""

from copy import deepcopy
from dataclasses import replace

import torch
from torch import Tensor

from nas.architecture import Architecture, AuxiliaryHead, Cell, Reduction, Stem
from nas.network.build import build
from nas.network.network import Network

CELL = Cell(b1x1=8, b3x3_reduce=8, b3x3=20, b5x5_reduce=4, b5x5=8, pool_proj=12)
SMALL = Architecture(
    stem=Stem(kind="conv3x3", width=16, conv2=24),
    stages=((CELL, replace(CELL, shortcut=True, se=True, wide="dw5")), (replace(CELL, wide="3x3x2", shortcut=True),)),
    reductions=(Reduction(kind="conv", width=16, reduce=8),),
    auxiliary=(AuxiliaryHead(stage=0, cell=1, width=8, hidden=16, dropout=0.0),),
    dropout=0.0,
)


def pair(architecture: Architecture, resolution: int, seed: int = 0) -> tuple[Network, Network]:
    """One network with either plan, with scales and shifts that are not the initial ones, and without dropout."""
    generator = torch.Generator().manual_seed(seed)
    bare = replace(
        architecture, dropout=0.0, auxiliary=tuple(replace(head, dropout=0.0) for head in architecture.auxiliary)
    )
    plain = build(bare, classes=5, resolution=resolution, auxiliary=True, generator=generator, plan="plain").train()
    with torch.no_grad():
        for name, parameter in plain.named_parameters():
            if name.endswith("norm.weight"):
                parameter.uniform_(0.5, 1.5, generator=generator)
            elif name.endswith("bias"):
                parameter.normal_(0.0, 0.1, generator=generator)
    fast = deepcopy(plain)
    fast.plan = "fast"
    return plain, fast


def outputs(network: Network, x: Tensor, mixed: bool = False) -> tuple[Tensor, ...]:
    with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
        out = network(x)
    return (out[0], *out[1]) if isinstance(out, tuple) else (out,)


def images(resolution: int, batch: int = 6) -> Tensor:
    return torch.randn(batch, 3, resolution, resolution, generator=torch.Generator().manual_seed(7))
