"""Images a second of full training steps and of evaluation: plain PyTorch, its fast variant, and ours, interleaved.

Every loop lives in a process of its own, which works only when it is asked to, so that rounds can take turns and peak
memory can be told apart. Wall time is what a user waits for; core time hardly depends on what else the machine does.

    python benchmarks/throughput.py --rounds 5 --threads 2 --csv throughput.csv
    python benchmarks/throughput.py --to-accuracy 0.94 --seeds 3
"""

import argparse
import csv
import multiprocessing
import resource
import statistics
import sys
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import to_accuracy
from benchmarks.loops import LOOPS, MIXED, SMALL, Speed, Workload, make_loop
from nas.presets import PRESETS

PEAKS: Final = (torch.bfloat16, torch.float32) if MIXED else (torch.float32,)
"""Types of a square matrix product, by whose best speed the loops are held."""
PASSES: Final = 3
"""A training step multiplies about three times as much as a forward pass: outputs, input and weight gradients."""
WORKLOADS: Final = (
    Workload(
        name="googlenet-torchvision at 224",
        architecture=PRESETS["googlenet-torchvision"],
        resolution=224,
        classes=1000,
        batch_size=16,
        steps=3,
    ),
    Workload(
        name="googlenet-torchvision at 32",
        architecture=PRESETS["googlenet-torchvision"],
        resolution=32,
        classes=10,
        batch_size=128,
        steps=8,
    ),
    Workload(
        name="inception_small at 28",
        architecture=SMALL,
        resolution=28,
        classes=10,
        batch_size=128,
        steps=4,
    ),
)


def serve(pipe: Connection, loop: str, workload: Workload, threads: int) -> None:
    """In a process of its own: build a loop and run what is asked for until None comes."""
    torch.set_num_threads(threads)
    before = peak_mib()
    runner = make_loop(loop, workload)
    while (asked := pipe.recv()) is not None:
        speed = runner.train() if asked == "train" else runner.evaluate()
        pipe.send((speed, peak_mib() - before))


def peak_mib() -> float:
    """The most memory that this process has held so far."""
    status = Path("/proc/self/status")
    if status.exists():  # `ru_maxrss` would include what the parent held when it started this process.
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2  # bytes on macOS


def matmul_peak(dtype: torch.dtype, *, side: int = 4096, repeats: int = 3) -> tuple[float, float]:
    """GFLOP a wall second and a core second of a square matrix product, the best of some."""
    a, b = torch.ones(side, side, dtype=dtype), torch.ones(side, side, dtype=dtype)
    best = [0.0, 0.0]
    for _ in range(repeats + 1):
        wall, core = time.perf_counter(), time.process_time()
        torch.mm(a, b)
        taken = (time.perf_counter() - wall, time.process_time() - core)
        best = [max(old, 2e-9 * side**3 / new) for old, new in zip(best, taken, strict=True)]
    return best[0], best[1]


def measure(workload: Workload, loops: Sequence[str], *, rounds: int, threads: int) -> list[dict[str, Any]]:
    """A row for each round, loop and phase; the first round warms up and is left out."""
    context = multiprocessing.get_context("spawn")
    rows: list[dict[str, Any]] = []
    pipes: dict[str, Connection] = {}
    processes = []
    for loop in loops:
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(theirs, loop, workload, threads), daemon=True)
        process.start()
        pipes[loop] = ours
        processes.append(process)
    for number in range(rounds + 1):
        for loop, pipe in pipes.items():
            for phase in ("train", "evaluate"):
                pipe.send(phase)
                speed, memory = pipe.recv()
                if number:
                    rows.append(row(workload, loop, phase, number, speed, memory))
        peaks = {dtype: matmul_peak(dtype) for dtype in PEAKS}
        for dtype, (wall, core) in peaks.items():
            name = f"matmul_{str(dtype).removeprefix('torch.')}"
            peak = {"gflop_per_wall_second": wall, "gflop_per_core_second": core}
            rows.append({"workload": workload.name, "loop": name, "phase": "peak", "round": number} | peak)
    for pipe, process in zip(pipes.values(), processes, strict=True):
        pipe.send(None)
        process.join()
    return rows


