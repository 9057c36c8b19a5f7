import json
import re

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis.epochs import empty
from analysis.figures import illustrations
from analysis.material import gather
from analysis.report.payload import payload, to_json
from analysis.report.summary import cards, summarise
from analysis.runs import stack
from analysis.source import source
from analysis.table import tabulate, winner
from nas.budget import Budget


def test_json_cannot_end_its_script_element_and_reads_back():
    data = {"a": "</script><!-- & \u2028 'x' \"y\"", "b": [1, None, 0.5]}
    text = to_json(data)
    assert not re.search(r"[<>&\u2028]", text)
    assert json.loads(text) == data
    with pytest.raises(ValueError, match="JSON"):
        to_json(float("nan"))


def test_the_payload_holds_every_trial_and_each_network_once(run_folder):
    folder = run_folder(30)
    table = analysis.load(folder)
    material = gather([source(folder)], table)
    data = payload(table, material.curves, material.networks)
    assert len(data["columns"]["trial"]) == 30
    assert set(data["networks"]) == set(table["key"])
    assert set(data["choices"]) == {"stem", "width", "ratio", "se"}
    assert data["budget"]["macs"] == 30_574_592
    for cost, front in data["fronts"].items():
        on_front = {data["columns"]["key"][row] for row in front["trials"]}
        assert on_front == {row.key for row in analysis.front_table(table, cost) if row.on_front}
        assert [spent for spent, _ in front["line"]] == sorted(spent for spent, _ in front["line"])
    assert len(data["curves"]["demo/0"][0]) == 9
    json.loads(to_json(data))


def test_the_summary_gives_a_gain_with_an_interval_only_where_seeds_allow(search, budget):
    table = tabulate(search(40), budget=budget)
    one = summarise(table)
    assert one.gain is not None and one.gain.n == 1
    assert one.winner is not None and one.reference is not None
    assert one.gain.value == pytest.approx(one.winner.value - one.reference.value)
    assert any("no interval" in note for _, _, note in cards(one))
    seeds = []
    for seed in range(5):
        for row, accuracy in ((table[table["reference"]], 0.8), (table[table["trial"] == one.winner_trial], 0.95)):
            value = accuracy + 0.001 * seed + 0.0001 * len(seeds)
            seeds.append(row.assign(seed=seed, accuracy=value, error=1 - value))
    several = summarise(pd.concat([table.query("not reference and trial != @one.winner_trial"), *seeds]))
    assert several.gain is not None and several.gain.n == 5 and several.gain.verdict == "better"
    assert any("better" in note for _, _, note in cards(several))


def test_the_summary_of_nothing_says_so():
    assert ("Best network", "none yet", "no candidate was trained to the end") in cards(summarise(tabulate(())))


def test_split_b_is_shown_where_it_was_read(search, budget):
    table = tabulate(search(20), budget=budget)
    table["metric.accuracy_b"] = 77.0
    assert summarise(table).other_split is None, "an evaluation of one's own may call anything so"
    table["metric.accuracy_b"] = np.where(table["state"] == "complete", 0.77, np.nan)
    assert any(title == "On split B" and figure == "77.00%" for title, figure, _ in cards(summarise(table)))


def test_figures_follow_the_data(run_folder):
    folder = run_folder(30)
    names = [one.name for one in illustrations(gather([source(folder)], analysis.load(folder)))]
    assert names == [
        "accuracy_vs_macs",
        "architecture",
        "best_so_far",
        "hypervolume",
        "error_edf",
        "best_choices",
        "importance",
        "parallel",
        "learning_curves",
        "fidelity",
        "time_spent",
    ]


def test_several_runs_make_one_report(run_folder, tmp_path):
    runs = [run_folder(14, 0, "a"), run_folder(14, 1, "b")]
    paths = analysis.analyze(runs, report=True)
    assert tmp_path / "analysis" / "report.html" in paths
    text = (tmp_path / "analysis" / "report.html").read_text()
    assert "<h1>a, b</h1>" in text
    assert re.search(r"\b[ab]:\d+, one seed, split A", text), "the winner is named with its run"
    assert not re.search(r"(src|href)=\"(?!data:|#)", text)
    assert len(pd.read_csv(tmp_path / "analysis" / "trials.csv")) == 28
    assert all(path.is_file() for path in paths)


