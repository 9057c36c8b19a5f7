"""What ``nas search`` and ``nas resume`` do where something is amiss: nothing is lost, nothing is mixed up."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toys
import yaml
from PIL import Image
from tiny_search import RAY_WARNINGS, write_recipe
from tiny_search import TRAINING as FULL

from nas.journal import Journal
from nas.run.folder import RunFolder
from nas.run.mirror import fetch
from nas.run.recipe_file import read_recipe, to_yaml
from nas.run.search import _attributes, rehearse
from nas.spaces import load_space

pytestmark = RAY_WARNINGS
TRAINING = {**FULL, "epochs": 1, "batch_size": 8}


def write(folder: Path, **sections: object) -> Path:
    return write_recipe(folder, **{"training": TRAINING, "stop": {"trials": 2}, "resources": {}, **sections})


def begun(folder: Path) -> RunFolder:
    """A run that has a curve and no trial."""
    recipe = read_recipe(write(folder))
    run = RunFolder.create(folder / "tiny", recipe)
    attributes = _attributes(recipe, load_space(recipe.space))
    Journal.create(run.journal, name=recipe.name, objectives=recipe.objectives, attributes=attributes)
    run.curves.append(0, {"epoch": 1, "accuracy": 0.5})
    return run


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_run_is_overwritten_only_by_one_that_can_begin(nas: Any, tmp_path: Path) -> None:
    run = begun(tmp_path)
    before = contents(run.path)
    impossible = write(tmp_path, resources={"gpu": 1})
    status, _, err = nas("search", impossible, "--out", tmp_path, "--overwrite")
    assert status == 2 and "gpu=1" in err
    assert contents(run.path) == before | {".lock": b""}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiny", "tiny.yaml"]


def test_of_two_that_begin_a_run_at_once_the_later_changes_nothing(nas: Any, tmp_path: Path) -> None:
    run = begun(tmp_path)
    before = contents(tmp_path)
    with RunFolder.beginning(run.path):
        status, _, err = nas("search", write(tmp_path), "--out", tmp_path, "--overwrite")
        assert (status, contents(run.path)) == (2, contents(tmp_path / "tiny"))
    assert err == f"nas: one process at a time may begin a run, but another one does at {run.path}.\n"
    assert contents(tmp_path) == before, "the lock is gone, too"


def test_a_run_is_not_overwritten_where_the_sampler_is_not_fit_for_the_search(nas: Any, tmp_path: Path) -> None:
    run = begun(tmp_path)
    before = contents(run.path)
    unfit = write(tmp_path, sampler={"name": "toy_samplers:OneObjective"}, objectives=["accuracy", "macs"])
    status, _, err = nas("search", unfit, "--out", tmp_path, "--overwrite")
    assert status == 2 and "'toy_samplers:OneObjective' cannot propose a point" in err
    assert contents(run.path) == before


@pytest.mark.usefixtures("without_ray")
def test_a_run_that_met_a_limit_goes_on_under_new_ones(nas: Any, tmp_path: Path) -> None:
    run = begun(tmp_path)
    for option, name in (("--hours", "hours"), ("--core-hours", "core_hours"), ("--trials", "trials")):
        status, _, err = nas("resume", run.path, option, 0)
        assert status == 2 and f"`stop.{name} > 0` must hold" in err
    (run.path / "curves" / "0000.jsonl").unlink()
    recipe = replace(run.recipe(), resources=replace(run.recipe().resources, concurrency=1))
    (run.path / "recipe.yaml").write_text(to_yaml(recipe))
    status, out, err = nas("resume", run.path, "--core-hours", 1e-9)
    assert status == 0, err
    assert "stop.core_hours=1e-09 is reached, with 1 of 2 trials begun; the search ends here." in " ".join(out.split())
    assert "before all trials: at a limit of time" in nas("watch", run.path, "--once")[1]
    assert nas("resume", run.path, "--core-hours", 1)[0] == 0
    states = [trial.state for trial in Journal.open(run.journal, read_only=True).trials()]
    assert states == ["complete", "complete"] and run.recipe().stop.core_hours == 1


def test_a_resume_that_owes_no_trial_keeps_its_limits_and_brings_the_copy_up_to_date(nas: Any, tmp_path: Path) -> None:
    run = begun(tmp_path)
    recipe = replace(run.recipe(), resources=replace(run.recipe().resources, storage=(tmp_path / "store").as_uri()))
    (run.path / "recipe.yaml").write_text(to_yaml(recipe))
    (tmp_path / "store" / "tiny").mkdir(parents=True)
    run.curves.path(0).unlink()
    journal = Journal.open(run.journal)
    for candidate in rehearse(recipe, 2):
        journal.complete(journal.add(candidate), 0.5, 1, 1.0)
    status, _, err = nas("resume", run.path, "--hours", 5)
    assert status == 0, err
    copy = fetch(f"{recipe.resources.storage}/tiny", tmp_path / "elsewhere")
    assert run.recipe().stop.hours == copy.recipe().stop.hours == 5
    assert [trial.state for trial in Journal.open(copy.journal).trials()] == ["complete", "complete"]


def test_resume_holds_the_recipe_to_the_journal(nas: Any, tmp_path: Path) -> None:
    run = begun(tmp_path)
    recipe = run.path / "recipe.yaml"
    for old, new, word in (
        ("epochs: 1\n", "epochs: 2\n", "epochs"),
        ("macs: 4000000", "macs: 3000000", "budget"),
        ("name: random", "name: tpe", "sampler"),
    ):
        text = recipe.read_text()
        assert old in text
        recipe.write_text(text.replace(old, new))
        status, _, err = nas("resume", run.path)
        assert status == 2 and f"{word} must be that of the run in" in err and len(err.splitlines()) == 1
        recipe.write_text(text)


def test_a_run_is_resumed_on_its_own_images(nas: Any, tmp_path: Path) -> None:
    run = begun(tmp_path)
    recipe = run.path / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace("split_seed: 0", "split_seed: 1"))
    status, _, err = nas("resume", run.path)
    assert status == 2 and "data must be that of the run in" in err and "'split_seed': 1" in err


def test_a_run_is_resumed_on_another_cluster_or_on_this_machine(nas: Any, tmp_path: Path) -> None:
    run = begun(tmp_path)
    recipe = run.path / "recipe.yaml"
    recipe.write_text(
        recipe.read_text().replace("address: null", "address: 127.0.0.1:1").replace("gpu: null", "gpu: 1")
    )
    before = recipe.read_text()
    for address in ("127.0.0.1:1", "127.0.0.1:2"):
        status, _, err = nas("resume", run.path, *(["--address", address] if address.endswith("2") else []))
        assert status == 2 and f"resources.address must be a running Ray cluster, but got '{address}'" in err
    status, _, err = nas("resume", run.path, "--address", "")
    assert status == 2 and "one trial needs cpu=1 and gpu=1, but Ray has" in err, "Ray on this machine was asked"
    assert recipe.read_text() == before, "what could not begin changes nothing"


def test_a_copy_in_a_store_is_not_replaced_unasked(nas: Any, tmp_path: Path) -> None:
    (tmp_path / "store" / "tiny").mkdir(parents=True)
    journal = tmp_path / "store" / "tiny" / "journal.log"
    journal.write_text("all that is left of a run")
    uri = (tmp_path / "store").as_uri()
    status, _, err = nas("search", write(tmp_path), "--out", tmp_path / "new", "--storage", uri)
    assert status == 2 and f"nas resume {uri}/tiny" in err and "--overwrite" in err and len(err.splitlines()) == 1
    assert journal.read_text() == "all that is left of a run" and not (tmp_path / "new" / "tiny").exists()


def test_a_relative_image_folder_is_found_by_the_workers(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    for name in map(str, range(10)):
        (tmp_path / "images" / name).mkdir(parents=True)
        for index in range(8):
            image = Image.fromarray(draw.integers(0, 256, (16, 16, 3), dtype=np.uint8))
            image.save(tmp_path / "images" / name / f"{index}.png")
    data = {"name": "folder", "root": "images", "resolution": 16, "validation_share": 0.2}
    recipe = write(tmp_path, data=data, space="toys.py:SPACE")
    (tmp_path / "toys.py").write_text(Path(toys.__file__).read_text())
    command = [sys.executable, "-m", "nas", "search", str(recipe), "--out", "."]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "failed" not in done.stdout
    kept = yaml.safe_load((tmp_path / "tiny" / "recipe.yaml").read_text())
    assert kept["data"]["root"] == str(tmp_path / "images"), "it is found from any folder"
    assert kept["space"] == f"{tmp_path / 'toys.py'}:SPACE"


def test_a_search_whose_trials_all_fail_says_so(tmp_path: Path) -> None:
    training = {**TRAINING, "optimizer": "sgd", "learning_rate": 1e30}
    recipe = write(tmp_path, training=training, stop={"trials": 2})
    command = [sys.executable, "-m", "nas", "search", str(recipe), "--out", "."]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.splitlines()[-1] == "every trial failed; the lines above tell why."


def test_images_too_small_for_the_reference_are_searched_without_it(nas: Any, tmp_path: Path) -> None:
    small = {"macs": 3e7, "resolution": 28, "classes": 10}
    recipe = write(tmp_path, space="inception_small", budget=small, data={"name": "fashion-mnist"})
    status, out, err = nas("search", recipe, "--dry-run", "--trials", 3)
    assert status == 0, err
    assert "3 networks proposed, 0 of the candidates outside the budget" in out and "reference" not in out
