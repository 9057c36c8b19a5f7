"""Live progress: which trial is the best so far."""

from io import StringIO

import toys
from rich.console import Console

from nas.budget import Budget
from nas.cli.progress import Progress
from nas.journal import Journal
from nas.record import Candidate
from nas.serialize import key


def test_a_reference_over_the_budget_is_not_the_best() -> None:
    journal = Journal.in_memory(objectives=("accuracy",))
    console = Console(file=StringIO(), width=120)
    cheap = toys.SPACE.decode({"stem": 8, "width3": 16, "width4": 16, "wide": 8})
    budget = Budget(macs=toys.BUDGET.cost(cheap).macs, resolution=16, classes=10)
    progress = Progress(2, 1, budget=budget, console=console)
    for architecture, reference, accuracy in ((toys.SPACE.reference, True, 0.9), (cheap, False, 0.8)):
        cost = budget.cost(architecture)
        candidate = Candidate(
            architecture=architecture, key=key(architecture), point=None, cost=cost, seed=0, reference=reference
        )
        number = journal.add(candidate)
        journal.complete(number, accuracy, 1, 1.0)
        progress.ended(journal.trial(number))
    console.print(progress._render())
    out = console.file.getvalue()  # type: ignore[attr-defined]
    assert not budget.allows(budget.cost(toys.SPACE.reference))
    assert "best  80.00% (trial 1)" in out
    assert next(line for line in out.splitlines() if "best so far" in line).split()[0] == "1"
