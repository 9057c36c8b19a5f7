"""Write a model folder: all that somebody needs to use a trained network, and to judge it.

::

    FOLDER/
        README.md             the model card
        architecture.json     the network; `nas cost FOLDER/architecture.json` prices it
        model.safetensors     weights of the seed that is best on split A
        weights/              of every seed
        recipe.yaml           data and training, resolved
        metrics.json          every seed's figures on A, B and test, their means and intervals, and the cost
        curves/               one JSON line an epoch, one file a seed
        versions.json         packages, git revision and machine, one entry a session
"""

import logging
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from nas import serialize
from nas.data.config import DataConfig
from nas.files import write_atomically
from nas.run.card import card
from nas.run.final_task import FinalTask
from nas.run.folder import RunFolder
from nas.run.ledger import Ledger

if TYPE_CHECKING:
    from nas.run.train import Delivered


def deliver(delivered: "Delivered", run: RunFolder, ledger: Ledger, task: FinalTask) -> None:
    """Write everything but ``recipe.yaml`` and the readings, which stand there already; weights first."""
    from nas.training.model_folder import ARCHITECTURE, WEIGHTS, read_facts, seed_weights

    folder, winner = delivered.folder, delivered.winner
    architecture = winner.network.architecture
    write_atomically(folder / ARCHITECTURE, serialize.to_json(architecture, indent=1) + "\n")
    for place, record in enumerate(winner.records):
        weights, seed = task.weights(record.candidate.key, record.candidate.seed), record.candidate.seed
        write_atomically(seed_weights(folder, seed), weights.read_bytes())
        write_atomically(folder / "curves" / f"seed-{seed}.jsonl", run.curves.path(record.number).read_bytes())
        if place == winner.best:
            _drop_exports(folder, unless=weights)
            write_atomically(folder / WEIGHTS, weights.read_bytes())
    write_atomically(folder / "versions.json", (run.path / "versions.json").read_bytes())
    cost = delivered.budget.cost(architecture)
    ledger.content |= {
        "network": {
            "label": winner.network.label,
            "key": winner.network.key,
            "resolution": delivered.budget.resolution,
            "classes": delivered.budget.classes,
            **asdict(cost),
            **({"timed": asdict(winner.network.timed)} if winner.network.timed else {}),
            **({"searched": _cut(winner.network.searched)} if winner.network.searched else {}),
        },
        "seeds": [record.candidate.seed for record in winner.records],
        "delivered_seed": winner.records[winner.best].candidate.seed,
        "chosen_among": 1 + len(delivered.others),
        "summary": {split: asdict(winner.summary(split)) for split in ("a", "b", "test")},
        "training_seconds": sum(record.seconds for record in winner.records),
        "core_seconds": winner.core_seconds,
    }
    ledger.save()
    write_atomically(folder / "README.md", card(delivered, read_facts(folder), cost))


def _cut(data: DataConfig) -> dict[str, object]:
    """What decides which images of a data set stand in which split."""
    return {name: getattr(data, name) for name in ("name", "split_seed", "validation_share")}


def _drop_exports(folder: Path, *, unless: Path) -> None:
    """Delete what was exported from other weights: it would be taken for the network that the card describes."""
    from nas.training.export import SUFFIXES
    from nas.training.model_folder import WEIGHTS

    before = folder / WEIGHTS
    if before.exists() and before.read_bytes() != unless.read_bytes():
        for stale in (path for suffix in SUFFIXES.values() if (path := before.with_suffix(suffix)).exists()):
            stale.unlink()
            logging.getLogger(__name__).warning("%s was of another seed and is deleted: export it anew.", stale)
