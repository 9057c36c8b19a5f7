"""Recipes: what they refuse, what they are told apart by."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from nas.data import AugmentConfig
from nas.errors import RecipeError
from nas.training import TRAININGS, TrainingConfig, training_key

PLAIN = TrainingConfig(epochs=4, batch_size=16)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"optimizer": "adam"}, '`optimizer` must be one of sgd, adamw, muon, but got optimizer="adam".'),
        ({"schedule": "linear"}, "`schedule` must be one of one-cycle, cosine, constant-anneal, step-decay,"),
        ({"precision": "float16"}, "`precision` must be one of auto, float32, bfloat16,"),
        ({"epochs": 0}, "`epochs >= 1` must hold for a whole number, but got epochs=0."),
        ({"epochs": 2.5}, "`epochs >= 1` must hold for a whole number, but got epochs=2.5."),
        ({"batch_size": True}, "`batch_size >= 1` must hold for a whole number, but got batch_size=True."),
        ({"images_per_epoch": -1}, "`images_per_epoch >= 1` must hold"),
        ({"learning_rate": 0.0}, "`0 < learning_rate` must hold for a number, but got learning_rate=0.0."),
        ({"learning_rate": float("nan")}, "`0 < learning_rate` must hold for a number, but got learning_rate=nan."),
        ({"learning_rate": "fast"}, "`0 < learning_rate` must hold for a number, but got learning_rate='fast'."),
        ({"momentum": 1.0}, "`0 <= momentum < 1` must hold for a number, but got momentum=1.0."),
        ({"momentum": 0.0}, "`momentum > 0` must hold with nesterov=true, but got momentum=0.0."),
        ({"nesterov": 1}, "`nesterov` must be true or false, but got nesterov=1."),
        ({"weight_decay": -1e-4}, "`0 <= weight_decay` must hold for a number, but got weight_decay=-0.0001."),
        ({"auxiliary_weight": -0.3}, "`0 <= auxiliary_weight` must hold"),
        (
            {"warmup_epochs": 4},
            "`0 <= warmup_epochs < epochs` must hold for a number, but got warmup_epochs=4, epochs=",
        ),
        ({"anneal_share": 0.0}, "`0 < anneal_share <= 1` must hold"),
        ({"label_smoothing": 1.0}, "`0 <= label_smoothing < 1` must hold"),
        ({"ema_decay": 1.0}, "`0 <= ema_decay < 1` must hold"),
        ({"augment": {"flip": True}}, "`augment` must be the fields of AugmentConfig,"),
    ],
)
def test_refused_with_one_sentence(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(RecipeError) as caught:
        replace(PLAIN, **changes)
    assert str(caught.value).startswith(told)
    assert "\n" not in str(caught.value)


def test_bounds_that_are_allowed() -> None:
    replace(PLAIN, anneal_share=1.0, momentum=0.0, nesterov=False, weight_decay=0.0, warmup_epochs=3.9)


def test_whole_numbers_give_the_key_of_the_floats_that_they_equal() -> None:
    """As a recipe has that went through YAML: a run begun from Python goes on from its file."""
    whole = AugmentConfig(mixup_alpha=1, crop_area=(0.5, 1), erase_probability=np.float32(0.5))
    config = replace(PLAIN, weight_decay=0, warmup_epochs=1, augment=whole)
    floats = AugmentConfig(mixup_alpha=1.0, crop_area=(0.5, 1.0), erase_probability=0.5)
    assert training_key(config) == training_key(replace(PLAIN, weight_decay=0.0, warmup_epochs=1.0, augment=floats))
    assert type(config.epochs) is int


def test_key_tells_recipes_apart() -> None:
    assert training_key(PLAIN) == training_key(replace(PLAIN))
    changed = [AugmentConfig(flip=True), AugmentConfig(mixup_alpha=0.2), AugmentConfig(cutmix_alpha=0.2)]
    variants = [PLAIN, *TRAININGS.values(), replace(PLAIN, epochs=5)]
    variants += [replace(PLAIN, augment=augment) for augment in changed]
    assert len({training_key(config) for config in variants}) == len(variants)


def test_named_recipes_are_what_their_names_say() -> None:
    paper, modern = TRAININGS["paper"], TRAININGS["modern"]
    assert (paper.momentum, paper.schedule, paper.auxiliary_weight) == (0.9, "step-decay", 0.3)
    assert paper.ema_decay > 0
    assert paper.augment.resized_crop and paper.augment.photometric and paper.augment.crop_area == (0.08, 1.0)
    assert modern.schedule in ("one-cycle", "cosine") and modern.warmup_epochs > 0
    assert modern.label_smoothing > 0 and modern.ema_decay > 0 and modern.augment.erase_probability > 0
