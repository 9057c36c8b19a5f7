"""The best trials of a run, and one trial of it by its number."""

from collections.abc import Sequence
from pathlib import Path

from nas.budget import MEASURED, Budget
from nas.errors import RunError
from nas.journal import Journal
from nas.record import TrialRecord
from nas.run.chosen import Chosen, Timed
from nas.run.folder import RunFolder
from nas.run.recipe import Recipe


def top_trials(run: Path, count: int) -> tuple[Recipe, tuple[TrialRecord, ...]]:
    """The recipe of a run and its best complete trials by split A, best first, each network once.

    The reference is among them where it is within the budget.

    Raises:
        RunError: no run is there, or none of its trials is complete.
    """
    if count < 1:
        raise RunError(f"`k >= 1` must hold, but got k={count}.")
    folder = RunFolder.open(run)
    recipe = folder.recipe()
    records = Journal.open(folder.journal, read_only=True).trials()
    complete = [
        each
        for each in records
        if each.state == "complete"
        and each.accuracy is not None
        and (not each.candidate.reference or recipe.budget.within(each.candidate.cost, each.candidate.measured))
    ]
    best: dict[str, TrialRecord] = {}
    for record in sorted(complete, key=lambda each: (-(each.accuracy or 0.0), each.number)):
        best.setdefault(record.candidate.key, record)
    if not best:
        raise RunError(f"a run must have a complete trial within its budget, but of {len(records)} in {run} none is.")
    return recipe, tuple(best.values())[:count]


def trial_of(run: Path, number: int) -> tuple[Recipe, TrialRecord]:
    """One trial of a run, and its recipe.

    Raises:
        RunError: no run is there, or it has no such trial.
    """
    folder = RunFolder.open(run)
    return folder.recipe(), Journal.open(folder.journal, read_only=True).trial(number)


def chosen(recipe: Recipe, records: Sequence[TrialRecord]) -> tuple[Chosen, ...]:
    """Trials of a run as networks to be trained fully."""
    return tuple(
        Chosen(
            label=f"trial {record.number} of {recipe.name}",
            architecture=record.candidate.architecture,
            searched=recipe.data,
            timed=_timed(recipe.budget, record),
        )
        for record in records
    )


def _timed(budget: Budget, record: TrialRecord) -> Timed | None:
    seconds = record.candidate.measured.get(MEASURED)
    if seconds is None:
        return None
    return Timed(
        latency_seconds=seconds,
        batch=budget.latency_batch,
        threads=budget.latency_threads,
        runtime=budget.latency_runtime,
        limit_seconds=budget.latency_seconds,
    )


def next_seed(run: Path) -> int:
    """A seed that no trial of a run had: a network chosen for its luck with one seed shall not keep it."""
    records = Journal.open(RunFolder.open(run).journal, read_only=True).trials()
    return 1 + max((record.candidate.seed for record in records), default=-1)
