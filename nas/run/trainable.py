"""The class trainable that Ray Tune runs on a worker: a thin shell around ``nas.run.work``.

Actors are reused between trials, so ``reset_config`` raises on trouble: returning False would leak
a slot and hang the run (measured on Ray 2.60).
"""

import tempfile
from pathlib import Path
from typing import Any

from ray import tune

from nas import serialize
from nas.run.cluster import hide_gpus
from nas.run.job import Job, Task
from nas.run.keys import WARNING
from nas.run.object_store import ObjectStore
from nas.run.work import Work


def to_config(job: Job) -> dict[str, Any]:
    """The job as a Tune configuration: plain values, the architecture as JSON."""
    return {
        "number": job.number,
        "architecture": serialize.to_json(job.architecture),
        "key": job.key,
        "seed": job.seed,
    }


class CandidateTrainable(tune.Trainable):
    """One step is one epoch; nothing is built before the first step."""

    def setup(  # type: ignore[override]  # Tune passes what `with_parameters` was given as keywords.
        self, config: dict[str, Any], task: Task, folder: str, threads: int, store: ObjectStore | None
    ) -> None:
        """Remember what ``tune.with_parameters`` sent through the object store."""
        hide_gpus()
        self._task = task
        self._scratch = tempfile.TemporaryDirectory(prefix="nas-checkpoints-") if store else None
        self._folder = Path(self._scratch.name if self._scratch else folder)
        self._store = store
        self._threads = threads
        self._begin(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next trial on the same actor."""
        self._begin(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """Train one epoch."""
        metrics, done = self._work.step()
        if self._warnings:
            metrics[WARNING] = " ".join(self._warnings)
            self._warnings.clear()
        return {**metrics, "done": done}

    def cleanup(self) -> None:
        """Free the network and its optimiser."""
        del self._work
        if self._scratch is not None:
            self._scratch.cleanup()

    def _begin(self, config: dict[str, Any]) -> None:
        job = Job(
            number=config["number"],
            architecture=serialize.from_json(config["architecture"]),
            key=config["key"],
            seed=config["seed"],
        )
        if self._scratch is not None:
            # The store holds the checkpoints of trials before this one; here they would pile up.
            for left in self._folder.iterdir():
                left.unlink()
        self._warnings: list[str] = []
        self._work = Work(
            self._task, job, self._folder, threads=self._threads, warn=self._warnings.append, store=self._store
        )
