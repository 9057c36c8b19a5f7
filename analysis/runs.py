"""Runs as tables: read from their journals, or from the Parquet table beside a journal where it is fresh."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa

from analysis.source import Source, data_set, source
from analysis.table import tabulate, tabulate_foreign
from nas.budget import MEASURED, Budget
from nas.errors import BudgetError, RunError
from nas.files import write_atomically
from nas.journal import Journal
from nas.journal.foreign import is_foreign, read_foreign
from nas.record import TrialRecord
from nas.spaces import built_in, load_space

CACHE: Final = "trials.parquet"
_TABLE_SCHEMA: Final = 5
"""Raised when the columns change, so that older caches are rebuilt."""
_OF_NETWORKS: Final = ("space", "choices", "sampler", "seed", "trial_seed")
_TAIL: Final = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What is known of a run.

    Attributes:
        source: its files.
        records: its trials.
        budget: what a candidate may cost, or None where the journal does not say.
        space: name of the search space, or None.
        recipe: digest of what its trainings share, but for seeds.
        objectives: what was optimised, accuracy first.
    """

    source: Source
    records: tuple[TrialRecord, ...]
    budget: Budget | None
    space: str | None
    recipe: str
    objectives: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name of the run."""
        return self.source.name

    def table(self) -> pd.DataFrame:
        """One row a trial, see ``analysis.table``; ``attrs["runs"]`` holds what is known of the run."""
        space = load_space(self.space) if self.space in built_in() else None
        table = tabulate(self.records, run=self.name, budget=self.budget, space=space)
        about = {"budget": asdict(self.budget) if self.budget else None, "space": self.space, "recipe": self.recipe}
        dims = min((each.candidate.architecture.dims for each in self.records), default=2)
        table.attrs["runs"] = {self.name: {**about, "objectives": list(self.objectives), "dims": dims}}
        return table


def read(run: Path | str) -> Run:
    """Read a run from its journal, finished or still under way.

    Args:
        run: a run folder, or a journal's file.

    Raises:
        RunError: not a run, or a journal that is damaged.
    """
    found = source(run)
    journal = Journal.open(found.journal, read_only=True)
    attributes = journal.attributes
    space = attributes.get("space")
    return Run(
        source=found,
        records=journal.trials(),
        budget=_budget(attributes.get("budget")),
        space=str(space) if space is not None else None,
        recipe=_recipe(attributes),
        objectives=tuple(journal.objectives),
    )


def _recipe(attributes: Mapping[str, Any]) -> str:
    """Budget, data, training and epochs of a run; space and sampler decide what is trained, and not how.

    Empty where they are not known, as of a search by a user's own function.
    """
    if "training" not in attributes:
        return ""
    shared = {name: value for name, value in attributes.items() if name not in _OF_NETWORKS}
    return hashlib.sha256(json.dumps(shared, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _budget(stored: object) -> Budget | None:
    if not isinstance(stored, Mapping):
        return None
    known = {name: stored[name] for name in Budget.__dataclass_fields__ if stored.get(name) is not None}
    try:
        return Budget(**known)
    except (TypeError, BudgetError):
        return None  # a journal of an older schema, or without a limit: analysed all the same


def load(run: Path | str | Sequence[Path | str]) -> pd.DataFrame:
    """The trials of one run, or of several below each other, one row a trial.

    The table is read from ``trials.parquet`` beside the journal where that was made from the
    journal as it stands; otherwise from the journal, and the cache is written anew.

    Args:
        run: run folders or journals, also of a search that is under way; or the Optuna journal of
            somebody else's study whose trials carry the user attribute ``macs``.

    Returns:
        The columns described in ``analysis.table.COLUMNS``.

    Raises:
        RunError: not a run, or a journal that is damaged.
    """
    if isinstance(run, Path | str):
        return _cached(source(run))
    return stack([_cached(found) for found in named_apart(run)])


def stack(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Tables below each other, with what is known of their runs."""
    if not tables:
        return tabulate(())
    whole = pd.concat([table.set_axis(table.columns, axis=1) for table in tables], ignore_index=True)
    whole.attrs["runs"] = {name: about for table in tables for name, about in table.attrs.get("runs", {}).items()}
    return whole


def named_apart(runs: Iterable[Path | str]) -> list[Source]:
    """The files of several runs, each under a name of its own.

    Two folders of one name, as runs copied from two machines may be, get their parent's name too.
    """
    found = [source(run) for run in runs]
    names = apart([one.name for one in found], [one.journal.resolve().parent.parent.name for one in found])
    return [replace(one, name=name) for one, name in zip(found, names, strict=True)]


def apart(names: Sequence[str], parents: Sequence[str]) -> list[str]:
    """Names of things in folders, each its own: with the folder's where two are equal, and a number if need be."""
    longer = [
        f"{parent}/{name}" if names.count(name) > 1 else name for name, parent in zip(names, parents, strict=True)
    ]
    return [f"{name} ({place})" if longer.count(name) > 1 else name for place, name in enumerate(longer, start=1)]


