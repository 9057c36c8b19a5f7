"""Kill a search at random moments, resume it each time, and compare it with one that was left alone.

    python benchmarks/kill_and_resume.py --kills 12 --seed 0

A real search on scikit-learn's digits, at concurrency 1. SIGKILL hits the driver ``--kills`` times, then a worker once
and Ray's head process (its GCS) once; after each end of the driver `nas resume` goes on. The driver is the command
line itself, in a process whose training task also notes when an epoch begins. Processes are found by walking the
children of the driver that was started here, never by name alone. Exit status 1 if anything was lost or done twice.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml
from processes import Process, descendants, end_of, kill, trains

from nas.journal import Journal
from nas.record import TrialRecord
from nas.run.job import Job, Session
from nas.run.training_task import TrainingTask

TOYS: Final = Path(__file__).parents[1] / "tests" / "toys.py"
EPOCHS: Final = 4
SESSION_SECONDS: Final = 900
"""A session that does nothing for so long has hung."""


def recipe(trials: int) -> dict[str, object]:
    """A tiny search, whose sampler learns from results: a lost or repeated one would change its points."""
    return {
        "space": f"{TOYS}:SPACE",
        "data": {"name": "digits", "resolution": 16},
        "budget": {"macs": 4_000_000, "resolution": 16, "classes": 10},
        "training": {"recipe": "modern", "epochs": EPOCHS, "batch_size": 64, "ema_decay": 0.0},
        "sampler": {"name": "tpe", "options": {"n_startup_trials": 3}},
        "stop": {"trials": trials},
        "resources": {"concurrency": 1, "max_failures": 3},
    }


class _NotedSession:
    def __init__(self, session: Session, number: int, notes: Path) -> None:
        self._session, self._number, self._notes = session, number, notes

    @property
    def epoch(self) -> int:
        return self._session.epoch

    def step(self) -> Mapping[str, float]:
        with self._notes.open("a") as file:
            file.write(json.dumps([self._number, self._session.epoch + 1]) + "\n")
        return self._session.step()

    def save(self, path: Path) -> None:
        self._session.save(path)

    def load(self, path: Path) -> None:
        self._session.load(path)


def drive(notes: Path, arguments: list[str]) -> None:
    """Be the driver: the command line with a task that notes epochs."""
    import nas.run.training_task
    from nas.cli import main

    class NotedTask(TrainingTask):
        """Travels to the workers by value, for it is defined here."""

        def open(self, job: Job, *, threads: int) -> Any:
            return _NotedSession(super().open(job, threads=threads), job.number, notes)

    nas.run.training_task.TrainingTask = NotedTask  # type: ignore[misc]
    main(arguments)


@dataclass(slots=True, kw_only=True)
class Summary:
    """What happened, and what came of it."""

    trials: int
    driver_kills: int = 0
    worker_kills: int = 0
    head_kills: int = 0
    killed_after_epochs: list[int] = field(default_factory=list)
    orphan_seconds: list[float] = field(default_factory=list)
    head_death_noticed_seconds: float | None = None
    sessions: int = 0
    complete: int = 0
    running: int = 0
    trained_twice: int = 0
    epochs_needed: int = 0
    epochs_begun: int = 0
    epochs_repeated: int = 0
    most_repeats_of_a_kill: int = 0
    same_networks: bool = False
    same_accuracies: bool = False
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        """Whether all that a resume promises was kept."""
        return (
            self.complete == self.trials
            and self.running == self.trained_twice == 0
            and self.most_repeats_of_a_kill <= 1
            and self.worker_kills == self.head_kills == 1
            and self.same_networks
            and self.same_accuracies
        )


class Search:
    """One run folder, and the driver at work on it."""

    def __init__(self, folder: Path, trials: int) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._recipe = folder / "tiny.yaml"
        self._recipe.write_text(yaml.safe_dump(recipe(trials)))
        self.notes = folder / "epochs.jsonl"
        self.run = folder / "tiny"

    def go(self) -> subprocess.Popen[bytes]:
        """Start a driver: a new search, or the one that is there."""
        begun = (self.run / "journal.log").exists()
        arguments = ["resume", str(self.run)] if begun else ["search", str(self._recipe), "--out", str(self._folder)]
        if not begun:
            arguments.append("--overwrite")
        command = [sys.executable, __file__, "--driver", str(self.notes), *arguments]
        with (self._folder / "driver.log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)

    def begun(self) -> list[tuple[int, int]]:
        """Trial and epoch of every beginning of an epoch."""
        if not self.notes.exists():
            return []
        return [tuple(json.loads(line)) for line in self.notes.read_text().splitlines()]

    def records(self) -> tuple[TrialRecord, ...]:
        """What the journal says."""
        return Journal.open(self.run / "journal.log", read_only=True).trials()

    def wait(self, driver: subprocess.Popen[bytes], epochs: int) -> bool:
        """Wait until a session has begun some epochs; False if it ended before."""
        before, deadline = len(self.begun()), time.monotonic() + SESSION_SECONDS
        while len(self.begun()) < before + epochs:
            if driver.poll() is not None:
                return False
            if time.monotonic() > deadline:
                raise TimeoutError(f"no progress; see {self._folder / 'driver.log'}")
            time.sleep(0.02)
        return True


def disturbed(search: Search, summary: Summary, kills: int, rng: random.Random) -> None:
    """Run a search to its end through all the kills."""
    plan = ["driver"] * kills + ["worker", "head"]
    rng.shuffle(plan)
    pace, start = 0.3, 3.0  # Seconds of an epoch, and of a session up to its first one, as they were last seen.
    repeats: list[int] = []
    families: list[Process] = []
    while True:
        before = search.begun()
        driver = search.go()
        summary.sessions += 1
        victim = plan.pop() if plan else None
        if victim is not None:
            epochs = rng.choice((0, 1, 1, 2, 2, 3)) if victim == "driver" else rng.choice((1, 2))
            began = time.monotonic()
            if not search.wait(driver, min(epochs, 1)):
                raise RuntimeError("the search ended before all kills; give it more trials")
            first = time.monotonic()
            if epochs > 1 and not search.wait(driver, epochs - 1):
                raise RuntimeError("the search ended before all kills; give it more trials")
            if epochs > 1:
                pace = min(5.0, (time.monotonic() - first) / (epochs - 1))
            if epochs:
                start = min(10.0, first - began)
            time.sleep(rng.uniform(0, pace if epochs else start))
            family = descendants(driver.pid)
            families += family
            if victim == "driver":
                driver.kill()
                driver.wait()
                summary.driver_kills += 1
                summary.killed_after_epochs.append(len(search.begun()) - len(before))
                summary.orphan_seconds.append(round(end_of(family, 60), 2))
            elif victim == "worker":
                for process in family:
                    if trains(process):
                        kill(process)
                        summary.worker_kills += 1
                search.wait(driver, 1)
                family += descendants(driver.pid)
                families += family
                driver.kill()
                driver.wait()
                summary.driver_kills += 1
                end_of(family, 60)
            else:
                head = [process for process in family if "/gcs_server" in process.command.split(" ")[0]]
                for process in head:
                    kill(process)
                    summary.head_kills += 1
                noticed = time.monotonic()
                driver.wait(SESSION_SECONDS)
                summary.head_death_noticed_seconds = round(time.monotonic() - noticed, 1)
                end_of(family, 60)
        else:
            driver.wait(SESSION_SECONDS)
        known, again = set(before), search.begun()[len(before) :]
        # Epochs begun again: one by each kill, which is that before this session, or that of its worker.
        repeats.append(sum(epoch in known for epoch in again) + len(again) - len(set(again)) - (victim == "worker"))
        if victim is None:
            break
    if driver.returncode != 0:
        raise RuntimeError(f"the last session ended with status {driver.returncode}; see {search.run.parent}")
    end_of(families, 120, agents=True)
    summary.most_repeats_of_a_kill = max(repeats)


def compare(kills: int, trials: int, seed: int, folder: Path) -> Summary:
    """Run both searches and sum up."""
    began = time.monotonic()
    summary = Summary(trials=trials)
    search, calm = Search(folder / "disturbed", trials), Search(folder / "calm", trials)
    disturbed(search, summary, kills, random.Random(seed))
    driver = calm.go()
    if driver.wait(SESSION_SECONDS) != 0:
        raise RuntimeError(f"the undisturbed search ended with status {driver.returncode}; see {folder}")
    records, expected, begun = search.records(), calm.records(), search.begun()
    summary.complete = sum(record.state == "complete" for record in records)
    summary.running = sum(record.state == "running" for record in records)
    summary.trained_twice = len(records) - len({record.candidate.key for record in records})
    summary.epochs_needed, summary.epochs_begun = trials * EPOCHS, len(begun)
    summary.epochs_repeated = sum(Counter(begun).values()) - len(set(begun))
    summary.same_networks = [r.candidate.key for r in records] == [r.candidate.key for r in expected]
    summary.same_accuracies = [r.accuracies for r in records] == [r.accuracies for r in expected]
    summary.seconds = round(time.monotonic() - began, 1)
    return summary


def main() -> int:
    """Parse, run, print."""
    if sys.argv[1:2] == ["--driver"]:
        drive(Path(sys.argv[2]), sys.argv[3:])
        return 0
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=12, help="of the driver")
    parser.add_argument("--trials", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--folder", type=Path, help="keeps both runs; temporary unless given")
    parser.add_argument("--json", type=Path, help="where the summary is written")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nas-kill-") as temporary:
        summary = compare(options.kills, options.trials, options.seed, (options.folder or Path(temporary)).resolve())
    for name, value in asdict(summary).items():
        print(f"{name:30} {value}")
    if options.json:
        options.json.write_text(json.dumps(asdict(summary)))
    return 0 if summary.good else 1


if __name__ == "__main__":
    sys.exit(main())
