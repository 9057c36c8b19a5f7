"""Core-minutes until a network reaches an accuracy on split A of Fashion-MNIST: the plain loop, and ours.

Same network, same split, batch size and number of epochs; each loop has the recipe that goes with it: the plain one
SGD with momentum, a cosine, flips and shifts, as tutorials have it; ours ``small``. Validation is not counted.
"""

import csv as csv_module
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader

from benchmarks.loops import SMALL, Images, plain_network
from nas.cost import cost
from nas.data import DataConfig
from nas.data.load import load_data
from nas.data.splits import Data, Split
from nas.training import TRAININGS
from nas.training.trainer import Trainer


def main(target: float, *, seeds: int, epochs: int, threads: int, csv: Path | None) -> None:
    """Train both loops until the target or the end of the schedule, print a line for each epoch and a summary."""
    torch.set_num_threads(threads)
    data = load_data(DataConfig(name="fashion-mnist"))
    macs = cost(SMALL, resolution=data.resolution, classes=data.classes).macs
    print(f"{macs:,} MACs, {len(data.split('train')):,} images, {threads} threads, {epochs} epochs planned")
    reached: dict[str, list[float]] = {"plain": [], "ours": []}
    rows: list[dict[str, Any]] = []
    for seed in range(seeds):
        for loop, curve in (("ours", ours(data, epochs, seed)), ("plain", plain(data, epochs, seed))):
            core = wall = 0.0
            for epoch, (core_seconds, wall_seconds, accuracy) in enumerate(curve, start=1):
                core, wall = core + core_seconds, wall + wall_seconds
                rows.append(
                    {
                        "loop": loop,
                        "seed": seed,
                        "epoch": epoch,
                        "core_minutes": core / 60,
                        "wall_minutes": wall / 60,
                        "accuracy": accuracy,
                    }
                )
                print(f"{loop} seed {seed} epoch {epoch}: {core / 60:.1f} core-minutes, {accuracy:.2%}", flush=True)
                if csv:
                    _write(csv, rows)
                if accuracy >= target:
                    reached[loop].append(core / 60)
                    break
    for loop, minutes in reached.items():
        mean = f"{statistics.mean(minutes):.1f} core-minutes on average" if minutes else "never"
        print(f"{loop}: {target:.1%} in {mean} ({len(minutes)} of {seeds} seeds)")


def ours(data: Data, epochs: int, seed: int) -> Iterator[tuple[float, float, float]]:
    """Core seconds, wall seconds and accuracy of each epoch."""
    trainer = Trainer(SMALL, data, replace(TRAININGS["small"], epochs=epochs), seed=seed)
    while not trainer.done:
        core = time.process_time()
        record = trainer.train_epoch()
        spent = time.process_time() - core
        training = record.train_seconds + record.data_seconds
        yield spent * training / record.seconds, training, record.accuracy


def plain(data: Data, epochs: int, seed: int) -> Iterator[tuple[float, float, float]]:
    """As :func:`ours`, of the loop that a user would write."""
    torch.manual_seed(seed)
    network = plain_network(SMALL, data.resolution, data.classes)
    batch_size = TRAININGS["small"].batch_size
    train, held_out = (
        DataLoader(_images(data.split(name), training=name == "train"), batch_size, shuffle=name == "train")
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


def _images(split: object, *, training: bool) -> Images:
    assert isinstance(split, Split)
    return Images(split.images.squeeze(1).numpy(), split.labels.tolist(), training=training)


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv_module.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
