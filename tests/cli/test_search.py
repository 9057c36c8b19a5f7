"""``nas search``, ``resume`` and ``analyze`` on real images, and what they refuse."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import toys
import yaml
from interrupting import interrupt
from tiny_search import RAY_WARNINGS, TRAINING, write_recipe

from nas.journal import Journal
from nas.run.recipe_file import read_recipe
from nas.run.search import rehearse

pytestmark = RAY_WARNINGS


def write(folder: Path, **sections: object) -> Path:
    return write_recipe(folder, **{"stop": {"trials": 5}, "resources": {"concurrency": 2}, **sections})


SECRET = "a-secret-7391"


EPOCHS = 4


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A search in a process of its own, that Ctrl-C stopped and ``nas resume`` brought to its end."""
    folder = tmp_path_factory.mktemp("search")
    recipe = write(folder, data={"name": "digits"}, training={**TRAINING, "epochs": EPOCHS})
    command = [sys.executable, "-m", "nas", "search", str(recipe), "--out", str(folder)]
    environment = {**os.environ, "NAS_TEST_SECRET": SECRET}
    out = interrupt(command, folder / "tiny" / "curves" / "0000.jsonl", seconds=120, times=3, env=environment)
    assert f"nas resume {folder / 'tiny'}" in out
    command = [sys.executable, "-m", "nas", "resume", str(folder / "tiny")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, env=environment)
    assert done.returncode == 0, done.stderr
    (folder / "interrupted.txt").write_text(out)
    (folder / "stdout.txt").write_text(done.stdout)
    return folder / "tiny"


def test_an_interrupted_search_goes_on_to_a_whole_run_folder(run: Path) -> None:
    trials = Journal.open(run / "journal.log", read_only=True).trials()
    assert [trial.state for trial in trials] == ["complete"] * 5
    assert all(toys.BUDGET.allows(trial.candidate.cost) for trial in trials[1:])
    assert len({trial.candidate.key for trial in trials}) == 5
    for trial in trials:
        lines = (run / "curves" / f"{trial.number:04d}.jsonl").read_text().splitlines()
        assert [json.loads(line)["epoch"] for line in lines] == list(range(1, EPOCHS + 1)), "none is recorded twice"
        assert json.loads(lines[-1])["accuracy"] == trial.accuracy
    assert list((run / "checkpoints").glob("*")) == [], "only checkpoints that are still needed"
    sessions = json.loads((run / "versions.json").read_text())
    assert len(sessions) == 2
    assert all(each["packages"]["torch"] and each["ended"] > each["started"] for each in sessions)
    for file in run.rglob("*"):
        assert not file.is_file() or SECRET.encode() not in file.read_bytes(), "no environment variable is written"
    assert os.environ["PATH"] not in (run / "versions.json").read_text()
    kept = yaml.safe_load((run / "recipe.yaml").read_text())
    assert kept["data"]["resolution"] == 16, "digits have 8 pixels; they are trained at those that costs count at"
    for name in ("accuracy_vs_macs.png", "accuracy_vs_macs.svg", "accuracy_vs_macs.csv"):
        assert (run / name).stat().st_size > 100


def test_a_search_ends_with_the_front_and_the_plots_path(run: Path) -> None:
    out = (run.parent / "stdout.txt").read_text()
    assert "Pareto front" in out and "GoogLeNet" in out
    assert "accuracy_vs_macs.png" in out
    printed = (run.parent / "interrupted.txt").read_text() + out
    for trial in Journal.open(run / "journal.log", read_only=True).trials():
        assert f"  {trial.accuracy:.2%}  " in printed, "every trial that ends has a line, in its own session"


def test_analyze_redraws_from_the_folder_alone(run: Path, nas: Any) -> None:
    before = (run / "accuracy_vs_macs.csv").read_text()
    for name in ("png", "svg", "csv"):
        (run / f"accuracy_vs_macs.{name}").unlink()
    status, out, _ = nas("analyze", run, "--no-report")
    assert status == 0 and "Pareto front" in out
    assert (run / "accuracy_vs_macs.csv").read_text() == before


