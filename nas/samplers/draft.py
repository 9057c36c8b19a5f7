# ruff: noqa: D102 - the methods are BaseStorage's, and are described there.
"""A study with one more trial that is not stored: what an Optuna sampler is asked about.

Optuna's samplers write while they sample. Here those writes stay in memory and go with the trial
if it is accepted, so that rejected points leave no trace in the journal.
"""

from collections.abc import Container, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NoReturn

import optuna
from optuna.distributions import BaseDistribution
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

STUDY_ATTRIBUTES: Final = "nas:study"
"""Where a trial keeps what its sampler wrote to the study; later trials go before earlier ones."""


class Draft(BaseStorage):
    """Reads a study's trials, and keeps what is written to the draft trial and to the study.

    Trials without parameters, such as a reference outside the space, are left out: a sampler that
    looks for parameters common to all trials would find none.
    """

    def __init__(self, study: optuna.Study, number: int) -> None:
        trials = study.get_trials(deepcopy=False)
        self._name = study.study_name
        self._directions = study.directions
        self._stored = [trial for trial in trials if trial.params]
        self._study_attributes: dict[str, Any] = {}
        for trial in trials:
            self._study_attributes.update(trial.system_attrs.get(STUDY_ATTRIBUTES, {}))
        self._written: dict[str, Any] = {}
        # Above every identifier of the study.
        identifier = max((trial._trial_id for trial in trials), default=-1) + 1
        self.trial = FrozenTrial(
            number=number,
            trial_id=identifier,
            state=TrialState.RUNNING,
            value=None,
            datetime_start=datetime.now(),
            datetime_complete=None,
            params={},
            distributions={},
            user_attrs={},
            system_attrs={},
            intermediate_values={},
        )
        self.study = optuna.load_study(study_name=self._name, storage=self, sampler=study.sampler)

    @property
    def system(self) -> Mapping[str, object]:
        """What the sampler wrote, to be stored with the trial; TPE's copy of its own point is left out."""
        kept = {name: value for name, value in self.trial.system_attrs.items() if not name.startswith("tpe:")}
        return {**kept, STUDY_ATTRIBUTES: self._written} if self._written else kept

    def restart(self) -> None:
        """Forget the trial that was drafted, but not what was written to the study, such as a place in a sequence."""
        self.trial.params, self.trial.distributions, self.trial.system_attrs = {}, {}, {}

    def set_param(self, name: str, value: Any, distribution: BaseDistribution) -> None:
        """Settle a parameter of the draft."""
        self.trial.params = {**self.trial.params, name: value}
        self.trial.distributions = {**self.trial.distributions, name: distribution}

    def get_study_id_from_name(self, study_name: str) -> int:
        return 0

    def get_study_name_from_id(self, study_id: int) -> str:
        return self._name

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        return self._directions

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        return {}

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        return dict(self._study_attributes)

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        self._study_attributes[key] = value
        self._written[key] = value

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        trials = [*self._stored, self.trial]
        return [trial for trial in trials if states is None or trial.state in states]

    def get_trial(self, trial_id: int) -> FrozenTrial:
        if trial_id == self.trial._trial_id:
            return self.trial
        for trial in self._stored:
            if trial._trial_id == trial_id:
                return trial
        raise KeyError(f"no trial with id {trial_id}")

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        self._own(trial_id).system_attrs = {**self.trial.system_attrs, key: value}

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        self._own(trial_id)

    def set_trial_param(
        self, trial_id: int, param_name: str, param_value_internal: float, distribution: BaseDistribution
    ) -> None:
        self._own(trial_id)
        self.set_param(param_name, distribution.to_external_repr(param_value_internal), distribution)

    def create_new_study(self, directions: Sequence[StudyDirection], study_name: str | None = None) -> int:
        _refuse("create a study")

    def delete_study(self, study_id: int) -> None:
        _refuse("delete the study")

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
        _refuse("write a user attribute of the study")

    def get_all_studies(self) -> list[Any]:
        _refuse("list studies")

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        _refuse("create a trial")

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Sequence[float] | None = None) -> bool:
        _refuse("finish a trial")

    def set_trial_intermediate_value(self, trial_id: int, step: int, intermediate_value: float) -> None:
        _refuse("report a value")

    def _own(self, trial_id: int) -> FrozenTrial:
        if trial_id != self.trial._trial_id:
            _refuse("change a stored trial")
        return self.trial


def _refuse(what: str) -> NoReturn:
    raise NotImplementedError(f"a sampler may not {what} while it samples")
