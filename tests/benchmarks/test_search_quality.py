"""The offline judge, on a made-up table and on the made-up curves of a run."""

import csv
import itertools
import sys
from pathlib import Path

import pytest

from nas.errors import DataError, RunError
from nas.journal import Journal
from nas.proposer import Proposer
from nas.run.folder import RunFolder
from nas.run.recipe import EarlyStoppingConfig
from nas.run.recipe_file import read_recipe
from nas.samplers import make_sampler
from nas.spaces import load_space

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import search_quality  # noqa: E402
from macro_table import digits, read_table  # noqa: E402
from recorded import Recorded, read_run, replay_run  # noqa: E402


@pytest.fixture(scope="module")
def table_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All networks of eight layers; the more work, the better; a layer's place does not matter."""
    path = tmp_path_factory.mktemp("table") / "table.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["arch", "canonical", "flops", "params", "acc1", "acc2", "acc3"])
        for layers in itertools.product("012", repeat=8):
            arch = "".join(layers)
            canonical = arch.replace("0", "").ljust(8, "0")
            work = sum(map(int, layers))
            writer.writerow([arch, canonical, 1000 + 100 * work, 10 * work, 50 + work, 40 + work, 42 + work])
    return path


def test_the_table_is_a_space_with_costs(table_path: Path) -> None:
    table = read_table(table_path)
    space = table.space()
    assert table.largest == 2600
    assert len(table.rows) == 2**9 - 1
    budget = table.budget(0.5, 0.9)
    assert (budget.macs, budget.at_least) == (1300, 0.9)
    point = dict.fromkeys((choice.name for choice in space.choices), "identity")
    point["layer3"] = "kernel5_expansion6"
    assert digits(space.decode(point)) == "20000000"
    assert space.canonical(point)["layer0"] == "kernel5_expansion6"
    assert budget.cost(space.decode(point)).macs == 1200
    assert table.row(space.reference).seen == pytest.approx(0.66)
    assert table.row(space.reference).judged == pytest.approx(0.57)


def test_searchers_are_printed_with_errors(table_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--table", str(table_path), "--seeds", "2", "--most", "20", "--only", "random", "plain Optuna TPE"]
    search_quality.main(arguments)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 + 3 * 3
    assert lines[1].split()[:5] == ["B", "searcher", "n=20", "n=30", "n=60"]
    # Under half of the largest network's 2,600 the best has three units of work: judged 40 + 3 and 42 + 3.
    row = next(line for line in lines if line.startswith("0.5  random, band"))
    assert "44.00 ± 0.000" in row


def test_a_table_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="must be a CSV file"):
        read_table(tmp_path / "none.csv")


def record(path: Path, *, seed: int = 0, shift: float = 0.0, networks: int = 30) -> Path:
    """A run of networks whose accuracies rise with their params, all of them by ``shift``."""
    recipe = read_recipe(ROOT / "runs" / "demo.yaml", {"space": "googlenet_staged"})
    folder = RunFolder.create(path, recipe)
    journal = Journal.create(folder.journal, name="run", objectives=recipe.objectives, attributes={})
    space = load_space(recipe.space)
    sampler = make_sampler("random")
    proposer = Proposer(space, recipe.budget, sampler, journal, seed=0, trial_seed=seed)
    for number in range(networks + 1):
        asked = proposer.ask()
        assert asked is not None
        final = 1 - 1 / (1 + asked[1].cost.params / 1e6)
        for epoch in range(1, 5):
            journal.report(number, epoch, final * epoch / 4)
        journal.complete(number, final + shift, 4, 8.0)
    return folder.path


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return read_run(record(tmp_path_factory.mktemp("runs") / "run"))


def test_further_seeds_judge(tmp_path: Path) -> None:
    second = record(tmp_path / "second", seed=1, shift=0.1, networks=12)
    recorded = read_run(record(tmp_path / "first"), second)
    assert len(recorded.curves) == 12
    for network, (first, second) in recorded.curves.items():
        assert (first.candidate.seed, second.candidate.seed) == (0, 1)
        assert recorded.judged(network) == second.accuracy == pytest.approx(first.accuracy + 0.1)


def replay(recorded: Recorded, name: str, stopping: EarlyStoppingConfig) -> list[tuple[float, float, float]]:
    return replay_run(recorded, make_sampler(name), stopping, seed=0, trainings=12, workers=3)


@pytest.mark.parametrize("name", ["random", "gp"])
def test_replays_train_recorded_networks_to_the_end(recorded: Recorded, name: str) -> None:
    assert (len(recorded.curves), recorded.epochs) == (30, 4)
    course = replay(recorded, name, EarlyStoppingConfig())
    known = {records[0].accuracy for records in recorded.curves.values()}
    assert {seen for _, seen, _ in course} <= known
    assert [spent for spent, _, _ in course] == sorted(spent for spent, _, _ in course)
    # Three at a time, of equal duration: the third of each row of three ends a whole number of trainings.
    assert [course[row][0] for row in (2, 5, 8, 11)] == [3, 6, 9, 12]
    assert len({seen for _, seen, _ in course}) == 12
    assert all(judged == seen for _, seen, judged in course)


def test_early_stopping_sees_more_networks_and_completes_fewer(recorded: Recorded) -> None:
    whole = replay(recorded, "random", EarlyStoppingConfig())
    halved = replay(recorded, "random", EarlyStoppingConfig(rule="asha", reduction=2))
    assert 0 < len(halved) < len(whole)
    assert max(seen for _, seen, _ in halved) >= max(seen for _, seen, _ in whole)


def test_a_folder_without_networks(tmp_path: Path) -> None:
    recipe = read_recipe(ROOT / "runs" / "demo.yaml")
    folder = RunFolder.create(tmp_path / "empty", recipe)
    Journal.create(folder.journal, name="run", objectives=recipe.objectives, attributes={})
    with pytest.raises(RunError, match="must hold two or more networks"):
        read_run(folder.path)
