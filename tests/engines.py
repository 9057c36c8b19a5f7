"""An engine as tests want one: everything of its folder, no early stopping."""

from pathlib import Path

from nas.budget import Budget
from nas.journal import Journal
from nas.run.curves import Curves
from nas.run.engine import Engine, Listener, Source
from nas.run.recipe import EarlyStoppingConfig, StopConfig
from nas.run.rungs import Rungs


class Heard(Listener):
    """A listener that keeps what the user is told."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def said(self, message: str) -> None:
        self.messages.append(message)


def make_engine(
    source: Source,
    journal: Journal,
    budget: Budget,
    folder: Path,
    *,
    trials: int,
    epochs: int,
    listener: Listener | None = None,
    batch: int = 0,
) -> Engine:
    """Its checkpoints are in ``folder / "checkpoints"``."""
    return Engine(
        proposer=source,
        journal=journal,
        curves=Curves(folder / "curves"),
        rungs=Rungs(EarlyStoppingConfig(), epochs),
        budget=budget,
        stop=StopConfig(trials=trials),
        listener=listener or Listener(),
        checkpoints=folder / "checkpoints",
        batch=batch,
    )