def row(workload: Workload, loop: str, phase: str, number: int, speed: Speed, memory: float) -> dict[str, Any]:
    """One measurement, as a line of the CSV."""
    per_wall, per_core = speed.images / speed.wall_seconds, speed.images / speed.core_seconds
    gflop = 2e-9 * workload.macs * (PASSES if phase == "train" else 1)
    return {
        "workload": workload.name,
        "loop": loop,
        "phase": phase,
        "round": number,
        "images_per_wall_second": per_wall,
        "images_per_core_second": per_core,
        "gflop_per_wall_second": per_wall * gflop,
        "gflop_per_core_second": per_core * gflop,
        "peak_mib": memory,
    }


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown: medians over rounds, and mean and standard deviation of the ratio to the plain loop, round by round."""
    head = (
        "workload",
        "loop",
        "phase",
        "images/s",
        "images/core-s",
        "times plain (wall)",
        "times plain (core)",
        "peak",
    )
    lines = [" | ".join((*head, "MiB")), " | ".join(["---"] * (len(head) + 1))]
    for workload in dict.fromkeys(r["workload"] for r in rows):
        own = [r for r in rows if r["workload"] == workload]
        peak = max(r["gflop_per_core_second"] for r in own if r["phase"] == "peak")
        for phase in ("train", "evaluate"):
            plain = {r["round"]: r for r in own if r["loop"] == "plain" and r["phase"] == phase}
            for loop in dict.fromkeys(r["loop"] for r in own if r["phase"] == phase):
                chosen = [r for r in own if r["loop"] == loop and r["phase"] == phase]
                cells = [workload, loop, phase]
                cells += [f"{statistics.median(r[name] for r in chosen):,.0f}" for name in _SPEEDS]
                cells += [_ratio([r[name] / plain[r["round"]][name] for r in chosen if plain]) for name in _SPEEDS]
                cells += [f"{statistics.median(r['gflop_per_core_second'] for r in chosen) / peak:.0%}"]
                lines.append(" | ".join([*cells, f"{max(r['peak_mib'] for r in chosen):,.0f}"]))
    return "\n".join(f"| {line} |" for line in lines)


_SPEEDS: Final = ("images_per_wall_second", "images_per_core_second")


def _ratio(values: list[float]) -> str:
    if not values:
        return ""
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):.2f} +- {spread:.2f}"


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    """Every single measurement, as CSV."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(name for line in rows for name in line)))
        writer.writeheader()
        writer.writerows(rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, write the CSV, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="measured rounds (one more warms up)")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="torch's threads in every loop")
    parser.add_argument("--only", default="", help="workloads whose name contains this")
    parser.add_argument("--loops", default=",".join(LOOPS), help="which of them, separated by commas")
    parser.add_argument("--csv", type=Path, help="where to write every single measurement")
    parser.add_argument("--to-accuracy", type=float, help="instead: core-minutes to this accuracy on split A, as 0.94")
    parser.add_argument("--seeds", type=int, default=3, help="of --to-accuracy")
    parser.add_argument("--epochs", type=int, default=20, help="of --to-accuracy: length of both loops' schedules")
    options = parser.parse_args(arguments)
    if options.to_accuracy is not None:
        to_accuracy.main(
            options.to_accuracy,
            seeds=range(options.seeds),
            loops=[loop for loop in to_accuracy.LOOPS if loop in options.loops.split(",")],
            epochs=options.epochs,
            threads=options.threads,
            path=options.csv,
        )
        return
    torch.set_num_threads(options.threads)
    rows: list[dict[str, Any]] = []
    for workload in WORKLOADS:
        if options.only in workload.name:
            rows += measure(workload, options.loops.split(","), rounds=options.rounds, threads=options.threads)
            if options.csv:
                write(options.csv, rows)
    print(table(rows))


if __name__ == "__main__":
    main()
