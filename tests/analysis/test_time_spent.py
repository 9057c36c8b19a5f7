import pytest

import analysis
from analysis.source import source
from analysis.time_spent import PARTS, time_spent, time_table, wall_seconds


def test_every_second_is_accounted_for(run_folder):
    folder = run_folder(12)
    curves = analysis.curves(folder)
    wall = wall_seconds(source(folder).sessions)
    assert wall == 600
    spent = time_spent(curves, wall_seconds=wall, concurrency=2)
    assert tuple(spent.seconds) == PARTS
    assert spent.total == pytest.approx(1200)
    within = curves["seconds"].sum()
    assert spent.seconds["training"] == pytest.approx(0.8 * within)
    assert spent.seconds["engine"] == pytest.approx(0, abs=1e-9)
    assert spent.seconds["idle"] == pytest.approx(1200 - within)


def test_a_run_of_unknown_length_has_no_idle_time(run_folder):
    curves = analysis.curves(run_folder(4))
    assert time_spent(curves).seconds["idle"] == 0
    assert wall_seconds(()) is None
    assert wall_seconds([{"started": 1.0, "ended": None}]) is None
    assert wall_seconds([{"started": 1.0, "ended": 2.0}, {"started": 5.0, "ended": 8.0}]) == 4


def test_the_table_gives_each_part_of_each_run_its_share(run_folder):
    folder = run_folder(12)
    spent = time_spent(analysis.curves(folder), wall_seconds=600, concurrency=2)
    table = time_table({"one": spent, "none": time_spent(analysis.curves(folder).head(0))})
    own = table[table["run"] == "one"]
    assert tuple(own["part"]) == PARTS
    assert own["device_seconds"].tolist() == list(spent.seconds.values())
    assert own["share"].tolist() == [seconds / 1200 for seconds in own["device_seconds"]]
    assert not table.loc[table["run"] == "none", ["device_seconds", "share"]].any(axis=None)
