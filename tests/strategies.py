"""Random architectures, for property tests (hypothesis) and for seeded loops alike."""

from random import Random
from typing import Any

from hypothesis import strategies as st

from nas.architecture import Architecture, AuxiliaryHead, Cell, Reduction, Stem

WIDES = ("5x5", "3x3", "3x3x2", "dw3", "dw5", "dw7")
RESOLUTIONS = (31, 32, 33, 39, 47, 57, 64)
"""At the least of them, every random architecture can still be pooled."""


def random_cell(random: Random) -> Cell:
    """Any cell: absent branches, no reductions, every wide branch, shortcut, squeeze-and-excitation."""
    b3x3, b5x5 = random.choice(((0, 1), (1, 0), (1, 1), (1, 1)))
    b3x3, b5x5 = b3x3 * random.randint(1, 12), b5x5 * random.randint(1, 12)
    return Cell(
        b1x1=random.choice((0, random.randint(1, 12))),
        b3x3_reduce=random.choice((0, random.randint(1, 8))) if b3x3 else 0,
        b3x3=b3x3,
        b5x5_reduce=random.choice((0, random.randint(1, 8))) if b5x5 else 0,
        b5x5=b5x5,
        pool_proj=random.choice((0, random.randint(1, 12))),
        wide=random.choice(WIDES),  # type: ignore[arg-type]
        shortcut=random.random() < 0.4,
        se=random.random() < 0.3,
    )


def random_reduction(random: Random) -> Reduction:
    """Either pool, or a convolution with or without its own reduction."""
    if random.random() < 0.5:
        return Reduction(kernel=random.choice((2, 3)))
    return Reduction(kind="conv", width=random.randint(1, 12), reduce=random.choice((0, random.randint(1, 8))))


def random_architecture(random: Random, dims: int | None = None) -> Architecture:
    """Any architecture of up to three stages, small enough to be built by the hundred."""
    kind = random.choice(("separable7x7", "dense7x7", "conv3x3"))
    conv2 = random.choice((0, random.randint(1, 12)))
    stem = Stem(
        kind=kind,  # type: ignore[arg-type]
        width=random.randint(1, 12),
        conv2_reduce=random.choice((0, random.randint(1, 8))) if conv2 else 0,
        conv2=conv2,
    )
    stages = tuple(tuple(random_cell(random) for _ in range(random.randint(1, 3))) for _ in range(random.randint(1, 3)))
    places = [(i, j) for i, stage in enumerate(stages) for j in range(len(stage))]
    places = sorted(random.sample(places, random.choice((0, 0, min(2, len(places))))))
    heads = tuple(
        AuxiliaryHead(
            stage=i,
            cell=j,
            width=random.randint(1, 8),
            hidden=random.randint(1, 16),
            dropout=random.choice((0.0, 0.5)),
            pool=random.choice(("fixed", "adaptive")),
        )
        for i, j in places
    )
    return Architecture(
        stem=stem,
        stages=stages,
        reductions=tuple(random_reduction(random) for _ in stages[1:]),
        norm=random.choice(("batch", "none") if kind == "conv3x3" else ("batch", "none", "lrn")),
        auxiliary=heads,
        dropout=random.choice((0.0, 0.4)),
        dims=dims or random.choice((1, 2, 2, 2)),
    )


@st.composite
def architectures(draw: Any, dims: int | None = None) -> Architecture:
    """A strategy over :func:`random_architecture`; what fails shrinks to a smaller one."""
    return random_architecture(draw(st.randoms(use_true_random=False)), dims)


resolutions = st.sampled_from(RESOLUTIONS)
