"""What the README and docs claim of the reference runs, held to what these runs have recorded."""

from pathlib import Path

import pytest

from nas.journal import Journal
from nas.run.recipe_file import read_recipe

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "runs" / "reference"
RUNS = sorted(path.parent for path in REFERENCE.glob("*/journal.log"))


@pytest.mark.parametrize("run", RUNS, ids=lambda path: path.name)
def test_no_candidate_of_a_reference_run_is_over_its_budget(run: Path) -> None:
    budget = read_recipe(run / "recipe.yaml").budget
    trials = Journal.open(run / "journal.log", read_only=True).trials()
    assert len(trials) > 1 and trials[0].candidate.reference
    for trial in trials[1:]:
        assert budget.allows(trial.candidate.cost)
        assert budget.cost(trial.candidate.architecture) == trial.candidate.cost