def check_comparable(found: Iterable[Source], data_of_networks: str | None = None) -> None:
    """Hold runs that are looked at together to one data set; what has no recipe is taken as it is.

    Args:
        found: the runs.
        data_of_networks: the data set of trained networks that they are drawn beside.

    Raises:
        RunError: accuracies of different data sets.
    """
    first = ("what is trained", data_of_networks) if data_of_networks is not None else None
    runs = list(found)
    names = [one.name for one in runs]
    for one in runs:
        section = (one.recipe or {}).get("data")
        data = data_set(section) if isinstance(section, Mapping) and "name" in section else None
        if data is None:
            continue
        # Runs of several searches have one name, such as seed-0, and are told apart by their paths.
        told = one.name if names.count(one.name) == 1 else str(one.folder or one.journal)
        if first is None:
            first = (told, data)
        elif data != first[1]:
            raise RunError(
                f"runs must be of one data set to be looked at together, but {first[0]} is of {first[1]} "
                f"and {told} of {data}."
            )


def cache_of(found: Source) -> Path:
    """The Parquet table beside a journal."""
    return found.journal.with_name(CACHE if found.folder else f"{found.journal.stem}.{CACHE}")


def _cached(found: Source) -> pd.DataFrame:
    cache = cache_of(found)
    stamp = journal_stamp(found.journal)
    table = _fresh(cache, stamp)
    if table is None:
        table = _read_table(found)
        write_parquet(table, cache, stamp)
    return _renamed(table, found.name)


def _read_table(found: Source) -> pd.DataFrame:
    try:
        return read(found.journal).table()
    except RunError:
        if not is_foreign(found.journal):
            raise
        return tabulate_foreign(read_foreign(found.journal), run=found.name)


def _renamed(table: pd.DataFrame, name: str) -> pd.DataFrame:
    known: dict[str, Any] = next(iter(table.attrs.get("runs", {}).values()), {})
    table["run"] = pd.Series(name, index=table.index, dtype="str")
    table.attrs = {"runs": {name: known}}
    return table


def journal_stamp(journal: Path) -> str:
    """Names the content of an append-only file: its size, and a digest of its beginning and end.

    Times of modification would change as a folder is copied, and then the cache would be rebuilt.
    """
    size = journal.stat().st_size
    with journal.open("rb") as file:
        digest = hashlib.sha256(file.read(_TAIL))
        file.seek(max(0, size - _TAIL))
        digest.update(file.read(_TAIL))
    return f"{_TABLE_SCHEMA}-{size}-{digest.hexdigest()[:16]}"


def _fresh(cache: Path, stamp: str) -> pd.DataFrame | None:
    if not cache.is_file():
        return None
    try:
        table = pd.read_parquet(cache, engine="pyarrow")
    except (OSError, pa.ArrowException):
        return None  # torn or of another format: rebuilt from the journal, which is the truth
    return table if table.attrs.get("stamp") == stamp else None


def write_parquet(table: pd.DataFrame, path: Path, stamp: str = "") -> None:
    """Write a table whole or not at all; a folder that cannot be written keeps no cache."""
    stamped = table.copy(deep=False)
    stamped.attrs = {**table.attrs, "stamp": stamp}
    try:
        write_atomically(path, stamped.to_parquet(None, engine="pyarrow", index=False, compression="zstd"))
    except PermissionError:
        pass
    except OSError as error:
        if error.errno != 30:  # a read-only file system, such as an archive of runs
            raise


def budget_of(table: pd.DataFrame) -> Budget | None:
    """The budget that all runs of a table share, or None where they have none or differ."""
    stored = [_budget(one.get("budget")) for one in _known([table])]
    return stored[0] if stored and all(one == stored[0] for one in stored) else None


def dims_of(table: pd.DataFrame) -> int:
    """1 where the networks of a table are for series, 2 where they are for images."""
    return min((int(one.get("dims", 2)) for one in _known([table])), default=2)


def cost_of(*tables: pd.DataFrame) -> str:
    """The column of the cost that all runs of tables look at beside accuracy; ``macs`` where they differ.

    It is the second objective where a search had one, or else what its budget limits.
    """
    names = {_cost(one) for one in _known(tables)}
    name = names.pop()[0] if len(names) == 1 else "macs"
    columns = (name, f"measured.{name}")
    return next((each for each in columns if all(each in table.columns for table in tables)), "macs")


def _cost(about: Mapping[str, Any]) -> tuple[str, str]:
    """The column, and how it was measured where it was: other batches, threads and runtimes take other times."""
    objectives, budget = about.get("objectives", ()), _budget(about.get("budget"))
    alone = budget is not None and budget.latency_seconds is not None and not budget.limits
    name = str(objectives[1]) if len(objectives) > 1 else MEASURED if alone else budget.metric if budget else "macs"
    if name == MEASURED and budget is not None:
        return name, f"{budget.latency_batch} {budget.latency_threads} {budget.latency_runtime}"
    return name, ""


def limit_of(table: pd.DataFrame, cost: str) -> float | None:
    """Most of a cost, by the budget that all runs of a table share; None without such a limit."""
    budget = budget_of(table)
    if budget is None:
        return None
    return budget.latency_seconds if cost == f"measured.{MEASURED}" else budget.limits.get(cost)


def _known(tables: Sequence[pd.DataFrame]) -> list[Mapping[str, Any]]:
    return [one for table in tables for one in table.attrs.get("runs", {}).values()]
