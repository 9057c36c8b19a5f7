"""The run folder: what a session is counted as."""

import errno
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nas.errors import RunError
from nas.run import folder as folder_module
from nas.run.folder import RunFolder
from nas.run.recipe_file import find_recipe, read_recipe

HOUR = 3600.0
START = 1_700_000_000.0


def at(hours: float) -> float:
    return START + hours * HOUR


def folder(path: Path, sessions: object, seen: list[float]) -> RunFolder:
    """A run whose journal tells of trials that began at these hours."""
    (path / "curves").mkdir(parents=True)
    (path / "versions.json").write_text(json.dumps(sessions))
    times = [datetime.fromtimestamp(at(hours), UTC).isoformat() for hours in seen]
    (path / "journal.log").write_text("".join(f'{{"op_code":4,"datetime_start":"{time}"}}\n' for time in times))
    (path / "curves" / "0000.jsonl").write_text("{}\n")
    return RunFolder(path)


def test_a_killed_session_counts_up_to_its_last_trial(tmp_path: Path) -> None:
    sessions = [{"started": at(0), "ended": None}, {"started": at(12), "ended": at(13)}]
    run = folder(tmp_path / "run", sessions, [0.5, 2.0, 12.5])
    with run.session() as hours:
        assert hours == pytest.approx(2 + 1)
    noted = json.loads((tmp_path / "run" / "versions.json").read_text())
    assert noted[0]["ended"] == pytest.approx(at(2)) and noted[2]["ended"] is not None


def test_a_session_killed_before_its_first_trial_counts_nothing(tmp_path: Path) -> None:
    sessions = [{"started": at(0), "ended": at(2)}, {"started": at(12), "ended": None}]
    with folder(tmp_path / "run", sessions, [0.5, 1.5]).session() as hours:
        assert hours == pytest.approx(2)


def test_files_that_were_copied_are_not_taken_for_work(tmp_path: Path) -> None:
    run = folder(tmp_path / "run", [{"started": at(0), "ended": None}], [0.5])
    os.utime(run.path / "curves" / "0000.jsonl", (at(48), at(48)))
    with run.session() as hours:
        assert hours == pytest.approx(0.5)


@pytest.mark.parametrize("damaged", ["{", "7", "[{}]"])
def test_damaged_notes_of_sessions_are_told(damaged: str, tmp_path: Path) -> None:
    run = folder(tmp_path / "run", [], [])
    (run.path / "versions.json").write_text(damaged)
    with pytest.raises(RunError, match=r"versions\.json must hold the sessions"), run.session():
        pass


def test_a_run_that_could_not_be_replaced_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = read_recipe(find_recipe("demo"))
    before = RunFolder.create(tmp_path / "demo", recipe)
    (before.path / "journal.log").write_text("what was trained")

    def full(path: Path, text: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(folder_module, "write_atomically", full)
    with pytest.raises(RunError, match="No space left"):
        RunFolder.create(tmp_path / "demo", recipe, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]
    assert (tmp_path / "demo" / "journal.log").read_text() == "what was trained"


def test_the_run_that_comes_back_is_the_last_that_went_ahead(tmp_path: Path) -> None:
    """A replacement may be killed before it begins, and then be tried again."""
    recipe = read_recipe(find_recipe("demo"))
    before = RunFolder.create(tmp_path / "demo", recipe)
    before.keep()
    (before.path / "journal.log").write_text("what was trained")
    for _ in range(2):
        new = RunFolder.create(tmp_path / "demo", recipe, overwrite=True)
        assert not (new.path / "journal.log").exists()
    new.undo()
    assert (tmp_path / "demo" / "journal.log").read_text() == "what was trained"
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]
    RunFolder.create(tmp_path / "demo", recipe, overwrite=True).keep()
    assert [path.name for path in tmp_path.iterdir()] == ["demo"], "nothing that could come back by mistake"


def test_what_another_process_has_just_made_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = read_recipe(find_recipe("demo"))
    theirs = RunFolder.create(tmp_path / "demo", recipe)
    monkeypatch.setattr(Path, "exists", lambda path: False)  # It was not there when this process looked.
    with pytest.raises(RunError, match="another process has just made"):
        RunFolder.create(tmp_path / "demo", recipe)
    assert theirs.recipe() == recipe