def test_a_run_folder_that_exists_offers_resume(run: Path, nas: Any) -> None:
    status, _, err = nas("search", run.parent / "tiny.yaml", "--out", run.parent)
    assert status == 2 and f"nas resume {run}" in err and len(err.splitlines()) == 1
    assert len(Journal.open(run / "journal.log", read_only=True).trials()) == 5, "nothing is lost"


def test_resuming_a_finished_run_trains_nothing(run: Path, nas: Any) -> None:
    before = (run / "journal.log").read_bytes()
    status, out, _ = nas("resume", run)
    assert status == 0 and "5 trials of this run ended in earlier sessions" in out
    assert "nothing was left to be trained" in out
    status, _, err = nas("resume", run, "--trials", 4)
    assert status == 2 and "`stop.trials >= 5` must hold, for so many have begun, but got 4." in err
    assert yaml.safe_load((run / "recipe.yaml").read_text())["stop"]["trials"] == 5
    assert (run / "journal.log").read_bytes() == before


@pytest.mark.usefixtures("without_ray")
def test_a_finished_run_can_be_given_more_trials(run: Path, nas: Any, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(run, tmp_path / "copy"))
    status, _, err = nas("resume", copy, "--trials", 6)
    assert status == 0, err
    trials = Journal.open(copy / "journal.log", read_only=True).trials()
    assert [trial.state for trial in trials] == ["complete"] * 6
    assert yaml.safe_load((copy / "recipe.yaml").read_text())["stop"]["trials"] == 6


