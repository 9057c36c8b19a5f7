"""A published table of trained networks as a search space and a budget: NAS-Bench-Macro.

A network is eight layers, each a category. For the search it is an ``Architecture`` whose cells
only carry the categories; its costs and accuracies are read from the table.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from nas.architecture import Architecture, Cell, Stem
from nas.budget import Budget
from nas.cost import Cost
from nas.errors import DataError
from nas.space import Choice, Point, Space

LAYERS: Final = 8
BLOCKS: Final = ("identity", "kernel3_expansion3", "kernel5_expansion6")
CLASSES: Final = 10
RESOLUTION: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A network of the table.

    Attributes:
        macs: multiply-adds.
        params: parameters.
        seen: test accuracy in [0, 1] of the first training, which the searcher sees.
        judged: mean of the two other trainings, by which it is judged.
    """

    macs: int
    params: int
    seen: float
    judged: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TableBudget(Budget):
    """A budget that reads costs from a table."""

    rows: Mapping[str, Row]

    def cost(self, architecture: Architecture) -> Cost:
        """The cost in the table."""
        row = self.rows[digits(architecture)]
        return Cost(macs=row.macs, params=row.params, weights=row.params, activations=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The table.

    Attributes:
        rows: by canonical digits, one for each distinct network.
        canonical: of every assignment of digits.
        largest: multiply-adds of the largest network.
    """

    rows: Mapping[str, Row]
    canonical: Mapping[str, str]
    largest: int

    def row(self, architecture: Architecture) -> Row:
        """What the table says of a network."""
        return self.rows[digits(architecture)]

    def decode(self, point: Point) -> Architecture:
        """Layers as cells, in the order that the table calls canonical."""
        name = self.canonical["".join(str(BLOCKS.index(str(point[f"layer{layer}"]))) for layer in range(LAYERS))]
        return _architecture(name)

    def space(self) -> Space:
        """Eight layers, each a block or nothing; the reference is the largest network."""
        choices = tuple(Choice(name=f"layer{layer}", values=BLOCKS) for layer in range(LAYERS))
        largest = self.decode({choice.name: BLOCKS[-1] for choice in choices})
        return Space(name="nas_bench_macro", choices=choices, decode=self.decode, encode=encode, reference=largest)

    def budget(self, share: float, at_least: float) -> TableBudget:
        """A share of the largest network's multiply-adds, and the band below it."""
        limit = int(share * self.largest)
        return TableBudget(resolution=RESOLUTION, classes=CLASSES, macs=limit, at_least=at_least, rows=self.rows)


@cache
def _architecture(name: str) -> Architecture:
    cells = tuple(Cell(b1x1=int(digit), b3x3_reduce=0, b3x3=1, b5x5_reduce=0, b5x5=0, pool_proj=0) for digit in name)
    return Architecture(stem=Stem(kind="conv3x3", width=1), stages=(cells,), reductions=())


def read_table(path: Path) -> Table:
    """Read the CSV file.

    Raises:
        DataError: no such file, or a table with other columns.
    """
    try:
        with path.open(newline="") as file:
            lines = list(csv.DictReader(file))
        rows = {
            line["arch"]: Row(
                macs=int(line["flops"]),
                params=int(line["params"]),
                seen=float(line["acc1"]) / 100,
                judged=(float(line["acc2"]) + float(line["acc3"])) / 200,
            )
            for line in lines
            if line["arch"] == line["canonical"]
        }
        canonical = {line["arch"]: line["canonical"] for line in lines}
        return Table(rows=rows, canonical=canonical, largest=max(row.macs for row in rows.values()))
    except (OSError, KeyError, ValueError) as error:
        raise DataError(f"the table must be a CSV file as nas_bench_macro.csv, but {path} is not: {error}.") from error


def encode(architecture: Architecture) -> Point:
    """The point of a network of the table."""
    return {f"layer{layer}": BLOCKS[int(digit)] for layer, digit in enumerate(digits(architecture))}


def digits(architecture: Architecture) -> str:
    """The network as the table names it."""
    return "".join(str(cell.b1x1) for cell in architecture.stages[0])
