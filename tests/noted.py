"""A task for tests on several nodes: slow epochs, each noted with where it ran and what it saw of its data."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import ray
from numpy.typing import NDArray

from nas.errors import ModelError
from nas.files import write_atomically
from nas.run.job import Job


@dataclass(frozen=True, kw_only=True)
class NotedTask:
    """Sleeps through its epochs; ``data`` stands for a data set of arrays.

    With ``together`` an epoch ends when so many have begun (or after two minutes, for a test to fail).
    """

    notes: Path
    data: NDArray[np.uint8]
    epochs: int = 4
    seconds: float = 0.4
    together: int = 0

    def open(self, job: Job, *, threads: int) -> "NotedSession":
        return NotedSession(self, job)


class NotedSession:
    def __init__(self, task: NotedTask, job: Job) -> None:
        self.epoch = 0
        self._task, self._job = task, job

    def step(self) -> Mapping[str, float]:
        context, began = ray.get_runtime_context(), time.time()
        with (self._task.notes / "begun").open("a") as file:
            file.write("x")
        while (self._task.notes / "begun").stat().st_size < self._task.together and time.time() < began + 120:
            time.sleep(0.1)
        time.sleep(self._task.seconds)
        self.epoch += 1
        note = {
            "number": self._job.number,
            "epoch": self.epoch,
            "node": context.get_node_id(),
            "gpus": ray.get_gpu_ids(),
            "began": began,
            "ended": time.time(),
            "writable": bool(self._task.data.flags.writeable),
            "shared": _is_shared(self._task.data.ctypes.data),
        }
        with (self._task.notes / "notes.jsonl").open("a") as file:
            file.write(json.dumps(note) + "\n")
        return {"accuracy": self.epoch / 10, "images": float(self._task.data.sum())}

    def save(self, path: Path) -> None:
        write_atomically(path, json.dumps({"epoch": self.epoch}))

    def load(self, path: Path) -> None:
        try:
            self.epoch = int(json.loads(path.read_text())["epoch"])
        except ValueError as error:
            raise ModelError(str(error)) from error


def _is_shared(address: int) -> bool:
    """Whether an address is in memory that processes share, as the kernel maps it."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, permissions = line.split()[:2]
        low, high = (int(edge, 16) for edge in span.split("-"))
        if low <= address < high:
            return permissions.endswith("s")
    return False


def read(notes: Path) -> list[dict[str, Any]]:
    """Notes of all epochs, in order of their end."""
    return [json.loads(line) for line in (notes / "notes.jsonl").read_text().splitlines()]
