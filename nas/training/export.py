"""Networks as files that run without this package: ONNX, or a program of ``torch.export``.

Batch-norm is folded. The input is called ``images``, float32 (batch, 3, side, side), cut, resized and normalised
as the file's metadata say; the output is called ``logits``, (batch, classes). The batch may be of one image or more.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal

import torch
from torch import Tensor

from nas.errors import ModelError
from nas.network.fold import fold
from nas.network.network import Network
from nas.training.device import use_threads
from nas.training.interrupt import interrupted_as_usual
from nas.training.latency import median_time, network_time
from nas.training.model_folder import Facts, header_of
from nas.training.onnx_file import check_onnx, read_onnx, write_onnx

Format = Literal["onnx", "torch"]
SUFFIXES: Final = {"onnx": ".onnx", "torch": ".pt2"}
MOST_DIFFERENCE: Final = 1e-4
"""Between a logit of the exported file and that of the network; a share of the largest where that is beyond 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """A file that was written and read back.

    Attributes:
        path: of the file.
        size: in bytes.
        images: compared.
        difference: largest one between two logits.
        seconds: median latency of the file, batch 1.
        torch_seconds: of the folded network in PyTorch, measured as by ``LatencyMeter``.
    """

    path: Path
    size: int
    images: int
    difference: float
    seconds: float
    torch_seconds: float


@torch.inference_mode()
def export(network: Network, path: Path, *, kind: Format, facts: Facts, images: Tensor, threads: int = 1) -> Exported:
    """Write a network, read it back, and hold its logits to the network's; where it fails, ``path`` is as it was.

    Args:
        network: to be written.
        path: of the new file; its folder is made.
        kind: ``onnx`` or ``torch``.
        facts: of the network's input and classes; go into the file.
        images: real ones, normalised, (batch, 3, side, side), at least two.
        threads: for the measured latencies.

    Raises:
        ModelError: packages that are missing, another ending of the file, or logits that differ by
            more than ``MOST_DIFFERENCE`` allows.
        TrialError: less than one thread.
    """
    if kind == "onnx":
        check_onnx("ONNX export")
    if path.suffix != SUFFIXES[kind]:
        raise ModelError(f"a file of the format {kind} must end in {SUFFIXES[kind]}, but got {path.name}.")
    path.parent.mkdir(parents=True, exist_ok=True)
    small = fold(network)
    small.plan = "plain"  # What is exported is torch's own operations.
    images = images.contiguous()
    before = torch.get_num_threads()
    use_threads(threads)
    try:
        with _draft(path) as draft:
            example = torch.zeros((2, *images.shape[1:]))
            metadata = {name: json.dumps(value) for name, value in header_of(facts).items()}
            if kind == "onnx":
                write_onnx(small, example, draft, metadata=metadata)
                run = read_onnx(draft, threads=threads)
            else:
                run = _program(small, example, draft, header_of(facts))
            expected, got = network.eval()(images), run(images)
            difference = float((expected - got).abs().max())
            allowed = MOST_DIFFERENCE * max(1.0, float(expected.abs().max()))
            if not difference < allowed:
                raise ModelError(
                    f"logits of {path} must differ from the network's by less than {allowed:.3g}, "
                    f"but by up to {difference:.3g} they do."
                )
        one = images[:1]
        return Exported(
            path=path,
            size=path.stat().st_size,
            images=len(images),
            difference=difference,
            seconds=median_time(lambda: run(one)).seconds,
            torch_seconds=network_time(small, one).seconds,
        )
    finally:
        torch.set_num_threads(before)


@contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """A file of the same ending, by which runtimes go, that takes the place of ``path`` once the block is through.

    What does not equal the network must not take the place of a good file. An OSError names ``path``: nobody has named
    the other.
    """
    try:
        with TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
            draft = Path(folder) / path.name
            yield draft
            os.replace(draft, path)
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def _program(network: Network, example: Tensor, path: Path, header: Mapping[str, object]) -> Callable[[Tensor], Tensor]:
    """Written, and what the file computes."""
    with torch.inference_mode(False), torch.no_grad(), interrupted_as_usual():
        program = torch.export.export(network, (example,), dynamic_shapes=({0: torch.export.Dim("batch")},))
        torch.export.save(program, path, extra_files={"facts.json": json.dumps(header)})
        module: Callable[[Tensor], Tensor] = torch.export.load(path).module()
    return module
