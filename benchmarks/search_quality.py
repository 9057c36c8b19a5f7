"""How good the best network is after n trainings, sampler by sampler, replayed from a table of trained networks.

    python benchmarks/search_quality.py --table nas_bench_macro.csv --seeds 20
    python benchmarks/search_quality.py --curves runs/reference/recorded runs/reference/recorded_again

Nothing is trained: a training takes the time of its network's multiply-adds on a simulated clock, and several run at
a time. The sampler sees one training of a network; the best by it is judged by two other trainings.
"""

import argparse
import heapq
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, get_args

import numpy as np
import numpy.typing as npt
import optuna
from macro_table import BLOCKS, LAYERS, Row, Table, read_table
from recorded import Recorded, read_run, replay_run
from simulated import simulated
from sklearn.linear_model import Ridge

from nas.journal import Journal
from nas.proposer import Proposer
from nas.record import Candidate, ToldAs
from nas.run.recipe import EarlyStoppingConfig, StoppingRule
from nas.samplers import NAMES, History, Proposal, Sampler, make_sampler
from nas.samplers.features import Features

SHARES: Final = (0.4, 0.5, 0.6)
BAND: Final = 0.9
TRAININGS: Final = (20, 30, 60, 100, 300)

Course = Sequence[tuple[float, float]]
"""Accuracy that the searcher saw, and accuracy that it is judged by, of each feasible training in order of its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RidgeSampler:
    """Ridge regression on one-hot choices: ten random networks, then the best expected of a random pool."""

    startup: int = 10
    pool: int = 200
    name: str = "ridge"

    def propose(self, history: History, rng: np.random.Generator) -> Proposal:
        """The network of a random pool with the highest expected accuracy."""
        if len(history.observed) < self.startup:
            return Proposal(point=history.random(rng).point)
        features = Features(history.space, history.budget)
        known = [record.candidate.point for record in history.observed if record.candidate.point is not None]
        model = Ridge(alpha=1.0).fit(features.points(known), history.losses()[:, 0])
        drawn = [history.random(rng) for _ in range(self.pool)]
        pool = [network for network in drawn if network.key not in history.taken] or drawn[:1]
        expected = model.predict(features.points([network.point for network in pool]))
        return Proposal(point=pool[int(np.argmin(expected))].point)


def replay(
    sampler: Sampler, table: Table, share: float, band: float, seed: int, most: int, workers: int
) -> tuple[Course, float]:
    """One search on a simulated clock; its course and the simulated hours (largest network: one hour)."""
    journal = Journal.in_memory(objectives=("accuracy",))
    proposer = Proposer(table.space(), table.budget(share, band), sampler, journal, seed=seed, reference_first=False)

    def course(candidate: Candidate) -> tuple[Mapping[int, float], float]:
        row = table.row(candidate.architecture)
        return {1: row.seen}, row.macs / table.largest

    ended = islice(simulated(proposer, journal, course, workers=workers), most)
    found = [(clock, table.row(candidate.architecture)) for clock, _, candidate in ended if candidate]
    return [(row.seen, row.judged) for _, row in found], found[-1][0] if found else 0.0


def replay_plain_tpe(table: Table, share: float, seed: int, most: int, workers: int) -> tuple[Course, float]:
    """Optuna's TPE as it comes, the budget a soft constraint: what is over it is trained, and paid for."""
    budget = table.budget(share, 0.0)
    limit = budget.limits["macs"]
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    running: list[tuple[float, int, Row, optuna.Trial]] = []
    course: list[tuple[float, float]] = []
    clock = 0.0
    while len(course) < most:
        while len(running) < workers:
            trial = study.ask()
            point = {f"layer{layer}": trial.suggest_categorical(f"layer{layer}", BLOCKS) for layer in range(LAYERS)}
            row = table.row(table.decode(point))
            trial.set_constraint("macs", row.macs / limit - 1.0)
            heapq.heappush(running, (clock + row.macs / table.largest, trial.number, row, trial))
        clock, _, row, trial = heapq.heappop(running)
        study.tell(trial, row.seen)
        course.append((row.seen, row.judged) if row.macs <= limit else (-1.0, float("nan")))
    return course, clock


def judged(course: Course, trainings: int) -> float:
    """The judges' accuracy, in percent, of the best network by what the searcher saw."""
    seen, other = max(course[:trainings], key=lambda pair: pair[0])
    return 100 * other if seen >= 0 else float("nan")


