"""Networks as ONNX files, and such a file run by ONNX Runtime on the CPU."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from nas.errors import ModelError
from nas.network.network import Network
from nas.training.interrupt import interrupted_as_usual

_PACKAGES: Final = ("onnx", "onnxscript", "onnxruntime")


def check_onnx(use: str) -> None:
    """Refuse a use of ONNX where one of its packages is not installed.

    Raises:
        ModelError: one is missing; ``use`` begins the sentence.
    """
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise ModelError(
            f"{use} needs the package {missing[0]}, but it is not installed: `pip install 'inception-nas[export]'`."
        )


def write_onnx(network: Network, example: Tensor, path: Path, *, metadata: Mapping[str, str] | None = None) -> None:
    """Write a network of the plan ``plain``, as it is in inference; the batch is free.

    Args:
        network: to be written.
        example: of its input, (batch, 3, side, side), or (batch, 3, steps); the batch is two or more.
        path: of the file, which is written over.
        metadata: for the file's header.

    Raises:
        ModelError: torch gives no program.
    """
    with torch.inference_mode(False), torch.no_grad(), interrupted_as_usual():
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
        program.model.metadata_props.update(metadata or {})
        program.save(str(path), external_data=False)


def read_onnx(path: Path, *, threads: int) -> Callable[[Tensor], Tensor]:
    """What a file computes: logits of images, by ONNX Runtime on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session: Any = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda images: torch.from_numpy(session.run(["logits"], {"images": images.numpy()})[0])
