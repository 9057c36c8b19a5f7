"""Devices: what is there, and what is told of what is not."""

import pytest
import torch

from nas.errors import RunError
from nas.training.device import settle_gpu


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
