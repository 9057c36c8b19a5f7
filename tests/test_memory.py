"""Activation memory: a network counted by hand, and how it grows. Held to torch in tests/network."""

from dataclasses import replace

from hypothesis import given

from nas.architecture import Architecture, Cell, Stem
from nas.memory import Memory, memory
from nas.presets import GOOGLENET, TORCHVISION
from strategies import architectures

LINE = Architecture(
    stem=Stem(kind="conv3x3", width=2),
    stages=((Cell(b1x1=0, b3x3_reduce=0, b3x3=4, b5x5_reduce=0, b5x5=0, pool_proj=0),),),
    reductions=(),
    norm="none",
    dropout=0.0,
    dims=1,
)


def test_by_hand() -> None:
    """Bytes at 8 steps: input 96, conv1 64, cell 128, mean 16, logits 8."""
    assert memory(LINE, resolution=8, classes=2) == Memory(
        inference=96 + 64 + 128,  # While the cell is computed.
        kept=96 + 64 + 128 + 16,
        # At the cell's ReLU on the way back: all maps, the logits, and the gradient before and after.
        training=96 + 64 + 128 + 8 + 128 + 128,
    )
    normed = memory(replace(LINE, norm="batch"), resolution=8, classes=2)
    assert normed.inference == 96 + 64 + 128  # Folded.
    statistics = 2 * 4 * (2 + 4)
    assert normed.kept == 96 + 64 + 128 + 16 + (64 + 128) + statistics
    masked = memory(replace(LINE, dropout=0.5), resolution=8, classes=2)
    assert masked.kept == 96 + 64 + 128 + 16 + 16  # The mask; what was dropped from is not kept, its product is.


@given(architecture=architectures())
def test_order(architecture: Architecture) -> None:
    one, two = (memory(architecture, resolution=33, classes=4, batch=batch) for batch in (1, 2))
    assert 0 < one.inference <= one.training and 0 < one.kept < one.training
    assert two.inference == 2 * one.inference
    assert one.kept < two.kept <= 2 * one.kept


def test_presets() -> None:
    for preset in (GOOGLENET, TORCHVISION):
        found = memory(preset, resolution=224, classes=1000)
        # The largest moment is in the stem: conv1's 64 maps of 112 x 112 beside what is made of them.
        assert 4 * 64 * 112 * 112 < found.inference < found.kept < found.training
