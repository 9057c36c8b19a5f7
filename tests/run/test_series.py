"""Series from end to end: a recipe, a search, and what does not fit them."""

from pathlib import Path

import pytest
import toys
from engines import make_engine

from nas.errors import DataError, RecipeError
from nas.journal import Journal
from nas.proposer import Proposer
from nas.run.engine import Listener
from nas.run.local import run_here
from nas.run.recipe import Recipe
from nas.run.recipe_file import find_recipe, read_recipe
from nas.run.search import prepare, start
from nas.run.training_task import TrainingTask
from nas.samplers import make_sampler


def tiny(**overrides: str) -> Recipe:
    given = {
        "data.resolution": "32",
        "data.limit": "64",
        "budget.resolution": "32",
        "budget.macs": "4e5",
        "training.epochs": "1",
        "training.batch_size": "32",
        "training.warmup_epochs": "0.5",
        "stop.trials": "3",
        "sampler.name": "random",
    }
    return read_recipe(find_recipe("series"), given | {key.replace("__", "."): text for key, text in overrides.items()})


def test_a_search(tmp_path: Path) -> None:
    recipe = tiny()
    space = prepare(recipe)
    journal = Journal.in_memory(name=recipe.name, objectives=recipe.objectives, attributes={})
    sampler = make_sampler(recipe.sampler.name)
    source = Proposer(space, recipe.budget, sampler, journal, seed=0)
    engine = make_engine(source, journal, recipe.budget, tmp_path, trials=recipe.stop.trials, epochs=1)
    assert run_here(engine, TrainingTask(recipe.data, recipe.training), tmp_path / "checkpoints")
    trials = journal.trials()
    assert [trial.state for trial in trials] == ["complete"] * 3
    assert trials[0].candidate.reference and all(trial.candidate.architecture.dims == 1 for trial in trials)
    assert all(trial.candidate.cost.macs <= 400_000 for trial in trials[1:])
    assert all(0.0 <= (trial.accuracy or 0.0) <= 1.0 for trial in trials)


def test_what_does_not_fit(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="`erase_probability` must be off for series"):
        TrainingTask(tiny().data, tiny(training__augment__erase_probability="0.5").training)
    with pytest.raises(RecipeError, match=r"space must be one for series, which waves holds, but got space=.*images"):
        start(tiny(space=f"{toys.__file__}:SPACE", budget__macs="4e6"), tmp_path / "run", Listener())
    assert not (tmp_path / "run").exists()
    digits = tiny(data__name="digits", budget__classes="10")
    with pytest.raises(RecipeError, match=r"space must be one for images, which digits holds, but got .* for series"):
        start(digits, tmp_path / "run", Listener())
