"""How a network is trained, as data: no torch. Named recipes are in ``TRAININGS``."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Final, Literal, get_args

from nas.data.config import AugmentConfig, as_floats
from nas.errors import RecipeError

OptimizerName = Literal["sgd", "adamw", "muon"]
Schedule = Literal["one-cycle", "cosine", "constant-anneal", "step-decay"]
Precision = Literal["auto", "float32", "bfloat16"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """One way to train a network. The seed is not part of it, nor is the data set.

    Raises:
        RecipeError: a field is out of range.
    """

    epochs: int
    """Full length of the schedule; a trial may be stopped earlier."""
    batch_size: int
    """Images a step. ``learning_rate`` is meant for this batch size and is not rescaled."""
    optimizer: OptimizerName = "sgd"
    """``sgd``, ``adamw``, or ``muon`` (see ``nas.training.muon``)."""
    learning_rate: float = 0.1
    """The highest of the schedule."""
    momentum: float = 0.9
    """Of ``sgd`` and ``muon``; the first beta of ``adamw``."""
    nesterov: bool = True
    """Of ``sgd``."""
    weight_decay: float = 5e-4
    """On weights of convolutions and linear layers only; part of the gradient in ``sgd``, decoupled otherwise."""
    schedule: Schedule = "cosine"
    """See ``nas.training.schedule``."""
    warmup_epochs: float = 0.0
    """The rate rises linearly over these."""
    anneal_share: float = 0.2
    """Of ``constant-anneal``: the share of the epochs, at the end, over which the rate falls to zero."""
    label_smoothing: float = 0.0
    """Share of the target that is spread evenly over all classes."""
    ema_decay: float = 0.0
    """Of the moving average of the weights (Polyak averaging) a step; 0 evaluates the weights themselves."""
    auxiliary_weight: float = 0.0
    """Weight of the loss of each auxiliary head; 0 leaves the heads out."""
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    """Random changes of the training images."""
    images_per_epoch: int | None = None
    """Images that one epoch draws, others each time, until all have been drawn; None draws all."""
    precision: Precision = "auto"
    """``auto`` is bfloat16 arithmetic where the processor has it, on float32 weights, and float32 elsewhere."""

    def __post_init__(self) -> None:
        for name, allowed in (("optimizer", OptimizerName), ("schedule", Schedule), ("precision", Precision)):
            value = getattr(self, name)
            if value not in get_args(allowed):
                raise RecipeError(f'`{name}` must be one of {", ".join(get_args(allowed))}, but got {name}="{value}".')
        for name in ("epochs", "batch_size"):
            _at_least_one(name, getattr(self, name))
        if self.images_per_epoch is not None:
            _at_least_one("images_per_epoch", self.images_per_epoch)
        _between("learning_rate", self.learning_rate, 0.0, math.inf, open_low=True)
        _between("weight_decay", self.weight_decay, 0.0, math.inf)
        _between("auxiliary_weight", self.auxiliary_weight, 0.0, math.inf)
        _between("warmup_epochs", self.warmup_epochs, 0.0, self.epochs, what="epochs")
        _between("anneal_share", self.anneal_share, 0.0, 1.0, open_low=True, closed_high=True)
        for name in ("momentum", "label_smoothing", "ema_decay"):
            _between(name, getattr(self, name), 0.0, 1.0)
        if type(self.nesterov) is not bool:
            raise RecipeError(f"`nesterov` must be true or false, but got nesterov={self.nesterov!r}.")
        if self.optimizer == "sgd" and self.nesterov and self.momentum == 0.0:
            raise RecipeError("`momentum > 0` must hold with nesterov=true, but got momentum=0.0.")
        if not isinstance(self.augment, AugmentConfig):
            raise RecipeError(f"`augment` must be the fields of AugmentConfig, but got augment={self.augment!r}.")
        as_floats(self)


def _at_least_one(name: str, value: object) -> None:
    if type(value) is not int or value < 1:
        raise RecipeError(f"`{name} >= 1` must hold for a whole number, but got {name}={value!r}.")


def _between(
    name: str,
    value: object,
    low: float,
    high: float,
    *,
    open_low: bool = False,
    closed_high: bool = False,
    what: str = "",
) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    below = number and (value <= low if open_low else value < low)  # type: ignore[operator]
    above = number and (value > high if closed_high else value >= high)  # type: ignore[operator]
    if not number or below or above:
        left = f"{low:g} {'<' if open_low else '<='} "
        right = "" if high == math.inf else f" {'<=' if closed_high else '<'} {what or f'{high:g}'}"
        told = f", {what}={high}" if what else ""
        raise RecipeError(f"`{left}{name}{right}` must hold for a number, but got {name}={value!r}{told}.")


def training_key(config: TrainingConfig) -> str:
    """Sixteen hexadecimal digits that are equal for equal recipes: part of a trial's identity."""
    fields = asdict(config)
    for name in ("mixup_alpha", "cutmix_alpha"):  # Came later: a recipe without them keeps the key it always had.
        if fields["augment"][name] == 0.0:
            del fields["augment"][name]
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


PAPER: Final = TrainingConfig(
    epochs=24,
    batch_size=64,
    optimizer="sgd",
    learning_rate=0.01,
    momentum=0.9,
    nesterov=False,
    weight_decay=2e-4,
    schedule="step-decay",
    ema_decay=0.999,
    auxiliary_weight=0.3,
    augment=AugmentConfig(flip=True, resized_crop=True, photometric=True),
)
"""As in "Going Deeper with Convolutions", section 6; what it leaves open is from the Caffe release: rate and decay."""

MODERN: Final = TrainingConfig(
    epochs=36,
    batch_size=256,
    optimizer="muon",
    learning_rate=0.1,
    weight_decay=0.01,
    schedule="cosine",
    warmup_epochs=2.0,
    label_smoothing=0.1,
    ema_decay=0.998,
    augment=AugmentConfig(flip=True, shift_pixels=2, erase_probability=0.25, erase_area=(0.02, 0.12)),
)
"""Batch-norm networks of any width on small images; see benchmarks/README.md, "Recipes", for what was tried."""

TRAININGS: Final[Mapping[str, TrainingConfig]] = MappingProxyType({"paper": PAPER, "modern": MODERN})
"""Recipes by name; ``dataclasses.replace`` adapts one."""
