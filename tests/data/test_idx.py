"""The idx reader, on good files and bad."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from nas.data.idx import read_idx
from nas.errors import DataError

IMAGES = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
PLAIN = bytes((0, 0, 8, 3)) + struct.pack(">III", 2, 3, 3) + IMAGES.tobytes()
# Without a time of writing: pytest-xdist refuses to start where its workers, a second apart, name a test differently.
ZIPPED = gzip.compress(PLAIN, mtime=0)


@pytest.mark.parametrize("zipped", [True, False])
def test_reads(tmp_path: Path, zipped: bool) -> None:
    path = tmp_path / ("images.gz" if zipped else "images")
    path.write_bytes(ZIPPED if zipped else PLAIN)
    assert np.array_equal(read_idx(path, dimensions=3), IMAGES)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("short", PLAIN[:-1], "is truncated: its header promises 34 bytes, but it has 33."),
        ("long", PLAIN + b"x", "is too long: its header promises 34 bytes, but it has 35."),
        ("stub", PLAIN[:9], "is truncated: an idx header takes 16 bytes, but it has 9."),
        ("floats", b"\0\0\x0d\3" + PLAIN[4:], "magic 00000803, but it starts with 00000d03."),
        ("cut.gz", ZIPPED[:-12], "cannot be read, it is truncated or corrupt"),
        ("text.gz", b"<html>not found</html>", "cannot be read, it is truncated or corrupt"),
        ("flipped.gz", ZIPPED[:-6] + b"\xff\xff" + ZIPPED[-4:], "truncated or corrupt"),
        ("bits.gz", ZIPPED[:10] + b"\xff" * 20, "truncated or corrupt"),
    ],
)
def test_refuses_in_one_sentence(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_idx(path, dimensions=3)
    assert message in str(caught.value)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
