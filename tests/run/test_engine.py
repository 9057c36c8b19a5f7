"""The engine without Ray: the same rules whatever executes."""

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from engines import Heard, make_engine
from toys import BUDGET, SPACE, Faulty, evaluate

from nas.architecture import Architecture
from nas.budget import Budget
from nas.errors import BudgetError, RunError, SamplerError
from nas.record import TrialRecord
from nas.run.curves import Curves
from nas.run.engine import Listener
from nas.run.folder import RunFolder
from nas.run.function import search
from nas.run.recipe import EarlyStoppingConfig
from nas.spaces import load_space


def points(trials: tuple[TrialRecord, ...]) -> list[object]:
    return [trial.candidate.point for trial in trials]


def test_every_trial_is_in_the_budget_and_none_is_trained_twice() -> None:
    trained: list[str] = []

    def once(architecture: Architecture, epochs: int) -> Mapping[str, float]:
        trained.append(repr(architecture))
        return evaluate(architecture, epochs)

    result = search(SPACE, once, BUDGET, trials=25, sampler="random")
    assert result.finished and len(result.trials) == 25
    assert len(set(trained)) == len(trained) == 25
    assert [trial.candidate.reference for trial in result.trials] == [True] + [False] * 24
    assert all(BUDGET.allows(trial.candidate.cost) for trial in result.trials[1:])
    assert result.best.accuracy == max(trial.accuracy or 0 for trial in result.trials[1:])


def test_a_space_that_is_used_up_ends_the_search() -> None:
    heard = Heard()
    result = search(SPACE, evaluate, BUDGET, trials=10_000, sampler="random", listener=heard)
    keys = {trial.candidate.key for trial in result.trials}
    assert result.finished and len(keys) == len(result.trials) <= 4 * 4 * 4 * 3 + 1
    assert "no further network" in heard.messages[-1]


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_a_search_that_is_continued_equals_an_undisturbed_one(sampler: str, tmp_path: Path) -> None:
    whole = search(SPACE, evaluate, BUDGET, trials=14, sampler=sampler, epochs=3)
    for trials in (3, 4, 9, 14):
        parts = search(SPACE, evaluate, BUDGET, trials=trials, sampler=sampler, epochs=3, path=tmp_path / "run")
    assert points(parts.trials) == points(whole.trials)
    assert [trial.accuracy for trial in parts.trials] == [trial.accuracy for trial in whole.trials]


def test_a_continued_search_must_be_the_same(tmp_path: Path) -> None:
    search(SPACE, evaluate, BUDGET, trials=2, sampler="random", path=tmp_path / "run")
    with pytest.raises(RunError, match="seed must be that of the search"):
        search(SPACE, evaluate, BUDGET, trials=2, sampler="random", seed=1, path=tmp_path / "run")


