"""The closed form of activation memory against what torch allocates and what its autograd keeps."""

import weakref
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from nas.memory import memory
from nas.network.build import build
from nas.network.fold import fold
from nas.network.network import Network
from nas.presets import PRESETS
from strategies import random_architecture

RESOLUTION, CLASSES, BATCH = 33, 7, 4


class Live(TorchDispatchMode):
    """Counts the bytes of all storages that torch's operations make and that are alive, but for those in ``known``."""

    def __init__(self, known: set[int], *, indices: bool = True) -> None:
        super().__init__()
        self.known = known
        self.indices = indices
        self.sizes: dict[int, int] = {}
        self.now = self.peak = 0

    def add(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        if storage.data_ptr() in self.known or storage._cdata in self.sizes:
            return
        self.sizes[storage._cdata] = storage.nbytes()
        self.now += storage.nbytes()
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._gone, storage._cdata)

    def _gone(self, key: int) -> None:
        self.now -= self.sizes.pop(key, 0)

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(out):
            if isinstance(tensor, Tensor) and (self.indices or tensor.is_floating_point()):
                self.add(tensor)
        return out


def parameters(network: Network) -> set[int]:
    return {tensor.untyped_storage().data_ptr() for tensor in (*network.parameters(), *network.buffers())}


def inference_peak(network: Network, x: Tensor) -> int:
    small = fold(network)
    # Under a dispatch mode pools of series make indices; without one they do not, as the next test tells.
    live = Live(parameters(small), indices=x.dim() == 4)
    live.add(x)
    with torch.no_grad(), live:
        small(x)
    return live.peak


def training_peak_and_kept(network: Network, x: Tensor) -> tuple[int, int]:
    network.train()
    kept: dict[int, int] = {}
    known = parameters(network)

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    for parameter in network.parameters():  # Their gradients do not count: they are dropped as they arrive.
        parameter.register_post_accumulate_grad_hook(lambda each: setattr(each, "grad", None))
    live = Live(known)
    live.add(x)
    with live:
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            out = network(x)
        outputs = [out] if isinstance(out, Tensor) else [out[0], *out[1]]
        torch.autograd.backward(outputs, [torch.ones_like(each) for each in outputs])
    return live.peak, sum(kept.values())


@pytest.mark.parametrize(("dims", "times"), [(1, 1), (2, 3)])
def test_pools_of_images_make_indices_at_inference_and_those_of_series_do_not(dims: int, times: int) -> None:
    x, pool = torch.randn(4, 8, *(16,) * dims), F.max_pool1d if dims == 1 else F.max_pool2d
    with torch.no_grad(), profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        out = pool(x, 3, 1, 1)
    made = sum(event.self_cpu_memory_usage for event in seen.key_averages() if event.self_cpu_memory_usage > 0)
    assert made == times * out.untyped_storage().nbytes()


@pytest.mark.parametrize("seed", range(24))
def test_as_torch_allocates(seed: int) -> None:
    architecture = random_architecture(Random(seed))
    network = build(
        architecture,
        classes=CLASSES,
        resolution=RESOLUTION,
        auxiliary=True,
        generator=torch.Generator().manual_seed(0),
        plan="plain",
    )
    x = torch.randn(BATCH, 3, *(RESOLUTION,) * architecture.dims)
    told = memory(architecture, resolution=RESOLUTION, classes=CLASSES, batch=BATCH)
    assert told.inference == inference_peak(network, x)
    peak, kept = training_peak_and_kept(network, x)
    assert told.kept == kept
    # Gradients of parameters come and go while the largest activations are alive.
    gradients = 4 * max(parameter.numel() for parameter in network.parameters())
    # Gradients of series are sometimes added up in a place of their own, of images never.
    slack = told.training // 20 if architecture.dims == 1 else 0
    assert told.training <= peak <= told.training + 2 * gradients + slack


def test_scales_with_batch_and_type() -> None:
    one, eight, half = (
        memory(PRESETS["googlenet"], resolution=224, classes=1000, batch=batch, value_bytes=value_bytes)
        for batch, value_bytes in ((1, 4), (8, 4), (1, 2))
    )
    assert eight == type(one)(inference=8 * one.inference, training=8 * one.training, kept=8 * one.kept)
    assert one.kept / 2 < half.kept < one.kept  # The indices of pools stay what they are.
    assert one.inference < one.kept < one.training
