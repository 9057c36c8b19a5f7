"""The three GoogLeNets, held against the paper's Table 1 as written there."""

import pytest

from nas.architecture import Architecture
from nas.cost import cost, rows
from nas.operations import lower
from nas.presets import GOOGLENET, PRESETS

TABLE_1 = """
3a 192 64 96 128 16 32 32 256 28
3b 256 128 128 192 32 96 64 480 28
4a 480 192 96 208 16 48 64 512 14
4b 512 160 112 224 24 64 64 512 14
4c 512 128 128 256 24 64 64 512 14
4d 512 112 144 288 32 64 64 528 14
4e 528 256 160 320 32 128 128 832 14
5a 832 256 160 320 32 128 128 832 7
5b 832 384 192 384 48 128 128 1024 7
"""


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_table_1(preset: Architecture) -> None:
    cells = [cell for stage in preset.stages for cell in stage]
    shapes = {row.name: row for row in rows(lower(preset, resolution=224, classes=1000).operations)}
    for line, cell in zip(TABLE_1.split("\n")[1:-1], cells, strict=True):
        name, *figures = line.split()
        row = shapes[name]
        widths = (cell.b1x1, cell.b3x3_reduce, cell.b3x3, cell.b5x5_reduce, cell.b5x5, cell.pool_proj)
        assert (row.in_channels, *widths, row.out_channels, row.out_size) == tuple(map(int, figures))


def test_what_the_three_differ_in() -> None:
    paper, bvlc, torchvision = PRESETS["googlenet"], PRESETS["googlenet-bvlc"], PRESETS["googlenet-torchvision"]
    assert (paper.stem.kind, bvlc.stem.kind, torchvision.stem.kind) == ("separable7x7", "dense7x7", "dense7x7")
    assert (paper.norm, bvlc.norm, torchvision.norm) == ("lrn", "lrn", "batch")
    assert (paper.dropout, torchvision.dropout) == (0.4, 0.2)
    assert [reduction.kernel for reduction in paper.reductions] == [3, 3]
    assert [reduction.kernel for reduction in torchvision.reductions] == [3, 2]
    assert {cell.wide for stage in paper.stages for cell in stage} == {"5x5"}
    assert {cell.wide for stage in torchvision.stages for cell in stage} == {"3x3"}
    assert [(head.stage, head.cell) for head in paper.auxiliary] == [(1, 0), (1, 3)]  # After 4a and 4d.
    assert [head.pool for head in torchvision.auxiliary] == ["adaptive", "adaptive"]


@pytest.mark.parametrize(
    ("name", "macs", "params"),
    [
        ("googlenet", 1_498_677_248, None),
        ("googlenet-bvlc", 1_582_671_872, 6_998_552),
        ("googlenet-torchvision", 1_498_376_192, 6_624_904),
    ],
)
def test_totals_at_224(name: str, macs: int, params: int | None) -> None:
    total = cost(PRESETS[name], resolution=224, classes=1000)
    assert total.macs == macs
    assert params is None or total.params == params


def test_weights_of_the_paper_network() -> None:
    assert cost(GOOGLENET, resolution=224, classes=1000).weights == 6_983_576
    operations = lower(GOOGLENET, resolution=224, classes=1000).operations
    assert sum(operation.weights for operation in operations if operation.name != "linear") == 5_959_576


def test_the_paper_network_has_22_layers_with_parameters() -> None:
    """Conv1, conv2 (two), nine modules of depth two, one linear layer; the separable conv1 counts as one."""
    names = [row.name for row in rows(lower(GOOGLENET, resolution=224, classes=1000).operations) if row.weights]
    cells = [name for name in names if name[0].isdigit()]
    assert names == ["conv1", "conv2", *cells, "linear"]
    assert 1 + 2 + 2 * len(cells) + 1 == 22


def test_totals_at_32() -> None:
    """The convolutions cost 1/49 of those at 224, since every map is 1/7 as wide."""
    for name, macs in (("googlenet", 30_574_592), ("googlenet-bvlc", None), ("googlenet-torchvision", None)):
        small = cost(PRESETS[name], resolution=32, classes=10)
        large = cost(PRESETS[name], resolution=224, classes=10)
        assert 49 * (small.macs - 10_240) == large.macs - 10_240
        assert small.params == large.params
        assert macs is None or small.macs == macs
