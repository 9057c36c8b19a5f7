"""Optuna's samplers on a budget: what they suggest is admitted, or brought into the budget, or replaced."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import optuna
from optuna.samplers import BaseSampler

from nas.errors import NasError, SamplerError, line_in
from nas.samplers.base import History, Proposal
from nas.samplers.draft import Draft
from nas.samplers.encoding import distributions, to_point
from nas.space import Scalar

SEEDS: Final = 2**31
ASKS: Final = 4
"""Suggestions that are tried as they are before the first outside the budget is brought into it."""
MANY: Final = 250
"""Trials after which only one is, for suggestions take long then."""
Factory = Callable[[int], BaseSampler]
"""Builds a sampler from a seed."""

_REFUSALS: Final = (ValueError, RuntimeError, TypeError, NotImplementedError, ImportError, LookupError, AssertionError)
"""What Optuna's samplers raise where they cannot work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptunaSampler:
    """A sampler of Optuna's, built afresh for every proposal, so that a resumed search goes on as it was.

    Its ``after_trial`` is not called. What it writes to its trial or to the study is kept with the
    trial in the journal.

    Attributes:
        name: as the recipe calls it.
        factory: builds the sampler.
        built_in: whether it is known to sample all parameters at once: then it need not look for
            those that all trials share, and a feasible point is drawn where it has no model yet.
        one_sequence: whether its points are places in a sequence that a seed decides, so that all need the same one.
        file: where a user wrote it; if it fails there, the line is told.
    """

    name: str
    factory: Factory
    built_in: bool
    one_sequence: bool = False
    file: Path | None = None

    def propose(self, history: History, rng: np.random.Generator) -> Proposal:
        """A suggestion in the budget, at once or after a projection, or else a random point.

        Raises:
            SamplerError: the sampler cannot work on this search, or lacks a package.
        """
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                return self._propose(history, rng)
        except NasError:
            raise
        except Exception as error:
            if self.built_in and not isinstance(error, _REFUSALS):
                raise  # A fault of ours, where one of somebody else's class may raise anything.
            reason = str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__
            line = line_in(error, self.file) if self.file else None
            where = f" ({self.file.name}:{line})" if self.file and line else ""
            raise SamplerError(f"sampler {self.name!r} cannot propose a point: {reason}{where}.") from error

    def _propose(self, history: History, rng: np.random.Generator) -> Proposal:
        outside: Proposal | None = None
        draft = Draft(history.study, history.number)
        for _ in range(ASKS if len(history.observed) <= MANY else 1):
            draft.restart()
            seed = history.seed % SEEDS if self.one_sequence else int(rng.integers(SEEDS))
            params = self._ask(draft, history, seed)
            if params is None:
                return Proposal(point=history.random(rng).point, system=draft.system)
            asked = Proposal(point=to_point(history.space, params), system=draft.system)
            network = history.admit(asked.point)
            if network is None:
                outside = outside or asked
            elif network.key not in history.taken:
                return Proposal(point=network.point, system=draft.system)
        if outside is not None:
            network = history.project(outside.point, rng)
            if network is not None and network.key not in history.taken:
                return Proposal(point=network.point, system=outside.system)
        return Proposal(point=history.random(rng).point, system=draft.system)

    def _ask(self, draft: Draft, history: History, seed: int) -> Mapping[str, Scalar] | None:
        """All parameters of one suggestion; None where the sampler has no model yet."""
        sampler = self.factory(seed)
        study, trial = draft.study, draft.trial
        sampler.before_trial(study, trial)
        parameters = distributions(history.space)
        if self.built_in:
            inferred = {name: parameters[name] for name in sorted(parameters) if not parameters[name].single()}
        else:
            inferred = sampler.infer_relative_search_space(study, trial)
        relative = sampler.sample_relative(study, trial, inferred)
        if not relative and self.built_in:
            return None
        for name, distribution in parameters.items():
            value: Any
            if distribution.single():
                value = distribution.to_external_repr(_single(distribution))
            elif name in relative:
                value = relative[name]
            else:
                value = sampler.sample_independent(study, trial, name, distribution)
            draft.set_param(name, value, distribution)
        return trial.params


def _single(distribution: optuna.distributions.BaseDistribution) -> float:
    return float(getattr(distribution, "low", 0))
