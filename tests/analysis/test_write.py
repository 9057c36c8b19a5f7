import shutil
from dataclasses import asdict, replace

import pandas as pd
import pytest

import analysis
from analysis.runs import cost_of, limit_of, stack
from analysis.table import tabulate
from analysis.write import plotted
from nas.budget import Budget
from nas.journal import Journal


def test_analyze_writes_the_figure_and_the_data_behind_it(run_folder):
    folder = run_folder(30)
    paths = analysis.analyze(folder)
    assert {"accuracy_vs_macs.png", "accuracy_vs_macs.svg", "accuracy_vs_macs.csv"} <= {path.name for path in paths}
    assert all(path.stat().st_size > 0 and path.parent == folder for path in paths)
    data = pd.read_csv(folder / "accuracy_vs_macs.csv")
    table = analysis.load(folder)
    assert len(data) == table["accuracy"].notna().sum()
    assert set(data.loc[data["on_front"], "key"]) == {row.key for row in analysis.front_table(table) if row.on_front}
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_a_run_that_is_given_twice_has_one_cache(run_folder):
    folder = run_folder(8)
    paths = analysis.analyze([folder, folder], into=folder / "out")
    assert paths.count(folder / "trials.parquet") == 1 == sum(path.suffix == ".parquet" for path in paths)


def test_of_two_runs_a_network_is_on_the_front_where_it_is(search, budget):
    good = tabulate(search(30), run="good", budget=budget)
    bad = good.assign(run="bad", accuracy=good["accuracy"] - 0.1, error=good["error"] + 0.1)
    points = plotted(stack([good, bad]))
    assert points.loc[points["run"] == "good", "on_front"].any()
    assert not points.loc[points["run"] == "bad", "on_front"].any(), "the same networks, all dominated"


@pytest.mark.usefixtures("no_figures")
def test_searches_in_folders_of_one_name_stay_two(run_folder, tmp_path):
    searches = []
    for home in ("here", "there"):
        searches.append(tmp_path / home / "seeds")
        for seed in (0, 1):
            shutil.copytree(run_folder(8, seed, name=f"{home}{seed}"), searches[-1] / f"s{seed}")
    paths = analysis.analyze(searches, into=tmp_path / "out", report=True)
    page = next(path for path in paths if path.name == "report.html").read_text()
    assert "<title>here/seeds, there/seeds" in page


def test_equal_data_give_equal_figures(run_folder):
    folder = run_folder(12)
    analysis.analyze(folder)
    first = (folder / "accuracy_vs_macs.svg").read_bytes()
    analysis.analyze(folder)
    assert (folder / "accuracy_vs_macs.svg").read_bytes() == first


def test_front_rows_stand_beside_the_reference(search, budget):
    rows = analysis.front_table(tabulate(search(60), budget=budget))
    star = next(row for row in rows if row.reference)
    assert star.gain == 0
    assert star.macs_ratio == 1
    others = [row for row in rows if not row.reference]
    assert others and all(row.on_front for row in others)
    assert [row.macs for row in rows] == sorted(row.macs for row in rows)
    for row in others:
        assert row.gain == pytest.approx(100 * (row.accuracy - star.accuracy))
        assert row.macs_ratio == pytest.approx(row.macs / star.macs)


def test_a_reference_over_the_budget_stands_beside_the_front_and_never_on_it(search):
    table = tabulate(search(60), budget=Budget(macs=20_000_000, resolution=32, classes=10))
    star = next(row for row in analysis.front_table(table) if row.reference)
    assert not star.on_front


def test_without_a_reference_there_is_no_gain(search):
    rows = analysis.front_table(tabulate(search(20)[1:]))
    assert rows and all(row.gain is None and row.macs_ratio is None for row in rows)
    assert analysis.front_table(tabulate(())) == ()


def test_a_run_without_results_can_be_drawn(run_folder, search):
    folder = run_folder(records=[record for record in search(40) if record.state == "failed"])
    assert (folder / "accuracy_vs_macs.png") in analysis.analyze(folder)


