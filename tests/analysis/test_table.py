from dataclasses import replace

import pandas as pd
import pytest

from analysis.runs import stack
from analysis.table import COLUMNS, candidates, choices, networks, rungs, tabulate
from nas.budget import Budget
from nas.presets import GOOGLENET
from nas.space import Choice, Space


def test_a_row_a_trial_with_the_documented_columns(search, budget):
    records = search(40)
    table = tabulate(records, run="demo", budget=budget)
    assert len(table) == 40
    assert list(table.columns[: len(COLUMNS)]) == list(COLUMNS)
    assert all(text for text in COLUMNS.values())
    for record, row in zip(records, table.to_dict("records"), strict=True):
        assert row["run"] == "demo"
        assert row["trial"] == record.number
        assert row["macs"] == record.candidate.cost.macs
        assert row["key"] == record.candidate.key
        assert (row["accuracy"] == record.accuracy) if record.accuracy is not None else pd.isna(row["accuracy"])
        for epoch, accuracy in record.accuracies.items():
            assert row[f"accuracy_at_{epoch}"] == accuracy
        for name, value in (record.candidate.point or {}).items():
            assert row[f"choice.{name}"] == value


def test_choices_are_typed_and_missing_for_a_reference_without_a_point(search):
    table = tabulate(search(10))
    assert choices(table) == ("choice.stem", "choice.width", "choice.ratio", "choice.se")
    assert table["choice.width"].dtype == "Int64"
    assert table["choice.se"].dtype == "boolean"
    assert table.loc[0, list(choices(table))].isna().all()


def test_rungs_stand_in_the_order_of_epochs(search):
    table = tabulate(search(10))
    assert rungs(table) == (1, 3, 9)
    names = [name for name in table.columns if name.startswith("accuracy_at_")]
    assert names == ["accuracy_at_1", "accuracy_at_3", "accuracy_at_9"]


def test_no_trials_give_an_empty_table_with_all_columns():
    table = tabulate(())
    assert list(table.columns) == list(COLUMNS)
    assert table["macs"].dtype == "int64"
    assert networks(table).empty


def test_seeds_of_one_network_are_averaged(search):
    records = search(3)
    table = tabulate(records)
    again = pd.concat([table, table.iloc[[0]].assign(trial=9, seed=1, accuracy=0.835)], ignore_index=True)
    row = networks(again).set_index("trial").loc[0]
    assert row["n"] == 2
    assert row["accuracy"] == pytest.approx(0.825)
    assert row["error"] == pytest.approx(0.175)
    assert row["accuracy_sd"] == pytest.approx(0.02 / 2**0.5)


def test_one_training_in_two_runs_is_one_seed(search, budget):
    records = search(3)
    one, two = (tabulate(records, run=name, budget=budget) for name in ("one", "two"))
    two["accuracy"] += 0.1
    other = tabulate(records, run="other", budget=budget).assign(seed=7, accuracy=0.5)
    both = stack([one, two, other])
    both.attrs["runs"] = {name: {"recipe": "alike"} for name in ("one", "two", "other")}
    row = networks(both).iloc[0]
    assert (row["n"], row["accuracy"]) == (2, pytest.approx((0.815 + 0.5) / 2))
    assert networks(both, apart=True)["n"].eq(1).all()


def test_a_choice_that_does_not_apply_is_nobodys_choice(search, budget):
    (record,) = [one for one in search(4) if one.candidate.point is not None][:1]
    point = record.candidate.point
    told = replace(record, candidate=replace(record.candidate, active=("stem", "se")))
    row = tabulate([told, record]).iloc
    assert row[0][["choice.width", "choice.ratio"]].isna().all()
    assert (row[0]["choice.stem"], row[1]["choice.width"]) == (point["stem"], point["width"])
    choices = tuple(Choice(name=name, values=(value,)) for name, value in point.items() if name != "ratio")
    conditional = Choice(name="ratio", values=(point["ratio"],), when=lambda point: False)
    space = Space(name="s", choices=(*choices, conditional), decode=lambda point: GOOGLENET, reference=GOOGLENET)
    old = tabulate([record], space=space).iloc[0]
    assert pd.isna(old["choice.ratio"]) and old["choice.width"] == point["width"]


def test_only_complete_trials_within_the_budget_are_candidates(search):
    records = search(60)
    tight = Budget(macs=10_000_000, resolution=32, classes=10)
    known = candidates(tabulate(records, budget=tight))
    assert set(known["state"]) == {"complete"}
    assert known["macs"].max() <= 10_000_000
    assert not known["reference"].any()  # GoogLeNet costs 30.6M
    assert candidates(tabulate(records))["reference"].sum() == 1


def test_a_choice_of_mixed_values_becomes_text(search):
    records = [
        replace(record, candidate=replace(record.candidate, point={"kind": value}))
        for record, value in zip(search(5)[1:], (0, "none", True, 2.5), strict=True)
    ]
    assert tabulate(records)["choice.kind"].tolist() == ["0", "none", "True", "2.5"]
    numbers = [
        replace(one, candidate=replace(one.candidate, point={"kind": v}))
        for one, v in zip(records, (1, 2.5, 3, 4), strict=True)
    ]
    assert tabulate(numbers)["choice.kind"].tolist() == [1.0, 2.5, 3.0, 4.0]
