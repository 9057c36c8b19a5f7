"""Files of equal bytes, among more than can be decoded."""

import hashlib
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nas.data.bar import bar

_READERS: Final = 32
_AT_ONCE: Final = 4096
_END_BYTES: Final = 4096


def group_identical(paths: list[Path]) -> NDArray[np.int64]:
    """Give every file the index of the first with the same bytes, [N].

    Only files of equal size and equal last bytes are read whole: of a million photographs as good as none.
    """
    keys: dict[int, tuple[object, ...]] = {index: () for index in range(len(paths))}
    with ThreadPoolExecutor(_READERS) as readers:
        for fact in (_size, _end, _content):
            numbers = list(keys)
            with bar("looking for equal files", len(numbers)) as waiting:
                for start in range(0, len(numbers), _AT_ONCE):
                    part = numbers[start : start + _AT_ONCE]
                    for index, told in zip(part, readers.map(fact, (paths[each] for each in part)), strict=True):
                        keys[index] += (told,)
                    waiting.update(len(part))
            counts = Counter(keys.values())
            keys = {index: key for index, key in keys.items() if counts[key] > 1}
    groups = np.arange(len(paths))
    first: dict[tuple[object, ...], int] = {}
    for index, key in keys.items():
        groups[index] = first.setdefault(key, index)
    return groups


def _size(path: Path) -> int:
    return path.stat().st_size


def _end(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _END_BYTES))
        return hashlib.sha256(file.read()).digest()


def _content(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()
