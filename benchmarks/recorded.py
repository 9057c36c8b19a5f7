"""Recorded learning curves of a run as a search space, and searches replayed on them with early stopping.

Every point of the run's own space stands for the recorded network that is nearest to it, so samplers work as in a
search, on a coarser landscape.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from simulated import simulated

from nas.architecture import Architecture
from nas.budget import Budget
from nas.errors import RunError
from nas.journal import Journal
from nas.proposer import Proposer
from nas.record import Candidate, TrialRecord
from nas.run.folder import RunFolder
from nas.run.recipe import EarlyStoppingConfig
from nas.samplers import Sampler
from nas.samplers.features import Features
from nas.serialize import key
from nas.space import Point, Space
from nas.spaces import load_space


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What was trained to the end in a run.

    Attributes:
        name: of the run.
        space: the run's space, snapped to the recorded networks.
        budget: the run's budget.
        curves: the trials of each network, by its key; the first is seen by the searcher, any
            others (of further seeds) judge it.
        epochs: of a whole training.
    """

    name: str
    space: Space
    budget: Budget
    curves: Mapping[str, Sequence[TrialRecord]]
    epochs: int

    def judged(self, network: str) -> float:
        """Mean final accuracy of the seeds that the searcher did not see, or of the one there is."""
        records = self.curves[network]
        others = records[1:] or records
        return float(np.mean([record.accuracy for record in others]))


def read_run(path: Path, *again: Path) -> Recorded:
    """Read the trials of a run that were trained to the end, are in the budget and have a point.

    Args:
        path: the run.
        again: runs of the same networks under other seeds; a network that one side lacks is left out.

    Raises:
        RunError: no run, or fewer than two such networks.
    """
    folder = RunFolder.open(path)
    recipe = folder.recipe()
    curves: dict[str, list[TrialRecord]] = {}
    for record in _whole(folder):
        candidate = record.candidate
        if candidate.point is not None and recipe.budget.allows(candidate.cost):
            curves.setdefault(candidate.key, []).append(record)
    for other in again:
        for record in _whole(RunFolder.open(other)):
            if record.candidate.key in curves:
                curves[record.candidate.key].append(record)
    if again:
        curves = {network: records for network, records in curves.items() if len(records) > 1}
    if len(curves) < 2:
        raise RunError(f"a run must hold two or more networks in its budget to be replayed, but {path} does not.")
    firsts = [records[0].candidate for records in curves.values()]
    space = load_space(recipe.space)
    features = Features(space, recipe.budget)
    points = [candidate.point for candidate in firsts if candidate.point is not None]
    grid = features.points(points)
    by_key: dict[str, Point] = dict(zip(curves, points, strict=True))

    def decode(point: Point) -> Architecture:
        return firsts[_nearest(grid, features.points([point]))].architecture

    def encode(architecture: Architecture) -> Point | None:
        return by_key.get(key(architecture))

    snapped = replace(space, decode=decode, encode=encode, reference=firsts[0].architecture)
    epochs = max(record.epochs for records in curves.values() for record in records)
    return Recorded(name=recipe.name, space=snapped, budget=recipe.budget, curves=curves, epochs=epochs)


def _whole(folder: RunFolder) -> list[TrialRecord]:
    trials = Journal.open(folder.journal, read_only=True).trials()
    return [record for record in trials if record.state == "complete"]


def _nearest(grid: npt.NDArray[np.float64], one: npt.NDArray[np.float64]) -> int:
    return int(np.argmin(((grid - one) ** 2).sum(axis=1)))


def replay_run(
    recorded: Recorded, sampler: Sampler, stopping: EarlyStoppingConfig, *, seed: int, trainings: float, workers: int
) -> list[tuple[float, float, float]]:
    """One search on a simulated clock: spent trainings, accuracy seen and accuracy judged, at each completed trial."""
    journal = Journal.in_memory(objectives=("accuracy",))
    proposer = Proposer(recorded.space, recorded.budget, sampler, journal, seed=seed, reference_first=False)

    def course(candidate: Candidate) -> tuple[Mapping[int, float], float]:
        record = recorded.curves[candidate.key][0]
        return record.accuracies, max(record.seconds, 1e-3) / max(record.epochs, 1)

    found = []
    for _, spent, ended in simulated(
        proposer,
        journal,
        course,
        epochs=recorded.epochs,
        workers=workers,
        stopping=stopping,
        costs=lambda candidate: (recorded.budget.excess(candidate.cost),),
    ):
        if ended is not None:
            found.append((spent, float(recorded.curves[ended.key][0].accuracy or 0.0), recorded.judged(ended.key)))
        if spent >= trainings:
            break
    return found
