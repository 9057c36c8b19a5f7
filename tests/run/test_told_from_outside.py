"""Trials that somebody else ends in the journal while they train, as a button of optuna-dashboard does."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState
from toys import BUDGET, SPACE

from nas.architecture import Architecture
from nas.run.engine import Listener
from nas.run.function import search

pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")


def evaluate(architecture: Architecture, epochs: int) -> Iterator[dict[str, float]]:
    for epoch in range(1, epochs + 1):
        yield {"accuracy": 0.5 + 0.1 * epoch + 0.001 * architecture.stem.width}


class Button(Listener):
    """Ends a trial after one of its epochs, by a storage of its own on the same file."""

    def __init__(self, journal: Path, number: int, epoch: int, state: TrialState) -> None:
        self.journal, self.number, self.at, self.state = journal, number, epoch, state

    def epoch(self, number: int, metrics: Mapping[str, float]) -> None:
        if (number, metrics["epoch"]) == (self.number, self.at):
            storage = JournalStorage(JournalFileBackend(str(self.journal)))
            (study,) = storage.get_all_studies()
            identifier = storage.get_trial_id_from_study_id_trial_number(study._study_id, number)
            storage.set_trial_state_values(identifier, self.state, [0.9] if self.state == TrialState.COMPLETE else None)


@pytest.mark.parametrize("epoch", [1, 3])  # While it trains, and in its last epoch.
@pytest.mark.parametrize("state", [TrialState.FAIL, TrialState.COMPLETE])
@pytest.mark.parametrize("sampler", ["gp", "evolution"])
def test_the_search_goes_on_without_it(sampler: str, state: TrialState, epoch: int, tmp_path: Path) -> None:
    options = {"startup": 2} if sampler == "gp" else {}
    button = Button(tmp_path / "journal.log", 2, epoch, state)
    found = search(
        SPACE, evaluate, BUDGET, trials=6, epochs=3, sampler=sampler, sampler_options=options, path=tmp_path,
        listener=button,
    )  # fmt: skip
    states = [trial.state for trial in found.trials]
    assert states == ["complete", "complete", "failed", "complete", "complete", "complete"]
    assert found.finished and found.best.number != 2
    assert optuna.load_study(
        study_name=None, storage=JournalStorage(JournalFileBackend(str(tmp_path / "journal.log")))
    ).trials[2].state == state  # fmt: skip
    again = search(SPACE, evaluate, BUDGET, trials=8, epochs=3, sampler=sampler, sampler_options=options, path=tmp_path)
    assert again.finished and len(again.trials) == 8
