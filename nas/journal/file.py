"""The journal's file: what Optuna's backend lacks for a run that may be killed or meet a full disk.

A line that was torn by a crash makes every later line unreadable to Optuna, so it is cut off
before the file is opened for writing. A write that fails leaves the file as it was.
"""

import json
import os
from collections import deque
from pathlib import Path
from typing import Any, Final

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock

from nas.errors import RunError

GRACE_SECONDS: Final = 3
"""How old the lock of a killed writer gets before it is broken; a write takes milliseconds."""


class JournalFile(JournalFileBackend):
    """Optuna's journal file, unharmed by failed writes, and refusing to write if ``read_only``."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._path = path
        self._read_only = read_only
        super().__init__(str(path), JournalFileSymlinkLock(str(path), grace_period=GRACE_SECONDS))

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append records, synced to disk, or leave the file as it was.

        Raises:
            RunError: the journal is open for reading, or the file cannot be written.
        """
        if self._read_only:
            raise RunError(f"the journal {self._path} is open for reading only, and cannot be written.")
        size = 0
        try:
            size = os.path.getsize(self._path)
            super().append_logs(logs)
        except OSError as error:
            if self._path.exists() and os.path.getsize(self._path) > size:
                os.truncate(self._path, size)
            raise RunError(f"the journal {self._path} cannot be written: {error.strerror or error}.") from error


def opened(path: Path, *, read_only: bool) -> tuple[JournalStorage, str]:
    """Optuna's view of a journal and the name of its study; other than one study is a RunError."""
    storage = JournalStorage(JournalFile(path, read_only=read_only))
    names = [study.study_name for study in storage.get_all_studies()]
    if len(names) != 1:
        raise RunError(f"the journal {path} must hold one study, but it holds {len(names)}.")
    return storage, names[0]


def repair(path: Path) -> bool:
    """Cut off a torn last line; whether there was one.

    Raises:
        RunError: the file cannot be read or cut, or its first line is no record of a journal (it
            is left alone: it may be some other file).
    """
    try:
        with path.open("rb") as file:
            first = file.readline()
            if not _is_record(first):
                raise RunError(f"{path} must be the journal of a search, but its first line is no record of one.")
            # Only the very last line can be torn; damage further up is not repaired in silence.
            last = deque(file, maxlen=1)
            size = file.tell()
        torn = any(not _is_record(line) for line in last)
        if torn:
            with path.open("rb+") as file:
                file.truncate(size - len(last[0]))
                os.fsync(file.fileno())
    except OSError as error:
        raise RunError(f"the journal {path} must be readable, but it is not: {error.strerror or error}.") from error
    return torn


def damage(path: Path) -> str:
    """Where a journal that cannot be replayed is damaged, for an error message."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not _is_record(line):
                return f"line {number} is no record"
    return "its records contradict each other"


def _is_record(line: bytes) -> bool:
    try:
        record = json.loads(line)
    except ValueError:
        return False
    return line.endswith(b"\n") and isinstance(record, dict) and "op_code" in record
