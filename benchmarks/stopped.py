"""What a sampler makes of trials that ASHA stopped: told at their rung, as expected at the end, or not at all.

    python benchmarks/stopped.py --table nas_bench_macro.csv --seeds 20

Nothing is trained. Networks end at the accuracies of the table; at the rungs they lie as far below the end, spread as
much and agree with it as well as those of a recorded run did, in units of the spread at the end. The best by the
training that the searcher saw is judged by two other trainings.
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import optuna
from macro_table import Table, read_table
from recorded import Recorded, read_run
from scipy.stats import spearmanr
from simulated import simulated

from nas.journal import Journal
from nas.proposer import Proposer
from nas.record import Candidate
from nas.run.recipe import EarlyStoppingConfig
from nas.samplers import History, Proposal, Sampler, make_sampler

SHARES: Final = (0.4, 0.5, 0.6)
TRAININGS: Final = (6, 10, 15, 20)
RULE: Final = EarlyStoppingConfig(rule="asha", first_rung=1, reduction=2)
WORKERS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class AtTheRung:
    """A sampler that takes accuracies of stopped trials as if they were the last."""

    sampler: Sampler
    name: str = "at the rung"

    def propose(self, history: History, rng: np.random.Generator) -> Proposal:
        """Ask the sampler."""
        observed = tuple(replace(record, state="complete") for record in history.observed)
        return self.sampler.propose(replace(history, observed=observed), rng)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """How accuracies after an epoch relate to those at the end: distance and spread are in spreads at the end."""

    below: float
    spread: float
    agreement: float


def rungs_of(recorded: Recorded) -> list[Rung]:
    """Of every epoch but the last."""
    curves = np.array(
        [[records[0].accuracies[epoch + 1] for epoch in range(recorded.epochs)] for records in recorded.curves.values()]
    )
    ends, unit = curves[:, -1], _spread(curves[:, -1])
    return [
        Rung(
            below=float(np.median(ends) - np.median(at)) / unit,
            spread=_spread(at) / unit,
            agreement=float(spearmanr(at, ends).statistic),
        )
        for at in curves.T[:-1]
    ]


def _spread(values: npt.NDArray[np.float64]) -> float:
    """The standard deviation, as the middle half has it: one network that did not learn does not make it large."""
    low, high = np.quantile(values, (0.25, 0.75))
    return float(high - low) / 1.349


def course(
    table: Table, rungs: list[Rung], sampler: Sampler, share: float, seed: int, told: EarlyStoppingConfig
) -> list[tuple[float, float, float]]:
    """One search: trainings spent, accuracy seen and accuracy judged, at each trial that reached the end."""
    budget = table.budget(share, 0.0)
    allowed = [row.seen for row in table.rows.values() if row.macs <= share * table.largest]
    middle, unit = float(np.median(allowed)), _spread(np.array(allowed))
    journal = Journal.in_memory(objectives=("accuracy",))
    proposer = Proposer(table.space(), budget, sampler, journal, seed=seed, reference_first=False)
    noise = np.random.default_rng([seed, 1])

    def curve(candidate: Candidate) -> tuple[Mapping[int, float], float]:
        row = table.row(candidate.architecture)
        return dict(enumerate(_curve(row.seen, rungs, middle, unit, noise), start=1)), row.macs

    done: list[tuple[float, float, float]] = []
    for _, spent, ended in simulated(proposer, journal, curve, epochs=len(rungs) + 1, workers=WORKERS, stopping=told):
        if ended is not None:
            row = table.row(ended.architecture)
            done.append((spent, row.seen, row.judged))
        if spent >= TRAININGS[-1]:
            break
    return done


def _curve(end: float, rungs: list[Rung], middle: float, unit: float, noise: np.random.Generator) -> list[float]:
    place = float(np.clip((end - middle) / unit, -4.0, 4.0))
    early = [
        middle
        + unit * (rung.spread * (rung.agreement * place + np.sqrt(1 - rung.agreement**2) * noise.normal()) - rung.below)
        for rung in rungs
    ]
    return [*(float(np.clip(accuracy, 0.0, 1.0)) for accuracy in early), end]


CASES: Final[Mapping[str, tuple[Callable[[], Sampler], EarlyStoppingConfig]]] = {
    "gp, expected at the end": (lambda: make_sampler("gp"), RULE),
    "gp, at the rung": (lambda: AtTheRung(sampler=make_sampler("gp")), RULE),
    "gp, not told": (lambda: make_sampler("gp"), replace(RULE, told_as="fail")),
    "tpe": (lambda: make_sampler("tpe"), RULE),
    "random": (lambda: make_sampler("random"), RULE),
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, required=True, help="a CSV file as nas_bench_macro.csv")
    parser.add_argument("--curves", type=Path, default=Path("runs/reference/recorded"), help="a run folder")
    parser.add_argument("--seeds", type=int, default=20)
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    table, rungs = read_table(options.table), rungs_of(read_run(options.curves))
    for epoch, rung in enumerate(rungs, start=1):
        print(f"after {epoch}: {rung.below:.1f} below, spread {rung.spread:.1f}, rank correlation {rung.agreement:.2f}")
    print("| B | sampler | " + " | ".join(f"n={count}" for count in TRAININGS) + " |")
    for share in SHARES:
        for name, (make, told) in CASES.items():
            courses = [course(table, rungs, make(), share, seed, told) for seed in range(options.seeds)]
            cells = []
            for count in TRAININGS:
                found = [[trial for trial in done if trial[0] <= count + 1e-9] for done in courses]
                best = np.array([100 * max(trials, key=lambda trial: trial[1])[2] for trials in found if trials])
                cells.append(f"{best.mean():.2f} ± {best.std(ddof=1) / np.sqrt(len(best)):.2f}")
            print(f"| {share:.1f} | {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
