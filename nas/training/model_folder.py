"""A delivered network on disk: its architecture, its weights, and what its input must look like.

::

    FOLDER/
        architecture.json     as `nas cost` reads it
        model.safetensors     the weights that were evaluated, and the facts of their input as a header
        weights/              of every seed, named seed-N.safetensors, where several were trained

What else stands there (recipe, metrics, curves, versions, model card) is for people; see ``nas.run.deliver``.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nas import serialize
from nas.architecture import Architecture
from nas.data.preparation import preparation
from nas.data.splits import Channels, Data
from nas.errors import ArchitectureError, ModelError
from nas.network.build import build
from nas.network.network import Network
from nas.training.checkpoint import check_fits, check_tensors, read_checkpoint, write_checkpoint

ARCHITECTURE = "architecture.json"
WEIGHTS = "model.safetensors"
_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What weights say of themselves.

    Attributes:
        architecture: content key of the network, without auxiliary heads and dropout.
        data: name of the data set.
        classes: outputs.
        class_names: by label.
        resolution: side of the images in pixels.
        mean: of each channel of pixels scaled to 0..1; subtracted from the input.
        std: of each channel; the input is divided by it.
        seed: of the training, or None for weights from elsewhere.
        epochs: trained.
    """

    architecture: str
    data: str
    classes: int
    class_names: tuple[str, ...]
    resolution: int
    mean: Channels
    std: Channels
    seed: int | None
    epochs: int


def header_of(facts: Facts) -> dict[str, Any]:
    """What files say: the facts, and how a picture becomes the input, see ``nas.data.preparation``."""
    how = preparation(facts.data, facts.resolution)
    return asdict(facts) | ({} if how is None else asdict(how))


def facts_of(architecture: Architecture, data: Data, *, seed: int | None, epochs: int) -> Facts:
    """The facts of weights trained on ``data``."""
    return Facts(
        architecture=serialize.inference_key(architecture),
        data=data.name,
        classes=data.classes,
        class_names=data.class_names,
        resolution=data.resolution,
        mean=data.mean,
        std=data.std,
        seed=seed,
        epochs=epochs,
    )


def seed_weights(folder: Path, seed: int) -> Path:
    """Where the weights of a seed stand in a model folder."""
    return folder / "weights" / f"seed-{seed}.safetensors"


def write_weights(path: Path, weights: Mapping[str, Tensor], architecture: Architecture, facts: Facts) -> None:
    """Write the weights of inference, atomically: those of auxiliary heads are left out."""
    names = _empty(architecture, facts).state_dict()
    kept = {name: weights[name] for name in names}
    write_checkpoint(path, kept, {"version": _VERSION, **header_of(facts)})


def load_model(folder: str | Path, *, seed: int | None = None) -> Network:
    """The network of a model folder as a torch module, on the CPU, in evaluation mode.

    Args:
        folder: as `nas train`, `nas top` and `nas baseline` write it.
        seed: of the training; None is the one that was best on split A.

    Raises:
        ModelError: no model folder, or weights that are damaged or of another network.
    """
    path = Path(folder)
    return load_weights(path / WEIGHTS if seed is None else seed_weights(path, seed), read_architecture(path))[0]


def load_weights(path: Path, architecture: Architecture, data: Data | None = None) -> tuple[Network, Facts]:
    """A network with the weights of a file, in evaluation mode, and their facts.

    Args:
        path: of the file.
        architecture: whose weights they must be.
        data: that the network shall be used on, if it is known: the classes must match.

    Raises:
        ModelError: a file that is missing, truncated or of another network, or other classes.
    """
    tensors, header = read_checkpoint(path)
    check_fits(path, header, {"version": _VERSION, "architecture": serialize.inference_key(architecture)})
    facts = _facts(path, header)
    if data is not None and (facts.classes, facts.class_names) != (data.classes, data.class_names):
        raise ModelError(
            f"the classes of {path} must be those of {data.name}, {_named(data.class_names)}, "
            f"but got {_named(facts.class_names)}."
        )
    network = _empty(architecture, facts)
    check_tensors(path, tensors, network.state_dict())
    network.load_state_dict(tensors)  # Copies, and so converts what was saved in half precision.
    return network.eval(), facts


def normalised(data: Data, facts: Facts) -> Data:
    """The same images, normalised as weights want them, whatever the data set's own figures are."""
    parts = {name: replace(part, mean=facts.mean, std=facts.std) for name, part in data.parts.items()}
    return replace(data, mean=facts.mean, std=facts.std, parts=parts)


def read_facts(folder: str | Path) -> Facts:
    """What the weights of a model folder say of themselves; errors as in :func:`load_model`."""
    path = Path(folder) / WEIGHTS
    return _facts(path, read_checkpoint(path)[1])


def read_architecture(folder: Path) -> Architecture:
    """The architecture of a model folder.

    Raises:
        ModelError: there is none, or it cannot be read.
    """
    if not (folder / ARCHITECTURE).is_file():
        raise ModelError(f"a model folder must hold {ARCHITECTURE}, but {folder} does not.")
    try:
        return serialize.load(folder / ARCHITECTURE)
    except ArchitectureError as error:
        raise ModelError(str(error)) from error


def _empty(architecture: Architecture, facts: Facts) -> Network:
    generator = torch.Generator().manual_seed(0)
    return build(architecture, classes=facts.classes, resolution=facts.resolution, generator=generator)


def _facts(path: Path, header: Mapping[str, Any]) -> Facts:
    try:
        values = {name: header[name] for name in Facts.__dataclass_fields__}
    except KeyError as error:
        raise ModelError(f"{path} must hold the weights of a model folder, but its header lacks {error}.") from error
    try:
        mean, std = (tuple(float(figure) for figure in values[name]) for name in ("mean", "std"))
        names = tuple(values["class_names"])
    except (TypeError, ValueError) as error:
        raise ModelError(
            f"{path} must hold the weights of a model folder, but its header is broken: {error}."
        ) from error
    return Facts(**{**values, "class_names": names, "mean": mean, "std": std})


def _named(names: tuple[str, ...]) -> str:
    listed = ", ".join(names[:3])
    return f"{len(names)} ({listed}{', ...' if len(names) > 3 else ''})"
