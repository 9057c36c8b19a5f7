"""A recipe: everything that a search is made of, as frozen data.

``nas.run.recipe_file`` reads it from YAML; the resolved recipe in a run folder is this, written out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from nas.budget import Budget
from nas.data.config import DataConfig
from nas.errors import RecipeError
from nas.record import Objective, ToldAs
from nas.training.config import TrainingConfig

StoppingRule = Literal["none", "asha", "asha-front", "hyperband"]


def _positive(owner: str, **values: object) -> None:
    for name, value in values.items():
        if value is not None and not (isinstance(value, int | float) and value > 0):
            raise RecipeError(f"`{owner}.{name} > 0` must hold, but got {name}={value!r}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplerConfig:
    """Who proposes.

    Attributes:
        name: of a sampler, one of ``nas.samplers.NAMES``, or the import path of an Optuna sampler.
        options: its keyword arguments.
        batch: propose this many points at a time, from the results before them only, so that the
            same seed gives the same points at any concurrency, but for early stopping; 0 proposes
            whenever a slot is free.
    """

    name: str = "gp"
    options: Mapping[str, Any] = field(default_factory=dict)
    batch: int = 0

    def __post_init__(self) -> None:
        if self.batch < 0:
            raise RecipeError(f"`sampler.batch >= 0` must hold, but got batch={self.batch}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class StopConfig:
    """When the search ends: at the first limit that is reached. Running trials are finished."""

    trials: int
    hours: float | None = None
    core_hours: float | None = None

    def __post_init__(self) -> None:
        _positive("stop", trials=self.trials, hours=self.hours, core_hours=self.core_hours)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourcesConfig:
    """What one trial occupies, and how many run at once.

    Attributes:
        cpu: cores of one trial, which are also its threads.
        gpu: GPUs of one trial; a fraction shares one, 0 trains on the CPU; None is one GPU where Ray has any, else 0.
        concurrency: trials at once; None fills the machine or cluster.
        address: of a running Ray cluster to join; None starts Ray on this machine.
        max_failures: times that a trial is started again after its process or node died.
        storage: address of a place in an object store, such as ``s3://bucket/prefix``, that holds
            the checkpoints and a copy of the run, below the run's name; None where every node
            reaches the run folder.
    """

    cpu: float = 1
    gpu: float | None = None
    concurrency: int | None = None
    address: str | None = None
    max_failures: int = 3
    storage: str | None = None

    def __post_init__(self) -> None:
        _positive("resources", cpu=self.cpu, concurrency=self.concurrency)
        gpu = self.gpu or 0
        if gpu < 0 or self.max_failures < 0:
            raise RecipeError(
                "`resources.gpu >= 0` and `resources.max_failures >= 0` must hold, "
                f"but got gpu={gpu}, max_failures={self.max_failures}."
            )
        if not (gpu <= 1 or gpu % 1 == 0):
            raise RecipeError(f"`resources.gpu` must be a share of one GPU or whole GPUs, but got gpu={gpu}.")
        if self.storage is not None:
            scheme, separator, place = self.storage.partition("://")
            if not (scheme and separator and place.strip("/")):
                raise RecipeError(
                    f"resources.storage must be an address such as s3://bucket/prefix, but got {self.storage!r}."
                )
            if "@" in place or "secret_key" in place:
                # Not repeated in the message: it would end in a log.
                raise RecipeError("resources.storage must hold no credentials, for recipes are kept and shared.")


def check_one_gpu(resources: ResourcesConfig) -> None:
    """A process of ours trains on one GPU: more would be held and not used.

    Raises:
        RecipeError: more are asked for.
    """
    if (resources.gpu or 0) > 1:
        raise RecipeError(
            "`resources.gpu <= 1` must hold, for one process trains on one GPU (--workers shares a full training "
            f"between several), but got gpu={resources.gpu:g}."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyStoppingConfig:
    """Which trials are stopped before their last epoch.

    Attributes:
        rule: ``asha`` ranks by accuracy, ``asha-front`` by non-dominated rank of accuracy and the objectives that are
            costs, or the share of the budget where there are none, ``hyperband`` is ASHA with brackets that start to
            stop later.
        first_rung: epochs before the first decision.
        reduction: one trial in this many goes on at a rung.
        told_as: what the sampler is told of a stopped trial; ``complete`` tells its accuracy at the rung, from which
            ``gp`` and ``evolution`` tell the end; it was best on recorded curves (benchmarks/README.md).
    """

    rule: StoppingRule = "none"
    first_rung: int = 1
    reduction: int = 3
    told_as: ToldAs = "complete"

    def __post_init__(self) -> None:
        _positive("early_stopping", first_rung=self.first_rung)
        if self.reduction < 2:
            raise RecipeError(f"`early_stopping.reduction >= 2` must hold, but got reduction={self.reduction}.")
        for name, value, allowed in (
            ("rule", self.rule, get_args(StoppingRule)),
            ("told_as", self.told_as, get_args(ToldAs)),
        ):
            if value not in allowed:
                raise RecipeError(f"early_stopping.{name} must be one of {', '.join(allowed)}, but got {value!r}.")

    def check(self, epochs: int) -> None:
        """Hold the rungs to the epochs of a full training; a RecipeError where the first is none before the end."""
        if self.rule != "none" and self.first_rung >= epochs:
            raise RecipeError(
                "`early_stopping.first_rung < training.epochs` must hold, "
                f"but got first_rung={self.first_rung}, epochs={epochs}."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A search, whole.

    Attributes:
        name: of the run, and of its folder.
        space: name of a search space, or ``path/to/file.py:NAME``.
        data: the images, and how validation is cut from them.
        budget: what a candidate may cost.
        training: how a candidate is trained.
        stop: when the search ends.
        objectives: accuracy alone (the best network under the budget), or with a cost (a front).
        seed: of the sampler.
        trial_seed: of every training, its initial weights and the order and changes of its images.
    """

    name: str
    space: str
    data: DataConfig
    budget: Budget
    training: TrainingConfig
    stop: StopConfig
    sampler: SamplerConfig = field(default_factory=SamplerConfig)
    objectives: tuple[Objective, ...] = ("accuracy",)
    resources: ResourcesConfig = field(default_factory=ResourcesConfig)
    early_stopping: EarlyStoppingConfig = field(default_factory=EarlyStoppingConfig)
    seed: int = 0
    trial_seed: int = 0

    def __post_init__(self) -> None:
        for name in ("seed", "trial_seed"):
            if not 0 <= getattr(self, name) < 2**63:
                raise RecipeError(f"`0 <= {name} < 2**63` must hold, but got {name}={getattr(self, name)}.")
        check_one_gpu(self.resources)
        safe = self.name.replace("-", "").replace("_", "").replace(".", "")
        if not safe.isalnum():
            odd = next((f", which has {letter!r}" for letter in safe if not letter.isalnum()), "")
            raise RecipeError(
                "name (--name, or else the recipe file's own) must be letters, digits, '-', '_' and '.', for it names "
                f"a folder, but got name={self.name!r}{odd}."
            )
        if self.objectives[:1] != ("accuracy",) or len(set(self.objectives)) != len(self.objectives):
            raise RecipeError(
                "objectives must be different, accuracy first, then any of macs, params, activations, latency_seconds, "
                f"but got objectives={list(self.objectives)}."
            )
        side = self.data.resolution
        if side is not None and side > self.budget.resolution:
            raise RecipeError(
                "`data.resolution <= budget.resolution` must hold, for at more pixels than costs count at no candidate "
                f"would be within the budget, but got data.resolution={side}, "
                f"budget.resolution={self.budget.resolution}."
            )
        self.early_stopping.check(self.training.epochs)
