"""Trained networks side by side: what they cost and reach, and by how much one is better than another."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray

from analysis.source import data_set
from analysis.statistics import Difference, Estimate, hold_to_shares, mean_share, paired, unpaired
from nas.errors import ModelError, one_line

Split = Literal["a", "b", "test"]
SPLITS: Final[tuple[Split, ...]] = get_args(Split)

METRICS: Final = "metrics.json"
RECIPE: Final = "recipe.yaml"
_OF_VALIDATION: Final = ("validation_share", "split_seed")
"""Keys of a recipe's ``data`` by which the validation splits are cut from the training images."""
ARCHITECTURE: Final = "architecture.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A model folder's figures on one split.

    Attributes:
        name: of the folder.
        label: of the network.
        data: name of the data set.
        data_set: the same, and of an image folder the folder's own name.
        split: that was read.
        resolution: pixels, or steps of a series, at which the cost counts.
        classes: of the data; 0 where the folder does not tell, as that of a network of plain torch's.
        dims: 2 for images, 1 for series.
        macs: multiply-adds of one inference of one image.
        params: trainable parameters.
        epochs: of each training.
        accuracies: by seed, in [0, 1], in the order of seeds.
        images: of the split.
        cut: what decides which images these are.
        wrong: places in the split of the images each seed took for another class; None where they were not kept.
        core_hours: of all seeds together.
    """

    name: str
    label: str
    data: str
    data_set: str
    split: Split
    resolution: int
    classes: int
    dims: int
    macs: int
    params: int
    epochs: int
    accuracies: tuple[tuple[int, float], ...]
    images: int
    cut: tuple[object, ...]
    wrong: tuple[tuple[int, ...], ...] | None
    core_hours: float

    @property
    def accuracy(self) -> Estimate:
        """Mean over the seeds, with Student's interval."""
        return mean_share([value for _, value in self.accuracies])

    def over(self, other: "Trained") -> Difference:
        """How much more accurate than another network: two networks of one seed have no more in common than others."""
        if other is self:
            return Difference(value=0.0, low=0.0, high=0.0, n=len(self.accuracies), p=1.0)
        return unpaired(*([value for _, value in each.accuracies] for each in (other, self)))

    def over_images(self, other: "Trained") -> Difference | None:
        """How much more accurate than another network, image by image: its interval is over images, not over seeds.

        Each network counts on an image by the share of its seeds that are right. None where either network's folder
        does not tell which images were wrong, or the images were others.
        """
        if self.wrong is None or other.wrong is None or (self.cut, self.images) != (other.cut, other.images):
            return None
        return paired(other._right(), self._right())

    def _right(self) -> NDArray[np.float64]:
        """Of each image the share of the seeds that are right."""
        assert self.wrong is not None
        missed = np.concatenate([np.asarray(places, dtype=np.int64) for places in self.wrong])
        return 1 - np.bincount(missed, minlength=self.images) / len(self.wrong)


def read_trained(folders: Sequence[Path], split: Split = "test") -> tuple[Trained, ...]:
    """Read model folders, which may have no weights any more; in the given order.

    Args:
        folders: as ``nas baseline``, ``nas train`` and ``nas top`` write them.
        split: ``a``, ``b`` or ``test``, as their metrics tell it; nothing is evaluated.

    Raises:
        ModelError: no model folder, a file that is damaged, a split that was not read, different data sets, or
            validation splits that were cut differently.
    """
    found = tuple(_read(Path(folder), split) for folder in folders)
    for sets in (
        {each.data_set for each in found},
        # Folders of images may bear one name.
        {f"{each.data_set} of {each.classes} classes" for each in found if each.classes},
        {f"{each.data_set} with {each.images:,} images of test" for each in found if split == "test"},
    ):
        if len(sets) > 1:
            raise ModelError(f"trained networks are compared on one data set, but got {' and '.join(sorted(sets))}.")
    for folder, each in zip(folders, found, strict=True):
        _hold_to_one_cut(split, folders[0], found[0], folder, each)
    return found


def _hold_to_one_cut(split: Split, first: Path, here: Trained, folder: Path, there: Trained) -> None:
    """Of other images an accuracy tells less; what an old folder does not tell is taken to be equal, as roots are."""
    for name, one, other in zip(_cut_by(split), here.cut, there.cut, strict=True):
        if name in _OF_VALIDATION and one != other and None not in (one, other):
            raise ModelError(
                f"trained networks are compared on the same images of split {split}, but `data.{name}` is {one} in "
                f"{first} and {other} in {folder}."
            )


