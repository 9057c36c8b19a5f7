"""The command line as a user meets it: arguments in, status and text out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nas.cli import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def nas(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in this process; gives exit status, standard output and standard error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as exit:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return int(exit.value.code or 0), out, err

    return run


@pytest.fixture
def without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    """Searches train in this process: for tests of a command, where another one tests that it works on Ray."""
    from nas.run.local import run_here

    def here(
        engine: Any, task: Any, checkpoints: Path, resources: object, *, begun: Callable[[], None], **_: Any
    ) -> bool:
        begun()
        return run_here(engine, task, checkpoints)

    monkeypatch.setattr("nas.run.ray_tune.run_on_ray", here)
