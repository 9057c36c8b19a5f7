from dataclasses import replace

import pytest

from analysis.blocks import blocks, widest
from nas.architecture import Architecture, Cell, Reduction, Stem
from nas.cost import cost
from nas.presets import PRESETS


@pytest.mark.parametrize("name", PRESETS)
def test_blocks_hold_all_macs_and_the_papers_widths(name):
    architecture = PRESETS[name]
    found = blocks(architecture, resolution=224, classes=1000)
    assert sum(block.macs for block in found) == cost(architecture, resolution=224, classes=1000).macs
    cells = {block.name: block for block in found if block.kind == "cell"}
    assert list(cells) == ["3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"]
    assert [(branch.reduce, branch.width) for branch in cells["3a"].branches] == [(0, 64), (96, 128), (16, 32), (0, 32)]
    for block in cells.values():
        assert sum(branch.macs for branch in block.branches) == block.macs
        assert sum(branch.width for branch in block.branches) == block.width
    assert [block.size for block in found if block.kind == "reduction"] == [56, 28, 14, 7]
    assert widest([found]) == 1024


def test_marks_absent_branches_and_conv_reductions():
    cell = Cell(b1x1=0, b3x3_reduce=0, b3x3=16, b5x5_reduce=8, b5x5=8, pool_proj=0, wide="dw5", shortcut=True, se=True)
    architecture = Architecture(
        stem=Stem(kind="conv3x3", width=16),
        stages=((cell,), (replace(cell, se=False),)),
        reductions=(Reduction(kind="conv", width=24, reduce=8),),
    )
    found = blocks(architecture, resolution=32, classes=10)
    assert [(block.name, block.kind) for block in found] == [
        ("conv1", "stem"),
        ("3a", "cell"),
        ("reduction3", "reduction"),
        ("4a", "cell"),
        ("linear", "classifier"),
    ]
    assert found[1].marks == ("+", "se") and found[3].marks == ("+",)
    assert [branch.label for branch in found[1].branches] == ["3x3", "dw 5"]
    conv, pool = found[2].branches
    assert (conv.reduce, conv.width, pool.width, pool.macs) == (8, 24, 24, 0)
    assert sum(block.macs for block in found) == cost(architecture, resolution=32, classes=10).macs


def test_maps_of_a_series_have_one_side():
    architecture = replace(PRESETS["googlenet"], norm="batch", dims=1)
    found = blocks(architecture, resolution=224, classes=10)
    assert [block.extent for block in found if block.kind == "reduction"] == ["56", "28", "14", "7"]
    assert blocks(PRESETS["googlenet"], resolution=224, classes=10)[1].extent == "56²"
