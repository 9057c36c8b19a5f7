"""Reader of idx files, the format of MNIST and its kin (http://yann.lecun.com/exdb/mnist): unsigned bytes only."""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nas.errors import DataError


def read_idx(path: Path, *, dimensions: int) -> NDArray[np.uint8]:
    """Read an idx file, gzipped if its name ends in `.gz`.

    Args:
        path: the file.
        dimensions: how many the array must have (3 for images, 1 for labels).

    Returns:
        A read-only array of uint8.

    Raises:
        DataError: the file cannot be read, is truncated or corrupt, or holds another type or number of dimensions.
    """
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read, it is truncated or corrupt ({error}); fetch it again.") from error
    header = 4 + 4 * dimensions
    if len(raw) < header:
        raise DataError(f"{path} is truncated: an idx header takes {header} bytes, but it has {len(raw)}.")
    if raw[:4] != bytes((0, 0, 8, dimensions)):
        raise DataError(
            f"{path} must be an idx file of unsigned bytes with {dimensions} dimensions, "
            f"magic {bytes((0, 0, 8, dimensions)).hex()}, but it starts with {raw[:4].hex()}."
        )
    shape = tuple(int(side) for side in np.frombuffer(raw, dtype=">u4", count=dimensions, offset=4))
    expected = header + math.prod(shape)
    if len(raw) != expected:
        kind = "truncated" if len(raw) < expected else "too long"
        raise DataError(f"{path} is {kind}: its header promises {expected} bytes, but it has {len(raw)}.")
    return np.frombuffer(raw, dtype=np.uint8, offset=header).reshape(shape)
