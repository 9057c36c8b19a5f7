"""How long one inference takes here: the median of warmed runs, kept so that a network is measured once a machine."""

import hashlib
import json
import logging
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import torch
from torch import Tensor, nn

from nas import serialize
from nas.architecture import Architecture
from nas.budget import RUNTIMES
from nas.data.cache import cache_folder
from nas.errors import BudgetError
from nas.files import processor, write_atomically
from nas.network.build import build
from nas.network.fold import fold
from nas.network.network import Network
from nas.training.device import use_threads
from nas.training.onnx_file import check_onnx, read_onnx, write_onnx

WARM: Final = 5
LEAST: Final = 15
MOST: Final = 200
"""Timed runs; between them it is time that ends the measurement."""
SECONDS: Final = 1.0
"""After which no further run begins, once there are ``LEAST``."""
PATIENCE: Final = 60.0
"""Seconds after which a slow network is run no more: to warm up, once it has run, or on the clock, after ``FEWEST``."""
FEWEST: Final = 3
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """A measured time.

    Attributes:
        seconds: the median over the runs.
        runs: how many were timed.
    """

    seconds: float
    runs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyMeter:
    """Measures networks; may be handed to the proposer of a search.

    Batch-norm is folded, and the network is timed in float32 on the CPU. The weights are random: they do not change
    the time. Measured times are kept in the user's cache by network, resolution, classes, batch, threads, runtime and
    machine. On a busy machine they are those of a busy machine.

    Attributes:
        resolution: of the images in pixels (steps, where dims is 1).
        classes: outputs.
        batch: images at a time.
        threads: of the runtime.
        runtime: one of ``RUNTIMES``: torch's own operations, one after the other, or ONNX Runtime. To write its file
            takes seconds a network.

    Raises:
        BudgetError: another runtime.
        ModelError: ONNX Runtime, or a package that writes for it, is not installed.
    """

    resolution: int
    classes: int
    batch: int = 1
    threads: int = 1
    runtime: str = RUNTIMES[0]

    def __post_init__(self) -> None:
        if self.runtime not in RUNTIMES:
            raise BudgetError(f"`runtime` must be one of {', '.join(RUNTIMES)}, but got {self.runtime!r}.")
        if self.runtime == "onnxruntime":
            check_onnx("latency in ONNX Runtime")

    def __call__(self, architecture: Architecture) -> Mapping[str, float]:
        """``{"latency_seconds": ...}`` of one batch, from the cache if it is there."""
        path = cache_folder() / "latency" / f"{self.key(architecture)}.json"
        seconds = _read(path)
        if seconds is None:
            seconds = self.measure(architecture).seconds
            _write(path, {"latency_seconds": seconds, "network": serialize.inference_key(architecture), **asdict(self)})
        return {"latency_seconds": seconds}

    def key(self, architecture: Architecture) -> str:
        """Of one measurement: what it depends on."""
        parts = {"network": serialize.inference_key(architecture), "machine": self.machine, **asdict(self)}
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]

    def measure(self, architecture: Architecture) -> Timing:
        """Time of one batch, measured now; torch's number of threads is put back."""
        generator = torch.Generator().manual_seed(0)
        network = fold(
            build(architecture, classes=self.classes, resolution=self.resolution, generator=generator, plan="plain")
        )
        shape = (self.batch, 3, *(self.resolution,) * architecture.dims)
        images = torch.randn(shape, generator=generator)
        before = torch.get_num_threads()
        use_threads(self.threads)
        try:
            if self.runtime == "onnxruntime":
                return self._in_onnxruntime(network, images)
            with torch.inference_mode():
                return network_time(network, images)
        finally:
            torch.set_num_threads(before)

    def _in_onnxruntime(self, network: Network, images: Tensor) -> Timing:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "network.onnx"
            write_onnx(network, images.new_zeros((2, *images.shape[1:])), path)
            run = read_onnx(path, threads=self.threads)
            return median_time(lambda: run(images))

    @property
    def machine(self) -> str:
        """The processor, and the version of what is timed."""
        here = f"{processor()} ({platform.machine()}, {platform.node()})"
        return f"{here}, {self.runtime} {import_module(self.runtime).__version__}"


def network_time(network: nn.Module, images: Tensor) -> Timing:
    """Time of a network in the layout that torch is fastest in; a 2-d network is left in it."""
    if images.dim() == 4:
        network.to(memory_format=torch.channels_last)
        images = images.contiguous(memory_format=torch.channels_last)
    return median_time(lambda: network(images))


def median_time(run: Callable[[], object], *, clock: Callable[[], float] = time.perf_counter) -> Timing:
    """Median time of a function, after ``WARM`` runs that do not count.

    There are ``LEAST`` timed runs or more. Only where one takes seconds are there fewer: once ``PATIENCE`` is spent,
    one run to warm up and ``FEWEST`` on the clock suffice.
    """
    began = clock()
    for _ in range(WARM):
        run()
        if clock() - began >= PATIENCE:
            break
    times: list[float] = []
    began = clock()
    while _goes_on(len(times), clock() - began):
        start = clock()
        run()
        times.append(clock() - start)
    return Timing(seconds=statistics.median(times), runs=len(times))


def _goes_on(runs: int, seconds: float) -> bool:
    if runs < LEAST:
        return runs < FEWEST or seconds < PATIENCE
    return runs < MOST and seconds < SECONDS


def _read(path: Path) -> float | None:
    try:
        return float(json.loads(path.read_text())["latency_seconds"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        _LOG.warning("the cache file %s is unreadable (%s) and its network is measured again", path, error)
        return None


def _write(path: Path, content: Mapping[str, object]) -> None:
    try:
        write_atomically(path, json.dumps(content))
    except OSError as error:
        _LOG.warning("the cache folder %s cannot be written (%s)", path.parent, error)
