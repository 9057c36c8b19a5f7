"""Devices: what is there, and what is told of what is not."""

import logging

import pytest
import torch

from nas.architecture import Architecture
from nas.data.splits import Data
from nas.errors import RunError
from nas.training import TrainingConfig
from nas.training.config import Precision
from nas.training.device import settle_gpu
from nas.training.trainer import Trainer


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU that torch can use")
def test_a_gpu_that_torch_cannot_use_is_told() -> None:
    with pytest.raises(RunError, match=r"must be able to compute on the GPU of .*; set resources\.gpu=0"):
        settle_gpu(1.0)


@pytest.mark.gpu
def test_a_share_of_a_gpu_is_a_share_of_its_memory() -> None:
    settle_gpu(0.25)
    whole = torch.cuda.get_device_properties(0).total_memory
    try:
        with pytest.raises(torch.OutOfMemoryError):
            torch.empty(int(0.3 * whole), dtype=torch.uint8, device="cuda")
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


@pytest.mark.parametrize(
    ("precision", "native", "warns"),
    [("bfloat16", False, True), ("bfloat16", True, False), ("auto", False, False), ("float32", False, False)],
)
def test_emulated_arithmetic_is_told(
    precision: Precision,
    native: bool,
    warns: bool,
    tiny: Architecture,
    digits: Data,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": native})
    with caplog.at_level(logging.WARNING):
        Trainer(tiny, digits, TrainingConfig(epochs=1, batch_size=32, precision=precision), seed=0, device="cpu")
    assert ("many times as long as auto" in caplog.text) == warns
