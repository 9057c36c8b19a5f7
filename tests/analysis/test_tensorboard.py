"""Other tools read a run: TensorBoard its curves, optuna-dashboard its journal."""

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from analysis.epochs import curves
from analysis.tensorboard import write_events
from nas.errors import RunError

DEMO = Path(__file__).parents[2] / "runs" / "reference" / "demo"


def scalars(folder: Path) -> dict[str, list[tuple[int, float, float]]]:
    """Step, value and time of every scalar in a log folder, as TensorBoard's own reader sees them."""
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = reader.EventAccumulator(str(folder)).Reload()
    return {tag: [(e.step, e.value, e.wall_time) for e in found.Scalars(tag)] for tag in found.Tags()["scalars"]}


def test_tensorboard_reads_the_curves(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is one of the development extras")
    table = curves(DEMO)
    folders = write_events(DEMO, tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in folders] == [
        f"demo/trial-{trial:04d}" for trial in sorted(table["trial"].unique())
    ]
    read = scalars(folders[3])
    rows = table[table["trial"] == 3]
    assert [(step, value) for step, value, _ in read["accuracy"]] == [
        (epoch, pytest.approx(accuracy)) for epoch, accuracy in zip(rows["epoch"], rows["accuracy"], strict=True)
    ]
    assert {"train_loss", "learning_rate", "seconds"} <= read.keys()
    times = [moment for _, _, moment in read["accuracy"]]
    assert times[-1] - times[0] == pytest.approx(rows["seconds"].iloc[1:].sum())


def test_events_written_again_replace_the_earlier_ones(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is one of the development extras")
    run = tmp_path / "run"
    shutil.copytree(DEMO, run)
    curve = run / "curves" / "0000.jsonl"
    lines = curve.read_text().splitlines(keepends=True)
    curve.write_text("".join(lines[:2]))
    first = write_events(run, tmp_path / "log")[0]
    assert [step for step, _, _ in scalars(first)["accuracy"]] == [1, 2]
    curve.write_text("".join(lines))
    write_events(run, tmp_path / "log")
    assert [step for step, _, _ in scalars(first)["accuracy"]] == list(range(1, len(lines) + 1))


def test_without_tensorboard_a_sentence_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard.compat.proto.event_pb2", None)
    with pytest.raises(RunError, match="pip install tensorboard"):
        write_events(DEMO, tmp_path)


@pytest.mark.slow
def test_optuna_dashboard_opens_the_journal(tmp_path: Path) -> None:
    """The command of the README, on a port of the loopback."""
    pytest.importorskip("optuna_dashboard", reason="optuna-dashboard is one of the development extras")
    journal = Path(shutil.copy(DEMO / "journal.log", tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    program = Path(sys.executable).with_name("optuna-dashboard")
    command = [program, journal, "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as dashboard:
        try:
            study = _answer(f"http://127.0.0.1:{port}/api/studies", dashboard)["study_summaries"][0]
            assert study["study_name"] == "demo"
            detail = _answer(f"http://127.0.0.1:{port}/api/studies/{study['study_id']}", dashboard)
            assert len(detail["trials"]) == 16
        finally:
            dashboard.terminate()


def _answer(url: str, server: "subprocess.Popen[bytes]") -> dict[str, Any]:
    """The JSON of an address, once the server is up."""
    while server.poll() is None:
        try:
            with urllib.request.urlopen(url) as response:
                return dict(json.load(response))
        except ConnectionRefusedError:
            time.sleep(0.2)
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionRefusedError):
                raise
            time.sleep(0.2)
    raise AssertionError(f"the server ended with status {server.returncode}")
