import json
import os
import time

import pytest

from analysis.progress import progress
from analysis.runs import read
from analysis.write import front_table
from nas.journal import Journal


def test_a_search_under_way(run_folder, search):
    folder = run_folder(20)
    (folder / "recipe.yaml").write_text("stop: {trials: 30}\ntraining: {epochs: 9}\n")
    (folder / "versions.json").write_text(json.dumps([{"started": 0, "ended": 100}, {"started": 500, "ended": None}]))
    journal = Journal.open(folder / "journal.log")
    number = journal.add(search(30)[25].candidate)
    journal.report(number, 2, 0.4)
    (folder / "curves" / f"{number:04d}.jsonl").write_text(
        '{"epoch": 1, "accuracy": 0.3, "seconds": 2.0}\n{"epoch": 2, "accuracy": 0.4, "seconds": 4.0}\n'
    )
    now = progress(folder, now=600)
    assert (now.name, now.trials_wanted, now.epochs_wanted) == ("demo", 30, 9)
    assert now.finished == 20
    assert now.states["running"] == 1 and sum(now.states.values()) == 21
    assert now.seconds_left == pytest.approx(10 * 200 / 20)
    assert now.silent_seconds == 0, "its files are younger than the time that the test tells"
    (running,) = now.running
    assert (running.trial, running.epochs, running.accuracy, running.seconds_per_epoch) == (number, 2, 0.4, 3.0)
    assert now.device_seconds == pytest.approx(sum(record.seconds for record in search(20)) + 6)
    assert now.reference == 0.815
    assert now.best is not None
    assert now.best[2] == max(row.accuracy for row in front_table(read(folder).table()) if not row.reference)
    assert now.failures == ((16, "loss is nan at epoch 1"),)


def test_a_killed_search_is_silent_since_its_last_file(run_folder):
    folder = run_folder(20)
    for path in folder.rglob("*"):
        os.utime(path, (1_000, 1_000))
    assert progress(folder, now=1_500).silent_seconds == 500
    os.utime(next((folder / "curves").iterdir()), (1_400, 1_400))
    assert progress(folder, now=1_500).silent_seconds == 100


@pytest.mark.parametrize(
    ("stop", "left"),
    [
        ("{trials: 30}", 100),
        ("{trials: 30, hours: 0.06}", 16),
        ("{trials: 30, core_hours: 0.18}", None),
        ("{trials: 21, hours: 9, core_hours: 9}", 10),
        ("{hours: 0.01}", 0),
        ("{}", "nothing"),
    ],
)
def test_the_nearest_limit_tells_what_is_left(run_folder, search, stop, left):
    folder = run_folder(20)
    (folder / "recipe.yaml").write_text(f"stop: {stop}\nresources: {{cpu: 2}}\n")
    (folder / "versions.json").write_text(json.dumps([{"started": 0, "ended": 200}]))
    core_seconds = 2 * sum(record.seconds for record in search(20))
    if left is None:
        left = (0.18 * 3600 - core_seconds) * 200 / core_seconds
        assert 0 < left < 100
    found = progress(folder).seconds_left
    assert found is None if left == "nothing" else found == pytest.approx(left)


def test_a_search_that_has_just_begun(run_folder):
    folder = run_folder(records=())
    (folder / "versions.json").unlink()
    now = progress(folder)
    assert now.best is None and now.reference is None and now.running == ()
    assert now.finished == 0 and now.seconds_left is None


def test_a_search_that_notes_no_sessions_is_over_once_it_is_idle(run_folder, search):
    folder = run_folder(4)
    for name in ("versions.json", "recipe.yaml"):
        (folder / name).unlink()
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (1_000, 1_000))
    assert [progress(folder, now=now).over for now in (1_030, 1_070)] == [False, True]
    journal = Journal.open(folder / "journal.log")
    journal.add(search(30)[25].candidate)
    assert not progress(folder, now=time.time() + 3600).over, "an evaluation may take long"
