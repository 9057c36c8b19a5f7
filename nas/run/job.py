"""What a worker is given, and what it does with it: the contract between the engine and executors."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from nas.architecture import Architecture
from nas.record import Candidate


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One trial to be trained, as plain data that crosses process and machine borders."""

    number: int
    architecture: Architecture
    key: str
    seed: int

    @classmethod
    def of(cls, number: int, candidate: Candidate) -> "Job":
        """The job of a trial in the journal."""
        return cls(number=number, architecture=candidate.architecture, key=candidate.key, seed=candidate.seed)

    @property
    def checkpoint(self) -> str:
        """Name of the checkpoint's file: the same for the same network and seed."""
        return f"{self.key}-{self.seed}.ckpt"

    @property
    def files(self) -> tuple[str, str]:
        """The checkpoint's name, and that of the metrics of its epoch."""
        return self.checkpoint, f"{self.key}-{self.seed}.json"


class Session(Protocol):
    """A trial in training. Steps are epochs; every step gives metrics, ``accuracy`` among them."""

    @property
    def epoch(self) -> int:
        """Epochs trained so far."""

    def step(self) -> Mapping[str, float]:
        """Train one epoch more and evaluate on split A.

        Raises:
            TrialError: a trial that cannot give a finite result.
        """

    def save(self, path: Path) -> None:
        """Write a checkpoint, atomically."""

    def load(self, path: Path) -> None:
        """Go on from a checkpoint.

        Raises:
            ModelError: a checkpoint that is damaged or belongs to another trial.
        """


class Task(Protocol):
    """How a job is trained. Sent to every worker once; a session is opened for each job."""

    @property
    def epochs(self) -> int:
        """Steps of a full trial."""

    def open(self, job: Job, *, threads: int) -> Session:
        """Build the candidate and prepare its training; nothing heavy happens before this."""
