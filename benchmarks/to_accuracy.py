"""Core-minutes until a network reaches an accuracy on split A of Fashion-MNIST: the plain loop, and ours.

Same network, split and batch size; each loop has the recipe that goes with it: the plain one SGD with momentum, a
cosine, flips and shifts, as tutorials have it; ours ``modern``. Validation is not counted. A curve that the CSV holds
whole is not trained again, so a long measurement may run in parts, and a loop that misses the target have more epochs.
"""

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import pandas as pd
import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader

from benchmarks.loops import Images, plain_network
from nas.cost import cost
from nas.data import DataConfig
from nas.data.load import load_data
from nas.data.splits import Data
from nas.training import TRAININGS
from nas.training.trainer import Trainer
from search_spaces.inception_small import SPACE

LOOPS: Final = ("ours", "plain")
BATCH_SIZE: Final = 128
NETWORK: Final = SPACE.decode(
    {
        "stem": 12,
        "cells1": 2,
        "cells2": 2,
        "cells3": 2,
        "width1": 16,
        "width2": 36,
        "width3": 72,
        "growth8": 8,
        "b1x1_share8": 0,
        "pool_share8": 0,
        "wide_share8": 8,
        "b3x3_ratio8": 8,
        "b5x5_ratio8": 8,
        "wide": "3x3x2",
        "shortcut": True,
        "se": False,
        "reduction": "pool",
    }
)
"""Two 3x3 in every cell, with shortcuts: the kind of network of inception_small that the plain loop trains fastest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A curve after an epoch, with the training time so far."""

    loop: str
    planned: int
    """Epochs of the schedule."""
    seed: int
    epoch: int
    core_minutes: float
    wall_minutes: float
    accuracy: float


def main(
    target: float, *, seeds: Sequence[int], loops: Sequence[str], epochs: int, threads: int, path: Path | None
) -> None:
    """Train both loops until the target or the end of the schedule, print a line for each epoch and a summary."""
    torch.set_num_threads(threads)
    data = load_data(DataConfig(name="fashion-mnist"))
    macs = cost(NETWORK, resolution=data.resolution, classes=data.classes).macs
    print(f"{macs:,} MACs, {len(data.split('train')):,} images, {threads} threads, {epochs} epochs planned")
    points = [Point(**row) for row in pd.read_csv(path).to_dict("records")] if path and path.exists() else []
    for seed in seeds:
        for loop in loops:
            curve = [point for point in points if (point.loop, point.planned, point.seed) == (loop, epochs, seed)]
            if curve and (curve[-1].epoch == epochs or curve[-1].accuracy >= target):
                continue
            points = [point for point in points if point not in curve]
            for point in _train(loop, data, epochs, seed):
                points.append(point)
                print(
                    f"{loop} seed {seed} epoch {point.epoch}: {point.core_minutes:.1f} core-minutes, "
                    f"{point.accuracy:.2%}",
                    flush=True,
                )
                if path:
                    pd.DataFrame(map(asdict, points)).to_csv(path, index=False)
                if point.accuracy >= target:
                    break
    for loop, planned in dict.fromkeys((point.loop, point.planned) for point in points):
        own = [point for point in points if (point.loop, point.planned) == (loop, planned)]
        reached = [point.core_minutes for point in own if point.accuracy >= target]
        tried = len({point.seed for point in own})
        mean = f"{statistics.mean(reached):.1f} core-minutes on average" if reached else "never"
        print(f"{loop}, {planned} epochs planned: {target:.1%} in {mean} ({len(reached)} of {tried} seeds)")


def _train(loop: str, data: Data, epochs: int, seed: int) -> Iterator[Point]:
    core = wall = 0.0
    curve = (ours if loop == "ours" else plain)(data, epochs, seed)
    for epoch, (core_seconds, wall_seconds, accuracy) in enumerate(curve, start=1):
        core, wall = core + core_seconds / 60, wall + wall_seconds / 60
        yield Point(
            loop=loop, planned=epochs, seed=seed, epoch=epoch, core_minutes=core, wall_minutes=wall, accuracy=accuracy
        )


def ours(data: Data, epochs: int, seed: int) -> Iterator[tuple[float, float, float]]:
    """Core seconds, wall seconds and accuracy of each epoch."""
    trainer = Trainer(NETWORK, data, replace(TRAININGS["modern"], epochs=epochs, batch_size=BATCH_SIZE), seed=seed)
    while not trainer.done:
        core = time.process_time()
        record = trainer.train_epoch()
        spent = time.process_time() - core
        training = record.train_seconds + record.data_seconds
        yield spent * training / record.seconds, training, record.accuracy


def plain(data: Data, epochs: int, seed: int) -> Iterator[tuple[float, float, float]]:
    """As :func:`ours`, of the loop that a user would write."""
    torch.manual_seed(seed)
    network = plain_network(NETWORK, data.resolution, data.classes)
    train, held_out = (
        DataLoader(Images.of(data.split(name), training=name == "train"), BATCH_SIZE, shuffle=name == "train")
        for name in ("train", "a")
    )
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * len(train))
    for _ in range(epochs):
        core, wall = time.process_time(), time.perf_counter()
        network.train()
        for images, labels in train:
            optimizer.zero_grad()
            F.cross_entropy(network(images), labels).backward()
            optimizer.step()
            schedule.step()
        spent = time.process_time() - core, time.perf_counter() - wall
        network.eval()
        with torch.no_grad():
            right = sum(int((network(images).argmax(dim=1) == labels).sum()) for images, labels in held_out)
        yield *spent, right / len(data.split("a"))
