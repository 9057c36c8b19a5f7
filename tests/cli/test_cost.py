"""``nas cost``: the paper's table, files, budgets, and what is refused."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nas.presets import PRESETS, TORCHVISION
from nas.serialize import to_json

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("preset", ["googlenet", "googlenet-bvlc", "googlenet-torchvision"])
def test_totals_of_the_three_googlenets(nas: Any, preset: str) -> None:
    status, out, _ = nas("cost", preset, "--json", "--budget", "1.5e9")
    told = json.loads(out)
    assert status == 0
    assert told["macs"] == sum(row["macs"] for row in told["rows"])
    assert told["fits"] == {"googlenet": True, "googlenet-bvlc": False, "googlenet-torchvision": True}


def test_the_papers_figures_stand_beside_ours(nas: Any) -> None:
    _, out, _ = nas("cost", "googlenet")
    row = next(line for line in out.splitlines() if " 4c " in line)
    assert [cell.strip() for cell in row.strip("│").split("│")] == [
        "4c", "512", "512", "14", "99,850,240", "100M", "509,440", "463K",
    ]  # fmt: skip
    assert "1,498,677,248" in out
    _, elsewhere, _ = nas("cost", "googlenet", "--resolution", 32, "--classes", 10)
    assert "30,574,592" in elsewhere and "100M" not in elsewhere


def test_an_architecture_in_a_file(nas: Any, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(to_json(TORCHVISION))
    status, out, _ = nas("cost", path, "--json")
    assert status == 0 and json.loads(out)["macs"] == 1_498_376_192
    _, out, _ = nas("cost", path, "--budget", 1e6)
    assert f"{path}: does not fit 1,000,000 MACs" in out


def test_the_network_of_a_trial_and_of_a_model_folder_and_its_file(nas: Any, tmp_path: Path) -> None:
    run, model, file = ROOT / "runs/reference/demo", ROOT / "runs/reference/winner", tmp_path / "found.json"
    arguments = ("--resolution", 32, "--classes", 10)
    for named in (f"{run}:1", model):
        status, out, err = nas("cost", named, *arguments, "--json", "--out", file)
        assert status == 0, err
        again = json.loads(nas("cost", file, *arguments, "--json")[1])
        assert again["network"] == str(file) and again | {"network": str(named)} == json.loads(out)
    assert json.loads(out)["params"] == 223_082
    status, _, err = nas("cost", f"{run}:99")
    assert status == 2 and "but got 99" in err


def test_series_are_beside_googlenets_for_series(nas: Any, tmp_path: Path) -> None:
    file = tmp_path / "series.json"
    file.write_text(to_json(replace(PRESETS["googlenet-torchvision"], dims=1)))
    status, out, _ = nas("cost", file, "--resolution", 128, "--classes", 8, "--budget", 25e6)
    assert status == 0 and out.count(": fits 25,000,000 MACs") == 4


def test_presets_that_cannot_be_wired_do_not_hide_whether_a_network_fits(nas: Any) -> None:
    winner = str(ROOT / "runs/reference/winner/architecture.json")
    arguments = ("cost", winner, "--resolution", 28, "--classes", 10, "--budget", 30_574_592)
    status, out, _ = nas(*arguments)
    assert status == 0 and f"{winner}: fits 30,574,592 MACs" in out
    assert "googlenet: cannot be wired at 28 pixels" in out and "googlenet-torchvision: fits" in out
    _, out, _ = nas(*arguments, "--json")
    assert json.loads(out)["fits"] | {winner: None} == {
        winner: None, "googlenet": None, "googlenet-bvlc": None, "googlenet-torchvision": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nix"], ["googlenet-bvlc", "'nix'"]),
        (["googlenet", "--budget", "much"], ["budget", "'much'"]),
        (["googlenet", "--budget", "-5"], ["budget.macs >= 1", "-5"]),
        (["googlenet", "--resolution", "16"], ["`resolution >= 31` must hold, but got 16", "reduction4", "size=1"]),
        (["googlenet", "--resolution", "0"], ["`resolution >= 1`", "resolution=0"]),
        (["googlenet", "--classes", "0"], ["classes >= 1", "classes=0"]),
        (["googlenet", "--classes", "many"], ["--classes", "valid int"]),
        (["googlenet", "--frob"], ["--frob"]),
        (["googlenet", "--measure", "--threads", "100000000"], ["1 <= threads <= 1024", "threads=100000000"]),
        (["googlenet", "--measure", "--batch", "9" * 12], ["1 <= batch < 2147483648", "batch=999999999999"]),
        ([], ["network"]),
    ],
)
def test_bad_input_is_one_sentence_and_status_2(nas: Any, arguments: list[str], words: list[str]) -> None:
    status, out, err = nas("cost", *arguments)
    assert status == 2 and out == ""
    assert len(err.splitlines()) == 1 and all(word in err for word in words), err


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda cell: cell.update(b3x3=0, b3x3_reduce=0, b5x5=0, b5x5_reduce=0), ["spatial branch"]),
        (lambda cell: cell.update(b3x3=0), ["b3x3_reduce == 0", "b3x3_reduce=96"]),
        (lambda cell: cell.update(b1x1=-8), ["b1x1=-8"]),
        (lambda cell: cell.update(b7x7=8), ["'b7x7'"]),
        (lambda cell: cell.pop("pool_proj"), ["lacks the field 'pool_proj'"]),
    ],
)
def test_an_impossible_cell_in_a_file(nas: Any, tmp_path: Path, change: Any, words: list[str]) -> None:
    data = json.loads(to_json(PRESETS["googlenet"]))
    change(data["stages"][0][0])
    path = tmp_path / "impossible.json"
    path.write_text(json.dumps(data))
    status, _, err = nas("cost", path)
    assert status == 2 and len(err.splitlines()) == 1
    assert all(word in err for word in words), err


def test_a_trial_and_a_model_folder_are_costed_as_they_were(nas: Any, tmp_path: Path) -> None:
    model = tmp_path / "winner"
    shutil.copytree(ROOT / "runs/reference/winner", model)
    assert json.loads(nas("cost", model, "--json")[1])["macs"] == 28_152_888
    assert json.loads(nas("cost", model, "--json", "--resolution", 32)[1])["macs"] > 28_152_888
    told = json.loads(nas("cost", f"{ROOT}/runs/reference/demo:0", "--json")[1])
    assert (told["resolution"], told["classes"], told["macs"]) == (32, 10, 30_574_592)
    (model / "metrics.json").unlink()
    assert json.loads(nas("cost", model, "--json")[1])["macs"] == 28_152_888, "by its weights"
    (model / "metrics.json").write_text("{")
    status, _, err = nas("cost", model)
    assert status == 2 and f"{model}/metrics.json must tell what its network was costed at" in err


def test_a_trial_of_a_search_by_ones_own_function_is_costed_from_its_journal(nas: Any, tmp_path: Path) -> None:
    shutil.copy(ROOT / "runs/reference/demo/journal.log", tmp_path)
    assert json.loads(nas("cost", f"{tmp_path}:0", "--json")[1])["macs"] == 30_574_592
    status, _, err = nas("cost", f"{tmp_path}:²")
    assert status == 2 and "a trial as RUN:NUMBER" in err
