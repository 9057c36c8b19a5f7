"""The compiler and its cache: what goes wrong there is a warning, and the plain plan does the work."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from nas.network.fast import compile as compile_module
from nas.network.fast.compile import library


@pytest.fixture(autouse=True)
def anew() -> Iterator[None]:
    library.cache_clear()
    yield
    library.cache_clear()


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), RuntimeError("there is no home")])
def test_a_cache_that_cannot_be_looked_at_is_a_warning(
    error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As with another user's home, or none."""

    def refused() -> Path:
        raise error

    monkeypatch.setattr(compile_module, "cache_folder", refused)
    monkeypatch.setattr(compile_module.shutil, "which", lambda name: f"/usr/bin/{name}")
    with caplog.at_level(logging.WARNING):
        assert library() is None
    assert "slower than it could be" in caplog.text and str(error) in caplog.text
