"""What the README and docs claim of the reference runs, held to what these runs have recorded."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.anytime import Steps, anytime
from analysis.compare import cells, compare
from analysis.runs import load
from analysis.trained import read_trained
from analysis.write import analyze, draw_models
from analysis.write_compared import draw_compared
from nas import serialize
from nas.cost import cost
from nas.journal import Journal
from nas.reachable import reference_fits
from nas.run.recipe_file import read_recipe
from nas.spaces import load_space
from nas.summary import summarise
from nas.training import training_key

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "runs" / "reference"
RUNS = sorted(path.parent for path in REFERENCE.glob("*/journal.log"))
BASELINES = sorted(path.parent for path in REFERENCE.glob("*/metrics.json"))


@pytest.mark.parametrize("run", RUNS, ids=lambda path: path.name)
def test_no_candidate_of_a_reference_run_is_over_its_budget(run: Path) -> None:
    recipe = read_recipe(run / "recipe.yaml")
    budget = recipe.budget
    journal = Journal.open(run / "journal.log", read_only=True)
    assert journal.attributes["training"] == training_key(recipe.training), "the run could not be resumed"
    trials = journal.trials()
    references = [trial.number for trial in trials if trial.candidate.reference]
    assert references == ([0] if reference_fits(load_space(recipe.space), budget) else [])
    candidates = trials[len(references) :]
    assert candidates
    for trial in candidates:
        assert budget.allows(trial.candidate.cost)
        assert budget.cost(trial.candidate.architecture) == trial.candidate.cost


@pytest.mark.parametrize("run", RUNS, ids=lambda path: path.name)
def test_the_figure_of_a_reference_run_is_of_its_journal(run: Path, tmp_path: Path) -> None:
    # Named as the reference is, for the run's name is in the table; what analysis writes beside a journal stays away.
    copy = shutil.copytree(run, tmp_path / run.name)
    (copy / "accuracy_vs_macs.csv").unlink()
    analyze(copy)
    assert (copy / "accuracy_vs_macs.csv").read_text() == (run / "accuracy_vs_macs.csv").read_text()


def test_the_picture_of_the_baselines_is_of_what_they_have_reached(tmp_path: Path) -> None:
    drawn = REFERENCE / "models"
    names = pd.read_csv(drawn / "models.csv")["name"].tolist()
    assert sorted(names) == [folder.name for folder in BASELINES]
    draw_models(read_trained([REFERENCE / name for name in names]), tmp_path)
    assert (tmp_path / "models.csv").read_text() == (drawn / "models.csv").read_text()


@pytest.mark.parametrize("folder", BASELINES, ids=lambda path: path.name)
def test_the_readme_tells_what_a_baseline_has_reached(folder: Path) -> None:
    metrics = json.loads((folder / "metrics.json").read_text())
    assert sorted(each["seed"] for each in metrics["readings"]) == metrics["seeds"]
    told = summarise([each["test"]["accuracy"] for each in metrics["readings"]])
    assert told.mean == pytest.approx(metrics["summary"]["test"]["mean"])
    assert told.percent() in (ROOT / "README.md").read_text()
    assert f"{metrics['network']['macs']:,} MACs" in (ROOT / "README.md").read_text()


def test_the_readme_tells_what_the_winners_gain() -> None:
    text = (ROOT / "README.md").read_text()
    gains = pd.read_csv(REFERENCE / "models" / "models.csv").set_index("name")
    for name in ("winner", "quarter_winner"):
        gain, low, high = gains.loc[name, ["gain", "gain_low", "gain_high"]]
        assert f" {gain:.2f} points above GoogLeNet ({low:.2f} to {high:.2f})" in text


@pytest.mark.parametrize("file", sorted(REFERENCE.glob("*/architecture.json")), ids=lambda path: path.parent.name)
def test_the_cost_of_a_baseline_is_of_its_architecture(file: Path) -> None:
    figures = json.loads(file.with_name("metrics.json").read_text())["network"]
    counted = cost(serialize.load(file), resolution=figures["resolution"], classes=figures["classes"])
    assert counted.macs == figures["macs"]


def test_the_benchmarks_tell_what_the_loops_took_to_an_accuracy() -> None:
    points = pd.read_csv(REFERENCE / "to_accuracy" / "to_accuracy.csv")
    assert set(points["loop"]) == {"plain", "ours"}
    for (loop, planned), own in points.groupby(["loop", "planned"]):
        ends = [curve.iloc[-1] for _, curve in own.groupby("seed")]
        cells = [
            f"{end.core_minutes:.1f}, {end.accuracy:.2%}" + ("" if end.accuracy >= 0.94 else " at the end")
            for end in ends
        ]
        assert f"| {loop} | {planned} | {' | '.join(cells)} |" in (ROOT / "benchmarks" / "README.md").read_text()


FOUR_WAYS = REFERENCE / "four_ways"


def course(run: Path) -> tuple[pd.DataFrame, Steps]:
    """The trials of a way of searching, and its best on split B against time."""
    table = load(run)
    return table, anytime(table, against="seconds", report="metric.accuracy_b")


@pytest.mark.parametrize("run", sorted(FOUR_WAYS.glob("*/seed-*")), ids=lambda path: f"{path.parent.name}-{path.name}")
def test_the_benchmarks_tell_how_the_four_ways_of_searching_went(run: Path) -> None:
    goal = float(np.median([course(one)[1].y[-1] for one in FOUR_WAYS.glob("plain-tune/seed-*")]))
    table, seen = course(run)
    whole, stopped = ((table["state"] == state).sum() for state in ("complete", "stopped"))
    complete = table[table["state"] == "complete"]
    best = complete.loc[complete["accuracy"].idxmax()]
    assert best["metric.accuracy_b"] == seen.y[-1]
    reached = seen.first(goal)
    assert reached is not None or run.parent.name == "plain-tune"
    figures = [
        run.parent.name,
        run.name.removeprefix("seed-"),
        f"{whole}",
        f"{stopped}",
        f"{seen.end / 3600:.2f}",
        f"{seen.y[-1]:.2%}",
        f"{best['macs'] / 1e6:.1f}M",
        "never" if reached is None else f"{reached / 3600:.2f}",
    ]
    assert f"| {' | '.join(figures)} |" in (ROOT / "benchmarks" / "README.md").read_text()


PAIRS = (
    ("plain-tune", "ours-ours"),
    ("plain-tune", "ours-tune"),
    ("plain-ours", "ours-ours"),
    ("plain-tune", "plain-ours"),
    ("ours-tune", "ours-ours"),
    ("ours-tune", "ours-ours-asha"),
)


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_the_benchmarks_tell_two_ways_apart(one: str, other: str) -> None:
    """By `nas compare`, at equal device time."""
    found = compare(FOUR_WAYS / one, FOUR_WAYS / other, report="metric.accuracy_b")
    best, volume = (cells(row, (one, other)) for row in found.rows if row.against == "seconds")
    told = f"| {one} | {other} | {' | '.join(best[1:6])} | {volume[4]} |"
    assert told in (ROOT / "benchmarks" / "README.md").read_text()


def test_the_readme_tells_training_loop_and_engine_apart() -> None:
    text = " ".join((ROOT / "README.md").read_text().split())
    for one, other, what in (
        ("plain-tune", "ours-tune", "our loop adds"),
        ("plain-tune", "plain-ours", "our engine adds"),
        ("ours-tune", "ours-ours", "it adds"),
    ):
        found = compare(FOUR_WAYS / one, FOUR_WAYS / other, report="metric.accuracy_b")
        (gap,) = (row.difference for row in found.rows if (row.measure, row.against) == ("best", "seconds"))
        assert f"{what} {100 * gap.value:.1f} points ({100 * gap.low:.1f} to {100 * gap.high:.1f})" in text
    told = compare(FOUR_WAYS / "plain-tune", FOUR_WAYS / "ours-ours", report="metric.accuracy_b")
    (goal,) = (each for each in told.targets if each.against == "seconds")
    assert f"{goal.a / 3600:.2f} core-hours to {goal.accuracy:.2%}, of the latter {goal.b / 3600:.2f}" in text
    assert f"**{goal.ratio:.0%}**" in (ROOT / "benchmarks" / "README.md").read_text()


def test_the_benchmarks_tell_what_was_drawn_and_what_was_proposed() -> None:
    """First epochs of what Tune's search and our engine drew at random, and of what they then proposed."""
    text = " ".join((ROOT / "benchmarks" / "README.md").read_text().split())
    first, later = {}, {}
    for name, drawn in (("ours-tune", 10), ("ours-ours-asha", 8)):
        tables = [course(run)[0] for run in sorted((FOUR_WAYS / name).glob("seed-*"))]
        ended = [table[table["state"].isin(["complete", "stopped"])] for table in tables]
        # Ray's OptunaSearch keeps the last epoch apart: of a trial that was stopped after one, there is no other.
        rungs = [table["accuracy_at_1"].fillna(table["accuracy"]) for table in ended]
        first[name] = 100 * np.mean([rung.iloc[:drawn].mean() for rung in rungs])
        later[name] = 100 * np.mean([rung.iloc[drawn:].mean() for rung in rungs])
    gains = {name: f"{later[name] - first[name]:.1f}" for name in first}
    assert f"by {first['ours-tune'] - first['ours-ours-asha']:.1f} points after the first epoch" in text
    assert f"gained {gains['ours-ours-asha']} points on average, those of Optuna's TPE {gains['ours-tune']}." in text


