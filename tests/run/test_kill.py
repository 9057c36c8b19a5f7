"""A search that is killed at random moments and resumed equals one that was left alone."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "kill_and_resume.py"


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_nothing_is_lost_or_done_twice_by_kills(tmp_path: Path) -> None:
    file = tmp_path / "summary.json"
    command = [sys.executable, str(SCRIPT), "--folder", str(tmp_path / "runs"), "--json", str(file)]
    done = subprocess.run([*command, "--kills", "12", "--trials", "12"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads(file.read_text())
    assert summary["driver_kills"] >= 12 and summary["worker_kills"] == summary["head_kills"] == 1
    assert summary["complete"] == summary["trials"] == 12
    assert summary["running"] == summary["trained_twice"] == 0
    assert summary["most_repeats_of_a_kill"] <= 1
    assert summary["same_networks"] and summary["same_accuracies"]
