"""How a journal begins: the study, its objectives and what else holds for all trials."""

import logging
import warnings
from collections.abc import Mapping
from typing import Final, get_args

import optuna
from optuna.storages import BaseStorage
from optuna.study import StudyDirection

from nas.errors import RunError
from nas.record import Objective

SCHEMA: Final = 1


def check_objectives(objectives: tuple[Objective, ...]) -> None:
    """Hold objectives to what a search can optimise.

    Raises:
        RunError: none, accuracy not first, one twice, or an unknown one.
    """
    known = get_args(Objective)
    if not objectives or objectives[0] != "accuracy" or len(set(objectives)) != len(objectives):
        raise RunError(f"objectives must begin with 'accuracy' and differ, but got {', '.join(objectives) or 'none'}.")
    unknown = [objective for objective in objectives if objective not in known]
    if unknown:
        raise RunError(f"an objective must be one of {', '.join(known)}, but got {unknown[0]!r}.")


def begin(storage: BaseStorage, name: str, objectives: tuple[Objective, ...], attributes: Mapping[str, object]) -> None:
    """Create the study of a search."""
    quiet()
    directions = [
        StudyDirection.MAXIMIZE if objective == "accuracy" else StudyDirection.MINIMIZE for objective in objectives
    ]
    study = optuna.create_study(storage=storage, study_name=name, directions=directions)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names(list(objectives))
    study.set_user_attr("objectives", list(objectives))
    study.set_user_attr("attributes", dict(attributes))
    study.set_user_attr("schema", SCHEMA)


def quiet() -> None:
    """Optuna logs each study and tell at level INFO to stderr, which belongs to our own output."""
    logging.getLogger("optuna").setLevel(logging.WARNING)
