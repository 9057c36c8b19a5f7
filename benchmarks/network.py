"""Training steps of one network by either plan, and by the fast plan with a part switched off: images a core-second.

One thread, processor time, all variants in turn. The kernels of so many variants do not fit oneDNN's cache of 1,024,
and making them anew every step would be measured, so run it as

    ONEDNN_PRIMITIVE_CACHE_CAPACITY=8192 python -m benchmarks.network --rounds 5
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

import torch
import torch.nn.functional as F

from benchmarks.loops import MIXED
from nas.architecture import Architecture, Cell, Reduction, Stem
from nas.network.build import build
from nas.network.fast import convolve
from nas.network.fast import plan as planning
from nas.presets import TORCHVISION


def _cell(b1x1: int, r3: int, b3x3: int, r5: int, b5x5: int, pool: int) -> Cell:
    return Cell(b1x1=b1x1, b3x3_reduce=r3, b3x3=b3x3, b5x5_reduce=r5, b5x5=b5x5, pool_proj=pool)


SMALL = Architecture(
    stem=Stem(kind="conv3x3", width=24),
    stages=(
        (_cell(12, 12, 20, 4, 8, 8),) * 2,
        (_cell(24, 24, 48, 8, 16, 16),) * 3,
        (_cell(40, 40, 80, 12, 28, 28),) * 2,
    ),
    reductions=(Reduction(), Reduction()),
)
"""24M MACs at 28x28: large maps, few channels."""
NETWORKS = {
    "small 28": (SMALL, 28, 10, (128, 512)),
    "googlenet-torchvision 32": (TORCHVISION, 32, 10, (128, 512)),
    "googlenet-torchvision 224": (TORCHVISION, 224, 1000, (8,)),
}
BEST = "bfloat16" if MIXED else "float32"
VARIANTS = (
    "plain float32",
    "plain float32 channels_last",
    *(["plain bfloat16 channels_last"] if MIXED else []),
    "fast float32",
    *(["fast bfloat16"] if MIXED else []),
    f"fast {BEST}, 1x1s apart",
    f"fast {BEST}, no gathering",
    f"fast {BEST}, oneDNN only",
)


@contextmanager
def switched(variant: str) -> Iterator[None]:
    """The fast plan without one of its parts."""
    with patch.object(planning, "_joins", (lambda a, b: a is b) if "apart" in variant else planning._joins):
        most = 0 if "no gathering" in variant or "oneDNN" in variant else convolve.GATHER_MOST_PIXELS_FOR_WEIGHTS
        few = min(most, convolve.GATHER_MOST_PIXELS)
        product = (lambda *_: False) if "oneDNN" in variant else convolve.Convolver._product
        with (
            patch.object(convolve, "GATHER_MOST_PIXELS_FOR_WEIGHTS", most),
            patch.object(convolve, "GATHER_MOST_PIXELS", few),
            patch.object(convolve.Convolver, "_product", product),
        ):
            yield


def make_step(variant: str, network: Architecture, resolution: int, classes: int, batch: int) -> Callable[[], None]:
    """A training step on one batch."""
    generator = torch.Generator().manual_seed(0)
    layout = torch.contiguous_format if variant == "plain float32" else torch.channels_last
    plan = "plain" if variant.startswith("plain") else "fast"
    with switched(variant):
        model = build(network, classes=classes, resolution=resolution, generator=generator, plan=plan)
    model.train().to(memory_format=layout)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, fused=variant != "plain float32")
    images = torch.randn(batch, 3, resolution, resolution, generator=generator).to(memory_format=layout)
    labels = torch.randint(classes, (batch,), generator=generator)

    def step() -> None:
        with switched(variant), torch.autocast("cpu", torch.bfloat16, enabled="bfloat16" in variant):
            logits = model(images)
            loss = F.cross_entropy(logits.float(), labels)
            optimizer.zero_grad()
            loss.backward()
        optimizer.step()

    return step


def main() -> None:
    """Print a line for every network, batch size and variant."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    for name, (network, resolution, classes, batches) in NETWORKS.items():
        for batch in batches:
            steps = {variant: make_step(variant, network, resolution, classes, batch) for variant in VARIANTS}
            seconds: dict[str, list[float]] = {variant: [] for variant in VARIANTS}
            for turn in range(rounds + 1):
                for variant, step in steps.items():
                    start = time.process_time()
                    step()
                    if turn:  # The first one warms up.
                        seconds[variant].append(time.process_time() - start)
            for variant, spent in seconds.items():
                ratios = [a / b for a, b in zip(seconds[VARIANTS[0]], spent, strict=True)]
                deviation = statistics.stdev(ratios) if rounds > 1 else 0.0
                print(
                    f"{name} | {batch} | {variant} | {batch / statistics.median(spent):.1f} | "
                    f"{statistics.mean(ratios):.2f} +- {deviation:.2f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
