import errno
import json
import shutil
from dataclasses import replace

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import analysis
from analysis import runs
from analysis.pareto import front, on_front
from analysis.runs import budget_of, check_comparable, load, read, stack
from analysis.source import source
from analysis.table import networks, tabulate
from analysis.write import front_table
from nas.errors import RunError
from nas.journal import Journal


def test_a_run_folder_gives_the_table_of_its_records(run_folder, search, budget):
    folder = run_folder(20)
    expected = tabulate(search(20), run="demo", budget=budget)
    found = load(folder)
    assert_frame_equal(found.drop(columns="ended"), expected.drop(columns="ended"), check_like=True)
    assert found["ended"].diff()[1:].tolist() == pytest.approx(found["seconds"][1:].tolist(), abs=1e-5)
    assert_frame_equal(load(str(folder)), load(folder / "journal.log"))
    assert budget_of(load(folder)) == budget
    assert load(folder).attrs["runs"]["demo"]["objectives"] == ["accuracy", "macs"]


def test_the_cache_gives_the_same_table_and_is_used(run_folder, monkeypatch):
    folder = run_folder(20)
    first = load(folder)
    monkeypatch.setattr(Journal, "open", None)  # reading the journal again would raise
    second = load(folder)
    assert_frame_equal(first, second)
    assert first.attrs == second.attrs


def test_a_stale_or_torn_cache_is_rebuilt(run_folder, search):
    folder = run_folder(20)
    load(folder)
    journal = Journal.open(folder / "journal.log")
    journal.add(search(30)[25].candidate)
    table = load(folder)
    assert len(table) == 21
    assert table["state"].iloc[-1] == "running"
    cache = folder / "trials.parquet"
    cache.write_bytes(cache.read_bytes()[:-50])
    assert_frame_equal(load(folder), table)


def test_a_copied_folder_keeps_its_cache_and_takes_its_new_name(run_folder, tmp_path, monkeypatch):
    folder = run_folder(8)
    load(folder)
    copy = tmp_path / "elsewhere" / "copied"
    shutil.copytree(folder, copy, copy_function=shutil.copyfile)
    monkeypatch.setattr(Journal, "open", None)
    assert set(load(copy)["run"]) == {"copied"}


def test_several_runs_stand_below_each_other(run_folder, tmp_path, budget):
    one, two = run_folder(8, name="a/same"), run_folder(12, seed=1, name="b/same")
    both = load([one, two])
    assert both.groupby("run").size().to_dict() == {"a/same": 8, "b/same": 12}
    assert budget_of(both) == budget
    assert load([]).empty


def test_a_running_search_is_readable(run_folder, search):
    folder = run_folder(5)
    journal = Journal.open(folder / "journal.log")
    number = journal.add(search(9)[7].candidate)
    journal.report(number, 1, 0.5)
    row = load(folder).iloc[number]
    assert (row["state"], row["accuracy"], row["epochs"]) == ("running", 0.5, 1)


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(RunError, match=r"must hold journal\.log"):
        load(tmp_path)
    with pytest.raises(RunError, match="nothing at"):
        load(tmp_path / "missing")
    (tmp_path / "journal.log").write_text("not a journal\n{}\n")
    with pytest.raises(RunError, match="journal"):
        load(tmp_path)


def test_read_gives_records_and_files(run_folder, search):
    run = read(run_folder(6))
    assert [record.candidate.architecture for record in run.records] == [
        record.candidate.architecture for record in search(6)
    ]
    assert run.space == "made"
    assert run.source.recipe is not None and run.source.recipe["epochs"] == 9
    assert run.source.sessions[0]["cores"] == 2


def test_curves_are_one_row_an_epoch(run_folder):
    folder = run_folder(10)
    curves = analysis.curves(folder)
    table = load(folder)
    epochs = curves.groupby("trial")["epoch"].max()
    for row in table.itertuples():
        assert epochs.get(row.trial, 0) == row.epochs
    assert curves["images"].eq(10000).all()


def test_a_torn_last_line_is_left_out_and_an_epoch_trained_again_counts_once(run_folder):
    folder = run_folder(3)
    path = folder / "curves" / "0000.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:4], lines[3].replace('"accuracy": 0.', '"accuracy": 0.0'), '{"epoch": 5, "acc']))
    curve = analysis.curves(folder).query("trial == 0")
    assert curve["epoch"].tolist() == [1, 2, 3, 4]
    assert curve["accuracy"].iloc[-1] < 0.1
    path.write_text("{broken\n" + "".join(lines))
    with pytest.raises(RunError, match="line 1"):
        analysis.curves(folder)
    path.write_text('{"epoch": "one", "accuracy": 0.5}\n')
    with pytest.raises(RunError, match=r"an epoch of a curve must be numbers, but it is not: .*'one'"):
        analysis.curves(folder)


def test_metrics_named_as_a_column_do_not_move_a_curve(run_folder):
    folder = run_folder(3)
    for path in (folder / "curves").glob("*.jsonl"):
        lines = [json.loads(line) | {"trial": 7.0, "run": "other"} for line in path.read_text().splitlines()]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    curves = analysis.curves(folder)
    assert set(curves["trial"]) == {0, 1, 2} and set(curves["run"]) == {folder.name}


