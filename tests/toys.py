"""A small space and evaluations that cost nothing, for tests of the engine."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nas.architecture import Architecture, Cell, Reduction, Stem
from nas.budget import Budget
from nas.serialize import key
from nas.space import Choice, Point, Space

WIDTHS = (8, 16, 24, 32)


def _decode(point: Point) -> Architecture:
    def cell(stage: int) -> Cell:
        width = int(point[f"width{stage}"])
        wide = int(point["wide"])
        return Cell(b1x1=width, b3x3_reduce=width, b3x3=width, b5x5_reduce=wide and 8, b5x5=wide, pool_proj=8)

    return Architecture(
        stem=Stem(kind="conv3x3", width=int(point["stem"])),
        stages=((cell(3),), (cell(4),)),
        reductions=(Reduction(),),
    )


SPACE = Space(
    name="toy",
    choices=(
        Choice(name="stem", values=WIDTHS, width=True),
        Choice(name="width3", values=WIDTHS, width=True),
        Choice(name="width4", values=WIDTHS, width=True),
        Choice(name="wide", values=(0, 8, 16)),
    ),
    decode=_decode,
    reference=_decode({"stem": 12, "width3": 20, "width4": 28, "wide": 8}),
)
BUDGET = Budget(macs=4_000_000, resolution=16, classes=10)


def evaluate(architecture: Architecture, epochs: int) -> Mapping[str, float]:
    """A smooth function of the widths that rises with the epochs, the same in every process."""
    widths = [stage[0].b3x3 for stage in architecture.stages[:2]]
    quality = 1.0 - abs(widths[0] - 16) / 100 - abs(widths[-1] - 32) / 100 - architecture.stem.width / 1000
    return {"accuracy": max(0.0, quality) * (1 - 0.5**epochs), "seconds_slept": 0.0}


def uneven(architecture: Architecture, epochs: int) -> Mapping[str, float]:
    """Takes longer for some networks, so that trials end in another order than they began."""
    time.sleep(architecture.stem.width % 3 / 10)
    return evaluate(architecture, epochs)


def gpus(architecture: Architecture, epochs: int) -> Mapping[str, float]:
    """How many GPUs Ray gave this worker, and whether those that it did not give are hidden from torch."""
    import ray

    hidden = os.environ.get("CUDA_VISIBLE_DEVICES") == ""
    return {"accuracy": 0.5, "gpus": len(ray.get_gpu_ids()), "hidden": hidden}


@dataclass(frozen=True)
class Faulty:
    """An evaluation that goes wrong for some networks, those with wide stems, in the way that is named."""

    fault: str
    folder: Path

    def __call__(self, architecture: Architecture, epochs: int) -> Mapping[str, float]:
        """Evaluate, or raise, or give NaN, or end the process (each network once)."""
        if architecture.stem.width >= 24:
            match self.fault:
                case "raise":
                    raise ValueError("a layer\nfailed")
                case "nan":
                    return {"accuracy": float("nan")}
                case "exit":
                    marker = self.folder / key(architecture)
                    if not marker.exists():
                        marker.write_text("died here once")
                        os._exit(1)
                case "exit-always":
                    os._exit(1)
                case "memory":
                    marker = self.folder / key(architecture)
                    if not marker.exists():
                        marker.write_text("took all memory once")
                        taken = []
                        while len(taken) < 64:
                            taken.append(b"x" * 2**28)
                            time.sleep(0.1)
                        raise AssertionError("nobody ended a worker that took 16 GiB")
        return evaluate(architecture, epochs)
