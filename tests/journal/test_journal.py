"""The journal: a trial in one record, what it is told, and what of it Optuna sees."""

import math
from pathlib import Path

import optuna
import pytest
import toys
from journal_tools import POINT, TWO, add, candidate, create
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from nas.errors import RunError
from nas.journal import Journal
from nas.record import Candidate, Objective
from nas.samplers.encoding import constraints


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
    journal.stop(1, 0.3, 2, 4.0)
    journal.fail(2, "out of memory")
    for reader in (journal, Journal.open(path)):
        complete, stopped, failed, running = reader.trials()
        assert (complete.state, stopped.state, failed.state, running.state) == (
            "complete", "stopped", "failed", "running"
        )  # fmt: skip
        assert dict(complete.accuracies) == {1: 0.5, 2: 0.75, 3: 0.8}
        assert (complete.accuracy, complete.epochs, complete.seconds) == (0.8, 3, 12.5)
        assert dict(complete.metrics) == {"loss": 0.25}
        assert (stopped.accuracy, stopped.epochs, stopped.reason) == (0.3, 2, "stopped early")
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
    with pytest.raises(RunError, match=r"^trial must be one of the 0 in the journal, counted from 0, but got 3\.$"):
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
