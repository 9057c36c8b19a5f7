"""Weights of torchvision's GoogLeNet, from the file that torchvision downloads."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from nas.architecture import Architecture
from nas.data.splits import Channels
from nas.errors import ModelError
from nas.network.build import build
from nas.network.torchvision_names import from_torchvision
from nas.training.checkpoint import check_tensors

HALF: Final[Channels] = (0.5, 0.5, 0.5)
"""Mean and deviation of the images that torchvision's ImageNet weights want (its ``transform_input``)."""


def read_torchvision(path: Path, architecture: Architecture, *, classes: int, resolution: int) -> dict[str, Tensor]:
    """The state of torchvision's GoogLeNet in a file, under our names, in float32, without auxiliary heads.

    The state may stand alone or as ``state_dict`` among other things. Nothing in the file is executed.

    Raises:
        ModelError: no file, no state of that network, or another number of classes.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise ModelError(f"the weights {path} must exist, but there is no such file.") from error
    except OSError as error:
        raise ModelError(f"the weights {path} must be readable, but {error.strerror or error}.") from error
    except Exception as error:  # An unpickler raises whatever the bytes of another file lead it to.
        raise _refused(path) from error
    if isinstance(state, Mapping) and isinstance(state.get("state_dict"), Mapping):
        state = state["state_dict"]
    if not (isinstance(state, Mapping) and all(isinstance(value, Tensor) for value in state.values())):
        raise _refused(path)
    network = build(architecture, classes=classes, resolution=resolution, generator=torch.Generator().manual_seed(0))
    expected = network.state_dict()
    ours = from_torchvision(state, expected)
    if len(ours["linear.linear.bias"]) != classes:
        raise ModelError(
            f"the classes of {path} must be those of the data, {classes}, but got {len(ours['linear.linear.bias'])}."
        )
    check_tensors(path, ours, expected)
    return {name: value.to(expected[name].dtype) for name, value in ours.items()}


def _refused(path: Path) -> ModelError:
    # In our words: torch's own invite to load the file unsafely.
    return ModelError(f"{path} must hold the weights of a network, but it is no state_dict saved by torch.save.")
