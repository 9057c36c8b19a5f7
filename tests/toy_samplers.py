"""Optuna samplers of a user's own, for tests of samplers by import path."""

from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import RandomSampler
from optuna.study import Study
from optuna.trial import FrozenTrial


class OneObjective(RandomSampler):
    """Refuses several objectives, as CmaEsSampler does."""

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        if len(study.directions) > 1:
            raise ValueError(
                "If the study is being used for multi-objective optimization, this cannot be used.\nSorry."
            )
        return {}


class Greedy(RandomSampler):
    """Suggests what is best so far, again and again."""

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        complete = study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.COMPLETE])
        return dict(max(complete, key=lambda trial: trial.values[0]).params) if complete else {}


class Torn(Greedy):
    """Suggests in turn what is best so far, and the last value of every choice."""

    asked = 0

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        Torn.asked += 1
        best = super().sample_relative(study, trial, search_space)
        last = {"stem": 32, "width3": 32, "width4": 32, "wide": 16}
        return best if Torn.asked % 2 else last


class Writer(RandomSampler):
    """Tries to change the study while it samples."""

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        study.tell(0, state=optuna.trial.TrialState.FAIL)


def not_a_sampler() -> None:
    """Something else under an import path."""
