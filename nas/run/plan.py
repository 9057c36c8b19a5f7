"""A full training of chosen networks, as frozen data: what a model folder keeps as its recipe."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

from nas.data.config import DataConfig
from nas.errors import RecipeError, RunError
from nas.run.recipe import Recipe, ResourcesConfig, check_one_gpu
from nas.run.recipe_file import build, override, read_mapping, with_epochs
from nas.training.config import TRAININGS, TrainingConfig

PLAN: Final = "recipe.yaml"
"""Name of the file in a model folder."""
FULL_EPOCHS: Final = TRAININGS["modern"].epochs
"""Of a full training whose recipe comes from a search, where trials are short."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How networks are trained to be delivered.

    Attributes:
        data: the images, and how validation is cut from them.
        training: how each network is trained.
        seeds: trainings of each network.
        first_seed: theirs are this one and those after it.
        workers: processes that share each training; 1 trains several seeds at once instead.
        resources: of one training, or of one worker where there are several.
    """

    data: DataConfig
    training: TrainingConfig
    seeds: int = 5
    first_seed: int = 0
    workers: int = 1
    resources: ResourcesConfig = field(default_factory=ResourcesConfig)

    def __post_init__(self) -> None:
        for name, least in (("seeds", 1), ("workers", 1), ("first_seed", 0)):
            if getattr(self, name) < least:
                raise RecipeError(f"`{name} >= {least}` must hold, but got {name}={getattr(self, name)}.")
        check_one_gpu(self.resources)
        if self.workers > 1 and 0 < (self.resources.gpu or 0) < 1:
            raise RecipeError(
                "`resources.gpu` must be 0 or 1 where several workers share a training, for two of one GPU cannot "
                f"speak to each other, but got resources.gpu={self.resources.gpu:g}, workers={self.workers}."
            )
        if self.training.batch_size % self.workers:
            raise RecipeError(
                "`training.batch_size` must be a multiple of the number of workers, "
                f"but got training.batch_size={self.training.batch_size}, workers={self.workers}."
            )
        if self.resources.storage is not None:
            raise RecipeError(
                "a full training keeps its checkpoints in its folder, which every machine must reach; "
                f"`resources.storage` must be left out, but got {self.resources.storage!r}."
            )

    @property
    def seed_numbers(self) -> tuple[int, ...]:
        """The seeds, in order."""
        return tuple(range(self.first_seed, self.first_seed + self.seeds))

    @property
    def cores(self) -> float:
        """Of one training."""
        return self.resources.cpu * self.workers


def make_plan(values: Mapping[str, Any], overrides: Mapping[str, str]) -> Plan:
    """A plan from plain data (keys whose value is None are left out) and ``--set`` overrides.

    Raises:
        RecipeError: an unknown key, a wrong type, a value out of range.
    """
    data = _without_none(values)
    override(data, overrides)
    plan = build(Plan, data)
    return replace(plan, data=plan.data.anchored())  # The folder is used from other folders than this one.


def of_recipe(recipe: Recipe) -> dict[str, Any]:
    """Data and training of a search, for a full training: all images in every epoch, and more epochs."""
    training = asdict(replace(recipe.training, images_per_epoch=None))
    return {"data": asdict(replace(recipe.data, limit=None)), "training": with_epochs(training, FULL_EPOCHS)}


def read_plan(path: Path) -> Plan:
    """The plan in a file that ``to_yaml`` wrote; errors as in ``nas.run.recipe_file.read_recipe``."""
    return build(Plan, read_mapping(path))


def check_same(folder: Path, before: Plan, now: Plan) -> None:
    """Hold a training that goes on to what it was; only seeds, workers and resources may change.

    Raises:
        RunError: data or training differ, named with both values.
    """
    for section in ("data", "training"):
        old, new = getattr(before, section), getattr(now, section)
        if isinstance(old, DataConfig):
            old = old.anchored()  # as plans were not, once
        for item in fields(old):
            was, wanted = getattr(old, item.name), getattr(new, item.name)
            if was != wanted:
                raise RunError(
                    f"{section}.{item.name} must be that of the training in {folder}, {was!r}, but got {wanted!r}; "
                    "choose another --out for another training."
                )


def check_own_folder(folder: Path, plan: Plan) -> None:
    """Hold a model folder to the plan that made it.

    Raises:
        RunError: it is a file, holds something else, or another plan.
    """
    if folder.is_file():
        raise RunError(f"a model folder must be a folder, but {folder} is a file.")
    if (folder / "journal.log").exists():
        raise RunError(f"a training must have a folder of its own, but {folder} holds a search; choose another --out.")
    if (folder / PLAN).is_file():
        check_same(folder, read_plan(folder / PLAN), plan)
    elif folder.exists() and any(folder.iterdir()):
        raise RunError(f"a training must have a folder of its own, but {folder} holds something else.")


def _without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _without_none(value) if isinstance(value, Mapping) else value
        for name, value in values.items()
        if value is not None
    }