def test_one_search_at_a_time_writes_to_a_folder(tmp_path: Path) -> None:
    with RunFolder(tmp_path).locked(), pytest.raises(RunError, match="one process at a time may write to a run"):
        search(SPACE, evaluate, BUDGET, trials=2, sampler="random", path=tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == [".lock"]


class Interrupted(Listener):
    """Stops the search as Ctrl-C does, in a given epoch of a given trial."""

    def __init__(self, number: int, epoch: int) -> None:
        self.number, self.at = number, epoch

    def epoch(self, number: int, metrics: Mapping[str, float]) -> None:
        if (number, metrics["epoch"]) == (self.number, self.at):
            raise KeyboardInterrupt


def test_an_interrupted_trial_goes_on_where_it_was(tmp_path: Path) -> None:
    stopping = EarlyStoppingConfig(rule="asha", first_rung=1, reduction=2)
    arguments = {"trials": 6, "sampler": "random", "epochs": 8, "early_stopping": stopping, "path": tmp_path}
    first = search(SPACE, evaluate, BUDGET, listener=Interrupted(0, 4), **arguments)  # type: ignore[arg-type]
    assert not first.finished and first.trials[0].state == "running"
    assert list((tmp_path / "checkpoints").iterdir()), "a trial under way keeps its checkpoint"
    second = search(SPACE, evaluate, BUDGET, **arguments)  # type: ignore[arg-type]
    assert second.finished and len(second.trials) == 6
    assert [int(line["epoch"]) for line in Curves(tmp_path / "curves").read(0)] == [1, 2, 4, 8]
    assert not list((tmp_path / "checkpoints").iterdir()), "checkpoints go with their trials"


def test_stopped_trials_are_marked_and_the_reference_is_never_stopped() -> None:
    stopping = EarlyStoppingConfig(rule="asha", first_rung=1, reduction=3)
    result = search(SPACE, evaluate, BUDGET, trials=20, sampler="random", epochs=9, early_stopping=stopping)
    states = [trial.state for trial in result.trials]
    assert states[0] == "complete" and states.count("stopped") >= 8
    assert all(trial.epochs < 9 for trial in result.trials if trial.state == "stopped")
    assert result.best.state == "complete"


@pytest.mark.parametrize(("fault", "reason"), [("raise", "ValueError: a layer failed (toys.py:"), ("nan", "nan")])
def test_a_trial_that_fails_keeps_its_reason(fault: str, reason: str, tmp_path: Path) -> None:
    result = search(SPACE, Faulty(fault, tmp_path), BUDGET, trials=12, sampler="tpe")
    failed = [trial for trial in result.trials if trial.state == "failed"]
    assert result.finished and failed and len(failed) < 12
    assert all(reason in (trial.reason or "") and trial.accuracy is None for trial in failed)


def test_a_function_without_accuracy_fails_each_trial_and_there_is_no_best() -> None:
    result = search(SPACE, lambda architecture, epochs: {"loss": 1.0}, BUDGET, trials=3, sampler="random")
    assert {trial.state for trial in result.trials} == {"failed"}
    assert "'accuracy'" in (result.trials[1].reason or "")
    with pytest.raises(RunError, match=r"at least one complete trial .* The first failed: .*'accuracy'"):
        _ = result.best


def test_what_is_impossible_is_refused_before_anything_runs() -> None:
    with pytest.raises(BudgetError, match="cheapest"):
        search(SPACE, evaluate, replace(BUDGET, macs=1000), trials=2, sampler="random")
    with pytest.raises(SamplerError, match="random"):
        search(SPACE, evaluate, BUDGET, trials=2, sampler="randm")


def test_limits_on_time_end_a_search(tmp_path: Path) -> None:
    from nas.journal import Journal
    from nas.proposer import Proposer
    from nas.run.function import FunctionTask
    from nas.run.local import run_here
    from nas.run.recipe import StopConfig
    from nas.samplers import make_sampler

    now = [0.0]

    def slow(architecture: Architecture, epochs: int) -> Mapping[str, float]:
        now[0] += 1800
        return evaluate(architecture, epochs)

    journal = Journal.in_memory(objectives=("accuracy",))
    source = Proposer(SPACE, BUDGET, make_sampler("random"), journal, seed=0)
    engine = replace(
        make_engine(source, journal, BUDGET, tmp_path, trials=100, epochs=1),
        stop=StopConfig(trials=100, hours=3),
        spent_hours=1.0,
        clock=lambda: now[0],
    )
    run_here(engine, FunctionTask(evaluate=slow, milestones=(1,)), tmp_path)
    assert len(journal.trials()) == 4, "one hour was spent, and a trial takes half an hour"


def test_an_epoch_that_missed_the_journal_is_entered_when_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk, or a kill, between the curve and the journal: the rung must know of the epoch all the same."""
    from nas.journal import Journal

    stopping = EarlyStoppingConfig(rule="asha-front", first_rung=1, reduction=3)
    arguments = {"trials": 8, "sampler": "random", "epochs": 9, "early_stopping": stopping}
    whole = search(SPACE, evaluate, BUDGET, **arguments)  # type: ignore[arg-type]
    report, calls = Journal.report, []

    def failing(self: Journal, number: int, epoch: int, accuracy: float) -> bool:
        calls.append(number)
        if len(calls) in (4, 9):
            raise RunError("no space is left; resume the run.")
        return report(self, number, epoch, accuracy)

    monkeypatch.setattr(Journal, "report", failing)
    for _ in range(2):
        with pytest.raises(RunError, match="no space"):
            search(SPACE, evaluate, BUDGET, path=tmp_path, **arguments)  # type: ignore[arg-type]
    parts = search(SPACE, evaluate, BUDGET, path=tmp_path, **arguments)  # type: ignore[arg-type]
    assert points(parts.trials) == points(whole.trials)
    assert [trial.state for trial in parts.trials] == [trial.state for trial in whole.trials]
    assert [dict(trial.accuracies) for trial in parts.trials] == [dict(trial.accuracies) for trial in whole.trials]


def test_a_failed_trial_keeps_what_it_has_spent() -> None:
    def late(architecture: Architecture, epochs: int) -> Mapping[str, float]:
        if epochs == 9:
            raise ValueError("a layer failed")
        return evaluate(architecture, epochs)

    stopping = EarlyStoppingConfig(rule="asha", first_rung=3, reduction=3)
    result = search(SPACE, late, BUDGET, trials=2, sampler="random", epochs=9, early_stopping=stopping)
    assert [(trial.state, trial.epochs) for trial in result.trials] == [("failed", 3)] * 2
    assert all(trial.seconds > 0 and set(trial.accuracies) == {3} for trial in result.trials)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (0.5, "evaluate must give metrics by name, such as {'accuracy': 0.9}, but gave 0.5."),
        ({"accuracy": 91.0}, "`0 <= accuracy <= 1` must hold, but evaluate gave accuracy=91."),
        ({"accuracy": -0.1}, "`0 <= accuracy <= 1` must hold, but evaluate gave accuracy=-0.1."),
    ],
)
def test_what_a_function_may_not_give_fails_its_trial(given: Any, reason: str) -> None:
    result = search(SPACE, lambda architecture, epochs: given, BUDGET, trials=1, sampler="random")
    assert [trial.reason for trial in result.trials] == [reason]


def test_no_trial_begins_once_the_core_hours_are_spent() -> None:
    def slow(architecture: Architecture, epochs: int) -> dict[str, float]:
        time.sleep(0.02)
        return {"accuracy": 0.5}

    heard = Heard()
    result = search(SPACE, slow, BUDGET, trials=500, sampler="random", core_hours=0.1 / 3600, listener=heard)
    limit = f"stop.core_hours=2.77778e-05 is reached, with {len(result.trials)} of 500 trials begun"
    assert heard.messages == [f"{limit}; the search ends here."]
    *before, last = [trial.seconds for trial in result.trials]
    assert sum(before) < 0.1 <= sum(before) + last
    assert len(result.trials) < 500


def test_core_hours_of_earlier_sessions_are_of_the_cores_that_they_had(tmp_path: Path) -> None:
    def slow(architecture: Architecture, epochs: int) -> dict[str, float]:
        time.sleep(0.05)
        return {"accuracy": 0.5}

    once = search(SPACE, slow, BUDGET, trials=3, sampler="random", path=tmp_path)
    for path in sorted((tmp_path / "curves").glob("*.jsonl")):  # As if each trial had had a hundred cores.
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        assert all(line["cores"] == 1 for line in lines)
        path.write_text("".join(json.dumps({**line, "cores": 100}) + "\n" for line in lines))
    again = search(SPACE, slow, BUDGET, trials=6, sampler="random", path=tmp_path, core_hours=10 / 3600)
    assert len(again.trials) == len(once.trials) == 3, "fifteen core-seconds are spent"


def test_a_reference_that_cannot_be_wired_is_left_out() -> None:
    small = Budget(macs=30_574_592, resolution=28, classes=10)
    result = search(load_space("inception_small"), evaluate, small, trials=2, sampler="random")
    assert [trial.candidate.reference for trial in result.trials] == [False, False]


def test_the_front_rule_stops_by_the_objectives() -> None:
    """By accuracy and parameters nothing is better than those that go on; multiply-adds do not count."""
    result = search(
        SPACE,
        evaluate,
        BUDGET,
        trials=30,
        sampler="random",
        epochs=4,
        objectives=("accuracy", "params"),
        early_stopping=EarlyStoppingConfig(rule="asha-front", first_rung=1, reduction=2),
    )
    stopped = [trial for trial in result.trials if trial.state == "stopped"]
    assert stopped
    for trial in stopped:
        at = max(trial.accuracies)
        assert any(
            other.accuracies.get(at, 0.0) >= trial.accuracies[at]
            and other.candidate.cost.params <= trial.candidate.cost.params
            for other in result.trials[: trial.number]
        )


def test_a_peer_of_an_evaluation_that_is_lost_fails_the_trial_where_there_is_one_process() -> None:
    def lost(architecture: Architecture, epochs: int) -> Mapping[str, float]:
        raise RuntimeError("Connection closed by peer")

    result = search(SPACE, lost, BUDGET, trials=2, sampler="random")
    assert [trial.reason for trial in result.trials] == ["RuntimeError: Connection closed by peer"] * 2


@pytest.mark.parametrize(("options", "said"), [({"seed": -1}, "seed=-1"), ({"epochs": 0}, "epochs=0")])
def test_a_search_that_cannot_begin_leaves_nothing(tmp_path: Path, options: dict[str, int], said: str) -> None:
    with pytest.raises(RunError, match=said):
        search(SPACE, evaluate, BUDGET, trials=4, path=tmp_path / "mine", **options)  # type: ignore[arg-type]
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize("name", ["failure", "fatal", "seconds", "date", "places", "config/lr"])
def test_metrics_with_a_name_that_is_taken_are_refused(name: str) -> None:
    result = search(
        SPACE, lambda architecture, epochs: {"accuracy": 0.5, name: 0.1}, BUDGET, trials=1, sampler="random"
    )
    assert result.trials[0].reason == f"metrics of evaluate must have names of their own, but got {name}."