def _read(folder: Path, split: Split) -> Trained:
    if not (folder / METRICS).is_file():
        raise ModelError(f"a model folder must hold {METRICS}, but {folder} does not.")
    try:
        metrics = json.loads((folder / METRICS).read_text(encoding="utf-8"))
        plan: dict[str, Any] = yaml.safe_load((folder / RECIPE).read_text(encoding="utf-8"))
        if "readings" in metrics and "network" not in metrics:
            raise ModelError(
                f"{folder} must hold a delivered network, but it holds readings only: its training is not over, or it "
                "only ranks (`nas top --rank`)."
            )
        if "seeds" not in metrics and metrics["network"]:
            raise ModelError(f"{folder} must hold a network that was trained, but its weights came from a file.")
        network = metrics["network"]
        seeds = sorted(metrics["seeds"])
        readings = {each["seed"]: each for each in metrics["readings"] if each["key"] == network["key"]}
        if any(split not in readings[seed] for seed in seeds):
            raise ModelError(f"split {split} of every seed must have been read, but of {folder} it was not.")
        accuracies = [float(readings[seed][split]["accuracy"]) for seed in seeds]
        cores = plan["resources"]["cpu"] * plan["workers"]
        return Trained(
            name=folder.resolve().name,
            label=str(network["label"]),
            data=str(plan["data"]["name"]),
            data_set=data_set(plan["data"]),
            split=split,
            resolution=int(network["resolution"]),
            classes=int(network.get("classes", 0)),
            dims=_dims(folder),
            macs=int(network["macs"]),
            params=int(network["params"]),
            epochs=int(plan["training"]["epochs"]),
            accuracies=tuple(zip(seeds, hold_to_shares(accuracies, "accuracy").tolist(), strict=True)),
            images=int(readings[seeds[0]][split]["images"]),
            cut=_cut(plan["data"], split),
            wrong=_wrong([readings[seed][split] for seed in seeds]),
            core_hours=float(metrics.get("core_seconds", metrics["training_seconds"] * cores)) / 3600,
        )
    except FileNotFoundError as error:
        raise ModelError(f"a model folder must hold {RECIPE}, but {folder} does not.") from error
    except (ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError) as error:
        raise ModelError(
            f"the figures of {folder} must be readable, but they are damaged: {one_line(error)}."
        ) from error


def _dims(folder: Path) -> int:
    """Of the network's maps; a network of plain torch's has no architecture here, and is for images."""
    path = folder / ARCHITECTURE
    return int(json.loads(path.read_text(encoding="utf-8"))["dims"]) if path.is_file() else 2


def _cut(data: Mapping[str, Any], split: Split) -> tuple[object, ...]:
    """What decides which images a split of a data set has: the test split does not depend on how validation is cut."""
    return tuple(data.get(key) for key in _cut_by(split))


def _cut_by(split: Split) -> tuple[str, ...]:
    """Keys of a recipe's ``data``, in the order of :attr:`Trained.cut`."""
    return ("name", "root") if split == "test" else ("name", "root", *_OF_VALIDATION)


def _wrong(figures: Sequence[Mapping[str, Any]]) -> tuple[tuple[int, ...], ...] | None:
    """Places of the images that were wrong; folders of before November 2026 do not tell them."""
    if any("wrong" not in each for each in figures):
        return None
    found = tuple(tuple(int(place) for place in each["wrong"].split()) for each in figures)
    for places, each in zip(found, figures, strict=True):
        if len(places) != round((1 - each["accuracy"]) * each["images"]) or not all(
            0 <= place < each["images"] for place in places
        ):
            raise ValueError(f"{len(places)} images are wrong, which its accuracy does not say")
    return found


def table_of(models: Sequence[Trained]) -> pd.DataFrame:
    """One row a network, in the given order; accuracies in [0, 1], gains over the first in points of percent."""
    rows = []
    for model in models:
        accuracy, gain, images = model.accuracy, model.over(models[0]), model.over_images(models[0])
        rows.append(
            {
                "name": model.name,
                "network": model.label,
                "data": model.data,
                "split": model.split,
                "resolution": model.resolution,
                "macs": model.macs,
                "params": model.params,
                "epochs": model.epochs,
                "seeds": accuracy.n,
                "accuracy": accuracy.value,
                "low": accuracy.low,
                "high": accuracy.high,
                "gain": 100 * gain.value,
                "gain_low": 100 * gain.low,
                "gain_high": 100 * gain.high,
                "p": gain.p,
                "gain_on_images": None if images is None else 100 * images.value,
                "gain_on_images_low": None if images is None else 100 * images.low,
                "gain_on_images_high": None if images is None else 100 * images.high,
                "p_on_images": None if images is None else images.p,
                "core_hours": model.core_hours,
            }
        )
    return pd.DataFrame(rows)