def test_a_journal_alone_has_no_curves(run_folder, tmp_path):
    folder = run_folder(4)
    alone = tmp_path / "alone.log"
    shutil.copyfile(folder / "journal.log", alone)
    assert len(load(alone)) == 4
    assert analysis.curves(alone).empty
    assert (tmp_path / "alone.trials.parquet").is_file()
    assert pd.read_parquet(tmp_path / "alone.trials.parquet")["run"].eq("alone").all()


def test_files_that_do_not_parse_are_named(run_folder):
    folder = run_folder(2)
    (folder / "recipe.yaml").write_text("a: [1\n")
    (folder / "versions.json").write_text("{broken")
    found = source(folder)
    with pytest.raises(RunError, match=r"recipe\.yaml must be YAML") as caught:
        _ = found.recipe
    assert "\n" not in str(caught.value)
    with pytest.raises(RunError, match=r"versions\.json must be JSON"):
        _ = found.sessions
    (folder / "recipe.yaml").unlink()
    assert found.recipe is None and found.recipe_text is None


def test_a_folder_that_cannot_be_written_is_read_without_a_cache(run_folder, monkeypatch):
    folder = run_folder(4)
    for error in (PermissionError(errno.EACCES, "no"), OSError(errno.EROFS, "read-only")):

        def refuse(*_: object, error: OSError = error, **__: object) -> None:
            raise error

        monkeypatch.setattr(pd.DataFrame, "to_parquet", refuse)
        assert len(load(folder)) == 4
    monkeypatch.setattr(
        pd.DataFrame, "to_parquet", lambda *_, **__: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full"))
    )
    with pytest.raises(OSError, match="full"):
        load(folder)
    assert not (folder / "trials.parquet").exists()


def test_a_journal_of_another_schema_has_no_budget():
    assert runs._budget({"macs": 1}) is None
    assert runs._budget({"resolution": 32, "classes": 10}) is None
    assert runs._budget("1.5e9") is None


def test_budgets_that_differ(run_folder):
    table = load([run_folder(3, name="a"), run_folder(3, name="b")])
    table.attrs["runs"]["b"]["budget"] = None
    assert budget_of(table) is None


@pytest.mark.parametrize(("recipes", "seeds"), [(("one", "one"), 2), (("one", "other"), 1), (("", ""), 1)])
def test_seeds_count_together_where_runs_were_trained_alike(search, budget, recipes, seeds):
    tables = []
    for place, recipe in enumerate(recipes):
        records = [
            replace(
                record,
                candidate=replace(record.candidate, seed=record.candidate.seed + 1000 * place),
                accuracy=None if record.accuracy is None else record.accuracy - 0.02 * place,
            )
            for record in search(20)
        ]
        table = tabulate(records, run=f"run{place}", budget=budget)
        table.attrs["runs"] = {f"run{place}": {"recipe": recipe}}
        tables.append(table)
    both = stack(tables)
    apart, known, first = networks(both, apart=True), networks(both), networks(tables[0])
    assert known["n"].sum() == apart["n"].sum() == 2 * first["n"].sum()
    assert len(apart) == 2 * len(first) == seeds * len(known)
    best = front(both)
    assert best["key"].tolist() == front(tables[0])["key"].tolist()
    lower = 0.01 if seeds == 2 else 0.0
    assert best["accuracy"].tolist() == pytest.approx((front(tables[0])["accuracy"] - lower).tolist())
    assert on_front(both, both).sum() == seeds * on_front(tables[0], tables[0]).sum()
    rows, alone = ([row for row in front_table(each) if not row.reference] for each in (both, tables[0]))
    assert [row.gain for row in rows] == pytest.approx([row.gain for row in alone])
    assert [row.seeds for row in rows] == [seeds * row.seeds for row in alone]


def test_runs_are_alike_but_for_seeds_and_space(tmp_path):
    attributes = {"budget": {"macs": 1}, "epochs": 3, "training": "x", "data": {"name": "digits"}}
    changes = ({}, {"seed": 1, "trial_seed": 2, "space": "b"}, {"data": {"name": "waves"}}, {"training": "y"})
    found = []
    for place, change in enumerate(changes):
        path = tmp_path / f"{place}.log"
        told = {"space": "a", "seed": 0, **attributes, **change}
        Journal.create(path, name="made", objectives=("accuracy",), attributes=told)
        found.append(read(path).recipe)
    assert found[0] and found[0] == found[1] and len(set(found)) == 3
    Journal.create(tmp_path / "function.log", name="made", objectives=("accuracy",), attributes={"epochs": 3})
    assert read(tmp_path / "function.log").recipe == "", "what a user's function does is not known"


def test_runs_of_two_image_folders_are_of_two_data_sets(run_folder):
    runs = [run_folder(6, 0, name) for name in ("one", "two", "three")]
    for run, root in zip(runs, ("/data/flowers", "/data/cars", "/elsewhere/flowers"), strict=True):
        (run / "recipe.yaml").write_text(f"data: {{name: folder, root: {root}}}\n")
    check_comparable(map(source, (runs[0], runs[2])))
    with pytest.raises(RunError, match="one is of folder flowers and two of folder cars"):
        check_comparable(map(source, runs))
