"""The fast path trains to the same accuracy as plain modules in float32."""

import statistics
from dataclasses import dataclass, replace

import pytest
import torch
from torch import nn

from nas.architecture import Architecture
from nas.data.splits import Data
from nas.network.build import build
from nas.training import TrainingConfig
from nas.training.model import FromArchitecture
from nas.training.trainer import Trainer

CONFIG = TrainingConfig(epochs=4, batch_size=32, learning_rate=0.2, warmup_epochs=1.0, ema_decay=0.95)
SEEDS = range(5)


@dataclass(frozen=True)
class Plain(FromArchitecture):
    """The network of an architecture, executed module by module."""

    def build(self, *, classes: int, resolution: int, auxiliary: bool, generator: torch.Generator) -> nn.Module:
        options = {"classes": classes, "resolution": resolution, "auxiliary": auxiliary, "generator": generator}
        return build(self.architecture, plan="plain", **options)  # type: ignore[arg-type]


def last_accuracy(model: Architecture | Plain, data: Data, config: TrainingConfig, seed: int) -> float:
    trainer = Trainer(model, data, config, seed=seed)
    while not trainer.done:
        trainer.train_epoch()
    return trainer.curve[-1].accuracy


def test_one_epoch_in_float32_is_the_same(tiny: Architecture, digits: Data) -> None:
    still = replace(tiny, dropout=0.0)
    config = replace(CONFIG, precision="float32", learning_rate=0.02, images_per_epoch=320)
    losses = [Trainer(model, digits, config, seed=0).train_epoch().train_loss for model in (still, Plain(still))]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


@pytest.mark.slow
def test_accuracies_agree_within_noise(tiny: Architecture, digits: Data) -> None:
    exact = [last_accuracy(Plain(tiny), digits, replace(CONFIG, precision="float32"), seed) for seed in SEEDS]
    fast = [last_accuracy(tiny, digits, replace(CONFIG, precision="bfloat16"), seed) for seed in SEEDS]
    noise = statistics.stdev(exact) + statistics.stdev(fast)
    assert abs(statistics.mean(exact) - statistics.mean(fast)) < max(noise, 0.01), (exact, fast)