BAD = {
    "space": ({"space": "googlenett"}, ["googlenett", "'googlenet'"]),
    "space file": ({"space": "nowhere.py:SPACE"}, ["nowhere.py"]),
    "data set": ({"data": {"name": "fashion"}}, ["fashion-mnist"]),
    "missing data": ({"data": {"name": "cifar10", "root": "/nonexistent"}}, ["/nonexistent"]),
    "sampler": ({"sampler": {"name": "tpee"}}, ["tpe"]),
    "sampler option": ({"sampler": {"name": "random", "options": {"frob": 1}}}, ["frob"]),
    "budget": ({"budget": {"macs": 1000, "resolution": 16, "classes": 10}}, ["cheapest", "MACs"]),
    "classes": ({"budget": {"macs": 4_000_000, "resolution": 16, "classes": 100}}, ["budget.classes=100", "10"]),
    "resources": ({"resources": {"gpu": 1}}, ["gpu=1"]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_recipes_end_with_one_sentence(case: str, nas: Any, tmp_path: Path) -> None:
    changes, words = BAD[case]
    status, _, err = nas("search", write(tmp_path, **changes), "--out", tmp_path)
    assert status == 2 and len(err.splitlines()) == 1, err
    assert all(word in err for word in words), err
    assert not (tmp_path / "tiny").exists(), "what cannot begin leaves no folder"


def test_bad_arguments_end_with_one_sentence(nas: Any, tmp_path: Path) -> None:
    recipe = write(tmp_path)
    for arguments, word in (
        (["search", recipe, "--trials", "0"], "trials=0"),
        (["search", recipe, "--set", "budget"], "KEY=VALUE"),
        (["search", recipe, "--set", "budget.mac=1"], "budget.macs"),
        (["search", recipe, "--set", "budget.macs=["], "budget.macs must be set to a YAML value, but got '['"),
        (["search", recipe, "--name", ""], "name=''."),
        (["search", recipe, "--name", "dév run"], "name='dév run', which has ' '."),
        (["search", tmp_path / "none.yaml"], "demo"),
        (["search", Path(toys.__file__)], "YAML"),
        (["resume", tmp_path], "recipe.yaml"),
        (["analyze", tmp_path / "nowhere"], "nowhere"),
    ):
        status, _, err = nas(*arguments)
        assert status == 2 and word in err and len(err.splitlines()) == 1, err


def test_a_name_is_a_text(nas: Any, tmp_path: Path) -> None:
    for name in ("2026-11-24", "2024", "true"):
        status, out, err = nas("search", write(tmp_path), "--name", name, "--trials", 2, "--dry-run")
        assert status == 0 and f"{name}: macs at most" in out, err


def test_a_corrupted_journal_is_refused_and_kept(run: Path, nas: Any, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    lines = (copy / "journal.log").read_text().splitlines(keepends=True)
    lines[3] = "not a record\n"
    (copy / "journal.log").write_text("".join(lines))
    for command in ("resume", "analyze"):
        status, _, err = nas(command, copy)
        assert status == 2 and "journal" in err and len(err.splitlines()) == 1, err
    assert (copy / "journal.log").read_text() == "".join(lines)


def test_a_torn_last_line_is_cut_off_by_resume(run: Path, nas: Any, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    whole = (copy / "journal.log").read_bytes()
    (copy / "journal.log").write_bytes(whole + whole.splitlines()[-1][:20])
    status, out, _ = nas("resume", copy)
    assert status == 0 and "torn" in out
    assert (copy / "journal.log").read_bytes() == whole


def test_a_run_folder_that_is_in_use_is_refused(run: Path, nas: Any) -> None:
    from nas.run.folder import RunFolder

    with RunFolder.open(run).locked():
        status, _, err = nas("resume", run)
    assert status == 2 and "one process at a time" in err and len(err.splitlines()) == 1


def test_dry_run_proposes_and_trains_nothing(nas: Any, tmp_path: Path) -> None:
    status, out, _ = nas("search", "imagenet", "--dry-run", "--trials", 4, "--out", tmp_path)
    assert status == 0 and "4 networks proposed, 0 of the candidates outside the budget" in out
    assert "1,498,677,248" in out and list(tmp_path.iterdir()) == []


def test_an_interrupted_dry_run_shows_what_it_has(nas: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nas.training.latency import LatencyMeter

    def measured(meter: Any, network: Any) -> dict[str, float]:
        if measuring.pop():
            return {"latency_seconds": 0.0042}
        raise KeyboardInterrupt

    measuring = [False, True, True, True]
    monkeypatch.setattr(LatencyMeter, "__call__", measured)
    recipe = write(tmp_path, budget={"latency_seconds": 0.005, "resolution": 16, "classes": 10})
    status, out, err = nas("search", recipe, "--trials", 3, "--dry-run")
    assert (status, err) == (130, "")
    assert "2 networks proposed" in out and "4.2" in out and "interrupted." in out


def test_a_dry_run_that_finds_no_more_names_the_band(nas: Any, tmp_path: Path) -> None:
    budget = {"macs": 4_000_000, "resolution": 16, "classes": 10, "at_least": 0.99}
    status, out, _ = nas("search", write(tmp_path, budget=budget), "--trials", 99, "--dry-run")
    assert status == 0 and "macs at most 4,000,000 (at least 0.99 of it)" in " ".join(out.split())
    assert "the space holds no further network with at most 4,000,000 MACs and at least 3,960,000 MACs" in " ".join(
        out.split()
    )
    assert "`budget.at_least` is 0.99: a lower one allows more" in " ".join(out.split())


def test_dry_run_shows_and_holds_to_the_latency(nas: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nas.training.latency import LatencyMeter

    monkeypatch.setattr(LatencyMeter, "__call__", lambda meter, network: {"latency_seconds": 0.0042})
    recipe = write(tmp_path, budget={"latency_seconds": 0.005, "resolution": 16, "classes": 10})
    told = "3 networks proposed, {} of the candidates outside the budget"
    status, out, err = nas("search", recipe, "--trials", 3, "--dry-run")
    assert status == 0, err
    assert "latency (ms)" in out and out.count(" 4.2 ") == 3 and out.count("84.0%") == 3 and told.format(0) in out
    assert "latency" not in nas("search", write(tmp_path), "--trials", 3, "--dry-run")[1]
    proposed = list(rehearse(read_recipe(recipe), 3))
    slow = [replace(each, measured={"latency_seconds": 0.006}) for each in proposed]
    monkeypatch.setattr("nas.run.search.rehearse", lambda *_: slow)
    recipe = write(tmp_path, budget={"latency_seconds": 0.005, "resolution": 16, "classes": 10})
    assert told.format(2) in nas("search", recipe, "--trials", 3, "--dry-run")[1]
