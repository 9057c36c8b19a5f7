"""Networks as files that run without this package: ONNX, or a program of ``torch.export``.

Batch-norm is folded. The input is called ``images``, float32 (batch, 3, side, side), cut, resized and normalised
as the file's metadata say; the output is called ``logits``, (batch, classes). The batch may be of one image or more.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal

import torch
from torch import Tensor

from nas.errors import ModelError
from nas.network.fold import fold
from nas.network.network import Network
from nas.training.device import use_threads
from nas.training.interrupt import interrupted_as_usual
from nas.training.latency import median_time, network_time
from nas.training.model_folder import Facts, header_of

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
    missing = [name for name in ("onnx", "onnxscript", "onnxruntime") if kind == "onnx" and find_spec(name) is None]
    if missing:
        raise ModelError(
            f"ONNX export needs the package {missing[0]}, but it is not installed: "
            "`pip install 'inception-nas[export]'`."
        )
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
            with torch.inference_mode(False), torch.no_grad(), interrupted_as_usual():
                example = torch.zeros((2, *images.shape[1:]))
                write = _write_onnx if kind == "onnx" else _write_torch
                write(small, example, draft, facts)
                run = _onnx(draft, threads) if kind == "onnx" else _program(draft)
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


def _write_onnx(network: Network, example: Tensor, path: Path, facts: Facts) -> None:
    program = torch.onnx.export(
        network,
        (example,),
        dynamo=True,
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        input_names=["images"],
        output_names=["logits"],
        verbose=False,
    )
    if program is None:
        raise ModelError("torch.onnx.export must give a program, but gave none.")
    program.model.metadata_props.update({name: json.dumps(value) for name, value in header_of(facts).items()})
    program.save(str(path), external_data=False)


def _write_torch(network: Network, example: Tensor, path: Path, facts: Facts) -> None:
    program = torch.export.export(network, (example,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    torch.export.save(program, path, extra_files={"facts.json": json.dumps(header_of(facts))})


def _onnx(path: Path, threads: int) -> Callable[[Tensor], Tensor]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session: Any = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda images: torch.from_numpy(session.run(["logits"], {"images": images.numpy()})[0])


def _program(path: Path) -> Callable[[Tensor], Tensor]:
    module: Callable[[Tensor], Tensor] = torch.export.load(path).module()
    return module
