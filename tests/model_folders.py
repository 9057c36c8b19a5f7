"""A small model folder, made without a training."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nas import serialize
from nas.architecture import Architecture, Cell, Reduction, Stem
from nas.data.config import DataConfig
from nas.data.splits import Data
from nas.network.build import build
from nas.run.plan import Plan
from nas.run.recipe_file import to_yaml
from nas.training.config import TRAININGS
from nas.training.model_folder import ARCHITECTURE, WEIGHTS, facts_of, seed_weights, write_weights

CELL = Cell(b1x1=4, b3x3_reduce=4, b3x3=8, b5x5_reduce=4, b5x5=4, pool_proj=4)
NETWORK = Architecture(
    stem=Stem(kind="conv3x3", width=8),
    stages=((CELL,), (replace(CELL, shortcut=True),)),
    reductions=(Reduction(),),
    dropout=0.0,
)


def facts_data(config: DataConfig, class_names: tuple[str, ...], resolution: int) -> Data:
    """A data set without images."""
    return Data(
        name=config.name,
        classes=len(class_names),
        class_names=class_names,
        resolution=resolution,
        mean=(0.3, 0.3, 0.3),
        std=(0.37, 0.37, 0.37),
        parts={},
    )


def make(
    folder: Path,
    config: DataConfig,
    class_names: tuple[str, ...],
    *,
    resolution: int = 8,
    seeds: int = 1,
    architecture: Architecture = NETWORK,
    images: Tensor | None = None,
    **plan: Any,
) -> Path:
    """Write what ``nas train`` would, with the weights that training starts from.

    With ``images`` the statistics of batch-norm are theirs, and the predictions differ from image to image.
    """
    folder.mkdir(parents=True)
    (folder / ARCHITECTURE).write_text(serialize.to_json(architecture))
    (folder / "recipe.yaml").write_text(to_yaml(Plan(data=config, training=TRAININGS["modern"], **plan)))
    data = facts_data(config, class_names, resolution)
    for seed in range(seeds):
        network = build(
            architecture,
            classes=data.classes,
            resolution=resolution,
            generator=torch.Generator().manual_seed(seed),
            plan="plain",
        )
        with torch.no_grad():  # The first linear layer hardly tells classes apart before training.
            network.linear.linear.weight.mul_(100.0)  # type: ignore[union-attr]
            if images is not None:
                for module in network.modules():
                    if isinstance(module, nn.BatchNorm2d):
                        module.momentum = 1.0
                network.train()(images)
                network.linear.linear.bias -= network.eval()(images).mean(dim=0)  # type: ignore[union-attr]
        facts = facts_of(architecture, data, seed=seed, epochs=0)
        write_weights(seed_weights(folder, seed), network.state_dict(), architecture, facts)
        if seed == 0:
            write_weights(folder / WEIGHTS, network.state_dict(), architecture, facts)
    return folder
