"""What a recipe makes of a search, before anything is trained."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nas.budget import Budget
from nas.cost import cost
from nas.data import DataConfig
from nas.errors import ArchitectureError, BudgetError, RecipeError
from nas.run.recipe import Recipe
from nas.run.recipe_file import read_recipe
from nas.run.search import rehearse

DEMO = Path(__file__).parents[2] / "runs" / "demo.yaml"


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return read_recipe(DEMO, {"sampler.name": "random"})


def test_another_trial_seed_trains_the_same_networks(recipe: Recipe) -> None:
    once = list(rehearse(recipe, 4))
    again = list(rehearse(replace(recipe, trial_seed=7), 4))
    assert [each.key for each in again] == [each.key for each in once]
    assert {each.seed for each in once} == {0} and {each.seed for each in again} == {7}


def test_another_seed_proposes_others(recipe: Recipe) -> None:
    once = {each.key for each in rehearse(recipe, 4) if not each.reference}
    assert not once & {each.key for each in rehearse(replace(recipe, seed=1), 4) if not each.reference}


def test_every_candidate_can_be_wired_at_the_size_of_the_images(recipe: Recipe) -> None:
    """Costs count at 128 steps; of those that are within the budget some pool too often for 16."""
    series = read_recipe(DEMO.with_name("series.yaml"), {"sampler.name": "random", "data.resolution": "16"})
    found = list(rehearse(series, 20))
    assert len(found) == 20
    for each in found:
        cost(each.architecture, resolution=16, classes=8)
    whole = replace(series, data=replace(series.data, resolution=128))
    refused = 0
    for each in rehearse(whole, 20):
        try:
            cost(each.architecture, resolution=16, classes=8)
        except ArchitectureError:
            refused += 1
    assert refused > 0
    with pytest.raises(BudgetError, match=r"can be costed .* at data\.resolution=16, the map"):
        list(rehearse(replace(recipe, data=replace(recipe.data, resolution=16)), 1))


@pytest.mark.parametrize("field", ["seed", "trial_seed"])
def test_seeds_start_at_zero(recipe: Recipe, field: str) -> None:
    for seed in (-1, 2**63):
        with pytest.raises(RecipeError, match=rf"`0 <= {field} < 2\*\*63` must hold, but got {field}={seed}\."):
            replace(recipe, **{field: seed})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"space": "inception_series"}, "space must be one for images, which digits holds"),
        ({"budget": Budget(macs=10**8, resolution=32, classes=11)}, "budget.classes=11 where digits has 10"),
        ({"data": DataConfig(name="waves")}, "space must be one for series, which waves holds"),
    ],
)
def test_a_rehearsal_knows_what_data_are_without_loading_them(
    recipe: Recipe, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(RecipeError, match=said):
        list(rehearse(replace(recipe, **changes), 1))
