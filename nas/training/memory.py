"""What to do when memory runs out."""

from collections.abc import Callable
from typing import Final, TypeVar

import torch

from nas.errors import TrialError

T = TypeVar("T")

# Of the CPU's allocator, of cuBLAS's and cuDNN's handles, and of cuDNN when no algorithm finds room for its workspace.
_NO_MEMORY: Final = ("can't allocate memory", "STATUS_ALLOC_FAILED", "unable to find an engine to execute")
_FEWEST: Final = 2
"""Images a batch: batch-norm's statistics need more than one."""


def out_of_memory(error: RuntimeError) -> bool:
    """Whether an error of torch says that memory ran out, on the GPU or on the CPU."""
    return isinstance(error, torch.OutOfMemoryError) or any(words in str(error) for words in _NO_MEMORY)


def within_memory(work: Callable[[int], T], batch_size: int, *, what: str, may_cut: bool = True) -> T:
    """Do forward passes in batches; where memory runs out, from the start in batches of half as many images.

    A training step keeps the maps of every layer, but of fewer images: what was room enough for it may not be here.

    Args:
        work: called with the images of a batch.
        batch_size: the first that is tried.
        what: is done, for the message.
        may_cut: whether there may be a second one.

    Raises:
        TrialError: memory runs out in the smallest batch that may be tried.
    """
    while True:
        try:
            return work(batch_size)
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            if not may_cut or batch_size // 2 < _FEWEST:
                raise TrialError(f"memory ran out in {what}, with {batch_size} images at a time.") from error
        # Outside of the handler: the exception's frames would keep the tensors alive.
        batch_size //= 2
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
