"""What ``nas train`` and ``nas baseline`` would train, by their arguments and settings: nothing is trained."""

import json
import shutil
from pathlib import Path
from typing import Any

import model_folders
import pytest

from nas.data.config import DataConfig
from nas.run.delivered import searched_of

ROOT = Path(__file__).parents[2]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, Any, Path]]:
    """Networks, plan and folder of each training that was asked for."""
    seen: list[tuple[Any, Any, Path]] = []
    monkeypatch.setattr("nas.run.train.train", lambda networks, plan, folder, *_: seen.append((networks, plan, folder)))
    return seen


def test_a_model_folder_is_trained_again_on_its_own_data(nas: Any, tmp_path: Path, asked: Any) -> None:
    data = DataConfig(name="digits", resolution=8, validation_share=0.2, split_seed=3)
    folder = model_folders.make(tmp_path / "model", data, tuple("0123456789"))
    searched = {"name": "digits", "split_seed": 3, "validation_share": 0.1}
    (folder / "metrics.json").write_text(json.dumps({"network": {"searched": searched}}))
    for words in ([], ["--data", "fashion-mnist"], ["--set", "data.validation_share=0.1"]):
        nas("train", folder, "--out", tmp_path / "out", *words)
    plans = [plan.data for _, plan, _ in asked]
    assert plans[0] == data and plans[1] == DataConfig(name="fashion-mnist")
    assert [networks[0].searched for networks, _, _ in asked] == [DataConfig(**searched)] * 3  # type: ignore[arg-type]
    blind = [networks[0].is_blind(plan.data) for networks, plan, _ in asked]
    assert blind == [False, True, True]


def test_a_folder_that_tells_of_no_search_is_of_none(tmp_path: Path) -> None:
    assert searched_of(tmp_path) is None
    shutil.copy(ROOT / "runs" / "reference" / "googlenet" / "metrics.json", tmp_path)
    assert searched_of(tmp_path) is None


def test_metrics_that_are_none_are_told(nas: Any, tmp_path: Path) -> None:
    folder = model_folders.make(tmp_path / "model", DataConfig(name="digits", resolution=8), tuple("0123456789"))
    for content in ("{", "[1]", '{"network": {"searched": {"colour": 1}}}'):
        (folder / "metrics.json").write_text(content)
        status, _, err = nas("train", folder, "--out", tmp_path / "out")
        assert status == 2 and "metrics.json must hold the metrics of a training" in err and err.count("\n") == 1


PAPER = [["--recipe", "paper"], *(["--set", f"training{each}"] for each in (".recipe=paper", "={recipe: paper}"))]


@pytest.mark.parametrize("options", [*PAPER, ["--set", "training.recipe='paper'"]])
def test_the_papers_recipe_trains_the_papers_network_however_it_is_named(
    options: list[str], nas: Any, tmp_path: Path, asked: Any
) -> None:
    nas("baseline", "--data", "digits", *options)
    nas("train", "googlenet", "--data", "digits", "--out", tmp_path / "out", *options)
    assert [networks[0].architecture.norm for networks, _, _ in asked] == ["lrn", "lrn"]
    assert asked[0][2].name == "baseline-googlenet-digits-paper"


def test_a_data_set_may_be_named_with_its_section(nas: Any, asked: Any) -> None:
    nas("baseline", "--set", "data={name: digits}")
    assert [folder.name for _, _, folder in asked] == ["baseline-googlenet-digits-modern"]
