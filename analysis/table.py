"""Trials as a tidy table, one row a trial; learning curves as another, one row an epoch."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

import pandas as pd

from nas.budget import Budget
from nas.journal.foreign import ForeignTrial
from nas.record import TrialRecord
from nas.space import Space

COLUMNS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "run": "name of the run that the trial belongs to",
        "trial": "number of the trial, in the order of proposals, from 0",
        "key": "content key of the architecture: equal for equal networks",
        "state": "running, complete, stopped (by a scheduler, before its last epoch) or failed",
        "reference": "whether it is the network to beat (GoogLeNet)",
        "within_budget": "whether its cost is within every limit of the run's budget (true where none is known)",
        "macs": "multiply-adds of one inference of one image, at the budget's resolution; 1 MAC is 2 FLOPs",
        "params": "trainable parameters",
        "activations": "output elements of convolutions and linear layers, one image",
        "accuracy": "share of split A classified correctly after the last epoch trained, in [0, 1]",
        "error": "1 - accuracy",
        "epochs": "epochs trained",
        "seconds": "spent in training and validation",
        "ended": "when it did, in Unix seconds",
        "seed": "of initialisation, order and augmentation",
        "reason": "why it failed or was stopped",
    }
)
"""Columns of every table. More may follow: ``accuracy_at_<epoch>`` (share of split A after that many
epochs), ``measured.<name>`` (a cost that was measured, ``latency_seconds`` in seconds),
``metric.<name>`` (further figures of the last epoch) and ``choice.<name>`` (what the point assigned;
missing where the choice does not apply, and for a reference outside the space)."""

_TYPES: Final = MappingProxyType(
    {
        "run": "str",
        "trial": "int64",
        "key": "str",
        "state": "str",
        "reference": "bool",
        "within_budget": "bool",
        "macs": "int64",
        "params": "int64",
        "activations": "int64",
        "accuracy": "float64",
        "error": "float64",
        "epochs": "int64",
        "seconds": "float64",
        "ended": "float64",
        "seed": "int64",
        "reason": "str",
    }
)


def tabulate(
    records: Iterable[TrialRecord], *, run: str = "", budget: Budget | None = None, space: Space | None = None
) -> pd.DataFrame:
    """One row a trial, in their order.

    Args:
        records: what the journal holds.
        run: written into the column ``run``.
        budget: decides ``within_budget``.
        space: tells which choices apply where a journal does not.

    Returns:
        The columns of :data:`COLUMNS`, then those that only some trials have (empty in the others).
    """
    return _typed([_row(record, run, budget, space) for record in records])


def tabulate_foreign(trials: Iterable[ForeignTrial], *, run: str = "") -> pd.DataFrame:
    """The same table of somebody else's study; equal parameters are taken for equal networks.

    Costs that the study does not give are 0, as no network's are, and so are seeds.
    """
    return _typed([_foreign_row(trial, run) for trial in trials])


def _typed(rows: list[dict[str, object]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=_order(rows))
    for name, kind in _TYPES.items():
        table[name] = table[name].astype(kind)  # type: ignore[call-overload]
    for name in choices(table):
        table[name] = _settled(table[name])
    return table


def _row(record: TrialRecord, run: str, budget: Budget | None, space: Space | None) -> dict[str, object]:
    candidate = record.candidate
    spent, point = candidate.cost, candidate.point or {}
    active = candidate.active
    if active is None:
        active = space.active(point) if space is not None and point else tuple(point)
    row: dict[str, object] = {
        "run": run,
        "trial": record.number,
        "key": candidate.key,
        "state": record.state,
        "reference": candidate.reference,
        "within_budget": budget is None or budget.within(spent, candidate.measured),
        "macs": spent.macs,
        "params": spent.params,
        "activations": spent.activations,
        "accuracy": record.accuracy,
        "error": None if record.accuracy is None else 1 - record.accuracy,
        "epochs": record.epochs,
        "seconds": record.seconds,
        "ended": record.ended,
        "seed": candidate.seed,
        "reason": record.reason,
    }
    row |= {f"accuracy_at_{epoch}": accuracy for epoch, accuracy in record.accuracies.items()}
    row |= {f"measured.{name}": value for name, value in candidate.measured.items()}
    row |= {f"metric.{name}": value for name, value in record.metrics.items()}
    # Of a branch that is not there, width and kind are nobody's choice.
    row |= {f"choice.{name}": value if name in active else None for name, value in point.items()}
    return row


def _foreign_row(trial: ForeignTrial, run: str) -> dict[str, object]:
    named = json.dumps(dict(trial.params), sort_keys=True, default=str)
    row: dict[str, object] = {
        "run": run,
        "trial": trial.number,
        "key": hashlib.sha256(named.encode()).hexdigest()[:16],
        "state": trial.state,
        "reference": False,
        "within_budget": True,
        **{name: trial.costs.get(name, 0) for name in ("macs", "params", "activations")},
        "accuracy": trial.accuracy,
        "error": None if trial.accuracy is None else 1 - trial.accuracy,
        "epochs": max(trial.accuracies, default=0),
        "seconds": trial.seconds,
        "ended": trial.ended,
        "seed": 0,
        "reason": None,
    }
    row |= {f"accuracy_at_{step}": accuracy for step, accuracy in trial.accuracies.items()}
    row |= {f"metric.{name}": value for name, value in trial.metrics.items()}
    return row | {f"choice.{name}": value for name, value in trial.params.items()}


def _order(rows: list[dict[str, object]]) -> list[str]:
    """Fixed columns, rungs by epoch, measured costs, metrics, choices in the order of the space."""
    extra = {name: None for row in rows for name in row if name not in COLUMNS}
    rungs = sorted((name for name in extra if name.startswith("accuracy_at_")), key=epoch_of)
    rest = [name for prefix in ("measured.", "metric.", "choice.") for name in extra if name.startswith(prefix)]
    return [*COLUMNS, *rungs, *rest]


def _settled(values: "pd.Series[Any]") -> "pd.Series[Any]":
    """A choice with one type: whole numbers, decimal numbers, booleans or text, each with gaps."""
    kinds = {type(value) for value in values.dropna()}
    if len(kinds) > 1 and not kinds <= {int, float}:
        values = values.map(str, na_action="ignore")
    return values.astype(object).convert_dtypes()


def choices(table: pd.DataFrame) -> tuple[str, ...]:
    """Names of the columns that hold choices."""
    return tuple(name for name in table.columns if name.startswith("choice."))


def costs(table: pd.DataFrame) -> tuple[str, ...]:
    """Names of the columns that hold what a network costs: those that are counted, and those that were measured."""
    measured = (name for name in table.columns if name.startswith("measured."))
    return ("macs", "params", "activations", *measured)


def epoch_of(column: str) -> int:
    """The epoch in a column's name ``accuracy_at_<epoch>``."""
    return int(column.removeprefix("accuracy_at_"))


