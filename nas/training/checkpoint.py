"""Checkpoint files: named tensors and a JSON header in one safetensors file. Nothing in it is executed when read."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from nas.errors import ModelError
from nas.files import write_atomically

_KEY = "inception-nas"


def write_checkpoint(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, object]) -> None:
    """Write atomically: whatever happens, ``path`` holds either what it held before or all of the new.

    Args:
        path: of the file; its folder is made.
        tensors: by name; written contiguously, wherever they live.
        header: whatever JSON can hold.
    """
    plain = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    write_atomically(path, save(plain, {_KEY: json.dumps(header)}))


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors (on the CPU) and header of a checkpoint.

    Raises:
        ModelError: the file is missing, truncated, or no checkpoint of ours.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {})[_KEY])
            if not isinstance(header, dict):
                raise ValueError(f"its header is {type(header).__name__}, no object")
            return {name: file.get_tensor(name) for name in file.keys()}, header
    except FileNotFoundError as error:
        raise ModelError(f"the checkpoint {path} must exist, but there is no such file.") from error
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        reason = "it has no header of ours" if isinstance(error, KeyError) else str(error)
        raise ModelError(f"{path} must be a whole checkpoint of inception-nas, but {reason}.") from error


def check_fits(path: Path, header: Mapping[str, Any], expected: Mapping[str, object]) -> None:
    """Compare what a checkpoint says of itself with what is expected of it.

    Raises:
        ModelError: an entry differs, named with both values.
    """
    for name, value in expected.items():
        if header.get(name) != value:
            raise ModelError(f"the checkpoint {path} must have {name}={value!r}, but got {name}={header.get(name)!r}.")


def check_tensors(path: Path, found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Compare names, shapes and types of tensors; any floating point will do.

    Raises:
        ModelError: one is missing, left over, of another shape, or of integers for floating point.
    """
    for name in sorted(set(found) ^ set(expected)):
        what = "lacks" if name in expected else "has beyond them"
        raise ModelError(f"the checkpoint {path} must hold the tensors of the network, but {what} {name!r}.")
    for name, value in expected.items():
        if torch.Size(found[name].shape) != value.shape:
            raise ModelError(
                f"{name!r} in {path} must have the shape {tuple(value.shape)}, but got {tuple(found[name].shape)}."
            )
        if value.is_floating_point() and not found[name].is_floating_point():
            raise ModelError(f"{name!r} in {path} must be of the type {value.dtype}, but got {found[name].dtype}.")
