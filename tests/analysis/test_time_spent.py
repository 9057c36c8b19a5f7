import json

import numpy as np
import pytest

import analysis
from analysis.material import gather
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


def test_an_evaluation_of_ones_own_is_training(run_folder):
    """It tells how long it took, and not in what parts."""
    curves = analysis.curves(run_folder(4)).assign(train_seconds=np.nan, data_seconds=np.nan, validate_seconds=np.nan)
    curves["checkpoint_seconds"] = 0.25 * curves["seconds"]
    spent = time_spent(curves).seconds
    assert spent["training"] == pytest.approx(0.75 * curves["seconds"].sum())
    assert spent["checkpoints"] == pytest.approx(0.25 * curves["seconds"].sum())
    missing = {name for name, seconds in spent.items() if np.isnan(seconds)}
    assert missing == {"waiting for data", "validation", "engine", "idle"}, "what is not told is not 0"
    bare = time_spent(curves.assign(checkpoint_seconds=np.nan), wall_seconds=1e6)
    assert np.isnan(bare.seconds["checkpoints"])
    assert bare.total == pytest.approx(1e6) and bare.seconds["training"] == pytest.approx(curves["seconds"].sum())
    shares = time_table({"own": time_spent(curves)})["share"]
    assert shares.dropna().tolist() == pytest.approx([0.75, 0.25]) and len(shares) == len(PARTS)


def test_a_part_that_only_some_epochs_tell_is_that_of_these(run_folder):
    curves = analysis.curves(run_folder(6))
    telling = time_spent(curves[1:]).seconds
    curves.loc[0, ["train_seconds", "data_seconds", "validate_seconds"]] = np.nan
    spent = time_spent(curves).seconds
    assert spent["validation"] == pytest.approx(telling["validation"]) and spent["engine"] == pytest.approx(0, abs=1e-9)


def test_the_idle_time_of_a_run_of_unknown_length_is_not_known(run_folder):
    curves = analysis.curves(run_folder(4))
    spent = time_spent(curves)
    assert np.isnan(spent.seconds["idle"]) and spent.total == pytest.approx(curves["seconds"].sum())
    assert wall_seconds(()) is None
    assert wall_seconds([{"started": 1.0, "ended": None}]) is None
    assert wall_seconds([{"started": 1.0, "ended": 2.0}, {"started": 5.0, "ended": 8.0}]) == 4


def test_the_table_gives_each_part_of_each_run_its_share(run_folder):
    folder = run_folder(12)
    spent = time_spent(analysis.curves(folder), wall_seconds=600, concurrency=2)
    table = time_table({"one": spent, "none": time_spent(analysis.curves(folder).head(0))})
    own = table[table["run"] == "one"]
    assert tuple(own["part"]) == PARTS
    assert own["place_seconds"].tolist() == list(spent.seconds.values())
    assert own["share"].tolist() == [seconds / 1200 for seconds in own["place_seconds"]]
    assert not table.loc[table["run"] == "none", ["place_seconds", "share"]].any(axis=None)


def test_the_places_are_those_that_the_epochs_tell(run_folder):
    """A driver with 64 cores and one GPU has one place; a session may have had another number than the next."""
    folder = run_folder(4)
    session = {"started": 0.0, "ended": 100.0, "cores": 64}
    (folder / "versions.json").write_text(json.dumps([session]))
    for path, places in zip(sorted((folder / "curves").glob("*.jsonl")), (1, 1, 1, 3), strict=True):
        lines = [json.loads(line) | {"places": places, "seconds": 10.0} for line in path.read_text().splitlines()]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines[:2]))
    (time,) = gather([source(folder)], analysis.load(folder)).time.values()
    assert time.total == pytest.approx(100 * 80 / (60 + 20 / 3))
