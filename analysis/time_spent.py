"""Where the time of a search went, in place-seconds: those of each place for a trial, whether or not one trained."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

PARTS: Final = ("training", "waiting for data", "validation", "checkpoints", "engine", "idle")
_COLUMNS: Final = {
    "training": "train_seconds",
    "waiting for data": "data_seconds",
    "validation": "validate_seconds",
    "checkpoints": "checkpoint_seconds",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeSpent:
    """Place-seconds by part, see :data:`PARTS`; but for ``idle`` they are device time, the seconds of trials.

    An epoch that does not tell its parts, as of an evaluation of one's own, is all ``training``. ``engine`` is what
    epochs took beyond their four parts: building the network, opening the data, handing over. ``idle`` is the time of
    a place for a trial in which no epoch ran: starting workers, proposing, writing the journal, and waiting for the
    last trials. What a run does not tell is missing, and not 0: parts of its epochs, ``engine`` where no epoch tells
    any, and ``idle`` where its length is unknown.
    """

    seconds: Mapping[str, float]

    @property
    def total(self) -> float:
        """All that is known."""
        return sum(seconds for seconds in self.seconds.values() if math.isfinite(seconds))


def time_spent(curves: pd.DataFrame, *, wall_seconds: float | None = None, concurrency: float = 1) -> TimeSpent:
    """Add up a run's epochs.

    Args:
        curves: of the run, see ``analysis.epochs``.
        wall_seconds: how long the run took, see :func:`wall_seconds`.
        concurrency: trials that could run at the same time, on average.
    """
    # An evaluation of one's own tells its time as a whole.
    whole = curves[["train_seconds", "data_seconds", "validate_seconds"]].isna().all(axis=1)
    trained = (curves["seconds"] - curves["checkpoint_seconds"].fillna(0.0)).where(whole, curves["train_seconds"])
    curves = curves.assign(train_seconds=trained)
    parts = {name: float(curves[column].sum(min_count=1)) for name, column in _COLUMNS.items()}
    told = TimeSpent(seconds=parts).total
    parts["engine"] = math.nan if whole.all() else max(0.0, float(curves["seconds"].sum()) - told)
    told = TimeSpent(seconds=parts).total
    parts["idle"] = math.nan if wall_seconds is None else max(0.0, wall_seconds * concurrency - told)
    return TimeSpent(seconds=parts)


def time_table(runs: Mapping[str, TimeSpent]) -> pd.DataFrame:
    """One row a run and part: ``run``, ``part``, ``place_seconds`` and the ``share`` of all that is known, in [0, 1].

    What a run does not tell is missing.
    """
    rows = [
        {"run": run, "part": part, "place_seconds": seconds, "share": seconds / spent.total if spent.total else 0.0}
        for run, spent in runs.items()
        for part, seconds in spent.seconds.items()
    ]
    return pd.DataFrame(rows, columns=["run", "part", "place_seconds", "share"])


def wall_seconds(sessions: Sequence[Mapping[str, Any]]) -> float | None:
    """Length of a run over its sessions, or None where one has no end (killed, or still under way)."""
    total = 0.0
    for session in sessions:
        started, ended = session.get("started"), session.get("ended")
        if not isinstance(started, int | float) or not isinstance(ended, int | float):
            return None
        total += ended - started
    return total if sessions else None
