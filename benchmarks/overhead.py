"""What a trial costs besides its work: plain Ray Tune with OptunaSearch, and this engine.

    python benchmarks/overhead.py                 # the table: 50 trials of 0.5 s of work, 2 at a time
    python benchmarks/overhead.py --noop 2000     # the curve: trials without any work on 16 logical slots

Both search the same space (`googlenet`, 54 choices) with TPE, import torch in every worker, and sleep for their work,
so that a loaded machine does not slow the work itself. Each runs in a process of its own. Steady state begins when the
first fifth of the trials has ended; each figure is (seconds x slots / trials) - work.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nas.architecture import Architecture
from nas.budget import Budget
from nas.record import TrialRecord
from nas.run.engine import Listener
from nas.run.function import search
from nas.run.recipe import ResourcesConfig
from nas.spaces import load_space

BUDGET = Budget(macs=1_500_000_000, resolution=224, classes=1000)


def plain(trials: int, slots: int, work: float, notes: Path) -> None:
    """Ray Tune as its documentation shows it."""
    import ray
    from ray import tune
    from ray.tune.search.optuna import OptunaSearch

    def train(config: dict[str, Any]) -> None:
        import torch  # noqa: F401

        time.sleep(work)
        with notes.open("a") as file:
            file.write(f"{time.time()}\n")
        tune.report({"accuracy": sum(map(hash, map(str, config.values()))) % 1000 / 1000})

    ray.init(address="local", num_cpus=slots, include_dashboard=False, log_to_driver=False)
    space = {choice.name: tune.choice(list(choice.values)) for choice in load_space("googlenet").choices}
    with tempfile.TemporaryDirectory() as storage:
        tune.Tuner(
            train,
            param_space=space,
            tune_config=tune.TuneConfig(
                search_alg=OptunaSearch(seed=0), metric="accuracy", mode="max", num_samples=trials
            ),
            run_config=tune.RunConfig(storage_path=storage, verbose=0),
        ).fit()
    ray.shutdown()


def ours(trials: int, slots: int, work: float, notes: Path) -> None:
    """This engine, with its journal, budget and curves."""
    import ray

    def evaluate(architecture: Architecture, epochs: int) -> Mapping[str, float]:
        import torch  # noqa: F401

        time.sleep(work)
        with notes.open("a") as file:
            file.write(f"{time.time()}\n")
        return {"accuracy": hash(repr(architecture)) % 1000 / 1000}

    ray.init(address="local", num_cpus=slots, include_dashboard=False, log_to_driver=False)
    with tempfile.TemporaryDirectory() as folder:
        search(
            load_space("googlenet"),
            evaluate,
            BUDGET,
            trials=trials,
            sampler="tpe",
            path=Path(folder),
            resources=ResourcesConfig(),
        )
    ray.shutdown()


class _Clock(Listener):
    """Wall and processor seconds of this process when each trial ended."""

    def __init__(self) -> None:
        self.ends: list[tuple[float, float]] = []

    def ended(self, record: TrialRecord) -> None:
        self.ends.append((time.perf_counter(), time.process_time()))


def noop(trials: int, slots: int) -> None:
    """The curve of the driver's time per trial."""
    import ray

    def evaluate(architecture: Architecture, epochs: int) -> Mapping[str, float]:
        return {"accuracy": 0.5}

    ray.init(address="local", num_cpus=slots, include_dashboard=False, log_to_driver=False)
    clock = _Clock()
    with tempfile.TemporaryDirectory() as folder:
        search(
            load_space("googlenet"),
            evaluate,
            BUDGET,
            trials=trials,
            sampler="random",
            path=Path(folder),
            resources=ResourcesConfig(),
            listener=clock,
        )
        size = (Path(folder) / "journal.log").stat().st_size
    ray.shutdown()
    ends = np.array(clock.ends)
    width = max(1, trials // 10)
    print(f"\n| trials so far | driver, wall s a trial | driver, processor s a trial |\n|{'--:|' * 3}")
    rows = []
    for end in range(2 * width, len(ends) + 1, width):
        wall, processor = (ends[end - 1] - ends[end - 1 - width]) / width
        rows.append((end - width / 2, wall, processor))
        print(f"| {end - width}-{end} | {wall:.4f} | {processor:.4f} |")
    at, _, processor = np.array(rows).T
    slope, base = np.polyfit(at, processor, 1)
    print(f"\njournal: {size / trials / 1000:.1f} kB a trial; load average {os.getloadavg()[0]:.1f}")
    print(f"straight line through the processor times: {base:.4f} s + {slope * 1000:.5f} s for each 1,000 trials")
    for far in (5_000, 10_000):
        print(f"extrapolated, not measured: {max(0.0, base + slope * far):.3f} s a trial at {far:,} trials")


def measure(name: str, trials: int, slots: int, work: float) -> dict[str, float]:
    """Run one of the two in a process of its own; seconds beyond the work, in steady state and in all."""
    with tempfile.TemporaryDirectory() as folder:
        notes = Path(folder) / "ends.txt"
        began = time.time()
        arguments = ["--only", name, "--notes", str(notes), "--trials", str(trials), "--slots", str(slots)]
        command = [sys.executable, __file__, *arguments, "--work", str(work)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wall = time.time() - began
        ends = sorted(float(line) for line in notes.read_text().splitlines())
    assert len(ends) == trials, f"{name} ran {len(ends)} trials"
    first = trials // 5
    steady = (ends[-1] - ends[first - 1]) * slots / (trials - first) - work
    return {"steady": steady, "all": wall * slots / trials - work}


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--work", type=float, default=0.5, help="seconds of each trial")
    parser.add_argument("--noop", type=int, help="measure the driver over this many trials without work, on 16 slots")
    parser.add_argument("--only", choices=("plain", "ours"), help=argparse.SUPPRESS)
    parser.add_argument("--notes", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path, help="where figures are written")
    options = parser.parse_args()
    if options.noop:
        return noop(options.noop, 16)
    if options.only:
        run = plain if options.only == "plain" else ours
        return run(options.trials, options.slots, options.work, options.notes)
    before = os.getloadavg()[0]
    figures = {name: measure(name, options.trials, options.slots, options.work) for name in ("plain", "ours")}
    print(f"{options.trials} trials of {options.work} s, {options.slots} at a time; load average {before:.1f} before\n")
    print("| | seconds beyond the work a trial, steady state | with start and end of Ray |\n|---|--:|--:|")
    for name, label in (("plain", "Ray Tune + OptunaSearch, function trainable"), ("ours", "inception-nas")):
        print(f"| {label} | {figures[name]['steady']:.3f} | {figures[name]['all']:.3f} |")
    print(f"\nratio in steady state: {figures['plain']['steady'] / figures['ours']['steady']:.1f}")
    if options.json:
        options.json.write_text(json.dumps(figures))


if __name__ == "__main__":
    main()
