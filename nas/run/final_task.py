"""The task of a full training: as in a search, and at the end the weights are kept."""

from pathlib import Path
from typing import TYPE_CHECKING

from nas.data.config import DataConfig
from nas.run.job import Job
from nas.run.training_task import TrainingSession, TrainingTask
from nas.training.config import TrainingConfig

if TYPE_CHECKING:
    from nas.training.team import Team
    from nas.training.trainer import Trainer


class FinalTask(TrainingTask):
    """Trains a network and leaves its weights in a folder.

    Args:
        data: the data set; errors as in ``TrainingTask``.
        training: how each network is trained.
        folder: of weights; every worker must reach it.
    """

    def __init__(self, data: DataConfig, training: TrainingConfig, folder: Path) -> None:
        super().__init__(data, training)
        self._folder = folder.resolve()

    def weights(self, key: str, seed: int) -> Path:
        """Where the weights of a training stand once it is over."""
        return self._folder / f"{key}-{seed}.safetensors"

    def open(self, job: Job, *, threads: int, team: "Team | None" = None) -> "FinalSession":
        """Build the network on the best device of this machine; of a team's sessions only the first writes."""
        return FinalSession(self._trainer(job, threads, team), job, self.weights(job.key, job.seed))


class FinalSession(TrainingSession):
    """A training that writes its weights after the last epoch."""

    def __init__(self, trainer: "Trainer", job: Job, path: Path) -> None:
        super().__init__(trainer)
        self._job = job
        self._path = path

    def step(self) -> dict[str, float]:
        """Train and validate one epoch; errors as ``Trainer.train_epoch``."""
        from nas.training.model_folder import facts_of, write_weights

        metrics = dict(super().step())
        trainer = self._trainer
        if trainer.done and trainer.team.rank == 0:
            facts = facts_of(self._job.architecture, trainer.data, seed=self._job.seed, epochs=trainer.epoch)
            write_weights(self._path, trainer.weights(), self._job.architecture, facts)
        return metrics

    def save(self, path: Path) -> None:
        """Write a checkpoint, atomically; of a team only the first does."""
        if self._trainer.team.rank == 0:
            super().save(path)
