"""Latency: what is timed, what is kept, and when it is measured again. No test knows how fast the machine is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from nas.architecture import Architecture
from nas.errors import BudgetError, ModelError
from nas.network.build import build
from nas.training import latency, onnx_file
from nas.training.latency import FEWEST, LEAST, MOST, PATIENCE, WARM, LatencyMeter, Timing, median_time, network_time


def test_median_of_warmed_runs() -> None:
    """The clock is ours: warm runs take 10 s, every third of the others 9 s, the rest 1 s."""
    now, runs = 0.0, 0

    def clock() -> float:
        return now

    def run() -> None:
        nonlocal now, runs
        runs += 1
        now += 10.0 if runs <= WARM else 9.0 if runs % 3 == 0 else 1.0

    assert median_time(run, clock=clock) == Timing(seconds=1.0, runs=LEAST)
    assert runs == WARM + LEAST
    runs = 0

    def instant() -> None:
        nonlocal runs
        runs += 1

    assert median_time(instant, clock=lambda: 0.0) == Timing(seconds=0.0, runs=MOST)
    assert runs == WARM + MOST


@pytest.mark.parametrize(
    ("seconds", "warm", "timed"),
    [(PATIENCE / LEAST, WARM, LEAST), (PATIENCE / 10, WARM, 10), (PATIENCE / 2, 2, FEWEST), (1e4, 1, FEWEST)],
)
def test_runs_that_take_seconds_are_fewer(seconds: float, warm: int, timed: int) -> None:
    now, runs = 0.0, 0

    def run() -> None:
        nonlocal now, runs
        runs += 1
        now += seconds

    assert median_time(run, clock=lambda: now) == Timing(seconds=seconds, runs=timed)
    assert runs == warm + timed


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], int]:
    """Measurements so far; each of them takes as many seconds as there have been."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    calls = 0

    def fake(run: Callable[[], object]) -> Timing:
        nonlocal calls
        assert run() is not None
        calls += 1
        return Timing(seconds=float(calls), runs=LEAST)

    monkeypatch.setattr(latency, "median_time", fake)
    return lambda: calls


def test_a_network_is_measured_once(tiny: Architecture, counted: Callable[[], int]) -> None:
    meter = LatencyMeter(resolution=12, classes=4)
    threads = torch.get_num_threads()
    first = meter(tiny)
    assert first == meter(tiny) == {"latency_seconds": 1.0}
    assert meter(replace(tiny, dropout=0.0, auxiliary=())) == first  # The same network at inference.
    assert counted() == 1 and torch.get_num_threads() == threads
    changes: Sequence[Mapping[str, Any]] = (
        {"batch": 2},
        {"threads": 2},
        {"resolution": 16},
        {"runtime": "onnxruntime"},
    )
    for change in changes:
        assert replace(meter, **change)(tiny) != first
    assert meter(replace(tiny, norm="none")) != first
    assert counted() == 6


@pytest.mark.usefixtures("counted")
def test_a_network_of_images_is_timed_in_the_fast_layout(tiny: Architecture) -> None:
    network = build(tiny, classes=4, resolution=12, generator=torch.Generator().manual_seed(0), plan="plain").eval()
    seen = []
    network.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    assert network_time(network, torch.zeros(2, 3, 12, 12)).seconds == 1.0
    seen += [each for each in network.parameters() if each.dim() == 4]
    assert len(seen) > 5 and all(each.is_contiguous(memory_format=torch.channels_last) for each in seen)


def test_damaged_cache(tiny: Architecture, counted: Callable[[], int], tmp_path: Path) -> None:
    meter = LatencyMeter(resolution=12, classes=4)
    meter(tiny)
    (file,) = (tmp_path / "inception-nas" / "latency").iterdir()
    file.write_text('{"latency_sec')
    assert meter(tiny) == {"latency_seconds": 2.0}


def test_a_real_measurement(tiny: Architecture) -> None:
    assert 0 < LatencyMeter(resolution=12, classes=4).measure(tiny).seconds < 60
    assert LatencyMeter(resolution=32, classes=4).measure(replace(tiny, dims=1)).seconds > 0


def test_a_real_measurement_in_onnx_runtime(tiny: Architecture) -> None:
    for network, resolution in ((tiny, 12), (replace(tiny, dims=1), 32)):
        meter = LatencyMeter(resolution=resolution, classes=4, batch=3, runtime="onnxruntime")
        assert 0 < meter.measure(network).seconds < 60 and "onnxruntime 1." in meter.machine


def test_what_runtimes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BudgetError, match="`runtime` must be one of torch, onnxruntime, but got 'tflite'"):
        LatencyMeter(resolution=12, classes=4, runtime="tflite")
    monkeypatch.setattr(onnx_file, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match="latency in ONNX Runtime needs the package onnx, but it is not installed"):
        LatencyMeter(resolution=12, classes=4, runtime="onnxruntime")
