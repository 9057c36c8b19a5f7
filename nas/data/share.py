"""Data as numpy arrays and back, without copying: for an object store that gives every process of a node one memory."""

import json
import warnings
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nas.data.config import SPLITS, SplitName
from nas.data.splits import Channels, Data, FolderSplit, Split
from nas.errors import DataError

_FACTS = "facts"


def to_arrays(data: Data) -> dict[str, NDArray[np.generic]]:
    """The loaded splits as arrays that share the tensors' memory, and the facts as JSON in an array of bytes."""
    folders: dict[str, list[str]] = {}
    arrays: dict[str, NDArray[np.generic]] = {}
    for name, split in data.parts.items():
        arrays[f"{name}.labels"] = split.labels.numpy()
        if isinstance(split, FolderSplit):
            folders[name] = list(split.paths)
        else:
            arrays[f"{name}.images"] = split.images.numpy()
    facts = {
        "name": data.name,
        "class_names": data.class_names,
        "resolution": data.resolution,
        "mean": data.mean,
        "std": data.std,
        "splits": list(data.parts),
        "folders": folders,
    }
    arrays[_FACTS] = np.frombuffer(json.dumps(facts).encode(), dtype=np.uint8)
    return arrays


def from_arrays(arrays: Mapping[str, NDArray[np.generic]]) -> Data:
    """The data that `to_arrays` took apart, on the arrays' own memory, which may be read-only.

    Raises:
        DataError: the arrays are not from `to_arrays`.
    """
    if _FACTS not in arrays:
        raise DataError(f'`arrays` must come from to_arrays, with an entry "{_FACTS}", but it has {sorted(arrays)}.')
    facts = json.loads(arrays[_FACTS].tobytes())
    mean, std = _channels(facts["mean"]), _channels(facts["std"])
    parts: dict[SplitName, Split | FolderSplit] = {}
    for name in SPLITS:
        if name not in facts["splits"]:
            continue
        labels = _tensor(arrays[f"{name}.labels"])
        if name in facts["folders"]:
            parts[name] = FolderSplit(
                paths=tuple(facts["folders"][name]),
                labels=labels,
                mean=mean,
                std=std,
                resolution=int(facts["resolution"]),
            )
        else:
            parts[name] = Split(images=_tensor(arrays[f"{name}.images"]), labels=labels, mean=mean, std=std)
    return Data(
        name=str(facts["name"]),
        classes=len(facts["class_names"]),
        class_names=tuple(facts["class_names"]),
        resolution=int(facts["resolution"]),
        mean=mean,
        std=std,
        parts=parts,
    )


def _channels(figures: list[float]) -> Channels:
    red, green, blue = figures
    return red, green, blue


def _tensor(array: NDArray[np.generic]) -> Tensor:
    with warnings.catch_warnings():
        # Arrays from Ray's object store are read-only, and torch warns that writing to them is undefined. Nothing
        # writes to a split: batches are gathered into new memory.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable", category=UserWarning)
        return torch.from_numpy(array)
