"""ResNet-20 in plain torch, trained exactly as ``nas baseline`` trains: the reference at about GoogLeNet's cost.

    python -m benchmarks.resnet20 --data fashion-mnist --recipe modern --seeds 5

He et al., arXiv 1512.03385, section 4.2, with n = 3: a 3x3 convolution to 16 channels, then three stages of
three blocks with 16, 32 and 64 channels, parameter-free shortcuts (option A), mean pooling and a linear layer.
At 28 x 28 it has 31,047,040 MACs, 1.5% more than GoogLeNet at 32 x 32.
An epoch that is trained is not trained again: call it once more to go on. The test split is read once a seed.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from nas.cli.search import parse_settings
from nas.data.config import SplitName
from nas.data.load import load_data
from nas.run.curves import Curves
from nas.run.folder import RunFolder
from nas.run.ledger import Figures, Ledger
from nas.run.plan import PLAN, Plan, check_same, make_plan, read_plan
from nas.run.recipe_file import to_yaml, with_epochs
from nas.summary import summarise
from nas.training.checkpoint import read_checkpoint, write_checkpoint
from nas.training.evaluate import evaluate
from nas.training.finals import digest, figures, reading_of
from nas.training.trainer import Trainer

WIDTHS: Final = (16, 32, 64)
BLOCKS: Final = 3


class Block(nn.Module):
    """Two 3x3 convolutions around a shortcut; where the width doubles, at half the resolution."""

    def __init__(self, before: int, width: int) -> None:
        super().__init__()
        self.stride = 1 if before == width else 2
        self.new = width - before
        self.conv1 = nn.Conv2d(before, width, 3, self.stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        """Residual and shortcut; new channels of the shortcut are zeros."""
        y = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        short = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.new // 2, self.new - self.new // 2))
        return F.relu(y + short)


class ResNet20(nn.Module):
    """Logits [N, classes] of images [N, 3, H, W]."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, WIDTHS[0], 3, 1, 1, bias=False)
        self.norm = nn.BatchNorm2d(WIDTHS[0])
        widths = [WIDTHS[0], *(width for width in WIDTHS for _ in range(BLOCKS))]
        self.blocks = nn.Sequential(*(Block(before, width) for before, width in pairwise(widths)))
        self.linear = nn.Linear(WIDTHS[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        """Classify."""
        logits: Tensor = self.linear(self.blocks(F.relu(self.norm(self.conv(x)))).mean(dim=(2, 3)))
        return logits


@dataclass(frozen=True, slots=True)
class Model:
    """ResNet-20 for the trainer."""

    key: str = "resnet20"
    dims: int = 2

    def build(self, *, classes: int, resolution: int, auxiliary: bool, generator: torch.Generator) -> nn.Module:
        """He et al.'s initialisation (arXiv 1502.01852), fan out; it has no auxiliary heads."""
        network = ResNet20(classes)
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu", generator=generator)
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.01, generator=generator)
                nn.init.zeros_(module.bias)
        return network


def macs(network: nn.Module, resolution: int) -> int:
    """Multiply-adds of one inference, counted by torch while it runs."""
    network.eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, 3, resolution, resolution))
    return int(counter.get_total_flops()) // 2


def train_seed(plan: Plan, seed: int, folder: Path, threads: int) -> Path:
    """Train one seed to its end, or go on with it; the file with its weights."""
    weights, checkpoint = folder / f"weights/seed-{seed}.safetensors", folder / f"checkpoints/seed-{seed}.ckpt"
    if weights.exists():
        return weights
    data = load_data(plan.data, splits=("train", "a"))
    trainer = Trainer(Model(), data, plan.training, seed=seed, threads=threads)
    if checkpoint.exists():
        trainer.load(checkpoint)
    curves = Curves(folder / "curves")
    curves.path(seed).unlink(missing_ok=True)
    for record in trainer.curve:
        curves.append(seed, asdict(record))
    while not trainer.done:
        record = trainer.train_epoch()
        curves.append(seed, asdict(record))
        trainer.save(checkpoint)
        print(
            f"seed {seed}: epoch {record.epoch}/{plan.training.epochs}  loss {record.train_loss:.4f}  "
            f"A {record.accuracy:.2%}  {record.seconds:.0f} s",
            flush=True,
        )
    write_checkpoint(weights, trainer.weights(), {"model": Model().key, "seed": seed})
    checkpoint.unlink()
    return weights


def read(plan: Plan, seed: int, weights: Path, ledger: Ledger) -> dict[SplitName, Figures]:
    """Figures of one seed on every held-out split, each read once ever."""

    def read_one(split: SplitName) -> Figures:
        data = load_data(plan.data, splits=(split,))
        network = ResNet20(data.classes).to(memory_format=torch.channels_last)
        network.load_state_dict(read_checkpoint(weights)[0])
        part = data.split(split)
        return figures(reading_of(evaluate(network, part, logits=True), part.labels))

    splits: tuple[SplitName, ...] = ("a", "b", "test")
    return {split: ledger.read(Model().key, seed, digest(weights), split, read_one) for split in splits}


def main(arguments: Sequence[str] | None = None) -> None:
    """Train every seed, then print mean, spread and interval of each split."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="fashion-mnist")
    parser.add_argument("--recipe", default="modern")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--resolution", type=int)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="as of nas baseline")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("runs/out/baseline-resnet20"))
    options = parser.parse_args(arguments)
    training = with_epochs({"recipe": options.recipe}, options.epochs)
    data = {"name": options.data, "resolution": options.resolution}
    plan = make_plan({"data": data, "training": training, "seeds": options.seeds}, parse_settings(options.set))
    folder: Path = options.out
    if (folder / PLAN).exists():
        check_same(folder, read_plan(folder / PLAN), plan)
    ledger = Ledger.open(folder / "metrics.json")
    ledger.check_seeds(plan.seed_numbers)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PLAN).write_text(to_yaml(plan))
    home = RunFolder(folder)
    with home.locked(), home.session():
        files = [train_seed(plan, seed, folder, options.threads) for seed in plan.seed_numbers]
        readings = [read(plan, seed, file, ledger) for seed, file in zip(plan.seed_numbers, files, strict=True)]
    held_out = load_data(plan.data, splits=("a",))
    network = ResNet20(held_out.classes)
    params = sum(parameter.numel() for parameter in network.parameters())
    count = macs(network, held_out.resolution)
    summary = {split: summarise([reading[split]["accuracy"] for reading in readings]) for split in readings[0]}
    seconds = sum(record["seconds"] for seed in plan.seed_numbers for record in Curves(folder / "curves").read(seed))
    ledger.content |= {
        "seeds": list(plan.seed_numbers),
        "training_seconds": seconds,
        "core_seconds": seconds * options.threads,
        "network": {
            "label": "ResNet-20",
            "key": Model().key,
            "macs": count,
            "params": params,
            "resolution": held_out.resolution,
        },
        "summary": {split: asdict(each) for split, each in summary.items()},
    }
    ledger.save()
    side = held_out.resolution
    print(f"ResNet-20 at {side} x {side}: {count:,} MACs, {params:,} params, {plan.training.epochs} epochs")
    for split, each in summary.items():
        print(f"{split}: {each.percent()}")


if __name__ == "__main__":
    main()
