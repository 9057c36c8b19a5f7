"""Recipes: what is read, what is refused, and in which words."""

from dataclasses import replace
from pathlib import Path

import pytest

from nas.errors import NasError, RecipeError
from nas.run.recipe_file import RECIPES, build_recipe, find_recipe, read_mapping, read_recipe, to_yaml
from nas.training.config import TRAININGS

RECIPE = """
space: googlenet
data: {name: digits}
budget: {macs: 3e7, resolution: 32, classes: 10}
training: {recipe: modern, epochs: 2, augment: {flip: false}}
stop: {trials: 4}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "tiny.yaml"
    path.write_text(text)
    return path


def test_a_recipe_is_resolved(tmp_path: Path) -> None:
    recipe = read_recipe(write(tmp_path, RECIPE), {"budget.macs": "2e7", "sampler.name": "random"})
    assert recipe.name == "tiny"
    assert recipe.budget.macs == 20_000_000 and type(recipe.budget.macs) is int
    assert recipe.sampler.name == "random"
    assert recipe.training.epochs == 2 and recipe.training.augment.flip is False
    assert recipe.training.augment.shift_pixels == 2, "what is not named stays that of the named training"


@pytest.mark.parametrize("text", ["4", "4.0", "4e0"])
def test_whole_numbers_may_be_written_as_decimals(text: str, tmp_path: Path) -> None:
    training = read_recipe(write(tmp_path, RECIPE), {"training.epochs": text, "training.learning_rate": "1"}).training
    assert training.epochs == 4 and type(training.epochs) is int
    assert training.warmup_epochs == TRAININGS["modern"].warmup_epochs * 4 / TRAININGS["modern"].epochs
    assert training.learning_rate == 1.0 and type(training.learning_rate) is float


@pytest.mark.parametrize(
    ("change", "share"),
    [
        ({}, 0.9),
        ({"budget.at_least": "0"}, 0.0),
        ({"objectives": "[accuracy, macs]"}, 0.0),
        ({"budget.macs": "null", "budget.latency_seconds": "0.1"}, 0.0),
        ({"budget.macs": "null", "budget.params": "1000000"}, 0.9),
    ],
)
def test_a_search_for_one_network_is_held_to_the_band(change: dict[str, str], share: float, tmp_path: Path) -> None:
    recipe = read_recipe(write(tmp_path, RECIPE), change)
    assert recipe.budget.at_least == share
    assert build_recipe(read_mapping(write(tmp_path, to_yaml(recipe)))) == recipe


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_recipes_of_the_package_round_trip(path: Path, tmp_path: Path) -> None:
    recipe = read_recipe(path)
    assert read_recipe(write(tmp_path, to_yaml(recipe))) == recipe


def test_recipes_are_found_by_path_and_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_recipe("demo") == find_recipe("runs/demo.yaml") == RECIPES / "demo.yaml"
    assert find_recipe(str(write(tmp_path, RECIPE))) == tmp_path / "tiny.yaml"
    for typo in ("runs/demo.yml", "demo.json", "here/demo.yaml"):
        with pytest.raises(RecipeError, match="recipe must be a YAML file that exists or one of "):
            find_recipe(typo)


BAD = {
    "unknown key": (RECIPE + "sampelr: {name: tpe}", "no key 'sampelr'", "Did you mean 'sampler'?"),
    "key of a section below": (
        RECIPE + "resolution: 8",
        "no key 'resolution'",
        "'data.resolution' or 'budget.resolution'",
    ),
    "unknown inner key": (RECIPE.replace("macs", "mcas"), "no key 'budget.mcas'", "Did you mean 'budget.macs'?"),
    "unknown training key": (RECIPE.replace("epochs", "epoch"), "no key 'training.epoch'", "'training.epochs'"),
    "wrong type": (RECIPE.replace("trials: 4", "trials: many"), "stop.trials", "'many'"),
    "a key twice": (RECIPE + "space: googlenet", "readable YAML", "the key 'space' is given twice"),
    "a share of a MAC": (RECIPE.replace("3e7", "0.5"), "budget.macs must be a whole number", "0.5"),
    "text for a list": (RECIPE + "objectives: accuracy", "objectives must be a list", "'accuracy'"),
    "fraction": (RECIPE.replace("trials: 4", "trials: 4.5"), "stop.trials", "4.5"),
    "zero trials": (RECIPE.replace("trials: 4", "trials: 0"), "`stop.trials > 0`", "trials=0"),
    "no section": (RECIPE.replace("{trials: 4}", "4"), "stop", "4"),
    "missing": (RECIPE.replace("space: googlenet", ""), "'space'", "missing"),
    "training recipe": (RECIPE.replace("modern", "modrn"), "training.recipe", "'modrn'"),
    "list as training recipe": (RECIPE.replace("modern", "[modern]"), "training.recipe", "['modern']"),
    "true for a number": (RECIPE.replace("epochs: 2", "epochs: true"), "training.epochs must be a number", "True"),
    "text for a number": (RECIPE.replace("epochs: 2", 'epochs: "2"'), "training.epochs must be a number", "'2'"),
    "true for an optional number": (RECIPE.replace("digits", "digits, limit: true"), "data.limit must be a number"),
    "text for a whole number": (RECIPE.replace("3e7", '"3e7"'), "budget.macs must be a number", "'3e7'"),
    "true in a pair": (RECIPE.replace("flip: false", "erase_area: [0.1, true]"), "erase_area must be a number", "True"),
    "text for a flag": (RECIPE.replace("flip: false", 'flip: "no"'), "training.augment.flip must be true or", "'no'"),
    "number for a flag": (RECIPE.replace("flip: false", "flip: 1"), "training.augment.flip must be true or false", "1"),
    "one and a half GPUs": (RECIPE + "resources: {gpu: 1.5}", "`resources.gpu`", "gpu=1.5"),
    "no number of GPUs": (RECIPE + "resources: {gpu: .nan}", "`resources.gpu`", "gpu=nan"),
    "data set": (RECIPE.replace("digits", "digit"), "digits", '"digit"'),
    "no limit": (RECIPE.replace("macs: 3e7, ", ""), "at least one of macs", "none"),
    "objectives": (RECIPE + "objectives: [macs]", "objectives", "accuracy first"),
    "more pixels than costs count at": (
        RECIPE.replace("digits", "digits, resolution: 64"),
        "`data.resolution <= budget.resolution`",
        "data.resolution=64, budget.resolution=32",
    ),
    "name": (RECIPE + "name: ../x", "name", "'../x'"),
    "stopping": (RECIPE + "early_stopping: {rule: asha, first_rung: 2}", "first_rung=2", "epochs=2"),
    "not a mapping": ("- 1\n- 2\n", "mapping", "a list"),
    "not YAML": ("a: [1", "readable YAML", "tiny.yaml"),
    "no date": ("name: 2026-11-31", "readable YAML", "tiny.yaml"),
    "binary": ("\x00\x01", "readable YAML", "tiny.yaml"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_recipes_are_refused_in_one_sentence(case: str, tmp_path: Path) -> None:
    text, *words = BAD[case]
    with pytest.raises(NasError) as caught:
        read_recipe(write(tmp_path, text))
    message = str(caught.value)
    assert all(word in message for word in words), message
    assert "\n" not in message


def test_unknown_recipe_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(NasError, match="Did you mean 'demo'"):
        find_recipe("dmo")


def test_overrides_must_lead_into_sections(tmp_path: Path) -> None:
    with pytest.raises(NasError, match="space is text"):
        read_recipe(write(tmp_path, RECIPE), {"space.name": "x"})


def test_overrides_must_be_values(tmp_path: Path) -> None:
    for text in ("[1", "2026-11-31"):
        with pytest.raises(NasError, match=r"^name must be set to a YAML value, but got "):
            read_recipe(write(tmp_path, RECIPE), {"name": text})


def test_plain_data_is_enough() -> None:
    data = {
        "name": "plain",
        "space": "googlenet",
        "data": {"name": "digits"},
        "budget": {"macs": 10, "resolution": 32, "classes": 10},
        "training": {"epochs": 1, "batch_size": 8},
        "stop": {"trials": 1, "hours": 0.5},
    }
    recipe = build_recipe(data)
    assert recipe.stop.hours == 0.5 and recipe.objectives == ("accuracy",)


def test_a_warm_up_that_is_stated_with_a_whole_section_stays(tmp_path: Path) -> None:
    resolved = write(tmp_path, to_yaml(read_recipe(write(tmp_path, RECIPE))))
    found = read_recipe(resolved, {"training": "{recipe: modern, epochs: 20, warmup_epochs: 3}"}).training
    assert (found.epochs, found.warmup_epochs) == (20, 3)


def test_another_named_training_replaces_a_resolved_one(tmp_path: Path) -> None:
    resolved = write(tmp_path, to_yaml(read_recipe(write(tmp_path, RECIPE))))
    paper = read_recipe(resolved, {"training.recipe": "paper", "training.learning_rate": "0.02"}).training
    assert paper == replace(TRAININGS["paper"], epochs=2, learning_rate=0.02)
    named = read_recipe(write(tmp_path, RECIPE), {"training.recipe": "paper"}).training
    assert named == replace(TRAININGS["paper"], epochs=2, augment=replace(TRAININGS["paper"].augment, flip=False))
