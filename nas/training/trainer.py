"""Training of one network on one data set, an epoch at a time, resumable between epochs."""

import math
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nas.architecture import Architecture
from nas.data.batches import batch_count, batches
from nas.data.config import SplitName
from nas.data.draws import keys
from nas.data.splits import Data, check_dims
from nas.errors import ModelError, TrialError
from nas.network.network import Network
from nas.training.average import Average
from nas.training.checkpoint import check_fits, check_tensors, read_checkpoint, write_checkpoint
from nas.training.config import TrainingConfig, training_key
from nas.training.device import pick_device, pick_dtype, use_threads, warn_of_emulation
from nas.training.epoch import EpochRecord
from nas.training.evaluate import Evaluation, evaluate
from nas.training.model import FromArchitecture, Model
from nas.training.optimizer import load_optimizer_state, make_optimizer, optimizer_state
from nas.training.schedule import learning_rate
from nas.training.statistics import estimate_statistics, images_for
from nas.training.step import Stepper
from nas.training.team import ALONE, Team
from nas.training.variance import check_batch

_PURPOSE = 0x7EA1  # keeps the draws of weights and dropout apart from those of the data
_CHECK_STEPS = 64  # between checks of the loss: on a GPU each waits for the device
_VERSION = 1


class Trainer:
    """Trains one architecture with one recipe and one seed, and evaluates it on split A after every epoch.

    The seed fixes the initial weights, the order of images, their augmentation and dropout: on a CPU the same seed
    gives the same curve on the same machine and number of threads, also across :meth:`save` and :meth:`load`; on a GPU
    it does but for rounding, since cuDNN picks the kernels that it measures as fastest. Torch's own generators are
    seeded within an epoch, for dropout, and put back after it.

    Args:
        architecture: what to train; or any network, as a :class:`nas.training.model.Model`.
        data: with the splits "train" and "a".
        config: how to train.
        seed: of everything that is random.
        device: "cpu", "cuda", "cuda:N", or None for the GPU where there is one.
        threads: torch's threads in this process from now on; None leaves them.
        workers: processes that decode, for image folders.
        team: processes that train together; each has a trainer with the same arguments.

    Raises:
        TrialError: the device is not there, or a batch cannot be shared by the team, or is too small for batch-norm.
        ArchitectureError: the images are too small for the architecture.
        DataError: a split is missing, or holds images where the network is for series, or the other way round.
    """

    def __init__(
        self,
        architecture: Architecture | Model,
        data: Data,
        config: TrainingConfig,
        *,
        seed: int,
        device: str | None = None,
        threads: int | None = None,
        workers: int = 0,
        team: Team = ALONE,
    ) -> None:
        use_threads(threads)
        self.model = FromArchitecture(architecture) if isinstance(architecture, Architecture) else architecture
        self.team = team
        self.config = config
        self.seed = seed
        self.device = pick_device(device)
        self.dtype = pick_dtype(config.precision, self.device)
        warn_of_emulation(config.precision, self.device)
        self.curve: tuple[EpochRecord, ...] = ()
        self.data = data
        check_dims(self.model.dims, held=data.dims, data=data.name)
        self._train = data.split("train")
        self._workers = workers
        if self.device.type == "cuda":
            torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = config.precision != "float32"
            torch.backends.cudnn.benchmark = True
        team.check(config, min(len(self._train), config.images_per_epoch or len(self._train)))
        network = self.model.build(
            classes=data.classes,
            resolution=data.resolution,
            auxiliary=config.auxiliary_weight > 0,
            generator=torch.Generator().manual_seed(_drawn(seed, 0)),
        )
        if isinstance(network, Network):
            # On GPUs a team's batch-norm is over the whole batch.
            workers = 1 if self.device.type == "cuda" else team.size
            check_batch(network.lowered.operations, config, images=len(self._train), workers=workers)
        if self.model.dims == 2:
            network.to(memory_format=torch.channels_last)
        self.network = team.prepare(network.to(self.device))
        self._optimizer = make_optimizer(self.network, config)
        self._average = Average(self.network, config.ema_decay) if config.ema_decay > 0 else None
        self._stepper = Stepper(team.trained(self.network), config, self.dtype, may_cut=team.size == 1)
        # A last batch that is not full is left out: batch-norm's statistics would be poor, and steps uneven.
        self._drop_last = self._batches(drop_last=True) > 0
        self._steps_per_epoch = self._batches(drop_last=self._drop_last)

    @property
    def epoch(self) -> int:
        """Epochs trained so far."""
        return len(self.curve)

    @property
    def done(self) -> bool:
        """Whether the schedule has ended."""
        return self.epoch >= self.config.epochs

    def train_epoch(self) -> EpochRecord:
        """Train for one epoch and evaluate on split A.

        Raises:
            TrialError: the loss is no longer finite, or memory ran out even with half of the batch.
        """
        if self.done:
            raise TrialError(f"`epoch < {self.config.epochs}` must hold to train on, but got epoch={self.epoch}.")
        start = time.perf_counter()
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            # Each of a team draws dropout of its own; the first, and a process alone, as ever.
            rank = (self.team.rank,) if self.team.rank else ()
            torch.manual_seed(_drawn(self.seed, 1, self.epoch, *rank))
            loss, rate, images, data_seconds = self._train_one()
            validate_start = time.perf_counter()
            if self.team.size > 1:
                torch.manual_seed(_drawn(self.seed, 2, self.epoch))  # All must come to the same statistics.
            self._settle()
        evaluation = self.evaluate("a")
        if not math.isfinite(evaluation.loss):  # The last step alone may break the weights, after all losses of it.
            raise TrialError(f"the loss on split A became {_broken(evaluation.loss)} in epoch {self.epoch + 1}.")
        end = time.perf_counter()
        record = EpochRecord(
            epoch=self.epoch + 1,
            train_loss=loss,
            validation_loss=evaluation.loss,
            accuracy=evaluation.accuracy,
            learning_rate=rate,
            images=images,
            seconds=end - start,
            data_seconds=data_seconds,
            train_seconds=validate_start - start - data_seconds,
            validate_seconds=end - validate_start,
            micro_batches=self._stepper.parts,
        )
        self.curve = (*self.curve, record)
        return record

    def _train_one(self) -> tuple[float, float, int, float]:
        """Mean loss, last learning rate, images, seconds spent waiting for data."""
        network, optimizer, config = self.network.train(), self._optimizer, self.config
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        images_seen = steps = 0
        rate = data_seconds = 0.0
        stream = batches(
            self._train,
            batch_size=config.batch_size,
            seed=self.seed,
            epoch=self.epoch,
            device=self.device,
            dtype=self.dtype,
            augment=config.augment,
            shuffle=True,
            limit=config.images_per_epoch,
            drop_last=self._drop_last,
            rank=self.team.rank,
            world_size=self.team.size,
            workers=self._workers,
            classes=self.data.classes,
        )
        while True:
            waiting = time.perf_counter()
            batch = next(stream, None)
            data_seconds += time.perf_counter() - waiting
            if batch is None:
                break
            images, labels = batch
            rate = learning_rate(config, self.epoch + (steps + 0.5) / self._steps_per_epoch)
            for group in optimizer.param_groups:
                group["lr"] = rate
            total += self._stepper.gradients(images, labels)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            if self._average is not None:
                self._average.update()
            steps += 1
            images_seen += len(labels) * self.team.size
            if steps % _CHECK_STEPS == 0:
                self._check_finite(total)
        self._check_finite(self.team.sum(total))
        self.team.agree(network)
        network.eval()
        return total.item() / images_seen, rate, images_seen, data_seconds

    def _settle(self) -> None:
        """Give the averaged weights batch-norm statistics of their own."""
        if self._average is not None:
            trained = self._steps_per_epoch * self.config.batch_size
            images = images_for(self.epoch + 1, epochs=self.config.epochs, images=trained)
            where: dict[str, Any] = {"device": self.device, "dtype": self.dtype, "workers": self._workers}
            with self._average.applied():
                estimate_statistics(self.network, self._train, images=images, **where)

    def _check_finite(self, total: Tensor) -> None:
        value = total.item()
        if not math.isfinite(value):
            raise TrialError(f"the loss became {_broken(value)} in epoch {self.epoch + 1}.")

    def evaluate(self, split: SplitName, *, logits: bool = False) -> Evaluation:
        """Loss and accuracy on a split, of the averaged weights where the recipe averages."""
        part = self.data.split(split)
        options: dict[str, Any] = {"device": self.device, "dtype": self.dtype}
        options |= {"workers": self._workers, "team": self.team}
        if self._average is None:
            return evaluate(self.network, part, logits=logits, **options)
        with self._average.applied():
            return evaluate(self.network, part, logits=logits, **options)

    def weights(self) -> dict[str, Tensor]:
        """What is delivered: the state of the network on the CPU, averaged where the recipe averages; copies."""
        state = {**self.network.state_dict(), **(self._average.state() if self._average else {})}
        return {name: value.detach().cpu().clone() for name, value in state.items()}

    def save(self, path: Path) -> None:
        """Write a checkpoint atomically: all that training needs to go on."""
        tensors = {f"network/{name}": value for name, value in self.network.state_dict().items()}
        tensors |= {f"optimizer/{k}": v for k, v in optimizer_state(self._optimizer, self.network).items()}
        if self._average is not None:
            tensors |= {f"average/{name}": value for name, value in self._average.state().items()}
        write_checkpoint(path, tensors, self._identity() | {"curve": [asdict(record) for record in self.curve]})

    def load(self, path: Path) -> None:
        """Go on from a checkpoint.

        Raises:
            ModelError: the file is missing or truncated, or is of another architecture, recipe, seed or data set.
        """
        tensors, header = read_checkpoint(path)
        check_fits(path, header, self._identity())
        parts: dict[str, dict[str, Tensor]] = {"network": {}, "optimizer": {}, "average": {}}
        for key, value in tensors.items():
            kind, _, name = key.partition("/")
            if kind not in parts:
                raise ModelError(f"the checkpoint {path} must hold network, optimizer and average, but has {key!r}.")
            parts[kind][name] = value
        check_tensors(path, parts["network"], self.network.state_dict())
        check_tensors(path, parts["average"], self._average.state() if self._average else {})
        self.network.load_state_dict(parts["network"])
        load_optimizer_state(self._optimizer, self.network, parts["optimizer"])
        self.curve = tuple(EpochRecord(**record) for record in header["curve"])
        if self.curve:
            self._stepper.parts = self.curve[-1].micro_batches
        if self._average is not None:
            self._average.load(parts["average"], self.epoch * self._steps_per_epoch)

    def _identity(self) -> dict[str, object]:
        return {
            "version": _VERSION,
            "architecture": self.model.key,
            "training": training_key(self.config),
            "seed": self.seed,
            "data": self.data.name,
            "classes": self.data.classes,
            "resolution": self.data.resolution,
            "train_images": len(self._train),
        }

    def _batches(self, *, drop_last: bool) -> int:
        config = self.config
        return batch_count(
            len(self._train), batch_size=config.batch_size, limit=config.images_per_epoch, drop_last=drop_last
        )


def _broken(loss: float) -> str:
    return "nan" if math.isnan(loss) else "infinite"


def _drawn(*parts: int) -> int:
    """A seed for one of torch's generators."""
    return int(keys(_PURPOSE, *parts)) & (2**63 - 1)
