"""The best trials of a run."""

from dataclasses import replace
from pathlib import Path

import pytest
from toys import BUDGET, SPACE

from nas.budget import Budget
from nas.cli.models import top_table
from nas.data.config import DataConfig
from nas.errors import RunError
from nas.journal import Journal
from nas.record import Candidate
from nas.run.chosen import Timed
from nas.run.folder import RunFolder
from nas.run.recipe import Recipe, StopConfig
from nas.run.top import chosen, next_seed, top_trials, trial_of
from nas.serialize import key
from nas.training.config import TRAININGS

POINTS = [{"stem": 8, "width3": width, "width4": 8, "wide": 0} for width in (8, 16, 24, 32)]
LARGE = {"stem": 32, "width3": 32, "width4": 32, "wide": 16}


def candidate(point: dict[str, int], seed: int = 0, *, reference: bool = False) -> Candidate:
    architecture = SPACE.decode(point)
    return Candidate(
        architecture=architecture,
        key=key(architecture),
        point=None,
        cost=BUDGET.cost(architecture),
        seed=seed,
        reference=reference,
    )


def made(parent: Path, budget: Budget) -> tuple[RunFolder, Journal]:
    """A run without trials."""
    recipe = Recipe(
        name="toy",
        space="toy",
        data=DataConfig(name="digits"),
        budget=budget,
        training=TRAININGS["modern"],
        stop=StopConfig(trials=9),
    )
    folder = RunFolder.create(parent / "toy", recipe)
    return folder, Journal.create(folder.journal, name="toy", objectives=("accuracy",), attributes={})


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder, journal = made(tmp_path, BUDGET)
    assert not BUDGET.allows(BUDGET.cost(SPACE.decode(LARGE))), "the reference is over the budget"
    journal.complete(journal.add(candidate(LARGE, reference=True)), accuracy=0.99, epochs=3, seconds=1.0)
    for point, accuracy in zip(POINTS, (0.7, 0.9, 0.8, 0.9), strict=True):
        journal.complete(journal.add(candidate(point)), accuracy=accuracy, epochs=3, seconds=1.0)
    journal.complete(journal.add(candidate(POINTS[2], seed=4)), accuracy=0.85, epochs=3, seconds=1.0)
    journal.stop(journal.add(candidate(POINTS[0], seed=1)), accuracy=0.95, epochs=1, seconds=1.0)
    journal.fail(journal.add(candidate(POINTS[0], seed=2)), "a layer failed")
    journal.add(candidate(POINTS[0], seed=3))
    return folder.path


def test_best_first_each_network_once(run: Path) -> None:
    """Of equals the first; neither what was stopped or failed, nor a reference over the budget, nor a network twice."""
    recipe, records = top_trials(run, 9)
    assert [record.number for record in records] == [2, 4, 5, 1]
    assert recipe.name == "toy"
    assert [record.number for record in top_trials(run, 2)[1]] == [2, 4]


def test_a_reference_below_the_band_is_within_the_budget(tmp_path: Path) -> None:
    spent = BUDGET.cost(SPACE.decode(LARGE))
    budget = Budget(macs=2 * spent.macs, resolution=BUDGET.resolution, classes=BUDGET.classes, at_least=0.9)
    folder, journal = made(tmp_path, budget)
    journal.complete(journal.add(candidate(LARGE, reference=True)), accuracy=0.9, epochs=3, seconds=1.0)
    assert [record.number for record in top_trials(folder.path, 1)[1]] == [0]


def test_as_networks(run: Path) -> None:
    networks = chosen(*top_trials(run, 1))
    assert [network.label for network in networks] == ["trial 2 of toy"]
    assert networks[0].architecture == SPACE.decode(POINTS[1])


def test_a_measured_latency_goes_with_the_network(tmp_path: Path) -> None:
    """To the table that chooses, to the card and to the metrics: a device's user searched for it."""
    budget = replace(BUDGET, latency_seconds=0.06, latency_threads=2)
    folder, journal = made(tmp_path, budget)
    measured = replace(candidate(POINTS[0]), measured={"latency_seconds": 0.01234})
    journal.complete(journal.add(measured), accuracy=0.7, epochs=3, seconds=1.0)
    recipe, records = top_trials(folder.path, 1)
    (network,) = chosen(recipe, records)
    assert network.timed == Timed(latency_seconds=0.01234, batch=1, threads=2, runtime="torch", limit_seconds=0.06)
    assert network.timed.conditions == "batch 1, 2 threads of torch, at most 60 ms"
    table = top_table("toy", recipe, records)
    assert {column.header: list(column.cells) for column in table.columns}["latency (ms)"] == ["12.3"]


def test_seeds_that_no_trial_had(run: Path) -> None:
    assert next_seed(run) == 5


def test_one_trial(run: Path) -> None:
    recipe, record = trial_of(run, 3)
    assert (recipe.name, record.accuracy) == ("toy", 0.8)
    with pytest.raises(RunError, match="but got 99"):
        trial_of(run, 99)


def test_a_run_without_a_complete_trial(run: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="k=0"):
        top_trials(run, 0)
    (run / "journal.log").unlink()
    Journal.create(run / "journal.log", name="toy", objectives=("accuracy",), attributes={})
    with pytest.raises(RunError, match=r"of 0 in .* none is"):
        top_trials(run, 1)
    with pytest.raises(RunError, match=r"recipe\.yaml"):
        top_trials(tmp_path / "nowhere", 1)
