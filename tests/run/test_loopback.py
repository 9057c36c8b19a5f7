"""The Ray that a run starts: its ports are on loopback, and strangers without its token are refused."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

START = """
import ray
from nas.run.cluster import start_ray
from nas.run.recipe import ResourcesConfig
start_ray(ResourcesConfig())
print(ray.get_runtime_context().gcs_address, flush=True)
input()
ray.shutdown()
"""
ASK = "import sys; from ray._raylet import GcsClient; print('nodes:', len(GcsClient(sys.argv[1]).get_all_node_info()))"
_LISTENS = "0A"


@pytest.fixture
def started(tmp_path: Path) -> Iterator[tuple[int, str]]:
    """Process and address of a run's Ray, with a home of its own."""
    process = subprocess.Popen(
        [sys.executable, "-c", START],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    assert process.stdin and process.stdout
    address = ""
    while ":" not in address or " " in address:
        line = process.stdout.readline()
        assert line, "Ray did not start"
        address = line.strip()
    yield process.pid, address
    process.communicate("\n", timeout=60)


def family(pid: int) -> set[int]:
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def listening(pids: set[int]) -> set[str]:
    """Addresses that processes listen at, in the kernel's hexadecimal notation."""
    inodes = set()
    for pid in pids:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            try:
                inodes.add(os.readlink(descriptor))
            except OSError:
                continue
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTENS and f"socket:[{fields[9]}]" in inodes:
                found.add(fields[1].partition(":")[0])
    return found


def test_ports_are_on_loopback_and_need_the_token(started: tuple[int, str], tmp_path: Path) -> None:
    pid, address = started
    loopback = {"0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"}
    addresses = listening(family(pid))
    assert addresses and addresses <= loopback, addresses
    assert (tmp_path / ".ray" / "auth_token").is_file(), "a token was made"
    (tmp_path / "stranger" / ".ray").mkdir(parents=True)
    (tmp_path / "stranger" / ".ray" / "auth_token").write_text("0" * 64)
    for home, mode, welcome in (
        (tmp_path, "token", True),
        (tmp_path / "stranger", "token", False),
        (tmp_path / "stranger", "disabled", False),
    ):
        done = subprocess.run(
            [sys.executable, "-c", ASK, address],
            env={**os.environ, "HOME": str(home), "RAY_AUTH_MODE": mode},
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert ("nodes: 1" in done.stdout) == welcome, (home, mode, done.stderr)
