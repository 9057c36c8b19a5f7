"""``nas cost --measure``: memory in closed form, latency from a clock that is ours."""

import json
from collections.abc import Callable

import pytest
import torch

from nas.architecture import Architecture
from nas.memory import memory
from nas.presets import GOOGLENET
from nas.training.latency import LatencyMeter, Timing

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(meter: LatencyMeter, architecture: Architecture) -> Timing:
        assert architecture == GOOGLENET and (meter.resolution, meter.classes) == (32, 10)
        return Timing(seconds=0.001 * meter.batch / meter.threads, runs=15)

    monkeypatch.setattr(LatencyMeter, "measure", measure)


def test_text(nas: Run) -> None:
    arguments = ("--resolution", 32, "--classes", 10, "--measure", "--batch", 8, "--threads", 2)
    status, out, _ = nas("cost", "googlenet", *arguments)
    needed = memory(GOOGLENET, resolution=32, classes=10, batch=8)
    assert status == 0
    assert "latency: 4.00 ms (batch 8, 2 threads of torch, median of 15 warmed runs on this machine)" in out
    assert f"{needed.inference / 1e6:.2f} MB in inference, {needed.training / 1e6:.2f} MB in training" in out
    status, out, _ = nas("cost", "googlenet", *arguments, "--json")
    assert json.loads(out)["measured"] == {
        "batch": 8,
        "threads": 2,
        "runtime": "torch",
        "latency_seconds": 0.004,
        "runs": 15,
        "inference_bytes": needed.inference,
        "training_bytes": needed.training,
    }
    assert "2 threads of onnxruntime, median" in nas("cost", "googlenet", *arguments, "--runtime", "onnxruntime")[1]
    assert "measured" not in json.loads(nas("cost", "googlenet", "--json")[1])


def test_memory_that_does_not_suffice_is_told_in_one_sentence(nas: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(meter: LatencyMeter, architecture: Architecture) -> float:
        return float(torch.empty(1 << 60))  # bytes beyond any address space

    monkeypatch.setattr(LatencyMeter, "measure", measure)
    status, out, err = nas("cost", "googlenet", "--measure")
    assert status == 2 and err.count("\n") == 1
    assert "total: " in out, "what is exact is told before anything is timed"
    assert err.startswith("nas: memory must suffice, but it ran out:") and "try fewer at a time" in err


@pytest.mark.parametrize("name", ["batch", "threads"])
def test_refused(nas: Run, name: str) -> None:
    status, _, err = nas("cost", "googlenet", "--measure", f"--{name}", 0)
    assert status == 2 and f"`1 <= {name} < 2147483648` must hold, but got {name}=0." in err
    for value in (0, 3):
        status, _, err = nas("cost", "googlenet", f"--{name}", value)
        assert (
            status == 2 and "--batch, --threads and --runtime must come with --measure" in err and err.count("\n") == 1
        )
    status, _, err = nas("cost", "googlenet", "--measure", "--runtime", "tflite")
    assert status == 2 and "`runtime` must be one of torch, onnxruntime, but got 'tflite'." in err
