"""Learning curves of a run: one JSON line an epoch, one file a trial, written by the driver alone."""

import errno
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nas.errors import RunError


@dataclass(frozen=True, slots=True)
class Curves:
    """The folder of curves; a torn last line, left by a crash, is ignored and then overwritten."""

    folder: Path

    def path(self, number: int) -> Path:
        """The file of trial ``number``."""
        return self.folder / f"{number:04d}.jsonl"

    def append(self, number: int, line: Mapping[str, float]) -> None:
        """Add one epoch, whole or not at all; a file that cannot be written is a RunError."""
        path = self.path(number)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with path.open("ab", buffering=0) as file:
                size = file.tell()
                text = json.dumps(dict(line), separators=(",", ":")).encode() + b"\n"
                if file.write(text) != len(text):
                    file.truncate(size)
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            raise RunError(
                f"the curve {path} cannot be written: {error.strerror}; resume the run when that is mended."
            ) from error

    def read(self, number: int) -> list[dict[str, float]]:
        """The epochs of a trial in order; none where it has not reported yet.

        Raises:
            RunError: a whole line that is damaged.
        """
        path = self.path(number)
        if not path.exists():
            return []
        epochs = []
        for at, line in enumerate(_whole_lines(path.read_bytes()), start=1):
            try:
                epochs.append(json.loads(line))
            except ValueError as error:
                raise RunError(
                    f"line {at} of {path} must be JSON, but it does not parse: {error}; delete it, then resume the run."
                ) from error
        return epochs

    def core_seconds(self, number: int, cores: float) -> float:
        """Of a trial so far; ``cores`` were its cores in epochs of before November 2026, which do not tell."""
        return sum(line["seconds"] * line.get("cores", cores) for line in self.read(number))

    def mend(self, number: int) -> None:
        """Cut off a torn last line, so that the next append starts a line of its own."""
        path = self.path(number)
        if path.exists():
            content = path.read_bytes()
            keep = content.rfind(b"\n") + 1
            if keep < len(content):
                with path.open("r+b") as file:
                    file.truncate(keep)


def _whole_lines(content: bytes) -> list[bytes]:
    return content[: content.rfind(b"\n") + 1].splitlines()
