import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

import analysis
from analysis.anytime import anytime
from analysis.epochs import empty
from analysis.pareto import front
from analysis.report.payload import payload
from analysis.report.summary import cards, summarise
from analysis.runs import stack
from analysis.table import tabulate
from nas.errors import RunError
from nas.journal.foreign import read_foreign


@pytest.fixture
def study(tmp_path):
    def make(direction="minimize", name="theirs.log", **values):
        storage = JournalStorage(JournalFileBackend(str(tmp_path / name)))
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        return optuna.create_study(storage=storage, direction=direction), tmp_path / name

    return make


def objective(trial):
    width = trial.suggest_int("width", 8, 64)
    kind = trial.suggest_categorical("kind", ["a", "b"])
    trial.set_user_attr("macs", width * width * 1000)
    for step in (1, 2, 3):
        trial.report(0.5 - 0.1 * step, step)
    if trial.number == 3:
        raise optuna.TrialPruned
    if trial.number == 4:
        raise ValueError("broken")
    return 0.2 - width / 1000 + (kind == "a") / 100


def test_an_optuna_journal_of_somebody_else_is_analysed(study):
    theirs, path = study()
    theirs.optimize(objective, n_trials=12, catch=(ValueError,))
    table = analysis.load(path)
    assert table["run"].eq("theirs").all()
    assert table["state"].tolist() == ["complete"] * 3 + ["stopped", "failed"] + ["complete"] * 7
    for trial, row in zip(theirs.trials, table.to_dict("records"), strict=True):
        assert row["choice.width"] == trial.params["width"]
        assert row["macs"] == trial.user_attrs["macs"]
        if trial.value is not None and row["state"] == "complete":
            assert row["error"] == pytest.approx(trial.value)
        assert row["accuracy_at_2"] == pytest.approx(0.7)
    assert table.loc[3, "accuracy"] == pytest.approx(0.8)  # its last intermediate error is 0.2
    assert len(front(table)) >= 1
    paths = analysis.analyze(path, into=path.parent / "out", report=True)
    assert (path.parent / "out" / "report.html") in paths


def test_what_says_that_it_was_stopped_was_not_trained_to_the_end(study):
    theirs, path = study(direction="maximize")
    for stopped in (False, True):
        trial = theirs.ask()
        trial.set_user_attr("macs", 1000)
        trial.set_user_attr("stopped", stopped)
        theirs.tell(trial, 0.5 + 0.4 * stopped)
    table = analysis.load(path)
    assert table["state"].tolist() == ["complete", "stopped"]
    assert front(table)["trial"].tolist() == [0]


def test_accuracy_may_be_maximised_and_macs_an_objective(tmp_path):
    storage = JournalStorage(JournalFileBackend(str(tmp_path / "two.log")))
    theirs = optuna.create_study(storage=storage, directions=["maximize", "minimize"])
    with pytest.warns(optuna.exceptions.ExperimentalWarning):
        theirs.set_metric_names(["accuracy", "macs"])
    theirs.optimize(lambda trial: (trial.suggest_float("x", 0, 1), 5000.0), n_trials=3)
    (first, *_) = read_foreign(tmp_path / "two.log")
    assert first.accuracy == theirs.trials[0].params["x"]
    assert first.costs == {"macs": 5000}


def test_user_attributes_are_metrics_and_tell_the_training_time(study):
    theirs, path = study(direction="maximize")

    def objective(trial):
        for name, value in {"macs": 1000, "accuracy_b": 0.25, "seconds": 90 + trial.number, "note": "a text"}.items():
            trial.set_user_attr(name, value)
        return trial.suggest_float("x", 0, 1)

    theirs.optimize(objective, n_trials=2)
    table = analysis.load(path)
    assert table["seconds"].tolist() == [90.0, 91.0]
    assert table["metric.accuracy_b"].tolist() == [0.25, 0.25]
    assert not any("note" in column for column in table.columns)


def test_a_cost_that_a_study_does_not_give_is_not_0(study, search, budget):
    theirs, path = study()
    theirs.optimize(objective, n_trials=2)
    alone = analysis.load(path)
    ours = tabulate(search(20), run="ours", budget=budget)
    both = stack([alone, ours])
    for cost in ("params", "activations"):
        assert front(alone, cost).empty
        assert front(both, cost)["key"].tolist() == front(ours, cost)["key"].tolist()
        course = anytime(alone, measure="hypervolume", cost=cost, most_cost=1e6)
        assert course.y.tolist() == [0, 0]
    assert len(front(alone)) >= 1
    assert not any("params" in remark for _, _, remark in cards(summarise(alone)))
    columns = payload(alone, empty(), {})["columns"]
    assert columns["params"] == columns["activations"] == [None, None]


def test_a_study_without_macs_or_with_other_values_is_refused(study):
    theirs, path = study()
    theirs.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    with pytest.raises(RunError, match="user attribute 'macs'"):
        analysis.load(path)
    theirs, path = study(name="percent.log")
    theirs.optimize(lambda trial: trial.suggest_float("x", 50, 60), n_trials=1)
    with pytest.raises(RunError, match=r"must be an accuracy or error in \[0, 1\]"):
        analysis.load(path)


def test_a_run_of_our_own_is_not_taken_for_a_foreign_one(run_folder):
    with pytest.raises(RunError, match="own"):
        read_foreign(run_folder(3) / "journal.log")
