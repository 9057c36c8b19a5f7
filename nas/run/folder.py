"""The run folder: what a search leaves on disk, and who may write to it.

::

    runs/out/NAME/
        recipe.yaml      the resolved recipe
        versions.json    packages, git revision and machine, one entry a session
        journal.log      the record of all trials: an Optuna study
        curves/          one JSON line an epoch, one file a trial
        checkpoints/     of trials that are under way
"""

import fcntl
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final

from nas.errors import RunError
from nas.files import write_atomically
from nas.run.curves import Curves
from nas.run.recipe import Recipe
from nas.run.recipe_file import read_recipe, to_yaml
from nas.run.versions import versions

_TIMES: Final = re.compile(r'"datetime_(?:start|complete)":"([^"]+)"')


@dataclass(frozen=True, slots=True)
class RunFolder:
    """A folder as drawn above, at ``path``."""

    path: Path

    @property
    def journal(self) -> Path:
        """The record of all trials."""
        return self.path / "journal.log"

    @property
    def checkpoints(self) -> Path:
        """Checkpoints of trials under way."""
        return self.path / "checkpoints"

    @property
    def curves(self) -> Curves:
        """Learning curves."""
        return Curves(self.path / "curves")

    @classmethod
    def create(cls, path: Path, recipe: Recipe, *, overwrite: bool = False) -> "RunFolder":
        """Make a new folder with its recipe; a run that it replaces is set aside until :meth:`keep` or :meth:`undo`.

        Raises:
            RunError: a folder that exists, unless it is a run and ``overwrite`` is set.
        """
        if path.exists():
            is_run = (path / "recipe.yaml").is_file()
            if not (overwrite and is_run):
                offer = f"continue it by `nas resume {path}`, replace it by --overwrite, or choose another --name"
                raise RunError(
                    f"the run folder must be new, but {path} exists; {offer if is_run else 'choose another'}."
                )
            old = cls(path.resolve())
            with old.locked():
                if old._replaced.exists():  # by a run that never went ahead: the one to come back is still that one
                    _discard(old.path)
                else:
                    old.path.rename(old._replaced)
        folder = cls(path.resolve())
        try:
            folder.path.mkdir(parents=True)
            write_atomically(folder.path / "recipe.yaml", to_yaml(recipe))
        except FileExistsError as error:  # Another process was quicker; what it made is not ours to undo.
            raise RunError(f"the run folder must be new, but another process has just made {path}.") from error
        except OSError as error:
            with suppress(OSError):  # The first fault is the one to tell of.
                folder.undo()
            raise RunError(f"the run folder must be writable, but got {path}: {error.strerror}.") from error
        return folder

    @staticmethod
    @contextmanager
    def beginning(path: Path) -> Iterator[None]:
        """Hold the name of a run from its beginning on: of two that begin at once the later changes nothing.

        Raises:
            RunError: another process holds it, or the place cannot be written.
        """
        whole = path.resolve()
        lock = whole.with_name(f".{whole.name}.beginning")
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            file = lock.open("a")
        except OSError as error:
            raise RunError(f"the run folder must be writable, but got {path}: {error.strerror}.") from error
        with file:
            if not (_taken(file) and lock.exists() and os.path.samestat(lock.stat(), os.fstat(file.fileno()))):
                raise RunError(f"one process at a time may begin a run, but another one does at {path}.")
            try:
                yield
            finally:
                lock.unlink(missing_ok=True)

    def keep(self) -> None:
        """The new run goes ahead: remove the one that it replaces."""
        if self._replaced.exists():
            _discard(self._replaced)

    def undo(self) -> None:
        """Remove a new folder whose run could not begin, and put back the one that it was to replace."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._replaced.exists():
            self._replaced.rename(self.path)

    @property
    def _replaced(self) -> Path:
        return self.path.with_name(f".{self.path.name}.replaced")

    @classmethod
    def open(cls, path: Path) -> "RunFolder":
        """An existing run folder.

        Raises:
            RunError: no run is there.
        """
        for name in ("recipe.yaml", "journal.log"):
            if not (path / name).is_file():
                own = "; a run of nas.run.function.search goes on by that call, with its path"
                hint = own if (path / "journal.log").is_file() else ""
                raise RunError(f"a run folder must hold {name}, but {path} does not{hint}.")
        return cls(path.resolve())

    def recipe(self) -> Recipe:
        """The resolved recipe; errors as in ``read_recipe``."""
        return read_recipe(self.path / "recipe.yaml")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for this process.

        Raises:
            RunError: another process holds it.
        """
        with (self.path / ".lock").open("a") as file:
            if not _taken(file):
                raise RunError(f"one process at a time may write to a run, but another one is at {self.path}.")
            yield

    @contextmanager
    def session(self) -> Iterator[float]:
        """Note a session: what it runs on at its start, and its length at its end.

        Yields:
            Wall hours of earlier sessions; a session that was killed counts up to the last trial that began or ended.

        Raises:
            RunError: notes of sessions that cannot be read.
        """
        path = self.path / "versions.json"
        sessions = _sessions(path)
        before = time.time()
        for session in reversed(sessions):
            session["ended"] = session["ended"] or self._last_sign(session["started"], before)
            before = session["started"]
        earlier = sum(session["ended"] - session["started"] for session in sessions) / 3600
        sessions.append({"started": time.time(), "ended": None, **versions()})
        write_atomically(path, json.dumps(sessions, indent=1))
        try:
            yield earlier
        except BaseException:
            # What ended the session, such as a full disk, must not be hidden by what it does to this note; a session
            # without an end is counted by its journal.
            with suppress(OSError):
                _end(path, sessions)
            raise
        _end(path, sessions)

    def _last_sign(self, started: float, before: float) -> float:
        """When a session that was killed was last seen to work: by the journal, for files that are copied are young."""
        text = self.journal.read_text(errors="replace") if self.journal.exists() else ""
        seen = [datetime.fromisoformat(found).timestamp() for found in _TIMES.findall(text)]
        return max((moment for moment in seen if started <= moment <= before), default=started)


def _taken(file: IO[str]) -> bool:
    """Whether this process holds the file from now on, until it is closed."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _discard(path: Path) -> None:
    """Remove a folder at once, or not at all: what a crash leaves of it no longer stands in its place."""
    aside = Path(tempfile.mkdtemp(prefix=f".{path.name.lstrip('.')}.", suffix=".removed", dir=path.parent))
    path.rename(aside / "run")
    shutil.rmtree(aside, ignore_errors=True)


def _sessions(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    try:
        found = json.loads(path.read_text())
        if not all(isinstance(session["started"], int | float) and "ended" in session for session in found):
            raise ValueError("a session without a start")
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise RunError(f"{path} must hold the sessions of a run, but it does not: {error}.") from error
    return list(found)


def _end(path: Path, sessions: list[dict[str, Any]]) -> None:
    sessions[-1]["ended"] = time.time()
    write_atomically(path, json.dumps(sessions, indent=1))
