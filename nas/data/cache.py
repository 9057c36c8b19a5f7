"""A place for what is costly to recompute: `$XDG_CACHE_HOME/inception-nas`, by default `~/.cache/inception-nas`."""

import io
import logging
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nas.files import write_atomically

_LOG = logging.getLogger(__name__)


def cache_folder() -> Path:
    """The cache folder; it need not exist yet."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "inception-nas"


def load_cached(name: str, size: int) -> NDArray[np.int64] | None:
    """The int64 array of length `size` saved as `name`, or None if there is none or the file is damaged."""
    path = cache_folder() / f"{name}.npy"
    try:
        array = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError) as error:
        _LOG.warning("the cache file %s is unreadable (%s) and is computed again", path, error)
        return None
    if array.dtype != np.int64 or array.shape != (size,):
        _LOG.warning("the cache file %s has another shape or type and is computed again", path)
        return None
    return array


def save_cached(name: str, array: NDArray[np.int64]) -> None:
    """Write `array` under `name`, atomically; where the folder cannot be written, only a warning is logged."""
    folder, content = cache_folder(), io.BytesIO()
    np.save(content, array, allow_pickle=False)
    try:
        write_atomically(folder / f"{name}.npy", content.getvalue())
    except OSError as error:
        _LOG.warning("the cache folder %s cannot be written (%s)", folder, error)
