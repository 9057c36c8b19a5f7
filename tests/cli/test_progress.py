"""Live progress: which trial is the best so far."""

from io import StringIO

import pytest
import toys
from rich.console import Console

from nas.architecture import Architecture
from nas.budget import Budget
from nas.cli.progress import Progress
from nas.cli.training import TrainingProgress
from nas.journal import Journal
from nas.record import Candidate, TrialRecord
from nas.serialize import key


def test_a_reference_over_the_budget_is_not_the_best() -> None:
    cheap = toys.SPACE.decode({"stem": 8, "width3": 16, "width4": 16, "wide": 8})
    budget = Budget(macs=toys.BUDGET.cost(cheap).macs, resolution=16, classes=10)
    assert best_of(budget, cheap) == 1


def test_a_reference_over_a_measured_limit_is_not_the_best() -> None:
    cheap = toys.SPACE.decode({"stem": 8, "width3": 16, "width4": 16, "wide": 8})
    assert best_of(Budget(latency_seconds=0.001, resolution=16, classes=10), cheap) == 1


def test_a_reference_below_the_band_may_be_the_best() -> None:
    cheap = toys.SPACE.decode({"stem": 8, "width3": 16, "width4": 16, "wide": 8})
    above = 2 * toys.BUDGET.cost(toys.SPACE.reference).macs
    assert best_of(Budget(macs=above, resolution=16, classes=10, at_least=0.9), cheap) == 0


def best_of(budget: Budget, cheap: Architecture) -> int:
    """Of the reference at 90% (0.5 s an image) and a network at 80% (0.5 ms), the trial that is shown as the best."""
    journal = Journal.in_memory(objectives=("accuracy",))
    console = Console(file=StringIO(), width=120)
    progress = Progress(2, 1, budget=budget, console=console)
    for architecture, reference, accuracy in ((toys.SPACE.reference, True, 0.9), (cheap, False, 0.8)):
        candidate = Candidate(
            architecture=architecture,
            key=key(architecture),
            point=None,
            cost=budget.cost(architecture),
            seed=0,
            reference=reference,
            measured={"latency_seconds": 0.5 if reference else 0.0005},
        )
        number = journal.add(candidate)
        journal.complete(number, accuracy, 1, 1.0)
        progress.ended(journal.trial(number))
    console.print(progress._render())
    out = console.file.getvalue()  # type: ignore[attr-defined]
    best = max(number for number in range(2) if f"(trial {number})" in out)
    lines = [line for line in out.splitlines() if "best so far" in line]
    assert best == 0 or [line.split()[0] for line in lines] == ["1"]
    return best


@pytest.mark.parametrize(("epochs", "told"), [(1, " after 1 epoch, "), (2, " after 2 epochs, ")])
def test_a_training_that_ends_tells_its_epochs(epochs: int, told: str) -> None:
    architecture = toys.SPACE.reference
    candidate = Candidate(
        architecture=architecture,
        key=key(architecture),
        point=None,
        cost=toys.BUDGET.cost(architecture),
        seed=0,
    )
    record = TrialRecord(number=0, candidate=candidate, state="complete", accuracy=0.5, epochs=epochs, seconds=60.0)
    assert told in TrainingProgress(1, epochs, {candidate.key: "toy"})._line(record, better=False).plain
