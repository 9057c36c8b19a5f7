"""The study with one drafted trial: reads pass through, writes stay, all else is refused."""

from collections.abc import Callable

import optuna
import pytest
from optuna.distributions import IntDistribution
from optuna.trial import TrialState, create_trial

from nas.samplers.draft import STUDY_ATTRIBUTES, Draft

DISTRIBUTION = IntDistribution(0, 3)


@pytest.fixture
def study() -> optuna.Study:
    study = optuna.create_study(direction="maximize", study_name="draft")
    for value, attributes in ((1, {"sequence": 1, "other": 5}), (2, {"sequence": 2})):
        trial = create_trial(
            value=0.5, params={"x": value}, distributions={"x": DISTRIBUTION},
            system_attrs={STUDY_ATTRIBUTES: attributes},
        )  # fmt: skip
        study.add_trial(trial)
    study.add_trial(create_trial(value=0.9))  # without parameters, as a reference outside the space
    return study


def test_it_reads_the_study(study: optuna.Study) -> None:
    draft = Draft(study, 3)
    assert [trial.number for trial in draft.study.trials] == [0, 1, 3]
    assert [trial.number for trial in draft.study.get_trials(states=[TrialState.RUNNING])] == [3]
    assert draft.study.direction == study.direction
    assert draft.study.study_name == "draft"
    assert draft.study.user_attrs == {}
    assert draft.get_study_name_from_id(0) == "draft"
    assert draft.get_trial(1).params == {"x": 2}
    assert draft.get_trial(draft.trial._trial_id) is draft.trial
    with pytest.raises(KeyError):
        draft.get_trial(99)


def test_the_latest_trial_says_what_samplers_wrote_to_the_study(study: optuna.Study) -> None:
    assert Draft(study, 3).get_study_system_attrs(0) == {"sequence": 2, "other": 5}


def test_writes_stay_in_the_draft(study: optuna.Study) -> None:
    before = study.trials
    draft = Draft(study, 3)
    identifier = draft.trial._trial_id
    draft.set_study_system_attr(0, "sequence", 3)
    draft.set_trial_system_attr(identifier, "generation", 7)
    draft.set_trial_system_attr(identifier, "tpe:relative_params:0", "{}")
    draft.set_trial_user_attr(identifier, "note", "dropped")
    draft.set_trial_param(identifier, "x", 3.0, DISTRIBUTION)
    assert draft.trial.params == {"x": 3}
    assert draft.system == {"generation": 7, STUDY_ATTRIBUTES: {"sequence": 3}}
    assert study.trials == before

    draft.restart()
    assert (draft.trial.params, draft.system) == ({}, {STUDY_ATTRIBUTES: {"sequence": 3}})
    assert draft.get_study_system_attrs(0)["sequence"] == 3


@pytest.mark.parametrize(
    "write",
    [
        lambda draft: draft.create_new_study([]),
        lambda draft: draft.delete_study(0),
        lambda draft: draft.set_study_user_attr(0, "a", 1),
        lambda draft: draft.get_all_studies(),
        lambda draft: draft.create_new_trial(0),
        lambda draft: draft.set_trial_state_values(3, TrialState.FAIL),
        lambda draft: draft.set_trial_intermediate_value(3, 1, 0.5),
        lambda draft: draft.set_trial_system_attr(0, "a", 1),
        lambda draft: draft.set_trial_param(0, "x", 1.0, DISTRIBUTION),
    ],
)
def test_all_else_is_refused(study: optuna.Study, write: Callable[[Draft], object]) -> None:
    with pytest.raises(NotImplementedError, match=r"^a sampler may not .* while it samples$"):
        write(Draft(study, 3))
