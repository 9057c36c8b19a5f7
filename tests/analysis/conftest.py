"""Trials as a search would record them, made without a search."""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from nas.architecture import Architecture, Cell, Reduction, Stem
from nas.budget import Budget
from nas.journal import Journal
from nas.presets import GOOGLENET
from nas.record import Candidate, TrialRecord, TrialState
from nas.serialize import key

BUDGET = Budget(macs=30_574_592, resolution=32, classes=10)
REFERENCE = replace(GOOGLENET, norm="batch")


def network(stem: int, width: int, ratio: int, se: bool) -> Architecture:
    cell = Cell(
        b1x1=width,
        b3x3_reduce=max(4, width // ratio),
        b3x3=width,
        b5x5_reduce=max(4, width // ratio),
        b5x5=width // 2,
        pool_proj=width // 2,
        se=se,
    )
    stages = ((cell, cell), (cell, cell))
    return Architecture(stem=Stem(kind="conv3x3", width=stem), stages=stages, reductions=(Reduction(),))


def made(number: int, rng: np.random.Generator) -> TrialRecord:
    stem, width = int(rng.choice([8, 16, 24])), int(rng.choice([8, 12, 16, 20, 24, 32]))
    point = {"stem": stem, "width": width, "ratio": int(rng.choice([1, 2, 4])), "se": bool(rng.random() < 0.5)}
    architecture = network(point["stem"], point["width"], point["ratio"], point["se"])
    spent = BUDGET.cost(architecture)
    final = 0.80 + 0.03 * np.log10(spent.macs / 1e6) + 0.004 * point["se"] + rng.normal(0, 0.006)
    states: list[TrialState] = ["complete", "complete", "complete", "stopped"]
    state: TrialState = "failed" if number % 17 == 16 else states[int(rng.integers(4))]
    last = {"complete": 9, "stopped": 3, "failed": 0}[state]
    accuracies = {epoch: float(final - 0.25 / epoch + rng.normal(0, 0.004)) for epoch in (1, 3, 9) if epoch <= last}
    return TrialRecord(
        number=number,
        candidate=Candidate(architecture=architecture, key=key(architecture), point=point, cost=spent, seed=number),
        state=state,
        accuracies=accuracies,
        accuracy=accuracies.get(last),
        epochs=last,
        seconds=last * (0.4 + spent.macs / 1e7),
        reason={"failed": "loss is nan at epoch 1", "stopped": "stopped early"}.get(state),
    )


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports without pictures: for tests of their words."""
    monkeypatch.setattr("analysis.figures.illustrations", lambda material: ())


@pytest.fixture
def budget() -> Budget:
    return BUDGET


@pytest.fixture
def search() -> Callable[..., tuple[TrialRecord, ...]]:
    """Makes a search of ``trials`` trials: GoogLeNet as trial 0, then random networks."""

    def make(trials: int = 60, seed: int = 0) -> tuple[TrialRecord, ...]:
        rng = np.random.default_rng(seed)
        spent = BUDGET.cost(REFERENCE)
        reference = TrialRecord(
            number=0,
            candidate=Candidate(
                architecture=REFERENCE, key=key(REFERENCE), point=None, cost=spent, seed=0, reference=True
            ),
            state="complete",
            accuracies={1: 0.60, 3: 0.74, 9: 0.815},
            accuracy=0.815,
            epochs=9,
            seconds=31.0,
        )
        records = [reference]
        while len(records) < trials:
            record = made(len(records), rng)
            if BUDGET.allows(record.candidate.cost):
                records.append(record)
        return tuple(records)

    return make


@pytest.fixture
def run_folder(search, tmp_path) -> Callable[..., Path]:
    """Makes a run folder, its journal written by the journal's own code."""

    def make(trials: int = 24, seed: int = 0, name: str = "demo", records=None) -> Path:
        folder = tmp_path / name
        (folder / "curves").mkdir(parents=True)
        records = records if records is not None else search(trials, seed)
        write_journal(folder / "journal.log", records)
        for record in records:
            write_curve(folder / "curves" / f"{record.number:04d}.jsonl", record)
        (folder / "recipe.yaml").write_text(f"space: inception_small\nseed: {seed}\nepochs: 9\n")
        session = {"started": 1000.0, "ended": 1600.0, "python": "3.11", "packages": {"torch": "2.14"}, "cores": 2}
        (folder / "versions.json").write_text(json.dumps([session]))
        return folder

    return make


def write_journal(path: Path, records: Iterable[TrialRecord]) -> None:
    attributes = {"name": path.parent.name, "space": "made", "budget": asdict(BUDGET)}
    journal = Journal.create(path, name="made", objectives=("accuracy", "macs"), attributes=attributes)
    for record in records:
        number = journal.add(record.candidate)
        for epoch, accuracy in record.accuracies.items():
            journal.report(number, epoch, accuracy)
        match record.state:
            case "complete":
                journal.complete(number, record.accuracy or 0.0, record.epochs, record.seconds)
            case "stopped":
                journal.stop(number, record.accuracy or 0.0, record.epochs, record.seconds)
            case "failed":
                journal.fail(number, record.reason or "failed")
    _one_by_one(path, records)


def _one_by_one(journal: Path, records: Iterable[TrialRecord]) -> None:
    """Date the ends of trials as if each had trained after the one before, and not all in a blink."""
    now, lines = datetime(2026, 1, 1), []
    waiting = iter(records)
    for line in map(json.loads, journal.read_text().splitlines()):
        if line.get("datetime_complete"):
            now += timedelta(seconds=next(waiting).seconds)
            line["datetime_complete"] = now.isoformat(timespec="microseconds")
        lines.append(json.dumps(line, separators=(",", ":")) + "\n")
    journal.write_text("".join(lines))


def write_curve(path: Path, record: TrialRecord) -> None:
    lines = []
    for epoch in range(1, record.epochs + 1):
        accuracy = record.accuracies.get(epoch, (record.accuracy or 0.0) - 0.2 / epoch + 0.2 / record.epochs)
        seconds = record.seconds / record.epochs
        lines.append(
            {
                "epoch": epoch,
                "accuracy": accuracy,
                "train_loss": 1.2 - accuracy,
                "learning_rate": 0.1 * (1 - epoch / 10),
                "seconds": seconds,
                "train_seconds": 0.8 * seconds,
                "data_seconds": 0.05 * seconds,
                "validate_seconds": 0.1 * seconds,
                "checkpoint_seconds": 0.05 * seconds,
                "images": 10000,
            }
        )
    if lines:
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
