"""What the page's scripts read: trials, drawings and curves as compact JSON."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from analysis.blocks import Block
from analysis.pareto import front, on_front
from analysis.runs import budget_of, cost_of, dims_of, limit_of
from analysis.style import cost_label
from analysis.table import choices, winner

MOST_EPOCHS: Final = 60
"""A longer curve is thinned to so many epochs."""


def payload(table: pd.DataFrame, curves: pd.DataFrame, networks: Mapping[str, Sequence[Block]]) -> dict[str, Any]:
    """The data of the page, ready for JSON: columns rather than rows, and every network once."""
    budget = budget_of(table)
    columns = {
        "run": table["run"].tolist(),
        "trial": table["trial"].tolist(),
        "key": table["key"].tolist(),
        "state": table["state"].tolist(),
        "reference": table["reference"].tolist(),
        "accuracy": [_number(value, 6) for value in table["accuracy"].tolist()],
        "macs": table["macs"].tolist(),
        # What is 0 is not known.
        "params": [value or None for value in table["params"].tolist()],
        "activations": [value or None for value in table["activations"].tolist()],
        "epochs": table["epochs"].tolist(),
        "seconds": [_number(value, 4) for value in table["seconds"].tolist()],
        "seed": table["seed"].tolist(),
    }
    measured = [name for name in table.columns if name.startswith("measured.")]
    costs = list(dict.fromkeys((cost_of(table), "macs", "params", "activations", *measured)))
    for name in measured:
        columns[name] = [_number(value, 4) for value in table[name].tolist()]
    return {
        "budget": {cost: limit_of(table, cost) for cost in costs},
        "resolution": budget.resolution if budget else None,
        "columns": columns,
        "costs": {cost: cost_label(cost, dims=dims_of(table)) for cost in costs},
        "fronts": {cost: _front(table, cost) for cost in costs},
        "winner": _winner(table),
        "choices": {name.removeprefix("choice."): _values(table[name]) for name in choices(table)},
        "networks": {key: [_block(block) for block in network] for key, network in networks.items()},
        "curves": _curves(curves),
    }


def _front(table: pd.DataFrame, cost: str) -> dict[str, list[Any]]:
    """The front by a cost: its corners (cost, mean accuracy over seeds), and its networks' rows trained to the end."""
    line = front(table, cost)
    rows = on_front(table, table, cost) & table["state"].eq("complete") & table["within_budget"]
    corners = zip(line[cost].tolist(), line["accuracy"].tolist(), strict=True)
    return {
        "line": [[spent, _number(accuracy, 6)] for spent, accuracy in corners],
        "trials": np.flatnonzero(rows).tolist(),
    }


def _winner(table: pd.DataFrame) -> int | None:
    """The row of the winner's first training."""
    best = winner(table)
    if best.empty:
        return None
    return int(np.flatnonzero((table["run"] == best["run"].iloc[0]) & (table["trial"] == best["trial"].iloc[0]))[0])


def to_json(data: object) -> str:
    """JSON that can stand inside a ``<script>`` element: no text in it can end the element."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _number(value: float, digits: int) -> float | None:
    return float(f"{value:.{digits}g}") if math.isfinite(value) else None


def _values(column: "pd.Series[Any]") -> list[object]:
    return [None if pd.isna(value) else value for value in column.tolist()]


def _block(block: Block) -> list[object]:
    branches = [[branch.label, branch.reduce, branch.width, branch.macs] for branch in block.branches]
    kind = "f" if block.kind == "classifier" else block.kind[0]
    return [block.name, kind, block.extent, block.width, block.macs, branches, " ".join(block.marks)]


def _curves(curves: pd.DataFrame) -> dict[str, list[list[float | None]]]:
    """By run and trial, epochs and accuracies."""
    found: dict[str, list[list[float | None]]] = {}
    for (run, trial), rows in curves.groupby(["run", "trial"], sort=False):
        step = math.ceil(len(rows) / MOST_EPOCHS)
        kept = rows.iloc[[*range(0, len(rows) - 1, step), len(rows) - 1]]
        epochs: list[float | None] = [int(epoch) for epoch in kept["epoch"].tolist()]
        found[f"{run}/{trial}"] = [epochs, [_number(value, 4) for value in kept["accuracy"].tolist()]]
    return found
