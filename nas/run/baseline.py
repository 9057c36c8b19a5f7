"""The networks to hold a search against, as they are trained on a data set."""

from dataclasses import replace
from typing import Final

from nas.budget import Budget
from nas.cost import cost
from nas.data.config import DataConfig
from nas.errors import ArchitectureError
from nas.presets import GOOGLENET, PRESETS
from nas.run.chosen import Chosen
from nas.scaling import scale_to_budget, small_stem_googlenet

SMALL_STEM: Final = "small-stem"
BASELINES: Final = (*PRESETS, SMALL_STEM)
"""What ``nas baseline`` trains."""
SMALL: Final = 32
"""Side in pixels at which GoogLeNet's five halvings end in one pixel: the least for it."""
_SMALL_IMAGES: Final = ("fashion-mnist", "digits", "cifar10", "cifar100")


def resolution_for(preset: str, data: str) -> int | None:
    """The side of images that a baseline gets unless told otherwise; None is the data set's own.

    GoogLeNet needs 31 pixels, and costs the same at 32; the small stem takes small images as they are.
    """
    return SMALL if data in _SMALL_IMAGES and preset != SMALL_STEM else None


def baseline_network(preset: str, recipe: str, classes: int, resolution: int) -> Chosen:
    """The network of a name, as a recipe trains it: a preset, or the small stem.

    The small stem is GoogLeNet's cells behind a 3x3 stem, all widths scaled by one factor to the cost of
    the canonical network at 32 x 32 (30,574,592 multiply-adds with 10 classes).

    Raises:
        ArchitectureError: no such name.
    """
    if preset == SMALL_STEM:
        limit = cost(GOOGLENET, resolution=SMALL, classes=classes).macs
        scaled = scale_to_budget(small_stem_googlenet(), Budget(macs=limit, resolution=resolution, classes=classes))
        return Chosen(label=f"small-stem GoogLeNet within {limit:,} MACs", architecture=scaled)
    if preset not in PRESETS:
        raise ArchitectureError(f"preset must be one of {', '.join(BASELINES)}, but got {preset!r}.")
    return preset_network(preset, recipe)


def preset_network(preset: str, recipe: str) -> Chosen:
    """A preset as a recipe trains it: as published by ``paper``, with batch-norm by any other.

    The other recipes' rates are for batch-norm: without it the published network stays at chance.
    """
    architecture = PRESETS[preset]
    if recipe == "paper" or architecture.norm == "batch":
        return Chosen(label=preset, architecture=architecture)
    return Chosen(label=f"{preset} with batch-norm", architecture=replace(architecture, norm="batch"))


def facts(config: DataConfig) -> tuple[int, int]:
    """Classes and resolution of a data set; errors as ``load_data``."""
    from nas.data.load import load_data

    data = load_data(config, splits=("a",))
    return data.classes, data.resolution
