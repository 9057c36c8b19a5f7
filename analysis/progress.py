"""Where a search stands: what ``nas watch`` shows, as plain data, read from the run's files."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from analysis.epochs import curves
from analysis.runs import read
from analysis.source import Source
from analysis.table import winner
from analysis.time_spent import wall_seconds

QUIET: Final = 60.0
"""Seconds without a trial under way or a word in its files, after which a search that notes no sessions is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A trial that is under way.

    Attributes:
        trial: its number.
        macs: its multiply-adds.
        epochs: trained so far.
        accuracy: after the last of them, or None.
        seconds_per_epoch: mean of its epochs, or None before the first.
    """

    trial: int
    macs: int
    epochs: int
    accuracy: float | None
    seconds_per_epoch: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A search at one moment.

    Attributes:
        name: of the run.
        trials_wanted: as the recipe says, or None.
        epochs_wanted: of a whole training, as the recipe says, or None.
        states: number of trials by state.
        finished: trials that are over: complete, stopped or failed.
        best: trial number, MACs and accuracy of the best candidate, or None.
        reference: accuracy of the reference, or None.
        running: trials under way.
        failures: number and reason of the last failed trials, newest first.
        device_seconds: of training and validation so far.
        silent_seconds: since the journal or a curve was last written: a search that was killed tells no end, but is
            silent.
        seconds_left: until the first of the recipe's limits (trials, hours, core-hours) at the pace so far, or None.
        over: whether nothing more is to come: all wanted trials are finished, or the last session has ended; of a
            search by a function of one's own, which notes neither, whether it has been idle for a minute.
    """

    name: str
    trials_wanted: int | None
    epochs_wanted: int | None
    states: Mapping[str, int]
    finished: int
    best: tuple[int, int, float] | None
    reference: float | None
    running: tuple[Running, ...]
    failures: tuple[tuple[int, str], ...]
    device_seconds: float
    silent_seconds: float
    seconds_left: float | None
    over: bool


def progress(run: Path | str, *, now: float | None = None, failures: int = 5) -> Progress:
    """Read where a run stands, from its whole journal: some two seconds for 2,000 trials.

    Args:
        run: a run folder, or its journal.
        now: Unix time, by default the clock's: what the length of an open session is measured by.
        failures: how many of the last ones are listed.

    Raises:
        RunError: not a run, or a journal that is damaged.
    """
    found = read(run)
    table = found.table()
    states = {str(state): int(count) for state, count in table["state"].value_counts().items()}
    finished = len(table) - states.get("running", 0)
    recipe = found.source.recipe or {}
    wanted = _whole(recipe, "stop", "trials")
    now = time.time() if now is None else now
    wall = _wall(found.source, now)
    own = winner(table)
    star = table[table["reference"] & table["state"].eq("complete")]["accuracy"]
    failed = table[table["state"] == "failed"].tail(failures).iloc[::-1]
    running = _running(table, curves(run) if states.get("running") else None)
    silent = max(0.0, now - _last_written(found.source))
    device_seconds = float(table["seconds"].sum()) + sum(one.epochs * (one.seconds_per_epoch or 0) for one in running)
    return Progress(
        name=found.name,
        trials_wanted=wanted,
        epochs_wanted=_whole(recipe, "training", "epochs"),
        states=states,
        finished=finished,
        best=(int(own["trial"].iloc[0]), int(own["macs"].iloc[0]), float(own["accuracy"].iloc[0]))
        if len(own)
        else None,
        reference=float(star.mean()) if len(star) else None,
        running=running,
        failures=tuple(
            (int(trial), reason if isinstance(reason, str) else "no reason recorded")
            for trial, reason in zip(failed["trial"].tolist(), failed["reason"].tolist(), strict=True)
        ),
        device_seconds=device_seconds,
        silent_seconds=silent,
        seconds_left=_left(recipe, finished, wall, device_seconds),
        over=_over(found.source, idle=0.0 if running else silent) or (wanted is not None and finished >= wanted),
    )


def _over(source: Source, *, idle: float) -> bool:
    """A search may end short of its trials: after its hours, by Ctrl-C, where the space holds no more."""
    sessions = source.sessions
    if not sessions and source.recipe is None:
        return idle > QUIET
    return bool(sessions) and sessions[-1].get("ended") is not None


def _running(table: pd.DataFrame, learned: pd.DataFrame | None) -> tuple[Running, ...]:
    if learned is None:
        return ()
    found = []
    for row in table[table["state"] == "running"].to_dict("records"):
        own = learned[learned["trial"] == row["trial"]]
        accuracy = own["accuracy"].iloc[-1] if len(own) else row["accuracy"]
        found.append(
            Running(
                trial=int(row["trial"]),
                macs=int(row["macs"]),
                epochs=int(own["epoch"].iloc[-1]) if len(own) else int(row["epochs"]),
                accuracy=float(accuracy) if pd.notna(accuracy) else None,
                seconds_per_epoch=float(own["seconds"].mean()) if len(own) else None,
            )
        )
    return tuple(found)


def _wall(source: Source, now: float) -> float | None:
    """Length of all sessions, the last of them until now where it has no end."""
    *earlier, last = source.sessions or ({},)
    return wall_seconds([*earlier, {**last, "ended": now if last.get("ended") is None else last["ended"]}])


def _last_written(source: Source) -> float:
    written = [source.journal, *(source.curves.glob("*.jsonl") if source.curves else ())]
    return float(max(path.stat().st_mtime for path in written))


def _left(recipe: Mapping[str, Any], finished: int, wall: float | None, device_seconds: float) -> float | None:
    """Wall seconds to the first limit; None before a trial has ended, or where nothing limits the search."""
    if not wall or not finished:
        return None
    core_seconds = device_seconds * (_number(recipe, "resources", "cpu") or 1.0)
    left = []
    for name, used, unit in (("trials", finished, 1), ("hours", wall, 3600), ("core_hours", core_seconds, 3600)):
        limit = _number(recipe, "stop", name)
        if limit is not None and used > 0:
            left.append(max(0.0, limit * unit - used) * wall / used)
    return min(left, default=None)


def _whole(recipe: Mapping[str, Any], section: str, name: str) -> int | None:
    value = _told(recipe, section, name)
    return value if isinstance(value, int) else None


def _number(recipe: Mapping[str, Any], section: str, name: str) -> float | None:
    value = _told(recipe, section, name)
    return value if isinstance(value, int | float) else None


def _told(recipe: Mapping[str, Any], section: str, name: str) -> object:
    inside = recipe.get(section)
    return inside.get(name) if isinstance(inside, Mapping) else None
