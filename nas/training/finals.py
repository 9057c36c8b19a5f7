"""The last word on delivered weights: their loss and accuracy on one split, in float32."""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nas.architecture import Architecture
from nas.data.config import SplitName
from nas.data.splits import Data
from nas.training.device import full_float32, pick_device
from nas.training.evaluate import Evaluation, evaluate
from nas.training.model_folder import load_weights, normalised

_TOP_5_CLASSES = 100
"""From this many classes on the share of labels among the five largest logits is told, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How weights do on a split.

    Attributes:
        images: of the split.
        accuracy: share of the images whose label has the largest logit.
        loss: mean cross-entropy.
        wrong: places in the split of the images that are taken for another class, rising: two networks that were
            read apart can be compared image by image.
        top5: share of the images whose label is among the five largest logits, with 100 classes or more.
    """

    images: int
    accuracy: float
    loss: float
    wrong: tuple[int, ...]
    top5: float | None = None


def read_split(
    path: Path,
    architecture: Architecture,
    data: Data,
    split: SplitName,
    *,
    device: str | None = None,
    workers: int = 0,
) -> Reading:
    """Evaluate the weights of a file; errors as in ``load_weights``, ``Data.split`` and ``pick_device``."""
    network, facts = load_weights(path, architecture, data)
    place = pick_device(device)
    part = normalised(data, facts).split(split)
    if architecture.dims == 2:
        network.to(memory_format=torch.channels_last)
    with full_float32():
        result = evaluate(network.to(place), part, device=place, logits=True, workers=workers)
    return reading_of(result, part.labels)


def reading_of(result: Evaluation, labels: Tensor) -> Reading:
    """What is told of an evaluation that kept its logits."""
    assert result.logits is not None
    return Reading(
        images=result.images,
        accuracy=result.accuracy,
        loss=result.loss,
        wrong=tuple((result.logits.argmax(dim=1) != labels.cpu()).nonzero()[:, 0].tolist()),
        top5=_top5(result.logits, labels) if result.logits.shape[1] >= _TOP_5_CLASSES else None,
    )


def figures(reading: Reading) -> dict[str, Any]:
    """A reading as plain data; what it does not tell is left out. Places are one string: a line in the file."""
    told = {name: value for name, value in asdict(reading).items() if value is not None}
    return told | {"wrong": " ".join(map(str, reading.wrong))}


def digest(path: Path) -> str:
    """Hexadecimal SHA-256 of a file: which weights a reading is of."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _top5(logits: Tensor, labels: Tensor) -> float:
    best = logits.topk(5, dim=1).indices
    return float((best == labels.cpu()[:, None]).any(dim=1).double().mean())
