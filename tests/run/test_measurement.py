"""A limit on latency: alone, beside one on MACs, and one that cannot be met. The times are made up."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import toys

from nas.architecture import Architecture
from nas.budget import Budget
from nas.cost import Cost
from nas.errors import BudgetError
from nas.run.function import search
from nas.run.measurement import measurement
from nas.run.recipe_file import build_recipe
from nas.run.search import rehearse
from nas.training import latency

LATENCY = Budget(latency_seconds=0.05, resolution=16, classes=10)


def seconds_of(architecture: Architecture) -> float:
    """By the stem alone: 8 ms to 32 ms and the reference 12 ms, times two."""
    return architecture.stem.width * 0.002


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], list[int]]:
    """Stem widths of the networks measured so far, by the made-up clock."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    widths: list[int] = []

    def measure(meter: latency.LatencyMeter, architecture: Architecture) -> latency.Timing:
        assert (meter.resolution, meter.classes) == (16, 10)
        widths.append(architecture.stem.width)
        return latency.Timing(seconds=seconds_of(architecture), runs=latency.LEAST)

    monkeypatch.setattr(latency.LatencyMeter, "measure", measure)
    return lambda: widths


@pytest.mark.parametrize("sampler", ["random", "evolution", "gp", "tpe"])
def test_alone(sampler: str, measured: Callable[[], list[int]]) -> None:
    result = search(toys.SPACE, toys.evaluate, LATENCY, trials=6, sampler=sampler)
    assert result.finished and len(result.trials) == 6
    for trial in result.trials:
        assert trial.candidate.measured == {"latency_seconds": seconds_of(trial.candidate.architecture)}
        assert trial.candidate.measured["latency_seconds"] <= 0.05


def test_beside_macs(measured: Callable[[], list[int]]) -> None:
    budget = replace(LATENCY, macs=1_500_000, latency_seconds=0.04)
    result = search(toys.SPACE, toys.evaluate, budget, trials=5, sampler="random")
    candidates = [trial.candidate for trial in result.trials if not trial.candidate.reference]
    assert len(candidates) == 4
    assert all(each.cost.macs <= 1_500_000 and each.measured["latency_seconds"] <= 0.04 for each in candidates)


def test_as_an_objective(measured: Callable[[], list[int]]) -> None:
    budget = Budget(macs=4_000_000, resolution=16, classes=10)
    result = search(
        toys.SPACE, toys.evaluate, budget, trials=3, sampler="nsga2", objectives=("accuracy", "latency_seconds")
    )
    assert all(trial.candidate.measured for trial in result.trials)
    assert measurement(budget, ("accuracy", "macs")) is None
    other = measurement(replace(budget, latency_runtime="onnxruntime"), ("latency_seconds",))
    assert isinstance(other, latency.LatencyMeter) and other.runtime == "onnxruntime"


def test_a_limit_that_nothing_meets(measured: Callable[[], list[int]]) -> None:
    with pytest.raises(BudgetError, match=r"fewest MACs takes 0\.016 s, but `budget\.latency_seconds` is 0\.003 \("):
        search(toys.SPACE, toys.evaluate, replace(LATENCY, latency_seconds=0.003), trials=3)
    assert measured() == [8]


def test_a_limit_that_the_network_of_the_fewest_macs_does_not_meet(
    monkeypatch: pytest.MonkeyPatch, measured: Callable[[], list[int]]
) -> None:
    """Others may: here those of the widest stems are the fastest."""

    def measure(meter: latency.LatencyMeter, architecture: Architecture) -> latency.Timing:
        return latency.Timing(seconds=0.2 / architecture.stem.width, runs=latency.LEAST)

    monkeypatch.setattr(latency.LatencyMeter, "measure", measure)
    limit = replace(LATENCY, latency_seconds=0.01)
    result = search(toys.SPACE, toys.evaluate, limit, trials=3, sampler="random")
    assert all(trial.candidate.measured["latency_seconds"] <= 0.01 for trial in result.trials[1:])


def test_in_a_recipe(measured: Callable[[], list[int]]) -> None:
    data: Mapping[str, object] = {
        "name": "fast",
        "space": f"{toys.__file__}:SPACE",
        "data": {"name": "digits", "resolution": 16},
        "budget": {"latency_seconds": 0.05, "latency_threads": 2, "resolution": 16, "classes": 10},
        "training": {"recipe": "modern", "epochs": 2},
        "stop": {"trials": 3},
        "sampler": {"name": "random"},
    }
    recipe = build_recipe(data)
    assert recipe.budget == Budget(latency_seconds=0.05, latency_threads=2, resolution=16, classes=10)
    candidates = list(rehearse(recipe, 3))
    assert len(candidates) == 3 and all(each.measured["latency_seconds"] <= 0.05 for each in candidates)


def test_limits_may_be_numpys() -> None:
    budget = Budget(macs=np.int64(40), resolution=8.0, classes=2, latency_seconds=np.float32(0.5), at_least=0)  # type: ignore[arg-type]
    assert json.loads(json.dumps(asdict(budget))) == asdict(
        Budget(macs=40, resolution=8, classes=2, latency_seconds=0.5, at_least=0.0)
    )


def test_budget() -> None:
    spent = Cost(macs=10, params=1, weights=1, activations=1)
    assert LATENCY.metric == "macs" and dict(LATENCY.limits) == {} and LATENCY.allows(spent)
    assert LATENCY.excess(spent) == 0.0
    assert LATENCY.excess(spent, {"latency_seconds": 0.1}) == 2.0
    both = replace(LATENCY, macs=40)
    assert both.excess(spent, {"latency_seconds": 0.025}) == 0.5 and both.excess(spent) == 0.25
    assert Budget(**asdict(both)) == both
    other = replace(both, latency_runtime="onnxruntime")
    for budget in (both, other):
        assert Budget(**budget.told) == budget  # type: ignore[arg-type]
    assert "latency_runtime" not in both.told, "as in journals of before it was known"
    for share, least in ((0.55, 55), (0.9, 90), (1 / 3, 34), (0.0, 0)):
        band = Budget(macs=100, resolution=16, classes=10, at_least=share)
        assert band.least == least and band.allows(replace(spent, macs=least))
        assert band.allows(replace(spent, macs=least - 1)) == (not share)
    for changes, said in (
        ({"latency_seconds": 0.0}, "`budget.latency_seconds > 0` must hold"),
        ({"latency_seconds": np.inf}, "`budget.latency_seconds > 0` must hold"),
        ({"latency_seconds": None}, "must limit at least one of macs, params, activations, latency_seconds"),
        ({"at_least": 0.5}, "`budget.at_least == 0` must hold"),
        ({"latency_threads": 0}, "`budget.latency_threads >= 1` must hold"),
        ({"latency_runtime": "tflite"}, "`budget.latency_runtime` must be one of torch, onnxruntime, but got 'tflite'"),
        ({"resolution": "32"}, "`budget.resolution` must be a whole number, but got resolution='32'"),
        ({"macs": 1.5}, "`budget.macs` must be a whole number, but got macs=1.5"),
        ({"latency_seconds": "1 ms"}, "`budget.latency_seconds` must be a number, but got latency_seconds='1 ms'"),
    ):
        with pytest.raises(BudgetError, match=said):
            replace(LATENCY, **changes)