def test_a_folder_of_runs_is_one_search_with_bands(run_folder, tmp_path):
    for seed in range(5):
        run_folder(12, seed, f"ours/seed{seed}")
    plain = run_folder(12, 7, "plain")
    table = analysis.load([*sorted((tmp_path / "ours").iterdir()), plain])
    names = [f"seed{seed}" for seed in range(5)]
    sources = [source(tmp_path / "ours" / name) for name in names]
    figures = illustrations(gather([*sources, source(plain)], table, searches={"ours": names, "plain": ["plain"]}))
    best = next(one for one in figures if one.name == "best_so_far").figure
    labels = [text.get_text() for text in best.legends[0].get_texts()]
    assert labels[:2] == ["ours (n=5, 95% band)", "plain (n=1)"]
    paths = analysis.analyze([tmp_path / "ours", plain], into=tmp_path / "out")
    assert len(pd.read_csv(tmp_path / "out" / "trials.csv")) == 72 and len(paths) == 10


@pytest.mark.usefixtures("no_figures")
def test_a_folder_of_unlike_runs_is_no_search_of_several_seeds(run_folder, tmp_path):
    for name, macs in (("small", 7_643_648), ("large", 30_574_592)):
        recipe = run_folder(12, 0, f"mix/{name}") / "recipe.yaml"
        recipe.write_text(f"space: toy\nbudget: {{macs: {macs}}}\nseed: {macs % 7}\n")
    assert _title(tmp_path / "mix", tmp_path / "out") == "large, small"
    for name in ("small", "large"):
        (tmp_path / "mix" / name / "recipe.yaml").write_text(f"space: toy\nseed: {len(name)}\n")
    assert _title(tmp_path / "mix", tmp_path / "out") == "large, small", "both have seed 5"
    (tmp_path / "mix" / "small" / "recipe.yaml").write_text("space: toy\nseed: 1\nearly_stopping: {rule: asha}\n")
    (tmp_path / "mix" / "large" / "recipe.yaml").write_text("space: toy\nseed: 2\nearly_stopping: {rule: none}\n")
    assert _title(tmp_path / "mix", tmp_path / "out") == "large, small", "one of them stops early"
    (tmp_path / "mix" / "small" / "recipe.yaml").write_text("space: toy\nseed: 1\n")
    (tmp_path / "mix" / "large" / "recipe.yaml").write_text("space: toy\nseed: 2\n")
    assert _title(tmp_path / "mix", tmp_path / "out") == "mix"


def _title(runs, into):
    analysis.analyze(runs, into=into, report=True)
    return re.search("<title>(.*): search report", (into / "report.html").read_text()).group(1)


def test_seeds_of_runs_trained_alike_are_one_point_of_the_front(search, budget):
    """The page and the printed front must not differ: the best single seed is no network's accuracy."""
    one = tabulate(search(30), run="one", budget=budget)
    two = one.assign(run="two", accuracy=one["accuracy"] + np.linspace(-0.02, 0.02, len(one)))
    for table in (one, two):
        table.attrs = {"runs": {table["run"][0]: {"recipe": "alike"}}}
    both = stack([one, two])
    data = payload(both, empty(), {})
    rows = [row for row in analysis.front_table(both) if row.on_front]
    assert [spent for spent, _ in data["fronts"]["macs"]["line"]] == [row.macs for row in rows]
    assert [value for _, value in data["fronts"]["macs"]["line"]] == pytest.approx([row.accuracy for row in rows])
    assert data["columns"]["key"][data["winner"]] == winner(both)["key"].item()


def test_trainings_of_several_kinds_are_not_mixed(run_folder, tmp_path):
    sources = [source(run_folder(30, seed, name)) for seed, name in enumerate(("one", "two"))]
    table = analysis.load([tmp_path / "one", tmp_path / "two"])
    for alike in (True, False):
        for name, about in table.attrs["runs"].items():
            about["recipe"] = "same" if alike else name
        found = {one.name: one.figure for one in illustrations(gather(sources, table))}
        legend = found["best_so_far"].legends[0].get_texts()
        assert ("fidelity" in found) is alike
        assert any("GoogLeNet" in text.get_text() for text in legend) is alike


def test_a_reference_better_than_all_candidates_leaves_a_winner(search, budget):
    table = tabulate(search(20), budget=budget)
    table.loc[table["reference"], ["accuracy", "macs"]] = [0.99, 1]
    assert [row.reference for row in analysis.front_table(table)] == [True]
    own = table[(table["state"] == "complete") & ~table["reference"]]
    assert summarise(table).winner.value == own["accuracy"].max()
    assert summarise(table).gain.value < 0


def test_the_share_of_the_budget_is_of_the_limit_that_is_closest(search):
    budget = Budget(macs=40_000_000, params=1_000_000, resolution=32, classes=10)
    table = tabulate(search(20), run="r", budget=budget)
    table.attrs["runs"] = {"r": {"budget": {"params": 1_000_000, "resolution": 32, "classes": 10}}}
    found = summarise(table)
    assert found.budget_share == pytest.approx(found.winner_params / 1_000_000)
    assert any(f"{found.budget_share:.0%} of the budget" in note for _, _, note in cards(found))
