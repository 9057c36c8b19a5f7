"""What torch and fvcore count on a built network, to hold our costs against."""

import logging
import warnings

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from nas.architecture import Architecture
from nas.cost import cost
from nas.network.network import Network
from nas.operations import lower


def on_meta(architecture: Architecture, resolution: int, classes: int, auxiliary: bool = False) -> Network:
    lowered = lower(architecture, resolution=resolution, classes=classes, auxiliary=auxiliary)
    with torch.device("meta"):
        return Network(lowered)


def torch_macs(network: Network, resolution: int, dims: int) -> int:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network.eval()(torch.empty(1, 3, *(resolution,) * dims, device="meta"))
    flops = counter.get_total_flops()
    assert flops % 2 == 0
    return int(flops // 2)


def check_counts(architecture: Architecture, resolution: int, classes: int) -> None:
    network = on_meta(architecture, resolution, classes)
    counted = cost(architecture, resolution=resolution, classes=classes)
    assert counted.macs == torch_macs(network, resolution, architecture.dims)
    assert counted.params == sum(parameter.numel() for parameter in network.parameters())
    assert counted.weights == sum(each.numel() for name, each in network.named_parameters() if _is_weight(name))


def _is_weight(name: str) -> bool:
    return name.endswith(("conv.weight", "linear.weight"))


def fvcore_macs(network: Network, resolution: int, dims: int) -> int:
    logging.getLogger("fvcore").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Of torch.jit, which fvcore is built on.
        fvcore = pytest.importorskip("fvcore.nn")
        analysis = fvcore.FlopCountAnalysis(network.eval(), torch.zeros(1, 3, *(resolution,) * dims))
        entries = analysis.unsupported_ops_warnings(False).by_operator()
    return int(entries["conv"] + entries["linear"])