def table_of(name: str, run: Callable[[float, int, int], tuple[Course, float]], seeds: int, most: int) -> list[str]:
    """The lines of one searcher: mean and standard error at each number of trainings, for each budget."""
    lines = []
    for share in SHARES:
        started = time.perf_counter()
        courses = [run(share, seed, most)[0] for seed in range(seeds)]
        cells = []
        for trainings in TRAININGS:
            if trainings > most:
                cells.append(" " * 14)
                continue
            cells.append(_cell(np.array([judged(course, trainings) for course in courses])))
        seconds = (time.perf_counter() - started) / sum(len(course) for course in courses)
        lines.append(f"{share:.1f}  {name:<28}" + "  ".join(cells) + f"  {1000 * seconds:7.0f}")
    return lines


def run_table(recorded: Recorded, options: argparse.Namespace) -> None:
    """Print samplers, and stopping rules under the first of them, on the recorded curves of a run."""
    # Beyond half of the networks a search is about what is left, not about what is good.
    most = options.most or len(recorded.curves) // 2
    columns = [trainings for trainings in (10, *TRAININGS) if trainings <= most]
    held = f"{len(recorded.curves)} networks, {recorded.epochs} epochs"
    print(f"{recorded.name}: {held}; n counts whole trainings' worth of epochs")
    print(f"{'sampler':<12}{'rule':<12}{'told as':<10}" + "  ".join(f"{f'n={n}':>14}" for n in columns))
    cases = [(name, EarlyStoppingConfig()) for name in NAMES]
    cases += [
        (name, EarlyStoppingConfig(rule=rule, told_as=told_as))
        for name in (NAMES[0], "random")
        for rule in get_args(StoppingRule)
        if rule != "none"
        for told_as in get_args(ToldAs)
    ]
    for name, stopping in cases:
        if options.only and name not in options.only:
            continue
        sampler = make_sampler(name)
        courses = [
            replay_run(recorded, sampler, stopping, seed=seed, trainings=columns[-1], workers=options.workers)
            for seed in range(options.seeds)
        ]
        cells = []
        for trainings in columns:
            done = [[entry for entry in course if entry[0] <= trainings] for course in courses]
            best = [100 * max(entries, key=lambda entry: entry[1])[2] for entries in done if entries]
            cells.append(_cell(np.array(best)))
        told_as = "" if stopping.rule == "none" else stopping.told_as
        print(f"{name:<12}{stopping.rule:<12}{told_as:<10}" + "  ".join(cells), flush=True)


def _cell(found: npt.NDArray[np.float64]) -> str:
    known = found[np.isfinite(found)]
    if len(known) < 2:
        return " " * 14
    return f"{known.mean():6.2f} ± {known.std(ddof=1) / np.sqrt(len(known)):.3f}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, help="a CSV file as nas_bench_macro.csv")
    parser.add_argument(
        "--curves", type=Path, nargs="+", help="a run folder, whose curves are replayed; others judge, with other seeds"
    )
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--workers", type=int, default=4, help="trainings at a time")
    parser.add_argument("--only", nargs="*", help="names of searchers")
    parser.add_argument("--most", type=int, help="no more trainings than these for any searcher")
    options = parser.parse_args(arguments)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if options.curves:
        run_table(read_run(*options.curves), options)
    if not options.table:
        return
    table = read_table(options.table)

    def ours(name: str, band: float) -> Callable[[float, int, int], tuple[Course, float]]:
        sampler = RidgeSampler() if name == "ridge" else make_sampler(name)
        return lambda share, seed, most: replay(sampler, table, share, band, seed, most, options.workers)

    searchers: dict[str, tuple[Callable[[float, int, int], tuple[Course, float]], int]] = {
        "gp, band": (ours("gp", BAND), 100),
        "random, uniform": (ours("random", 0.0), 300),
        "random, band": (ours("random", BAND), 300),
        "ridge, band": (ours("ridge", BAND), 60),
        "plain Optuna TPE, soft": (
            lambda share, seed, most: replay_plain_tpe(table, share, seed, most, options.workers),
            300,
        ),
        "evolution, band": (ours("evolution", BAND), 300),
        "tpe, band": (ours("tpe", BAND), 300),
        "nsga2, band": (ours("nsga2", BAND), 300),
        "evolution, whole budget": (ours("evolution", 0.0), 300),
        "gp, whole budget": (ours("gp", 0.0), 60),
    }
    head = "  ".join(f"{f'n={trainings}':>14}" for trainings in TRAININGS)
    print(f"accuracy in %, mean ± standard error of {options.seeds} seeds, {options.workers} workers")
    print(f"B    {'searcher':<28}{head}  ms/trial")
    for name, (run, most) in searchers.items():
        if options.only and name.partition(",")[0] not in options.only and name not in options.only:
            continue
        for line in table_of(name, run, options.seeds, min(most, options.most or most)):
            print(line)
            sys.stdout.flush()


if __name__ == "__main__":
    main()