def test_the_gain_is_over_the_reference_of_the_same_run(search, budget):
    one, two = tabulate(search(30), run="one", budget=budget), tabulate(search(30, 1), run="two", budget=budget)
    for tables in ([one, two], [two, one]):
        rows = analysis.front_table(stack(tables))
        stars = {row.run: row for row in rows if row.reference}
        assert set(stars) == {"one", "two"}
        for row in rows:
            assert row.gain == pytest.approx(100 * (row.accuracy - stars[row.run].accuracy))


def test_a_gain_is_not_over_the_reference_of_another_training(search, budget):
    """Such as 13.87 points over a GoogLeNet of one epoch."""
    one, two = tabulate(search(30), run="one", budget=budget), tabulate(search(30, 1)[1:], run="two", budget=budget)
    for recipes, known in ((("same", "same"), True), (("same", "other"), False), (("", ""), False)):
        for table, recipe in zip((one, two), recipes, strict=True):
            table.attrs = {"runs": {table["run"].iloc[0]: {"recipe": recipe}}}
        rows = [row for row in analysis.front_table(stack([one, two])) if row.run == "two"]
        assert rows and {(row.gain is not None, row.macs_ratio is not None) for row in rows} == {(known, known)}


@pytest.mark.usefixtures("no_figures")
@pytest.mark.parametrize("resources", ["3", "[cpu]", "{cpu: none, concurrency: two}"])
def test_resources_that_are_none_are_borne(resources, run_folder):
    folder = run_folder(10)
    (folder / "recipe.yaml").write_text(f"space: inception_small\nresources: {resources}\n")
    assert folder / "out" / "report.html" in analysis.analyze(folder, into=folder / "out", report=True)


def test_a_search_for_few_parameters_is_shown_by_them(run_folder, search):
    folder = run_folder(records=())
    (folder / "journal.log").unlink()
    journal = Journal.create(folder / "journal.log", name="p", objectives=("accuracy", "params"), attributes={})
    for record in search(30):
        number = journal.add(record.candidate)
        if record.state == "complete":
            journal.complete(number, record.accuracy, record.epochs, record.seconds)
        else:
            journal.fail(number, "failed")
    names = [path.name for path in analysis.analyze(folder, into=folder / "out", report=True)]
    assert names[0] == "accuracy_vs_params.png" and "accuracy_vs_macs.png" in names
    table = analysis.load(folder)
    points = pd.read_csv(folder / "out" / "accuracy_vs_params.csv")
    rows = [row for row in analysis.front_table(table, "params") if row.on_front]
    assert set(points.loc[points["on_front"], "key"]) == {row.key for row in rows}
    other = tabulate(search(5))
    other.attrs = {"runs": {"other": {"objectives": ["accuracy", "macs"]}}}
    assert cost_of(table) == "params" and cost_of(table, other) == "macs"


@pytest.mark.parametrize("change", [{"latency_batch": 8}, {"latency_threads": 2}, {"latency_runtime": "onnxruntime"}])
def test_latencies_that_were_measured_otherwise_share_no_axis(search, change):
    budget = Budget(resolution=28, classes=10, latency_seconds=0.01)
    tables = []
    for place, each in enumerate((budget, budget, replace(budget, **change))):
        table = tabulate(search(5)).assign(**{"measured.latency_seconds": 0.001})
        table.attrs = {"runs": {f"run{place}": {"objectives": ["accuracy", "latency_seconds"], "budget": each.told}}}
        tables.append(table)
    assert cost_of(*tables[:2]) == "measured.latency_seconds" and cost_of(*tables) == "macs"


def test_a_search_under_a_latency_alone_is_shown_by_it(run_folder, search):
    folder = run_folder(records=())
    (folder / "journal.log").unlink()
    budget = asdict(Budget(latency_seconds=0.02, resolution=32, classes=10))
    journal = Journal.create(folder / "journal.log", name="l", objectives=("accuracy",), attributes={"budget": budget})
    for record in search(12):
        measured = {"latency_seconds": 1e-9 * record.candidate.cost.macs}
        number = journal.add(replace(record.candidate, measured=measured))
        journal.complete(number, record.accuracy or 0.5, record.epochs, record.seconds)
    assert analysis.analyze(folder)[0].name == "accuracy_vs_latency_seconds.png"
    table = analysis.load(folder)
    cost = cost_of(table)
    assert (cost, limit_of(table, cost)) == ("measured.latency_seconds", 0.02)
