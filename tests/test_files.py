"""Files are whole or not there."""

import errno
import os
from pathlib import Path

import pytest

from nas.files import write_atomically


@pytest.mark.parametrize("content", ["text of a café\n", b"\x00\xff"])
def test_a_file_and_its_folder_are_made(content: str | bytes, tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    write_atomically(path, content)
    assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
    assert list(path.parent.iterdir()) == [path]


def test_what_was_there_stays_where_the_disk_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_atomically(path, "before")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "no space is left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space") as caught:
        write_atomically(path, "after")
    assert caught.value.filename == str(path), "and not that of the draft"
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]
