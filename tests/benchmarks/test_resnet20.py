"""ResNet-20, the reference outside our spaces: the paper's size, and a folder to compare ours with."""

import json
import sys
from pathlib import Path

import pytest
import torch

from analysis.trained import read_trained

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks import resnet20  # noqa: E402


def test_it_has_the_papers_twenty_layers_and_parameters() -> None:
    network = resnet20.ResNet20(10)
    layers = [module for module in network.modules() if isinstance(module, torch.nn.Conv2d | torch.nn.Linear)]
    params = sum(parameter.numel() for parameter in network.parameters())
    # arXiv 1512.03385, table 6: 0.27M parameters.
    assert len(layers) == 20 and round(params / 1e6, 2) == 0.27
    assert network(torch.zeros(2, 3, 28, 28)).shape == (2, 10)


def test_its_cost_is_what_its_layers_make_by_hand() -> None:
    network = resnet20.ResNet20(10)
    convolutions = 3 * 16 * 784 + 6 * 16 * 16 * 784 + (16 * 32 + 5 * 32 * 32) * 196 + (32 * 64 + 5 * 64 * 64) * 49
    assert resnet20.macs(network, 28) == 9 * convolutions + 64 * 10
    told = json.loads((ROOT / "runs" / "reference" / "resnet20" / "metrics.json").read_text())["network"]
    assert (told["resolution"], told["macs"]) == (28, 9 * convolutions + 64 * 10)


def test_its_folder_is_read_like_any_model_and_is_not_trained_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ["--data", "digits", "--epochs", "2", "--seeds", "2", "--set", "training.warmup_epochs=1"]
    call += ["--set", "data.limit=300", "--out", str(tmp_path)]
    resnet20.main(call)
    first = capsys.readouterr().out
    metrics = (tmp_path / "metrics.json").read_text()
    curves = [path.read_text() for path in sorted((tmp_path / "curves").iterdir())]
    resnet20.main(call)
    again = capsys.readouterr().out
    assert "seed 1: epoch 2/2" in first and "seed 1: epoch" not in again
    assert first.endswith(again)
    assert (tmp_path / "metrics.json").read_text() == metrics
    assert [path.read_text() for path in sorted((tmp_path / "curves").iterdir())] == curves
    (model,) = read_trained([tmp_path])
    assert model.label == "ResNet-20" and [seed for seed, _ in model.accuracies] == [0, 1]
    assert model.over_images(model) is not None
    assert len(json.loads((tmp_path / "versions.json").read_text())) == 2
