"""Processes of this machine, found by walking the children of one that was started here; Linux only."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process by id and start time: an id alone may be used again."""

    pid: int
    started: str
    command: str

    def alive(self) -> bool:
        """Whether this very process still runs (one that has ended but is not reaped does not)."""
        now = _stat(self.pid)
        return now is not None and now[2] == self.started and now[1] != "Z"


def _stat(pid: int) -> tuple[int, str, str] | None:
    """Parent, state and start time of a process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[1]), fields[0], fields[19]


def descendants(pid: int) -> list[Process]:
    """All processes below one."""
    children: dict[int, list[tuple[int, str]]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (stat := _stat(int(entry.name))) is not None:
            children.setdefault(stat[0], []).append((int(entry.name), stat[2]))
    found, parents = [], [pid]
    while parents:
        for child, started in children.get(parents.pop(), []):
            try:
                command = Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            found.append(Process(pid=child, started=started, command=command))
            parents.append(child)
    return found


def end_of(processes: list[Process], seconds: float, *, agents: bool = False) -> float:
    """Wait for the end of processes; how long it took.

    Ray's two agents try for a minute to report the end of their node: they count only where asked for.

    Raises:
        TimeoutError: some linger.
    """
    began = time.monotonic()
    processes = [process for process in processes if agents or "Agent" not in process.command]
    while any(process.alive() for process in processes):
        if time.monotonic() - began > seconds:
            left = [process.command[:80] for process in processes if process.alive()]
            raise TimeoutError(f"{len(left)} processes outlive their driver: {left}")
        time.sleep(0.05)
    return time.monotonic() - began


def trains(process: Process) -> bool:
    """Whether it is a worker of Ray's with an actor: Ray renames them, idle ones too."""
    return process.command.startswith("ray::") and not any(word in process.command for word in ("Agent", "IDLE"))


def kill(process: Process) -> None:
    """SIGKILL one process that is a child of a driver of ours."""
    if process.alive():
        os.kill(process.pid, signal.SIGKILL)
