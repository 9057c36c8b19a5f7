"""A command that Ctrl-C stops in the middle of a training."""

import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path


def interrupt(
    command: Sequence[str], curve: Path, *, seconds: float, times: int = 1, env: Mapping[str, str] | None = None
) -> str:
    """Run a command until a curve has two epochs, stop it, and return what it printed: it must end in good order.

    ``times`` is how often an impatient user presses Ctrl-C, three times a second.
    """
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    deadline = time.monotonic() + seconds
    while not (curve.exists() and curve.read_bytes().count(b"\n") >= 2):
        assert time.monotonic() < deadline and process.poll() is None, process.communicate()
        time.sleep(0.05)
    for press in range(times):
        time.sleep(0.3 if press else 0)
        process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=seconds / 2)
    assert process.returncode == 130, err
    assert "Traceback" not in out + err
    return out
