"""Where and in which arithmetic to train."""

import gc
import logging
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import torch

from nas.errors import RunError, TrialError, one_line
from nas.training.config import Precision

MOST_THREADS: Final = 1024
_POOL: Final = 0.95
"""Of a share of a GPU's memory: the rest is for what CUDA itself keeps for each process."""


def pick_device(name: str | None) -> torch.device:
    """The device of that name; None is the GPU where there is one, otherwise the CPU.

    Raises:
        TrialError: the device is unknown or absent.
    """
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise TrialError(f'`device` must be "cpu", "cuda" or "cuda:N", but got "{name}".') from error
    if device.type not in ("cpu", "cuda"):
        raise TrialError(f'`device` must be "cpu", "cuda" or "cuda:N", but got "{name}".')
    found = torch.cuda.device_count() if device.type == "cuda" and torch.cuda.is_available() else 0
    if device.type == "cuda" and (device.index or 0) >= found:
        present = f"{found or 'no'} GPU{'s' if found > 1 else ''}"
        raise TrialError(f'`device` "{name}" must be present, but torch finds {present} here.')
    return device


def settle_gpu(share: float) -> None:
    """Make ready the GPU of which a trial was given ``share``: one that follows another in a process, or beside others.

    What the trial before it has left is freed; a share below 1 takes no more than that of the memory, so that of trials
    on one GPU each runs out of its own.

    Raises:
        RunError: torch cannot compute on it; all trials there would take the CPU instead, or fail one after the other.
    """
    try:
        torch.ones(1, device="cuda").add_(1).item()
    except (RuntimeError, AssertionError) as error:  # The latter of a torch that was built for the CPU alone.
        if torch.cuda.is_available() and "no kernel image" not in str(error):
            raise  # It worked before: whether the process is to blame is told by the words.
        raise RunError(
            f"torch {torch.__version__} must be able to compute on the GPU of {platform.node()} that Ray gives to a "
            f"trial, but cannot: {one_line(error)}; set resources.gpu=0 to train on its CPU."
        ) from error
    gc.collect()
    torch.cuda.empty_cache()
    if share < 1:
        torch.cuda.set_per_process_memory_fraction(_POOL * share)


def pick_dtype(precision: Precision, device: torch.device) -> torch.dtype:
    """The type of activations and of the arithmetic of convolutions; weights and sums stay float32.

    ``auto`` is bfloat16 only where the processor multiplies it natively: emulation is slower than float32.
    """
    if precision == "float32":
        return torch.float32
    if precision == "bfloat16" or _multiplies_bfloat16(device):
        return torch.bfloat16
    return torch.float32


def warn_of_emulation(precision: Precision, device: torch.device) -> None:
    """Say it in the log where bfloat16 is asked for of a processor that has to compute it in pieces."""
    if precision == "bfloat16" and not _multiplies_bfloat16(device):
        logging.getLogger(__name__).warning(
            "training.precision=bfloat16 can take many times as long as auto on this machine, whose %s does not "
            "multiply it natively.",
            "GPU" if device.type == "cuda" else "processor",
        )


def _multiplies_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        with torch.cuda.device(device):  # What torch tells is of the current one.
            return torch.cuda.is_bf16_supported(including_emulation=False)
    found = torch.cpu.get_capabilities()
    return any(found.get(name, False) for name in ("amx_bf16", "avx512_bf16"))


@contextmanager
def full_float32() -> Iterator[None]:
    """Keep a GPU from rounding the factors of float32 products to TF32's ten bits, as torch lets convolutions."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    matmul.allow_tf32 = cudnn.allow_tf32 = False
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before


def use_threads(threads: int | None) -> None:
    """Set torch's threads in this process from now on; None leaves them.

    Raises:
        TrialError: less than one, or more than any machine has: torch would crash.
    """
    if threads is None:
        return
    check_threads(threads)
    torch.set_num_threads(threads)


def check_threads(threads: int) -> None:
    """Refuse what :func:`use_threads` would, before the work."""
    if not 1 <= threads <= MOST_THREADS:
        raise TrialError(f"`1 <= threads <= {MOST_THREADS}` must hold, but got threads={threads}.")
