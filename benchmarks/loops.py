"""The training loops that are compared: what a user would write in plain PyTorch, and ours."""

import time
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from torchvision.models import GoogLeNet

from nas.architecture import Architecture
from nas.cost import cost
from nas.data import AugmentConfig
from nas.data.splits import Data, FolderSplit, Split
from nas.network.build import build
from nas.presets import PRESETS
from nas.training import TrainingConfig
from nas.training.device import pick_dtype
from nas.training.trainer import Trainer
from search_spaces.inception_small import SPACE

MIXED: Final = pick_dtype("auto", torch.device("cpu")) == torch.bfloat16
"""Whether the fast loops multiply in bfloat16: some hundred times as long where the processor has to emulate it."""
LOOPS: Final = ("plain", "channels_last+bf16" if MIXED else "channels_last", "ours")
SMALL: Final = SPACE.decode(
    {
        "stem": 24,
        "cells1": 2,
        "cells2": 3,
        "cells3": 3,
        "width1": 44,
        "width2": 92,
        "width3": 152,
        "growth8": 8,
        "b1x1_share8": 2,
        "pool_share8": 1,
        "wide_share8": 4,
        "b3x3_ratio8": 4,
        "b5x5_ratio8": 4,
        "wide": "3x3x2",
        "shortcut": True,
        "se": False,
        "reduction": "pool",
    }
)
"""A network of inception_small near 30 million MACs at 28x28, of the kind that searches on Fashion-MNIST train."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What is trained: a network at a resolution and batch size."""

    name: str
    architecture: Architecture
    resolution: int
    classes: int
    batch_size: int
    steps: int
    """A round's training steps."""

    @property
    def macs(self) -> int:
        """Of one image, forward."""
        return cost(self.architecture, resolution=self.resolution, classes=self.classes).macs


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """Of one round."""

    images: int
    wall_seconds: float
    core_seconds: float
    """Processor time of the process, all threads: it hardly depends on what else the machine does."""


class Images(Dataset[tuple[Tensor, int]]):
    """Images as PIL reads them, augmented one at a time."""

    def __init__(self, images: NDArray[np.uint8], labels: list[int], *, training: bool) -> None:
        self.images, self.labels = images, labels
        side = images.shape[1]
        change = [transforms.RandomCrop(side, padding=max(1, side // 14)), transforms.RandomHorizontalFlip()]
        normal = [transforms.ToTensor(), transforms.Normalize((0.5,) * 3, (0.25,) * 3)]
        self.transform = transforms.Compose([*(change if training else []), *normal])

    @classmethod
    def of(cls, split: Split | FolderSplit, *, training: bool) -> "Images":
        """Of a loaded grey split that is held in memory."""
        assert isinstance(split, Split)
        return cls(split.images.squeeze(1).numpy(), split.labels.tolist(), training=training)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.images[index]).convert("RGB")), self.labels[index]


class PlainLoop:
    """Torch's modules, SGD and DataLoader as their tutorials use them; float32 unless ``fast``."""

    def __init__(self, workload: Workload, *, fast: bool) -> None:
        self.workload, self.fast = workload, fast
        self.network = plain_network(workload.architecture, workload.resolution, workload.classes)
        self.layout = torch.channels_last if fast else torch.contiguous_format
        self.network.to(memory_format=self.layout)
        self.optimizer = torch.optim.SGD(self.network.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
        rng = np.random.default_rng(0)
        side, count = workload.resolution, workload.batch_size * workload.steps
        self.images = rng.integers(0, 256, (count, side, side, 3), dtype=np.uint8)
        self.labels = (np.arange(count) % workload.classes).tolist()

    def train(self) -> Speed:
        """One round of training steps."""
        self.network.train()
        loader = self._loader(training=True)
        wall, core = time.perf_counter(), time.process_time()
        total = 0.0
        for images, labels in loader:
            self.optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=self.fast and MIXED):
                loss = F.cross_entropy(self.network(images.to(memory_format=self.layout)), labels)
            loss.backward()
            self.optimizer.step()
            total += loss.item()
        return Speed(
            images=len(self.images),
            wall_seconds=time.perf_counter() - wall,
            core_seconds=time.process_time() - core,
        )

    def evaluate(self) -> Speed:
        """Evaluate on as many images as a round trains on."""
        self.network.eval()
        loader = self._loader(training=False)
        wall, core = time.perf_counter(), time.process_time()
        right = 0
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=self.fast and MIXED):
            for images, labels in loader:
                output = self.network(images.to(memory_format=self.layout))
                right += int((output.argmax(dim=1) == labels).sum())
        return Speed(
            images=len(self.images),
            wall_seconds=time.perf_counter() - wall,
            core_seconds=time.process_time() - core,
        )

    def _loader(self, *, training: bool) -> DataLoader[tuple[Tensor, int]]:
        data = Images(self.images, self.labels, training=training)
        return DataLoader(data, self.workload.batch_size, shuffle=training)


def plain_network(architecture: Architecture, resolution: int, classes: int) -> nn.Module:
    """Torchvision's class for its preset, else one torch module for each operation."""
    if architecture == PRESETS["googlenet-torchvision"]:
        return GoogLeNet(num_classes=classes, aux_logits=False, transform_input=False, init_weights=False)
    generator = torch.Generator().manual_seed(0)
    return build(architecture, classes=classes, resolution=resolution, generator=generator, plan="plain")


class OurLoop:
    """The product's trainer on the same images: a round is an epoch."""

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        side, count = workload.resolution, workload.batch_size * workload.steps
        images = np.random.default_rng(0).integers(0, 256, (count, 3, side, side), dtype=np.uint8)
        train = Split(
            images=torch.from_numpy(images),
            labels=torch.arange(count) % workload.classes,
            mean=(0.5, 0.5, 0.5),
            std=(0.25, 0.25, 0.25),
        )
        few = replace(train, images=train.images[:2], labels=train.labels[:2])
        data = Data(
            name="noise",
            classes=workload.classes,
            class_names=tuple(map(str, range(workload.classes))),
            resolution=side,
            mean=train.mean,
            std=train.std,
            parts={"train": train, "a": few, "b": train},
        )
        config = TrainingConfig(
            epochs=10_000,
            batch_size=workload.batch_size,
            learning_rate=0.01,
            schedule="constant-anneal",
            ema_decay=0.998,
            augment=AugmentConfig(flip=True, shift_pixels=max(1, side // 14)),
        )
        self.trainer = Trainer(workload.architecture, data, config, seed=0)

    def train(self) -> Speed:
        """One round of training steps: an epoch without its validation and the averaged weights' statistics.

        Those belong to an epoch, of which a round here is a small part. One thread of Python drives both, so processor
        time is split as wall time is.
        """
        core = time.process_time()
        record = self.trainer.train_epoch()
        wall = record.data_seconds + record.train_seconds
        share = wall / record.seconds
        return Speed(images=record.images, wall_seconds=wall, core_seconds=share * (time.process_time() - core))

    def evaluate(self) -> Speed:
        """Evaluate on as many images as a round trains on."""
        wall, core = time.perf_counter(), time.process_time()
        images = self.trainer.evaluate("b").images
        return Speed(images=images, wall_seconds=time.perf_counter() - wall, core_seconds=time.process_time() - core)


def make_loop(name: str, workload: Workload) -> PlainLoop | OurLoop:
    """The loop of that name, one of ``LOOPS``."""
    if name == "ours":
        return OurLoop(workload)
    return PlainLoop(workload, fast=name != "plain")
