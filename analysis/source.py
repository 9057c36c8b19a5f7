"""Where the data of an analysis comes from: a run folder, or a journal alone."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from nas.errors import RunError, one_line

JOURNAL: Final = "journal.log"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The files of one run; those of a run folder that are missing are None.

    Attributes:
        name: of the folder, or of the journal's file where it stands alone.
        journal: an Optuna journal.
        folder: the run folder, or None for a journal that stands alone.
    """

    name: str
    journal: Path
    folder: Path | None

    @property
    def recipe(self) -> Mapping[str, Any] | None:
        """The resolved recipe, or None.

        Raises:
            RunError: a recipe that is not YAML.
        """
        path = self._file("recipe.yaml")
        if path is None:
            return None
        try:
            read = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise RunError(f"{path} must be YAML, but it does not parse: {one_line(error)}.") from error
        return read if isinstance(read, Mapping) else None

    @property
    def recipe_text(self) -> str | None:
        """The resolved recipe as it is written, or None."""
        path = self._file("recipe.yaml")
        return path.read_text(encoding="utf-8", errors="replace") if path else None

    @property
    def sessions(self) -> tuple[Mapping[str, Any], ...]:
        """Each session of the run: ``started`` and ``ended`` (Unix time), packages, revision, machine.

        Raises:
            RunError: a file of versions that is not JSON.
        """
        path = self._file("versions.json")
        if path is None:
            return ()
        try:
            read = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise RunError(f"{path} must be JSON, but it does not parse: {error}.") from error
        found = read if isinstance(read, list) else [read]
        return tuple(session for session in found if isinstance(session, Mapping))

    @property
    def curves(self) -> Path | None:
        """The folder of learning curves, or None."""
        return self.folder / "curves" if self.folder and (self.folder / "curves").is_dir() else None

    def _file(self, name: str) -> Path | None:
        path = self.folder / name if self.folder else None
        return path if path and path.is_file() else None


def data_set(config: Mapping[str, Any]) -> str:
    """What tells one data set from another in the section ``data`` of a recipe: its name, and an image folder's own."""
    name, root = str(config["name"]), config.get("root")
    return f"{name} {Path(root).name}" if name == "folder" and isinstance(root, str) else name


def source(run: Path | str) -> Source:
    """Find the files of a run.

    Args:
        run: a run folder, or an Optuna journal's file.

    Raises:
        RunError: neither of them.
    """
    path = Path(run)
    if path.is_dir() and (path / JOURNAL).is_file():
        return Source(name=path.resolve().name, journal=path / JOURNAL, folder=path)
    if path.is_file():
        inside = path.name == JOURNAL
        name = path.resolve().parent.name if inside else path.stem
        return Source(name=name, journal=path, folder=path.parent if inside else None)
    if path.is_dir():
        raise RunError(f"a run folder must hold {JOURNAL}, but {path} does not.")
    raise RunError(f"a run must be a run folder or an Optuna journal, but there is nothing at {path}.")


def runs_in(path: Path | str) -> tuple[Path, ...]:
    """A run folder itself, or the run folders in a folder of them (one a seed), by name.

    Raises:
        RunError: neither.
    """
    folder = Path(path)
    if folder.is_file() or (folder / JOURNAL).is_file():
        return (folder,)
    found = tuple(sorted(one.parent for one in folder.glob(f"*/{JOURNAL}")))
    if not found:
        raise RunError(f"a search must be a run folder or a folder of run folders, but {folder} is neither.")
    return found
