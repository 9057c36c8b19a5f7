"""The record of a search: one Optuna study in one append-only file.

The file is an ordinary journal of Optuna's: ``optuna.load_study`` and optuna-dashboard open it.
A trial enters with one record, all its parameters and attributes included; what it is told later
follows as further records. Nothing is rewritten.
"""

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import optuna
from optuna.distributions import BaseDistribution
from optuna.storages import BaseStorage, InMemoryStorage, JournalStorage
from optuna.trial import FrozenTrial
from optuna.trial import TrialState as Told

from nas.errors import NasError, RunError
from nas.journal import trial as trials
from nas.journal.file import JournalFile, damage, opened, repair
from nas.journal.header import SCHEMA, begin, check_objectives, quiet
from nas.record import Candidate, Objective, ToldAs, TrialRecord, TrialState
from nas.space import Scalar

_STATES: Final = {"complete": Told.COMPLETE, "pruned": Told.PRUNED, "fail": Told.FAIL}


class Journal:
    """Trials, by the order of their proposal, and what became of them.

    Open one with :meth:`create`, :meth:`open` or :meth:`in_memory`. One process writes; any
    number may read at the same time with ``read_only=True``.

    Attributes:
        repaired: whether a torn last line was cut off at opening.
        objectives: what is optimised; accuracy is maximised, all else minimised.
        attributes: what was stored at creation.
        study: the Optuna study, for samplers and importances.
    """

    def __init__(self, storage: BaseStorage, name: str, *, repaired: bool = False) -> None:
        self.repaired = repaired
        self.study = optuna.load_study(study_name=name, storage=storage)
        stored = self.study.user_attrs
        if stored.get("schema") != SCHEMA:
            raise RunError(f"schema of the journal {name!r} must be {SCHEMA}, but got {stored.get('schema')!r}.")
        self.objectives: tuple[Objective, ...] = tuple(stored["objectives"])
        self.attributes: Mapping[str, Any] = stored["attributes"]
        self._storage = storage
        self._id = storage.get_study_id_from_name(name)
        self._candidates: dict[int, Candidate] = {}
        self._finished: dict[int, TrialRecord] = {}

    @classmethod
    def create(
        cls, path: Path, *, name: str, objectives: tuple[Objective, ...], attributes: Mapping[str, object]
    ) -> "Journal":
        """Begin a journal.

        Raises:
            RunError: the file exists or cannot be written, or the objectives are not usable.
        """
        if path.exists():
            raise RunError(f"the journal {path} must not exist yet, but it does; resume that run or name another.")
        check_objectives(objectives)
        # Under another name until it is whole, so that a crash leaves no journal without its header.
        draft = path.with_name(f"{path.name}.{os.getpid()}.new")
        try:
            begin(JournalStorage(JournalFile(draft)), name, objectives, attributes)
            os.replace(draft, path)
        except OSError as error:
            raise RunError(f"the journal {path} cannot be written: {error.strerror or error}.") from error
        finally:
            draft.unlink(missing_ok=True)
        return cls.open(path)

    @classmethod
    def in_memory(
        cls, *, name: str = "search", objectives: tuple[Objective, ...], attributes: Mapping[str, object] | None = None
    ) -> "Journal":
        """A journal that is kept in memory only, for simulations and tests."""
        check_objectives(objectives)
        storage = InMemoryStorage()
        begin(storage, name, objectives, attributes or {})
        return cls(storage, name)

    @classmethod
    def open(cls, path: Path, read_only: bool = False) -> "Journal":
        """Open a journal; for writing, a torn last line is cut off first.

        Raises:
            RunError: no such file, no journal, or a journal that is damaged before its last line.
        """
        if not path.is_file():
            raise RunError(f"the journal {path} must be a file, but there is none.")
        quiet()
        repaired = False if read_only else repair(path)
        try:
            journal = cls(*opened(path, read_only=read_only), repaired=repaired)
            journal.trials()
        except NasError as error:
            raise RunError(str(error)) from error
        except OSError as error:
            raise RunError(f"the journal {path} must be readable, but it is not: {error.strerror or error}.") from error
        except (ValueError, LookupError, TypeError, AttributeError, AssertionError) as error:
            # What Optuna raises while it replays records that are no journal, or not a whole one.
            raise RunError(f"the journal {path} must hold one record a line, but {damage(path)}.") from error
        return journal

    def hold_to(self, objectives: tuple[Objective, ...], attributes: Mapping[str, object], owner: str) -> None:
        """Refuse to go on with other objectives or attributes than the journal was begun with.

        Raises:
            RunError: naming the first that differs; ``owner`` is whose it is.
        """
        asked = {"objectives": objectives, **attributes}
        for name, value in ({"objectives": self.objectives} | dict(self.attributes)).items():
            if name in asked and asked[name] != value:
                raise RunError(f"{name} must be that of {owner}, {value!r}, but got {asked[name]!r}.")

    def add(
        self,
        candidate: Candidate,
        *,
        params: Mapping[str, Scalar] | None = None,
        distributions: Mapping[str, BaseDistribution] | None = None,
        constraints: Mapping[str, float] | None = None,
        system: Mapping[str, object] | None = None,
    ) -> int:
        """Append a running trial as one record; returns its number.

        Args:
            candidate: what will be trained.
            params: its point as Optuna's parameters; empty for a reference outside the space.
            distributions: of these parameters, the same for every trial.
            constraints: by name, at most 0 where met; the same names for every trial.
            system: what an Optuna sampler keeps with the trial.

        Raises:
            RunError: an objective that the candidate has no figure for, or a failed write.
        """
        for objective in self.objectives[1:]:
            candidate.figure(objective)
        met = constraints or {}
        trial = optuna.trial.create_trial(
            state=Told.RUNNING,
            params=dict(params or {}),
            distributions=dict(distributions or {}),
            user_attrs=trials.attributes(candidate, feasible=all(value <= 0 for value in met.values())),
            system_attrs=dict(system or {}),
            constraints=dict(met),
        )
        identifier = self._storage.create_new_trial(self._id, template_trial=trial)
        number = self._storage.get_trial(identifier).number
        self._candidates[number] = candidate
        return number

    def report(self, number: int, epoch: int, accuracy: float) -> bool:
        """Record the accuracy after an epoch; whether the trial is still running.

        A value that is not finite fails the trial.
        """
        if not self._is_running(number):
            return False
        if not math.isfinite(accuracy):
            self.fail(number, f"the accuracy after epoch {epoch} is {accuracy}, not a finite number")
            return False
        self._storage.set_trial_intermediate_value(self._identifier(number), epoch, float(accuracy))
        return True

    def complete(
        self, number: int, accuracy: float, epochs: int, seconds: float, metrics: Mapping[str, float] | None = None
    ) -> None:
        """Finish a trial with its last accuracy; a value that is not finite fails it instead."""
        self._tell(number, "complete", "complete", accuracy, epochs, seconds, None, metrics)

    def stop(
        self,
        number: int,
        accuracy: float,
        epochs: int,
        seconds: float,
        metrics: Mapping[str, float] | None = None,
        *,
        told_as: ToldAs = "fail",
    ) -> None:
        """Finish a trial that a scheduler ended before its last epoch; see :data:`ToldAs`.

        Optuna knows no pruned trials with several objectives; there ``pruned`` is told as ``fail``.
        """
        if told_as == "pruned" and len(self.objectives) > 1:
            told_as = "fail"
        self._tell(number, "stopped", told_as, accuracy, epochs, seconds, "stopped early", metrics)

    def fail(self, number: int, reason: str, epochs: int = 0, seconds: float = 0.0) -> None:
        """Finish a trial that could not be trained."""
        self._tell(number, "failed", "fail", None, epochs, seconds, reason, None)

    def trials(self) -> tuple[TrialRecord, ...]:
        """All trials, by number."""
        return tuple(self._record(trial) for trial in self._frozen())

    def trial(self, number: int) -> TrialRecord:
        """One trial; a number that is not in the journal is a RunError."""
        return self._record(self._storage.get_trial(self._identifier(number)))

    def running(self) -> tuple[TrialRecord, ...]:
        """Trials that are not finished, by number."""
        return tuple(self._record(trial) for trial in self._frozen((Told.RUNNING,)))

    def observed(self) -> tuple[TrialRecord, ...]:
        """Trials that a sampler learns from: finished, told as complete, and points of the space."""
        records = (self._record(trial) for trial in self._frozen((Told.COMPLETE,)))
        # One that somebody else told, as by a button of optuna-dashboard, has no accuracy of ours.
        return tuple(record for record in records if record.candidate.point is not None and record.accuracy is not None)

    def _frozen(self, states: Sequence[Told] | None = None) -> list[FrozenTrial]:
        return self._storage.get_all_trials(self._id, deepcopy=False, states=states)

    def _identifier(self, number: int) -> int:
        try:
            if number < 0:
                raise KeyError(number)  # Optuna would count it from the end.
            return self._storage.get_trial_id_from_study_id_trial_number(self._id, number)
        except KeyError as error:
            raise RunError(
                f"trial must be one of the {len(self._frozen())} in the journal, counted from 0, but got {number}."
            ) from error

    def _is_running(self, number: int) -> bool:
        return self._storage.get_trial(self._identifier(number)).state == Told.RUNNING

    def _tell(
        self,
        number: int,
        state: TrialState,
        told_as: ToldAs,
        accuracy: float | None,
        epochs: int,
        seconds: float,
        reason: str | None,
        metrics: Mapping[str, float] | None,
    ) -> None:
        identifier = self._identifier(number)
        if not self._is_running(number):
            return  # told twice, as after a crash between the tell and what follows it
        if accuracy is not None and not math.isfinite(accuracy):
            state, told_as, reason = "failed", "fail", f"the accuracy is {accuracy}, not a finite number"
            accuracy = None
        key = self._candidate(self._storage.get_trial(identifier)).key
        told = trials.result(key, state, accuracy, epochs, seconds, reason, metrics or {})
        self._storage.set_trial_user_attr(identifier, trials.RESULT, told)
        values: list[float] | None = None
        if accuracy is not None and told_as != "fail":
            candidate = self._candidate(self._storage.get_trial(identifier))
            costs = [candidate.figure(objective) for objective in self.objectives if objective != "accuracy"]
            values = [float(accuracy), *costs]
        self._storage.set_trial_state_values(identifier, _STATES[told_as], values)

    def _candidate(self, trial: FrozenTrial) -> Candidate:
        if trial.number not in self._candidates:
            self._candidates[trial.number] = trials.candidate(trial)
        return self._candidates[trial.number]

    def _record(self, trial: FrozenTrial) -> TrialRecord:
        known = self._finished.get(trial.number)
        if known is None:
            known = trials.record(trial, self._candidate(trial))
            if trial.state.is_finished():
                self._finished[trial.number] = known
        return known
