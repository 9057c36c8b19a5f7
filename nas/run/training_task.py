"""The task of a recipe: train a candidate on its data set, one epoch a step."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from nas.data.config import DataConfig
from nas.run.job import Job
from nas.training.config import TrainingConfig

if TYPE_CHECKING:
    from nas.data.splits import Data
    from nas.training.team import Team
    from nas.training.trainer import Trainer


class TrainingTask:
    """Trains a candidate as the recipe says; sent to every worker once.

    Images that fit in memory travel as arrays, so that Ray holds them once a node and workers read
    them without a copy. Of an image folder the list of its files travels, so that all workers cut it alike, whatever is
    added in the meantime; each decodes the files itself.

    Args:
        data: the data set, read here: a missing one is an error before anything starts.
        training: how every candidate is trained.

    Attributes:
        images: what they are, in words and a digest that other images would change: a run is held to it.

    Raises:
        DataError: a data set that is missing or unreadable, or augmentation that it cannot have.
    """

    def __init__(self, data: DataConfig, training: TrainingConfig) -> None:
        from nas.data.augment import check_augment
        from nas.data.load import load_data

        self._config = data.anchored()
        self._training = training
        loaded = load_data(self._config, splits=("train", "a"))
        self.classes = loaded.classes
        self.resolution = loaded.resolution
        self.dims = loaded.dims
        check_augment(training.augment, dims=loaded.dims, side=loaded.resolution)
        self._data = loaded
        self.images = _told(loaded)

    @property
    def epochs(self) -> int:
        """Epochs of a full trial."""
        return self._training.epochs

    def open(self, job: Job, *, threads: int) -> "TrainingSession":
        """Build the candidate on the best device of this machine."""
        return TrainingSession(self._trainer(job, threads))

    def _trainer(self, job: Job, threads: int, team: "Team | None" = None) -> "Trainer":
        from nas.run.cluster import given_gpus
        from nas.training.device import settle_gpu
        from nas.training.team import ALONE
        from nas.training.trainer import Trainer

        if share := given_gpus():
            settle_gpu(share)

        # Images in files are decoded by processes of their own; one thread is left for the network.
        workers = max(0, threads - 1) if self._config.name == "folder" else 0
        return Trainer(
            job.architecture,
            self._data,
            self._training,
            seed=job.seed,
            threads=threads,
            workers=workers,
            team=team or ALONE,
        )


def _told(data: "Data") -> str:
    from nas.data.splits import FolderSplit

    digest = hashlib.sha256("\0".join(data.class_names).encode())
    for split in (data.split("train"), data.split("a")):
        digest.update(split.labels.numpy().tobytes())
        if isinstance(split, FolderSplit):  # A file is known by its name: the whole folder may have been moved.
            digest.update(b"\0".join(os.fsencode(os.path.basename(path)) for path in split.paths))
    train, a = len(data.split("train")), len(data.split("a"))
    return f"{train} of {data.classes} classes in training and {a} in split A ({digest.hexdigest()[:8]})"


class TrainingSession:
    """A trainer as an engine's session."""

    def __init__(self, trainer: "Trainer") -> None:
        self._trainer = trainer

    @property
    def epoch(self) -> int:
        """Epochs trained so far."""
        return self._trainer.epoch

    def step(self) -> Mapping[str, float]:
        """Train and validate one epoch; errors as ``Trainer.train_epoch``."""
        return asdict(self._trainer.train_epoch())

    def save(self, path: Path) -> None:
        """Write a checkpoint, atomically."""
        self._trainer.save(path)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint; errors as ``Trainer.load``."""
        self._trainer.load(path)
