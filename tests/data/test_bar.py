"""The bar of long work: on a terminal, and there only."""

import io
import sys
from pathlib import Path

import pytest

from nas.data import DataConfig, bar
from nas.data import folder as folder_module
from nas.data.load import load_data


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("limit", "what"), [(10, "looking for equal files"), (1000, "reading all images once")])
def test_a_large_folder(
    limit: int, what: str, folder_root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(folder_module, "NEAR_DUPLICATE_LIMIT", limit)
    monkeypatch.setattr(bar, "_PATIENCE_SECONDS", 0.0)

    def written(stream: io.StringIO, cache: str) -> str:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / cache))
        monkeypatch.setattr(sys, "stderr", stream)
        load_data(DataConfig(name="folder", root=str(folder_root), resolution=24))
        return stream.getvalue()

    drawn = written(Terminal(), "first")
    assert f"{what}:" in drawn and drawn.endswith("\r")
    assert written(io.StringIO(), "second") == ""
