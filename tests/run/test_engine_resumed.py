"""An engine that goes on after a fault is as one that was not disturbed."""

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from engines import make_engine
from toys import BUDGET, SPACE, evaluate

from nas.architecture import Architecture
from nas.errors import NasError, RunError
from nas.journal import Journal
from nas.proposer import Proposer
from nas.record import Candidate
from nas.run.engine import Listener
from nas.run.function import FunctionTask, search
from nas.run.local import run_here
from nas.run.recipe import EarlyStoppingConfig
from nas.run.rungs import Rungs
from nas.samplers import make_sampler


@pytest.mark.parametrize("rule", ["asha", "asha-front"])
def test_an_epoch_that_is_trained_again_is_judged_by_what_was_recorded(rule: str, tmp_path: Path) -> None:
    """A lost checkpoint, on another machine: the epoch ends otherwise than it did."""

    class Interrupting(Listener):
        def epoch(self, number: int, metrics: Mapping[str, float]) -> None:
            if number == 5:
                raise KeyboardInterrupt

    def other(architecture: Architecture, epochs: int) -> Mapping[str, float]:
        return {"accuracy": evaluate(architecture, epochs)["accuracy"] / 2}

    stopping = EarlyStoppingConfig(rule=rule, first_rung=1, reduction=3)  # type: ignore[arg-type]
    arguments = {"trials": 8, "sampler": "random", "epochs": 9, "path": tmp_path, "early_stopping": stopping}
    first = search(SPACE, evaluate, BUDGET, listener=Interrupting(), **arguments)  # type: ignore[arg-type]
    assert not first.finished and set(first.trials[5].accuracies) == {1}
    for checkpoint in (tmp_path / "checkpoints").iterdir():
        checkpoint.unlink()
    second = search(SPACE, other, BUDGET, **arguments)  # type: ignore[arg-type]
    assert second.finished and second.trials[5].accuracies[1] == first.trials[5].accuracies[1]


def test_a_verdict_stands_where_its_epoch_is_told_again(tmp_path: Path) -> None:
    """By a worker that died and was started again, when better ones stand on the rung."""
    journal = Journal.in_memory(objectives=("accuracy",))
    source = Proposer(SPACE, BUDGET, make_sampler("random"), journal, seed=0, reference_first=False)
    engine = make_engine(source, journal, BUDGET, tmp_path, trials=4, epochs=5)
    engine.rungs = Rungs(EarlyStoppingConfig(rule="asha", first_rung=1, reduction=2), 5)
    told = [{"accuracy": 0.5 + number / 10, "epoch": 1, "seconds": 1.0} for number in range(4)]
    assert all(engine.next() for _ in told)
    for number, metrics in enumerate(told):
        assert engine.observe(number, metrics)
    assert engine.observe(0, told[0]) and journal.trial(0).state == "running"


def test_a_batch_that_was_cut_short_is_proposed_to_its_end_before_its_results(tmp_path: Path) -> None:
    class Killed(Proposer):
        def ask(self) -> tuple[int, Candidate] | None:
            if len(journal.trials()) == 18:
                raise KeyboardInterrupt
            return super().ask()

    sampler = make_sampler("gp")
    found = []
    for kinds in ((Proposer,), (Killed, Proposer)):
        journal = Journal.in_memory(objectives=("accuracy",))
        folder = tmp_path / kinds[0].__name__
        for kind in kinds:
            source = kind(SPACE, BUDGET, sampler, journal, seed=0)
            engine = make_engine(source, journal, BUDGET, folder, trials=24, epochs=1, batch=4)
            task = FunctionTask(evaluate=evaluate, milestones=(1,))
            assert run_here(engine, task, folder / "checkpoints") is (kind is Proposer)
        found.append([trial.candidate.point for trial in journal.trials()])
    assert len(found[0]) == 24 and found[0] == found[1]


def test_the_time_of_a_failing_epoch_counts(tmp_path: Path) -> None:
    def failing(architecture: Architecture, epochs: int) -> Mapping[str, float]:
        time.sleep(0.02)
        raise ValueError("a layer failed")

    arguments = {"trials": 500, "sampler": "random", "core_hours": 0.1 / 3600, "path": tmp_path}
    result = search(SPACE, failing, BUDGET, **arguments)  # type: ignore[arg-type]
    assert all(trial.state == "failed" and trial.seconds >= 0.02 for trial in result.trials)
    assert len(result.trials) <= 5
    again = search(SPACE, failing, BUDGET, **arguments)  # type: ignore[arg-type]
    assert len(again.trials) == len(result.trials), "the time is spent in the next session too"


def test_a_search_that_is_refused_leaves_no_journal_and_a_path_may_be_text(tmp_path: Path) -> None:
    for options, said in (
        ({"sampler": "randum"}, "randum"),
        ({"trials": 2.5}, r"`trials >= 1` must hold for a whole number, but got trials=2\.5"),
        ({"core_hours": "x"}, "`stop.core_hours > 0` must hold, but got core_hours='x'"),
        ({"path": str(tmp_path / "file")}, "`path` must be a folder that can be written"),
    ):
        (tmp_path / "file").touch()
        with pytest.raises(NasError, match=said):
            search(SPACE, evaluate, BUDGET, **{"trials": 2, "path": str(tmp_path / "run"), **options})  # type: ignore[arg-type]
    assert [file.name for file in tmp_path.iterdir()] == ["file"]
    assert search(SPACE, evaluate, BUDGET, trials=2, sampler="random", path=str(tmp_path / "run"), seed=3).finished


def test_a_search_goes_on_with_its_sampler_and_choices_only(tmp_path: Path) -> None:
    search(SPACE, evaluate, BUDGET, trials=2, sampler="random", path=tmp_path)
    search(SPACE, evaluate, BUDGET, trials=2, sampler="random", path=tmp_path, objectives=["accuracy"])
    with pytest.raises(RunError, match=r"sampler must be that of the search in .*, 'random', but got 'tpe'"):
        search(SPACE, evaluate, BUDGET, trials=3, sampler="tpe", path=tmp_path)
    first, *others = SPACE.choices
    wider = replace(SPACE, choices=(replace(first, values=(*first.values, 999)), *others))
    with pytest.raises(RunError, match="choices must be that of the search in"):
        search(wider, evaluate, BUDGET, trials=3, sampler="random", path=tmp_path)
