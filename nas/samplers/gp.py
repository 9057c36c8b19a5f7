"""Bayesian optimisation: a Gaussian process on points and log costs, and expected improvement over networks in budget.

Costs are known before training, so only what is measured or trained is modelled. Several
objectives are joined by a random augmented Chebyshev weighting for each proposal (Knowles,
"ParEGO", IEEE Transactions on Evolutionary Computation 10, 2006).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import ndtr, ndtri
from threadpoolctl import threadpool_limits

from nas.cost import Cost
from nas.errors import SamplerError
from nas.feasible import Network
from nas.samplers.base import History, Proposal
from nas.samplers.features import Features, Matrix, Vector
from nas.samplers.neighbourhood import mutants
from nas.space import Point

PARENTS: Final = 8
MUTANTS: Final = 24
CHANGES: Final = 3
CLIMBS: Final = 2
"""Rounds in which the most promising candidates of the pool are mutated in turn."""
LOOKS: Final = 1000
"""Where a random network takes more looks than this, as under several tight limits, an eighth as many are drawn."""
CLIMBERS: Final = 3
MOST: Final = 1500
"""Observations that a model rests on: a proposal takes a second then."""
QUANTILES: Final = ndtri((np.arange(16) + 0.5) / 16)
WORST: Final = 4.0
"""Losses are cut off at the median and so many times its distance from the best: a network that did not learn
must not flatten all others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GaussianProcessSampler:
    """Expected improvement over random networks and mutants of the best, all in the budget.

    Trials that are running count with the value that is expected of them, so that several
    workers are not sent to one place.

    Attributes:
        startup: random points before the first model.
        random_points: random networks in the pool of a proposal.
    """

    startup: int = 8
    random_points: int = 64
    name: str = "gp"

    def __post_init__(self) -> None:
        if self.startup < 2 or self.random_points < 1:
            raise SamplerError(
                f"`startup >= 2` and `random_points >= 1` must hold, "
                f"but got startup={self.startup}, random_points={self.random_points}."
            )

    def propose(self, history: History, rng: np.random.Generator) -> Proposal:
        """The network of the pool that promises most, or a random one while too few are trained."""
        if len(history.observed) < self.startup:
            return Proposal(point=history.random(rng).point)
        # One thread: the matrices are small, the other cores train, and sums do not depend on the machine.
        with threadpool_limits(limits=1):
            return self._best(history, rng)

    def _best(self, history: History, rng: np.random.Generator) -> Proposal:
        model = _Model(history, rng)
        pool = {network.key: network for network in self._pool(history, model, rng)}
        if not pool:
            return Proposal(point=history.random(rng).point)
        best = _ranked(model, pool)
        for _ in range(CLIMBS):
            climbers = [
                found
                for network in best[:CLIMBERS]
                for found in mutants(history, network.point, rng, tries=MUTANTS, changes=CHANGES)
            ]
            pool.update((network.key, network) for network in climbers)
            best = _ranked(model, pool)
        return Proposal(point=best[0].point)

    def _pool(self, history: History, model: "_Model", rng: np.random.Generator) -> Iterable[Network]:
        few = history.feasible.looks > LOOKS
        for _ in range(self.random_points // 8 if few else self.random_points):
            network = history.random(rng)
            if network.key not in history.taken:
                yield network
        for parent in model.parents(PARENTS):
            yield from mutants(history, parent, rng, tries=MUTANTS, changes=CHANGES)


class _Model:
    """What is expected of a network, and how much better than the best one it might be."""

    def __init__(self, history: History, rng: np.random.Generator) -> None:
        # Here: scikit-learn takes two seconds to import, which neither other searches nor workers need wait for.
        from nas.samplers.regression import Regression

        self._history = history
        self._features = Features(history.space, history.budget)
        losses = history.losses()
        self._known = [objective in Cost.__dataclass_fields__ for objective in history.objectives]
        # Costs span orders of magnitude; accuracies do not.
        losses[:, 1:] = np.log(losses[:, 1:])
        losses[:, 0] = _cut_off(losses[:, 0])
        self._floor, self._range = losses.min(axis=0), np.maximum(np.ptp(losses, axis=0), 1e-9)
        weights = rng.dirichlet(np.ones(losses.shape[1])) if losses.shape[1] > 1 else np.ones(1)
        self._weights = np.maximum(weights, 1e-3)
        rows = _kept(self._joined(losses))
        losses, observed = losses[rows], [history.observed[row] for row in rows]
        self._points = [record.candidate.point for record in observed if record.candidate.point is not None]
        costs = self._features.costs([record.candidate.cost for record in observed])
        self._low, self._span = costs.min(axis=0), np.maximum(np.ptp(costs, axis=0), 1e-3)
        inputs = self._inputs(self._points, [record.candidate.cost for record in observed])
        self._models = {
            column: Regression(inputs, losses[:, column], rng) for column, known in enumerate(self._known) if not known
        }
        means = losses.copy()
        for column, model in self._models.items():
            means[:, column] = model.mean(inputs)
        self._expected = self._joined(means)
        self._add_running(inputs, losses)
        within = [history.budget.allows(record.candidate.cost, record.candidate.measured) for record in observed]
        self._best = float(self._expected[within].min() if any(within) else self._expected.min())

    def parents(self, count: int) -> list[Point]:
        """The most promising of the points that were trained."""
        return [self._points[row] for row in np.argsort(self._expected, kind="stable")[:count]]

    def improvement(self, networks: Sequence[Network]) -> Vector:
        """Expected improvement on the best expected value, [networks]; where there is none, the better go first."""
        inputs = self._inputs([network.point for network in networks], [network.cost for network in networks])
        losses = np.zeros((len(networks), len(self._known)))
        for column, objective in enumerate(self._history.objectives):
            if self._known[column]:
                losses[:, column] = np.log([getattr(network.cost, objective) for network in networks])
            elif column > 0:
                losses[:, column] = self._models[column].mean(inputs)
        mean, deviation = self._models[0].predict(inputs)
        losses[:, 0] = mean
        expected = self._joined(losses)
        if losses.shape[1] == 1:
            deviation = deviation / self._range[0]
            gain = self._best - expected
            ratio = gain / deviation
            value = gain * ndtr(ratio) + deviation * np.exp(-0.5 * ratio**2) / np.sqrt(2 * np.pi)
        else:
            value = np.zeros(len(networks))
            for quantile in QUANTILES:
                losses[:, 0] = mean + quantile * deviation
                value += np.maximum(self._best - self._joined(losses), 0.0) / len(QUANTILES)
        return np.asarray(value - 1e-9 * expected, dtype=np.float64)

    def _joined(self, losses: Matrix) -> Vector:
        scaled = (losses - self._floor) / self._range
        if losses.shape[1] == 1:
            return np.asarray(scaled[:, 0], dtype=np.float64)
        weighted = scaled * self._weights
        return np.asarray(weighted.max(axis=1) + 0.05 * weighted.sum(axis=1), dtype=np.float64)

    def _add_running(self, inputs: Matrix, losses: Matrix) -> None:
        running = [
            record.candidate
            for record in self._history.trials
            if record.state == "running" and record.candidate.point is not None
        ]
        if not running:
            return
        points = [candidate.point for candidate in running if candidate.point is not None]
        more = self._inputs(points, [candidate.cost for candidate in running])
        both = np.concatenate([inputs, more])
        for column, model in self._models.items():
            model.condition(both, np.concatenate([losses[:, column], model.mean(more)]))

    def _inputs(self, points: Sequence[Point], costs: Sequence[Cost]) -> Matrix:
        scaled = (self._features.costs(costs) - self._low) / self._span
        return np.concatenate([self._features.points(points), scaled], axis=1)


def _ranked(model: _Model, pool: dict[str, Network]) -> list[Network]:
    networks = list(pool.values())
    return [networks[row] for row in np.argsort(-model.improvement(networks), kind="stable")]


def _kept(losses: Vector) -> list[int]:
    """Of many observations the best and the latest, by number: the work of a model grows with their cube."""
    if len(losses) <= MOST:
        return list(range(len(losses)))
    best = np.argsort(losses, kind="stable")[: MOST // 2].tolist()
    return sorted({*best, *range(len(losses) - MOST // 2, len(losses))})


def _cut_off(losses: Vector) -> Vector:
    median, best = float(np.median(losses)), float(losses.min())
    if median == best:
        return losses  # Half of them are as good as the best: a cut there would make all equal.
    return np.minimum(losses, median + WORST * (median - best))
