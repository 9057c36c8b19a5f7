"""What is owed where memory ran out under the trials of a search."""

from pathlib import Path

from engines import make_engine
from toys import BUDGET, SPACE

from nas.journal import Journal
from nas.proposer import Proposer
from nas.run.link import Link
from nas.samplers import make_sampler


def test_trials_that_were_lost_together_are_owed_and_one_that_was_lost_alone_is_to_blame(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path / "journal.log", name="toy", objectives=("accuracy",), attributes={})
    engine = make_engine(
        Proposer(SPACE, BUDGET, make_sampler("random", {}), journal, seed=0),
        journal,
        BUDGET,
        tmp_path,
        trials=5,
        epochs=2,
    )
    link = Link(engine, 3, lambda: 3)

    def begin(most: int) -> list[int]:
        while not link.full() and (job := engine.next()) is not None:
            link.numbers[f"tune-{job.number}"] = job.number
        assert len(link.numbers) <= most
        return list(link.numbers.values())

    assert begin(most=3) == [0, 1, 2]
    engine.observe(1, {"epoch": 1, "accuracy": 0.5, "seconds": 2.0})
    link.lose_all("no memory.", max_failures=1)
    assert (begin(most=2), engine.places) == ([0, 1], 2), "those that were under way come first, one fewer at a time"
    link.lose_all("no memory.", max_failures=1)
    for _ in range(2):
        assert begin(most=1) == [0]
        link.lose_all("no memory.", max_failures=1)
    failed = journal.trial(0)
    assert (failed.state, failed.reason) == ("failed", "its worker died 2 times: no memory.")
    assert begin(most=1) == [1]
    engine.finish(1, {"epoch": 2, "accuracy": 0.75, "seconds": 3.0})
    trial = journal.trial(1)
    assert (trial.state, trial.accuracies, trial.seconds) == ("complete", {1: 0.5, 2: 0.75}, 5.0)
    link.numbers.clear()
    assert begin(most=1) == [2], "trials lost in company have no failure to their name"
