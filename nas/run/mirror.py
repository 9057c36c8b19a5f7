"""A run's copy in an object store: what another machine needs to go on with it.

Journal, curves and recipe stand on the driver's disk, where appending is cheap. They are put whole when a session
begins; after each trial that ends, its curve is, and what the journal has gained stands beside it as one more piece.
Checkpoints are put by the workers themselves.
"""

import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import uuid4

from nas.errors import RunError
from nas.journal import Journal
from nas.run.folder import RunFolder
from nas.run.object_store import ObjectStore

CHECKPOINTS: Final = "checkpoints"
_JOURNAL: Final = "journal.log"
_SESSION: Final = "session"
_FILES: Final = ("recipe.yaml", "versions.json")
_CURVE: Final = re.compile(r"curves/\d+\.jsonl")
_PIECE: Final = re.compile(r"journal/(\d+)\.log")
"""Named by the byte of the journal at which it begins."""


@dataclass(slots=True)
class Mirror:
    """The copy of one run.

    Attributes:
        store: where it stands.
        folder: the run.
    """

    store: ObjectStore
    folder: RunFolder
    _sent: int = 0
    """Bytes of the journal that stand in the store."""
    _curves: dict[str, int] = field(default_factory=dict)
    """Bytes of each curve that stand there."""
    _session: bytes = b""
    """Stands in the store as long as no other session has begun on the copy."""

    @property
    def checkpoints(self) -> ObjectStore:
        """Where workers put their checkpoints."""
        return self.store.below(CHECKPOINTS)

    def check_new(self) -> None:
        """Hold the store to having no copy of another run under this one's name: it may be all that is left of it.

        Raises:
            RunError: it has one, or cannot be read.
        """
        if _JOURNAL in self.store.names():
            raise RunError(
                f"the store must hold no other run of this name, but {self.store.uri} does; go on with it by "
                f"`nas resume {self.store.uri}`, replace it by --overwrite, or choose another --name."
            )

    def check_not_ahead(self) -> None:
        """Hold the store to having no copy that went on without this folder: it would be lost under this one's.

        Raises:
            RunError: it has one, or cannot be read.
        """
        stored = _journal(self.store)
        if stored is None or self._goes_on_from(stored):
            return
        behind = stored.startswith(self.folder.journal.read_bytes())
        # A folder without trials is one that was to replace the copy, and was cut short: it may still do so.
        if behind or Journal.open(self.folder.journal, read_only=True).trials():
            raise RunError(
                f"the run folder must be no older than its copy in the store, but {self.store.uri} has gone on without "
                f"{self.folder.path}; go on with the copy by `nas resume {self.store.uri} --out` and a new folder."
            )

    def _goes_on_from(self, stored: bytes) -> bool:
        """Whether this run's journal, which is only ever appended to, begins with what is stored."""
        return self.folder.journal.read_bytes().startswith(stored)

    def begin(self) -> None:
        """Put everything but checkpoints; also the proof, before any training, that the store can be written.

        Raises:
            RunError: it cannot.
        """
        self._session = uuid4().hex.encode()
        self.store.write(_SESSION, self._session)
        stored = _journal(self.store)
        new = stored is None or not self._goes_on_from(stored)
        for name in _FILES:
            self.store.put(name, self.folder.path / name)
        self._curves.clear()
        curves = sorted(self.folder.curves.folder.glob("*.jsonl"))
        for curve in curves:
            self._put_curve(curve)
        here = {f"curves/{curve.name}" for curve in curves}
        # A new run owes nothing to the one that it replaces. One that goes on may have checkpoints of trials that began
        # after the journal was put for the last time, even if that was before the first of them.
        for name in self.store.names():
            if (_CURVE.fullmatch(name) and name not in here) or (
                new and (name.startswith(f"{CHECKPOINTS}/") or _PIECE.fullmatch(name))
            ):
                self.store.delete(name)
        # Last, for it says whose copy this is: cut short before, the next call deletes what is left.
        journal = self.folder.journal.read_bytes()
        self.store.write(_JOURNAL, journal)
        self._sent = len(journal)
        for name in filter(_PIECE.fullmatch, self.store.names()):  # They are in the whole.
            self.store.delete(name)

    def ended(self, number: int, files: tuple[str, ...], under_way: tuple[int, ...]) -> None:
        """Put what changed with the end of a trial, then forget its checkpoint's ``files``; errors as :meth:`begin`.

        The journal tells of trials under way too, so what their curves have gained goes with it, and before it.

        Raises:
            RunError: also where another session has gone on with the copy, whose trials would be lost under these.
        """
        if self.store.read(_SESSION) != self._session:
            raise RunError(
                f"one session at a time must go on with a run, but another has begun on {self.store.uri}; it has what "
                f"was put there before, and {self.folder.path} has what this one trained."
            )
        for each in (number, *under_way):
            self._put_curve(self.folder.curves.path(each))
        # Whole, it would be sent as often as there are trials, and grows with them.
        with self.folder.journal.open("rb") as journal:
            journal.seek(self._sent)
            gained = journal.read()
        self.store.write(f"journal/{self._sent:012d}.log", gained)
        self._sent += len(gained)
        for name in files:
            self.checkpoints.delete(name)

    def _put_curve(self, curve: Path) -> None:
        """Put a curve that has grown since it was put, as it does by an epoch: a request keeps the driver waiting."""
        size = curve.stat().st_size if curve.exists() else 0
        if size > self._curves.get(curve.name, 0):
            self.store.put(f"curves/{curve.name}", curve)
            self._curves[curve.name] = size


def _journal(store: ObjectStore) -> bytes | None:
    """The journal in a store, its pieces put together; None where there is none."""
    whole = store.read(_JOURNAL)
    if whole is not None:
        for name in filter(_PIECE.fullmatch, store.names()):  # In the order of their beginnings.
            # One that begins elsewhere was there before the journal was put whole.
            if name == f"journal/{len(whole):012d}.log":
                whole += store.read(name) or b""
    return whole


def fetch(uri: str, out: Path) -> RunFolder:
    """Make a run folder on this machine, in ``out``, from the copy of a run.

    Raises:
        RunError: the folder exists, the store cannot be read, or no run is there.
    """
    path = out / uri.partition("?")[0].rstrip("/").rpartition("/")[2]
    if path.exists():
        raise RunError(
            f"a run that is fetched needs a new folder, but {path} exists; go on with it by `nas resume {path}`."
        )
    store = ObjectStore(uri)
    # Only what a run is made of: names in a store are free text, and could lead out of the folder.
    names = [name for name in store.names() if name in _FILES or _CURVE.fullmatch(name)]
    journal = _journal(store)
    if journal is None or "recipe.yaml" not in names:
        raise RunError(f"the copy of a run must hold recipe.yaml and journal.log, but {uri} does not.")
    # Beside its place until it is whole: should this be cut short, the next call begins anew.
    partial = path.with_name(f".{path.name}.fetched")
    shutil.rmtree(partial, ignore_errors=True)
    for name in names:
        store.get(name, partial / name)
    (partial / _JOURNAL).write_bytes(journal)
    partial.rename(path)
    return RunFolder.open(path)
