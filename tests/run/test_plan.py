"""Plans: from plain data and overrides to frozen data, through YAML and back, and what may not change."""

from dataclasses import replace
from pathlib import Path

import pytest

from nas.budget import Budget
from nas.data.config import DataConfig
from nas.errors import RecipeError, RunError
from nas.run.plan import FULL_EPOCHS, Plan, check_same, make_plan, of_recipe, read_plan
from nas.run.recipe import Recipe, StopConfig
from nas.run.recipe_file import to_yaml, with_epochs
from nas.training.config import TRAININGS

VALUES = {"data": {"name": "digits"}, "training": {"recipe": "modern"}}


def test_a_named_recipe_and_overrides() -> None:
    plan = make_plan({**VALUES, "seeds": 3}, {"training.learning_rate": "0.05", "data.resolution": "16"})
    assert plan.training == replace(TRAININGS["modern"], learning_rate=0.05)
    assert (plan.data.resolution, plan.seeds, plan.seed_numbers) == (16, 3, (0, 1, 2))


def test_what_is_none_is_left_to_the_defaults() -> None:
    plan = make_plan({**VALUES, "resources": {"cpu": 2, "concurrency": None}}, {})
    assert plan.resources.concurrency is None and plan.resources.cpu == 2


def test_the_warm_up_follows_the_epochs() -> None:
    half = with_epochs({"recipe": "modern"}, FULL_EPOCHS // 2)
    assert make_plan({**VALUES, "training": half}, {}).training.warmup_epochs == 1.0
    assert with_epochs({"epochs": 10, "warmup_epochs": 2.0}, 5) == {"epochs": 5, "warmup_epochs": 1.0}
    assert with_epochs({"epochs": 10}, None) == {"epochs": 10}
    stated = {"recipe": "modern", "warmup_epochs": 1.0}  # Of the recipe's own epochs.
    assert with_epochs(stated, 2 * TRAININGS["modern"].epochs)["warmup_epochs"] == 2.0
    for training in (stated, stated | {"epochs": TRAININGS["modern"].epochs}):
        overrides = {"training.epochs": str(2 * TRAININGS["modern"].epochs)}
        assert make_plan({**VALUES, "training": training}, overrides).training.warmup_epochs == 2.0


def test_a_search_recipe_becomes_a_full_training() -> None:
    short = replace(TRAININGS["modern"], epochs=3, warmup_epochs=0.2, images_per_epoch=100)
    recipe = Recipe(
        name="r",
        space="googlenet",
        data=DataConfig(name="digits", split_seed=3, limit=50),
        budget=Budget(macs=1, resolution=16, classes=10),
        training=short,
        stop=StopConfig(trials=1),
    )
    plan = make_plan(of_recipe(recipe), {})
    assert plan.data == DataConfig(name="digits", split_seed=3), "all images"
    assert plan.training.images_per_epoch is None and plan.training.epochs == FULL_EPOCHS
    assert plan.training.warmup_epochs == pytest.approx(0.2 * FULL_EPOCHS / 3)


def test_a_warm_up_that_is_stated_follows_the_epochs_however_they_are_given() -> None:
    values = {**VALUES, "training": {"recipe": "modern", "epochs": 36, "warmup_epochs": 4.5}}
    for two in ("2", " 2", "2.0", "0.2e1"):
        plan = make_plan(values, {"training.epochs": two})
        assert (plan.training.epochs, plan.training.warmup_epochs) == (2, 0.25)
    plan = make_plan(values, {"training.epochs": "2", "training.warmup_epochs": "1"})
    assert (plan.training.epochs, plan.training.warmup_epochs) == (2, 1.0)


def test_yaml_and_back(tmp_path: Path) -> None:
    plan = make_plan({**VALUES, "workers": 2}, {"training.augment.erase_area": "[0.1, 0.2]"})
    path = tmp_path / "recipe.yaml"
    path.write_text(to_yaml(plan))
    assert read_plan(path) == plan


@pytest.mark.parametrize(
    ("values", "overrides", "words"),
    [
        ({"seeds": 0}, {}, "seeds=0"),
        ({"resources": {"gpu": 2}}, {}, "gpu=2"),
        ({}, {"resources.storage": "s3://bucket/prefix"}, "storage"),
        ({"workers": 0}, {}, "workers=0"),
        ({"workers": 2, "resources": {"gpu": 0.5}}, {}, r"resources\.gpu=0\.5, workers=2"),
        ({"workers": 2}, {"training.batch_size": "63"}, r"multiple of the number of workers, .*=63, workers=2"),
        ({}, {"training.learning_rat": "1"}, "'training.learning_rate'"),
        ({}, {"seeds": "many"}, "seeds"),
        ({"training": {"recipe": "old"}}, {}, "'old'"),
    ],
)
def test_bad_values_are_refused(values: dict[str, object], overrides: dict[str, str], words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        make_plan({**VALUES, **values}, overrides)


def test_a_relative_root_is_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    values = {**VALUES, "data": {"name": "folder", "root": "pics"}}
    plan = make_plan(values, {})
    assert plan.data.root == str(tmp_path / "pics")
    before = replace(plan, data=replace(plan.data, root="pics"))
    check_same(Path("out"), before, plan)


def test_data_and_training_may_not_change() -> None:
    before = make_plan(VALUES, {})
    check_same(Path("out"), before, replace(before, seeds=9, workers=2))
    with pytest.raises(RunError, match=r"data\.resolution .* None, but got 16"):
        check_same(Path("out"), before, replace(before, data=DataConfig(name="digits", resolution=16)))
    with pytest.raises(RunError, match=r"training\.epochs .* 36, but got 7"):
        check_same(Path("out"), before, Plan(data=before.data, training=replace(before.training, epochs=7)))
