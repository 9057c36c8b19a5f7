"""Several searches side by side: in one box, drawn and written."""

import pandas as pd
import pytest

from analysis.anytime import anytime
from analysis.compare import compare_tables
from analysis.courses import courses
from analysis.runs import load
from analysis.table import tabulate
from analysis.write_compared import draw_compared, write_compared
from nas.errors import RunError


def test_hypervolumes_of_all_searches_are_shares_of_one_box(search, budget):
    good, poor = (tabulate(search(30, seed), run=f"r{seed}", budget=budget) for seed in (0, 1))
    poor["accuracy"] -= 0.3
    alone = courses({"good": [good]}, measure="hypervolume", against="seconds")["good"][0]
    both = courses({"good": [good], "poor": [poor, poor]}, measure="hypervolume", against="seconds")
    assert [len(own) for own in both.values()] == [1, 2]
    assert both["good"][0].y[-1] > alone.y[-1], "the box reaches down to the worst of all"
    assert both["poor"][0].y[-1] < both["good"][0].y[-1]


def test_what_is_drawn_is_written(run_folder, tmp_path):
    for name, seed in (("ours/seed0", 0), ("ours/seed1", 1), ("one/plain", 2), ("other/plain", 3)):
        run_folder(20, seed, name)
    paths = [tmp_path / name for name in ("ours", "one/plain", "other/plain")]
    png, svg, csv = draw_compared(paths, tmp_path / "drawn")
    assert (png.name, svg.name, csv.name) == ("compare.png", "compare.svg", "compare.csv")
    text = svg.read_text()
    for label in ("ours (n=2, range)", "one/plain (n=1)", "other/plain (n=1)"):
        assert label in text, label
    steps = pd.read_csv(csv)
    assert steps.groupby("search")["run"].nunique().to_dict() == {
        "ours": 2,
        "one/plain": 1,
        "other/plain": 1,
    }
    for run in (tmp_path / "ours" / "seed0", tmp_path / "ours" / "seed1"):
        table = load(run)
        best = anytime(table, against="seconds")
        own = steps[(steps["search"] == "ours") & (steps["run"] == table["run"].iloc[0])]
        assert own["seconds"].tolist() == pytest.approx(best.x.tolist())
        assert own["best"].tolist() == pytest.approx(best.y.tolist(), nan_ok=True)
        assert own["hypervolume"].iloc[-1] > 0


def test_what_is_printed_is_written(search, budget, tmp_path):
    a, b = ([tabulate(search(20, seed), run=f"r{seed}", budget=budget) for seed in seeds] for seeds in ((0, 1), (0, 2)))
    told = [compare_tables(a, other, names=("a", name)) for name, other in (("b", b), ("again", a))]
    written = pd.read_csv(write_compared(told, tmp_path / "out"))
    assert list(zip(written["search_a"], written["search_b"], strict=True)) == [("a", "b")] * 4 + [("a", "again")] * 4
    for line, row in zip(written.to_dict("records"), (*told[0].rows, *told[1].rows), strict=True):
        unit = "trainings" if row.against == "trainings" else "device-seconds"
        assert (line["measure"], line["unit"]) == (row.measure, unit)
        assert (line["a_n"], line["b_n"], line["n"], line["pairs"]) == (2, 2, 2, 2) and line["verdict"] == row.verdict
        for estimate, name in ((row.a, "a"), (row.b, "b")):
            found = [line[column] for column in (name, f"{name}_low", f"{name}_high")]
            assert found == pytest.approx([estimate.value, estimate.low, estimate.high], abs=1e-8)
        gap = row.difference
        found = [line[column] for column in ("effort", "difference", "low", "high", "p")]
        assert found == pytest.approx([row.effort, gap.value, gap.low, gap.high, gap.p], abs=1e-8)


def test_searches_are_drawn_by_a_column_that_they_have(run_folder, tmp_path):
    run = run_folder(12)
    with pytest.raises(RunError, match=r"must have figures in the column 'metric.accuracy_b', but have none"):
        draw_compared([run, run], tmp_path / "drawn", report="metric.accuracy_b")
    with pytest.raises(RunError, match=r"must be accuracy or a metric.accuracy_..., .* got 'seconds'"):
        draw_compared([run, run], tmp_path / "drawn", report="seconds")
    assert not (tmp_path / "drawn").exists()
