"""The journal: a trial in one record, what it is told, what survives a crash, who may write."""

import json
import math
import os
import threading
from pathlib import Path

import optuna
import pytest
import toys
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from nas.errors import RunError
from nas.journal import Journal
from nas.record import Candidate, Objective
from nas.samplers.encoding import constraints, distributions, to_params
from nas.serialize import key

POINT = {"stem": 8, "width3": 16, "width4": 24, "wide": 8}
TWO: tuple[Objective, ...] = ("accuracy", "macs")


def candidate(seed: int = 0, stem: int = 8) -> Candidate:
    point = {**POINT, "stem": stem}
    architecture = toys.SPACE.decode(point)
    return Candidate(
        architecture=architecture,
        key=key(architecture),
        point=point,
        cost=toys.BUDGET.cost(architecture),
        seed=seed,
        measured={"latency_seconds": 0.25},
    )


def add(journal: Journal, proposed: Candidate) -> int:
    assert proposed.point is not None
    return journal.add(
        proposed,
        params=to_params(toys.SPACE, proposed.point),
        distributions=distributions(toys.SPACE),
        constraints=constraints(toys.BUDGET, proposed.cost),
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.log"


def create(path: Path, objectives: tuple[Objective, ...] = ("accuracy",)) -> Journal:
    return Journal.create(path, name="digits", objectives=objectives, attributes={"recipe": {"seed": 1}})


def test_a_trial_is_one_record_and_comes_back_as_it_was(path: Path) -> None:
    journal = create(path)
    before = len(path.read_bytes().splitlines())
    assert add(journal, candidate(seed=7)) == 0
    assert len(path.read_bytes().splitlines()) == before + 1
    assert add(journal, candidate(seed=8)) == 1
    for reader in (journal, Journal.open(path), Journal.open(path, read_only=True)):
        records = reader.trials()
        assert [record.number for record in records] == [0, 1]
        assert [record.candidate for record in records] == [candidate(seed=7), candidate(seed=8)]
        assert {record.state for record in records} == {"running"}
        assert reader.running() == records
        assert reader.observed() == ()
        assert reader.seen() == {(candidate().key, 7), (candidate().key, 8)}
        assert reader.attributes == {"recipe": {"seed": 1}}
        assert reader.objectives == ("accuracy",)
        assert not reader.repaired


def test_results(path: Path) -> None:
    journal = create(path)
    for stem in (8, 16, 24, 32):
        add(journal, candidate(stem=stem))
    assert journal.report(0, 1, 0.5)
    assert journal.report(0, 2, 0.75)
    journal.complete(0, 0.8, 3, 12.5, {"loss": 0.25, "odd": math.inf})
    assert journal.report(1, 1, 0.25)
    journal.stop(1, 0.3, 2, 4.0, reason="rung 2")
    journal.fail(2, "out of memory")
    for reader in (journal, Journal.open(path)):
        complete, stopped, failed, running = reader.trials()
        assert (complete.state, stopped.state, failed.state, running.state) == (
            "complete", "stopped", "failed", "running"
        )  # fmt: skip
        assert dict(complete.accuracies) == {1: 0.5, 2: 0.75, 3: 0.8}
        assert (complete.accuracy, complete.epochs, complete.seconds) == (0.8, 3, 12.5)
        assert dict(complete.metrics) == {"loss": 0.25}
        assert (stopped.accuracy, stopped.epochs, stopped.reason) == (0.3, 2, "rung 2")
        assert (failed.accuracy, failed.reason) == (None, "out of memory")
        assert reader.observed() == (complete,)
        assert reader.running() == (running,)


@pytest.mark.parametrize(
    ("told_as", "objectives", "state", "values"),
    [
        ("complete", ("accuracy",), TrialState.COMPLETE, [0.3]),
        ("pruned", ("accuracy",), TrialState.PRUNED, [0.3]),
        ("fail", ("accuracy",), TrialState.FAIL, None),
        ("complete", TWO, TrialState.COMPLETE, [0.3, float(candidate().cost.macs)]),
        ("pruned", TWO, TrialState.FAIL, None),
    ],
)
def test_how_a_stopped_trial_is_told(
    path: Path, told_as: str, objectives: tuple[Objective, ...], state: TrialState, values: list[float] | None
) -> None:
    journal = create(path, objectives)
    journal.report(add(journal, candidate()), 1, 0.25)
    journal.stop(0, 0.3, 2, 4.0, told_as=told_as)  # type: ignore[arg-type]
    (trial,) = journal.study.trials
    assert (trial.state, trial.values) == (state, values)
    (record,) = journal.trials()
    assert record.state == "stopped"
    assert dict(record.accuracies) == {1: 0.25, 2: 0.3}
    assert journal.observed() == ((record,) if told_as == "complete" else ())


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("how", ["report", "complete", "stop"])
def test_a_value_that_is_not_finite_fails_the_trial(path: Path, value: float, how: str) -> None:
    journal = create(path)
    add(journal, candidate())
    if how == "report":
        assert not journal.report(0, 1, value)
    elif how == "complete":
        journal.complete(0, value, 1, 1.0)
    else:
        journal.stop(0, value, 1, 1.0, told_as="complete")
    (record,) = Journal.open(path).trials()
    assert record.state == "failed"
    assert record.reason is not None and f"{value}, not a finite number" in record.reason
    assert journal.study.trials[0].state == TrialState.FAIL


def test_a_trial_is_told_once(path: Path) -> None:
    journal = create(path)
    add(journal, candidate())
    journal.complete(0, 0.5, 1, 1.0)
    size = path.stat().st_size
    journal.complete(0, 0.9, 2, 1.0)
    journal.fail(0, "late")
    journal.stop(0, 0.1, 1, 1.0)
    assert not journal.report(0, 2, 0.7)
    assert path.stat().st_size == size
    assert journal.trials()[0].accuracy == 0.5


def test_an_unknown_trial_is_refused(path: Path) -> None:
    with pytest.raises(RunError, match=r"^trial must be one of the 0 in the journal, but got 3\.$"):
        create(path).complete(3, 0.5, 1, 1.0)


def test_an_objective_that_was_not_measured_is_refused(path: Path) -> None:
    journal = create(path, ("accuracy", "latency_seconds"))
    add(journal, candidate())
    journal.complete(0, 0.5, 1, 1.0)
    assert journal.study.trials[0].values == [0.5, 0.25]
    unmeasured = Candidate(
        architecture=candidate().architecture, key="k", point=None, cost=candidate().cost, seed=0, reference=True
    )
    with pytest.raises(RunError, match=r"^objective 'latency_seconds' must be known of a candidate"):
        journal.add(unmeasured)
    assert len(journal.trials()) == 1


@pytest.mark.parametrize(
    ("objectives", "message"),
    [
        ((), "objectives must begin with 'accuracy' and differ, but got none."),
        (("macs",), "objectives must begin with 'accuracy' and differ, but got macs."),
        (
            ("accuracy", "macs", "macs"),
            "objectives must begin with 'accuracy' and differ, but got accuracy, macs, macs.",
        ),
        (
            ("accuracy", "beauty"),
            "an objective must be one of accuracy, macs, params, activations, latency_seconds, but got 'beauty'.",
        ),
    ],
)
def test_objectives_are_checked(path: Path, objectives: tuple[Objective, ...], message: str) -> None:
    with pytest.raises(RunError) as caught:
        create(path, objectives)
    assert str(caught.value) == message
    assert not path.exists()


def test_optuna_opens_it_by_itself(path: Path) -> None:
    journal = create(path, TWO)
    journal.complete(add(journal, candidate()), 0.5, 1, 1.0)
    add(journal, candidate(stem=32))
    storage = JournalStorage(JournalFileBackend(str(path)))
    study = optuna.load_study(study_name=None, storage=storage)
    assert study.study_name == "digits"
    assert study.metric_names == ["accuracy", "macs"]
    assert [direction.name for direction in study.directions] == ["MAXIMIZE", "MINIMIZE"]
    told, running = study.trials
    assert told.values == [0.5, float(candidate().cost.macs)]
    assert told.params == POINT
    assert told.constraints == constraints(toys.BUDGET, candidate().cost)
    assert told.constraints.keys() == running.constraints.keys()
    assert told.user_attrs["feasible"] is True
    assert study.best_trials == [told]


def test_feasibility_is_mirrored(path: Path) -> None:
    journal = create(path)
    journal.add(candidate(), constraints={"macs": 0.1, "params": -0.5})
    assert journal.study.trials[0].user_attrs["feasible"] is False


def test_a_trial_ended_by_others_counts_as_failed(path: Path) -> None:
    journal = create(path)
    add(journal, candidate())
    storage = JournalStorage(JournalFileBackend(str(path)))
    optuna.load_study(study_name="digits", storage=storage).tell(0, state=TrialState.FAIL)
    (record,) = journal.trials()
    assert record.state == "failed"


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