def rungs(table: pd.DataFrame) -> tuple[int, ...]:
    """The numbers of epochs after which some trial's accuracy is known, rising."""
    return tuple(sorted(epoch_of(name) for name in table.columns if name.startswith("accuracy_at_")))


def trainings(rows: pd.DataFrame, table: pd.DataFrame) -> "pd.Series[str]":
    """What each row of a table was trained by: equal where runs share data, training and budget, else the run itself.

    Args:
        rows: of the table, or made from it.
        table: knows its runs.
    """
    known = {name: about.get("recipe") or name for name, about in table.attrs.get("runs", {}).items()}
    return rows["run"].map(lambda run: known.get(run, run)).astype("str")


def trained_alike(table: pd.DataFrame) -> bool:
    """Whether no two runs of a table are known to have been trained differently; without recipes nothing is known."""
    recipes = {about.get("recipe") or None for about in table.attrs.get("runs", {}).values()}
    return len(recipes - {None}) <= 1


def networks(table: pd.DataFrame, *, apart: bool = False) -> pd.DataFrame:
    """One row a network that was trained to the end: the mean over its seeds.

    Args:
        table: one row a trial.
        apart: keep runs apart, where they are to be compared; else the seeds of runs that were trained alike count
            together.

    Returns:
        The first trial's row of each network, with ``accuracy`` and ``error`` averaged over the
        seeds, their number as ``n`` and the standard deviation of accuracy as ``accuracy_sd`` (missing
        where n is 1). Only complete trials count.
    """
    done = table[(table["state"] == "complete") & table["accuracy"].notna()].reset_index(drop=True)
    by = done["run"] if apart else trainings(done, table).rename("by")
    # One training in several runs, as the reference's, is one seed: the first run's counts.
    done = done[done["run"] == done.groupby([by, "key", "seed"], sort=False)["run"].transform("first")]
    which = [by[done.index], done["key"]]
    groups = done.groupby(which, sort=False)["accuracy"]
    place = groups.ngroup()
    mean, n, spread = (groups.transform(name) for name in ("mean", "size", "std"))
    first = done.assign(accuracy=mean, n=n, accuracy_sd=spread)[~place.duplicated()].reset_index(drop=True)
    first["error"] = 1 - first["accuracy"]
    return first[[*table.columns, "n", "accuracy_sd"]]


def proposed(table: pd.DataFrame) -> pd.DataFrame:
    """The networks that a sampler proposed and that were trained to the end: :func:`networks` but for the reference."""
    known = networks(table)
    return known[~known["reference"]].reset_index(drop=True)


def winner(table: pd.DataFrame) -> pd.DataFrame:
    """The most accurate candidate, whether or not the reference is better; of equal ones the cheapest.

    Returns:
        One row of :func:`networks`, or none.
    """
    own = proposed(table)
    own = own[own["within_budget"]]
    return own.sort_values(["accuracy", "macs"], ascending=[False, True], kind="stable").head(1)


def candidates(table: pd.DataFrame) -> pd.DataFrame:
    """The networks that may win: complete and within the budget (the reference too, where it is)."""
    known = networks(table)
    return known[known["within_budget"]].reset_index(drop=True)
