"""A recipe whose batch is too small for batch-norm is refused before Ray starts and before a folder is made."""

from dataclasses import replace
from pathlib import Path

import pytest
from tiny_search import write_recipe
from toys import SPACE

from nas.errors import TrialError
from nas.run.chosen import Chosen
from nas.run.engine import Listener
from nas.run.plan import make_plan
from nas.run.recipe_file import read_recipe
from nas.run.search import rehearse
from nas.run.train import train

REFUSED = r"`training.batch_size >= 2` must hold with batch-norm, but got 1, and .* has one value a channel"


def test_a_full_training(tmp_path: Path) -> None:
    toy = SPACE.reference
    deep = replace(toy, stages=(*toy.stages, toy.stages[-1]), reductions=(*toy.reductions, toy.reductions[-1]))
    data = {"name": "digits", "resolution": 4}
    plan = make_plan({"data": data, "training": {"recipe": "modern", "batch_size": 1}}, {})
    with pytest.raises(TrialError, match=REFUSED):
        train((Chosen(label="deep", architecture=deep),), plan, tmp_path / "model", Listener())
    assert not (tmp_path / "model").exists()


def test_a_search(tmp_path: Path) -> None:
    budget = {"macs": 60_000_000, "resolution": 32, "classes": 10}
    path = write_recipe(tmp_path, space="googlenet", budget=budget, data={"name": "digits"})
    recipe = read_recipe(path)
    one = replace(recipe, training=replace(recipe.training, batch_size=1))
    with pytest.raises(TrialError, match=REFUSED):
        list(rehearse(one, 1))
    assert len(list(rehearse(recipe, 1))) == 1
