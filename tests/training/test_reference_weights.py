"""The weights that stand under runs/reference are those whose figures are told."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import nas
from nas.data.load import load_data
from nas.run.plan import read_plan
from nas.training.finals import digest, read_split
from nas.training.model_folder import WEIGHTS, read_architecture

REFERENCE = Path(__file__).parents[2] / "runs" / "reference"
DELIVERED = sorted(path.parent for path in REFERENCE.glob(f"*/{WEIGHTS}"))


def told_of(folder: Path) -> dict[str, Any]:
    metrics = json.loads((folder / "metrics.json").read_text())
    (told,) = (each for each in metrics["readings"] if each["seed"] == metrics["delivered_seed"])
    return {**told, "network": metrics["network"]}


def test_there_are_some() -> None:
    assert DELIVERED


@pytest.mark.parametrize("folder", DELIVERED, ids=lambda path: path.name)
def test_they_load_and_are_those_that_were_read(folder: Path) -> None:
    told = told_of(folder)
    assert (folder / WEIGHTS).stat().st_size < 10_000_000
    assert digest(folder / WEIGHTS) == told["weights"]
    side = told["network"]["resolution"]
    with torch.no_grad():
        assert nas.load_model(folder)(torch.zeros(2, 3, side, side)).shape == (2, 10)


@pytest.mark.slow
@pytest.mark.parametrize("folder", DELIVERED, ids=lambda path: path.name)
def test_they_reach_the_test_accuracy_that_is_told(folder: Path) -> None:
    told = told_of(folder)["test"]
    data = load_data(read_plan(folder / "recipe.yaml").data, splits=("test",))
    found = read_split(folder / WEIGHTS, read_architecture(folder), data, "test", device="cpu")
    # Another processor may round the logits of an image between two classes the other way.
    assert found.accuracy == pytest.approx(told["accuracy"], abs=2e-4)
    assert found.loss == pytest.approx(told["loss"], rel=1e-3)
    assert len(set(found.wrong) ^ {int(place) for place in told["wrong"].split()}) <= 4
