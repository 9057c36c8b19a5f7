"""Train one job, step by step, in whatever process: checkpoints, faults, and the end. No ray, no torch."""

import errno
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from nas.errors import DataError, ModelError, NasError, RunError, one_line, place
from nas.files import write_atomically
from nas.run.job import Job, Session, Task
from nas.run.keys import FAILURE, FATAL
from nas.run.object_store import ObjectStore

OF_THE_RUN: Final = (RunError, DataError)
"""Errors that are no trial's fault, as data that one machine of many lacks: it would take one after the other."""
BROKEN_DEVICE: Final = ("AcceleratorError", "CUDA error", "CUDNN_STATUS_EXECUTION_FAILED")
"""A process whose GPU says so can compute no more."""
_LOST_PEER: Final = (
    "DistBackendError",
    "DistNetworkError",
    "DataLoader worker",
    "Connection reset by peer",
    "Connection closed by peer",
    "Broken pipe",
)


def fatal(error: Exception) -> dict[str, Any]:
    """The result that ends the run, and leaves the trial owed."""
    return {FATAL: f"{str(error).rstrip('.')}; resume the run when this is mended."}


def says(error: Exception, words: Sequence[str]) -> bool:
    """Whether an error is one of these, which torch tells apart by the name of the type or by its words alone."""
    return any(each in f"{type(error).__name__}: {error}" for each in words)


class Work:
    """One job under way.

    The session opens lazily, in the first step: a process that is set up and thrown away allocates
    nothing. A checkpoint is written after every epoch but the last, and deleted with the trial. Beside
    it stand the metrics of its epoch, for the report of that epoch may be lost with the driver: a
    session that goes on from a checkpoint reports them first, and whoever knows them ignores them.

    Args:
        task: how jobs are trained.
        job: which one.
        folder: where checkpoints stand; every worker must reach it, unless there is a store.
        threads: of one trial.
        warn: told of a checkpoint that cannot be used.
        store: where checkpoints go from the folder, and are fetched from.
    """

    def __init__(
        self,
        task: Task,
        job: Job,
        folder: Path,
        *,
        threads: int,
        warn: Callable[[str], None],
        store: ObjectStore | None = None,
    ) -> None:
        self._task = task
        self._job = job
        self._path, self._metrics = (folder / name for name in job.files)
        self._threads = threads
        self._warn = warn
        self._store = store
        self._session: Session | None = None

    def step(self) -> tuple[dict[str, Any], bool]:
        """Train one epoch more.

        Returns:
            The metrics (with ``epoch``, ``seconds`` and ``checkpoint_seconds``) or one of the keys
            ``failure`` (with the ``seconds`` that it took) and ``fatal`` with a reason; and whether the job is done.
        """
        began = time.perf_counter()
        try:
            return self._step(began)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                full = f"no space is left on the disk of {self._path.parent}; free some, then resume the run."
                return {FATAL: full}, True
            reason = f"{type(error).__name__}: {error}"
        except OF_THE_RUN as error:
            return fatal(error), True
        except NasError as error:
            reason = str(error)
        except Exception as error:  # What a network or a user's function raises is the trial's, not the run's.
            if says(error, (*BROKEN_DEVICE, *_LOST_PEER)):
                raise  # The trial goes on from its checkpoint in another process; in this one all others would fail.
            reason = f"{type(error).__name__}: {one_line(error)}{place(error)}"
        return {FAILURE: reason, "seconds": time.perf_counter() - began}, True

    def _step(self, began: float) -> tuple[dict[str, Any], bool]:
        if self._session is None:
            self._session, known = self._open()
            if known is not None:
                return known, False
        session = self._session
        # A worker that died between its last checkpoint and its last report trains that epoch again;
        # no checkpoint is written after the last epoch, so a session never starts at the end.
        metrics = dict(session.step())
        epoch = session.epoch
        done = epoch >= self._task.epochs
        trained = time.perf_counter()
        metrics |= {"epoch": epoch, "seconds": trained - began, "checkpoint_seconds": 0.0}
        if not done:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # In this order: metrics without their checkpoint are recognised by their epoch.
            write_atomically(self._metrics, json.dumps(metrics))
            session.save(self._path)
            if self._store is not None:
                for path in (self._metrics, self._path):
                    self._store.put(path.name, path)
            spent = time.perf_counter() - trained
            metrics |= {"seconds": metrics["seconds"] + spent, "checkpoint_seconds": spent}
        return metrics, done

    def _open(self) -> tuple[Session, dict[str, Any] | None]:
        session = self._task.open(self._job, threads=self._threads)
        if self._store is not None:
            for path in (self._metrics, self._path):
                self._store.get(path.name, path)
        if not self._path.exists():
            return session, None
        try:
            session.load(self._path)
            known = json.loads(self._metrics.read_text())
            return session, known if known["epoch"] == session.epoch else None
        except (ModelError, OSError, ValueError) as error:
            self._warn(f"trial {self._job.number} starts again, for its checkpoint cannot be used: {error}")
        # Outside of the handler, whose exception keeps the first one's network: there need not be room for two.
        del session
        return self._task.open(self._job, threads=self._threads), None
