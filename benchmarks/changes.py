"""What a change of the recipe or of the network brings at a given length of training: splits A and B, never test.

    python -m benchmarks.changes runs/reference/winner --name "as it is" --epochs 12
    python -m benchmarks.changes runs/reference/winner --name "SE in every cell" --se --epochs 12
    python -m benchmarks.changes runs/reference/winner --name "batches of 128" --set training.batch_size=128 --epochs 12

Each call adds a line to the table. Split B is read once, after the last epoch.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pandas as pd

from nas.architecture import Architecture
from nas.cli.search import parse_settings
from nas.cost import cost
from nas.data.load import load_data
from nas.run.plan import make_plan
from nas.run.recipe_file import with_epochs
from nas.serialize import load
from nas.training.trainer import Trainer

TABLE: Final = Path("runs/out/changes.csv")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One training."""

    change: str
    settings: str
    macs: int
    params: int
    epochs: int
    seed: int
    accuracy: float
    accuracy_b: float
    core_minutes: float


def with_se(architecture: Architecture) -> Architecture:
    """Squeeze and excitation in every cell (Hu et al., arXiv 1709.01507)."""
    return replace(
        architecture, stages=tuple(tuple(replace(cell, se=True) for cell in stage) for stage in architecture.stages)
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Train once, add a line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a model folder, for its architecture")
    parser.add_argument("--name", required=True)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="as of nas train")
    parser.add_argument("--se", action="store_true")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--table", type=Path, default=TABLE)
    options = parser.parse_args(arguments)
    architecture = load(options.folder / "architecture.json")
    if options.se:
        architecture = with_se(architecture)
    training = with_epochs({"recipe": "modern"}, options.epochs)
    plan = make_plan({"data": {"name": "fashion-mnist"}, "training": training}, parse_settings(options.set))
    data = load_data(plan.data, splits=("train", "a", "b"))
    price = cost(architecture, resolution=data.resolution, classes=data.classes)
    trainer = Trainer(architecture, data, plan.training, seed=options.seed, threads=1)
    while not trainer.done:
        record = trainer.train_epoch()
        print(f"{options.name}: epoch {record.epoch}  A {record.accuracy:.2%}  {record.seconds:.0f} s", flush=True)
    row = Row(
        change=options.name,
        settings=" ".join([*options.set, *(["se"] if options.se else [])]),
        macs=price.macs,
        params=price.params,
        epochs=plan.training.epochs,
        seed=options.seed,
        accuracy=trainer.curve[-1].accuracy,
        accuracy_b=trainer.evaluate("b").accuracy,
        core_minutes=sum(record.seconds for record in trainer.curve) / 60,
    )
    options.table.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame([row]).to_csv(options.table, mode="a", index=False, header=not options.table.exists())
    print(f"{row.change}: A {row.accuracy:.2%}, B {row.accuracy_b:.2%}, {row.core_minutes:.1f} core-minutes")


if __name__ == "__main__":
    main()
