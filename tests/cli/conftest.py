"""The command line as a user meets it: arguments in, status and text out."""

from collections.abc import Callable

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