def test_the_picture_of_the_four_ways_is_of_their_journals(tmp_path: Path) -> None:
    ways = list(dict.fromkeys(pd.read_csv(FOUR_WAYS / "compare.csv")["search"]))
    assert sorted(ways) == sorted(path.name for path in FOUR_WAYS.iterdir() if path.is_dir())
    draw_compared([FOUR_WAYS / name for name in ways], tmp_path, report="metric.accuracy_b")
    assert (tmp_path / "compare.csv").read_text() == (FOUR_WAYS / "compare.csv").read_text()


@pytest.mark.parametrize(("one", "other"), [("random", "gp"), ("random", "tpe"), ("tpe", "gp"), ("gp", "gp-additive")])
def test_the_benchmarks_tell_which_sampler_found_more_in_real_trainings(one: str, other: str) -> None:
    found = compare(REFERENCE / "samplers" / one, REFERENCE / "samplers" / other)
    (best,) = (row for row in found.rows if (row.measure, row.against) == ("best", "trainings"))
    assert (
        f"| {one} | {other} | {' | '.join(cells(best, (one, other))[2:])} |"
        in (ROOT / "benchmarks" / "README.md").read_text()
    )


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("changes.csv", REFERENCE / "fashion_mnist_flagship" / "README.md"),
        ("changes_googlenet.csv", ROOT / "benchmarks" / "README.md"),
    ],
)
def test_what_was_tried_is_told(table: str, told: Path) -> None:
    text = told.read_text()
    for row in pd.read_csv(REFERENCE / table).itertuples():
        assert f"| {row.change} | {row.macs:,} | {row.accuracy:.2%} | {row.accuracy_b:.2%} |" in text
