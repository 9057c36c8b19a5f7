"""The journal on a disk: what survives a crash, what is refused, who may write."""

import json
import os
import threading
from pathlib import Path

import optuna
import pytest
from journal_tools import TWO, add, candidate, create
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from nas.errors import RunError
from nas.journal import Journal


@pytest.mark.parametrize("cut", [1, 7, 400])
def test_a_torn_last_line_is_cut_off(path: Path, cut: int) -> None:
    journal = create(path)
    journal.complete(add(journal, candidate()), 0.5, 1, 1.0)
    whole = path.read_bytes()
    add(journal, candidate(stem=32))
    torn = path.read_bytes()[:-cut]
    path.write_bytes(torn)

    reader = Journal.open(path, read_only=True)
    assert [record.accuracy for record in reader.trials()] == [0.5]
    assert path.read_bytes() == torn

    journal = Journal.open(path)
    assert journal.repaired
    assert path.read_bytes() == whole
    assert add(journal, candidate(stem=32)) == 1
    assert not Journal.open(path).repaired
    assert len(reader.trials()) == 2


def test_a_last_line_of_garbage_is_cut_off(path: Path) -> None:
    create(path)
    whole = path.read_bytes()
    path.write_bytes(whole + b"\0" * 100_000 + b"\n")
    assert Journal.open(path).repaired
    assert path.read_bytes() == whole


def test_damage_further_up_is_reported(path: Path) -> None:
    journal = create(path)
    add(journal, candidate())
    journal.complete(0, 0.5, 1, 1.0)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[-3] = lines[-3][:50] + b"\n"
    path.write_bytes(b"".join(lines))
    damaged = path.read_bytes()
    for read_only in (False, True):
        with pytest.raises(RunError) as caught:
            Journal.open(path, read_only=read_only)
        assert (
            str(caught.value)
            == f"the journal {path} must hold one record a line, but line {len(lines) - 2} is no record."
        )
    assert path.read_bytes() == damaged


@pytest.mark.parametrize(
    "text", ["", "recipe: digits\n", '{"a": 1}\n', "[]\n", "not a journal, and without an end of line", "\n\n"]
)
def test_other_files_are_refused_and_left_alone(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(RunError, match=r"must be the journal of a search, but its first line is no record of one\.$"):
        Journal.open(path)
    with pytest.raises(RunError, match=r"^the journal .* must hold "):
        Journal.open(path, read_only=True)
    assert path.read_text() == text


def test_a_result_of_another_network_is_refused(path: Path) -> None:
    journal = create(path)
    numbers = [add(journal, candidate(stem=stem)) for stem in (8, 16, 24)]
    for number in numbers[:2]:
        journal.complete(number, 0.5, 1, 1.0)
    lines = path.read_text().splitlines(keepends=True)
    created = next(line for line in lines if '"point"' in line)
    path.write_text("".join(line for line in lines if line != created))
    with pytest.raises(RunError, match=r"must hold its own result, but trial 0 is of network .* lines of the journal"):
        Journal.open(path)


@pytest.mark.parametrize("record", [{"op_code": 99}, {"op_code": 4, "study_id": 0}, {"op_code": "x"}])
def test_records_that_make_no_sense_are_refused(path: Path, record: dict[str, object]) -> None:
    create(path)
    line = json.dumps({"worker_id": "other", **record}) + "\n"
    path.write_text(path.read_text() + line)
    with pytest.raises(RunError, match="must hold one record a line, but its records contradict each other"):
        Journal.open(path)


def test_a_journal_of_another_study_is_refused(path: Path) -> None:
    storage = JournalStorage(JournalFileBackend(str(path)))
    optuna.create_study(storage=storage, study_name="one")
    with pytest.raises(RunError, match=r"^schema of the journal 'one' must be 1, but got None\.$"):
        Journal.open(path)
    optuna.create_study(storage=storage, study_name="two")
    with pytest.raises(RunError, match=r"must hold one study, but it holds 2\.$"):
        Journal.open(path)


def test_a_trial_of_someone_else_in_it_is_refused(path: Path) -> None:
    create(path).study.ask()
    with pytest.raises(RunError, match=r"^the journal .* must hold one record a line, but its records contradict"):
        Journal.open(path)


def test_where_there_is_none_and_where_there_is_one(path: Path) -> None:
    with pytest.raises(RunError, match=r"^the journal .* must be a file, but there is none\.$"):
        Journal.open(path)
    create(path)
    with pytest.raises(RunError, match="must not exist yet, but it does"):
        create(path)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"^the journal .* cannot be written: No such file or directory\.$"):
        create(tmp_path / "nowhere" / "journal.log")


def test_reading_never_writes(path: Path) -> None:
    writer = create(path)
    add(writer, candidate())
    before = path.read_bytes()
    reader = Journal.open(path, read_only=True)
    with pytest.raises(RunError, match="is open for reading only, and cannot be written"):
        reader.complete(0, 0.5, 1, 1.0)
    with pytest.raises(RunError, match="reading only"):
        add(reader, candidate())
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_readers_follow_a_writer(path: Path) -> None:
    writer = create(path)
    readers = [Journal.open(path, read_only=True) for _ in range(2)]
    failures: list[BaseException] = []
    done = threading.Event()

    def follow(reader: Journal) -> None:
        seen = 0
        try:
            while not done.is_set() or seen < len(writer.trials()):
                now = len(reader.trials())
                assert now >= seen
                seen = now
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=follow, args=(reader,)) for reader in readers]
    for thread in threads:
        thread.start()
    for number in range(20):
        add(writer, candidate(seed=number))
        writer.complete(number, 0.5, 1, 1.0)
    done.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert all(reader.trials() == writer.trials() for reader in readers)


def test_a_write_that_fails_leaves_the_file_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = create(path)
    add(journal, candidate())
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(RunError, match=r"cannot be written: No space left on device\.$"):
            add(journal, candidate(stem=32))
    assert path.read_bytes() == before
    assert add(journal, candidate(stem=32)) == 1
    assert len(Journal.open(path).trials()) == 2


def test_the_lock_of_a_killed_writer_is_broken(path: Path) -> None:
    journal = create(path)
    os.symlink(path, f"{path}.lock")
    assert add(journal, candidate()) == 0
    assert not os.path.lexists(f"{path}.lock")


def test_in_memory_it_is_the_same() -> None:
    journal = Journal.in_memory(objectives=TWO, attributes={"a": 1})
    add(journal, candidate())
    journal.report(0, 1, 0.25)
    journal.complete(0, 0.5, 2, 1.0)
    (record,) = journal.trials()
    assert dict(record.accuracies) == {1: 0.25, 2: 0.5}
    assert record.candidate == candidate()
    assert journal.attributes == {"a": 1}
    assert journal.observed() == (record,)
