"""Costs against the paper's table, and against a count that is written down here a second time."""

from dataclasses import astuple, replace

import pytest
from hypothesis import given, settings

from nas.architecture import Architecture, Cell, Reduction, Stem
from nas.cost import Cost, cost, rows
from nas.errors import ArchitectureError
from nas.operations import lower
from nas.presets import GOOGLENET, PRESETS
from strategies import architectures, resolutions

# Row, size, exact MACs, exact weights, then the paper's operations (millions) and parameters (thousands).
TABLE_1 = """
conv1 112 34019328 2712 34 2.7
conv2 56 359661568 114688 360 112
3a 28 128049152 163328 128 159
3b 28 304267264 388096 304 380
4a 14 73608192 375552 73 364
4b 14 87908352 448512 88 437
4c 14 99850240 509440 100 463
4d 14 118515712 604672 119 580
4e 14 169996288 867328 170 840
5a 7 51079168 1042432 54 1072
5b 7 70697984 1442816 71 1388
linear 1 1024000 1024000 1 1000
"""


def test_table_1_row_by_row() -> None:
    table = {row.name: row for row in rows(lower(GOOGLENET, resolution=224, classes=1000).operations) if row.macs}
    assert list(table) == [line.split()[0] for line in TABLE_1.split("\n")[1:-1]]
    for line in TABLE_1.split("\n")[1:-1]:
        name, size, macs, weights, paper_macs, paper_params = line.split()
        row = table[name]
        assert (row.out_size, row.macs, row.weights) == (int(size), int(macs), int(weights)), name
        loose = {"5a": 0.06, "linear": 0.03}.get(name, 0.01)
        assert row.macs == pytest.approx(1e6 * float(paper_macs), rel=loose)
        assert row.weights == pytest.approx(1024 * float(paper_params), rel=0.08)
    assert sum(row.macs for row in table.values()) == 1_498_677_248


def test_rows_keep_every_pool_and_every_cost() -> None:
    operations = lower(GOOGLENET, resolution=224, classes=1000, auxiliary=True).operations
    table = rows(operations)
    assert [row.name for row in table if not row.macs] == [
        "pool1", "lrn1", "lrn2", "pool2", "reduction3", "reduction4", "mean", "dropout",
    ]  # fmt: skip
    assert [row.name for row in table].count("aux1") == 1
    for name in ("macs", "weights", "params", "activations"):
        assert sum(getattr(row, name) for row in table) == sum(getattr(each, name) for each in operations)


def conv(maps: int, channels: int, kernel: int, size: int, network: Architecture, groups: int = 1) -> tuple[int, ...]:
    """MACs, parameters, weights and activations of one convolution with ``size`` wide output."""
    weights = maps * channels * kernel**network.dims // groups
    extra = 2 * channels if network.norm == "batch" else channels
    return weights * size**network.dims, weights + extra, weights, channels * size**network.dims


def dense(features: int, outputs: int) -> tuple[int, ...]:
    """The same of a linear layer with bias."""
    return features * outputs, features * outputs + outputs, features * outputs, outputs


def naive(network: Architecture, resolution: int, classes: int) -> Cost:
    """Sum the closed form of every layer, from the definitions of the paper and nothing of ours."""
    parts: list[tuple[int, ...]] = []
    stem, size = network.stem, resolution
    if stem.kind == "conv3x3":
        parts.append(conv(3, stem.width, 3, size, network))
    else:
        size = (size + 1) // 2
        if stem.kind == "dense7x7":
            parts.append(conv(3, stem.width, 7, size, network))
        else:
            depthwise = 24 * 7**network.dims
            parts.append((depthwise * size**network.dims, depthwise, depthwise, 24 * size**network.dims))
            parts.append(conv(24, stem.width, 1, size, network))
        size = halved(size, 3)
    if stem.conv2:
        if stem.conv2_reduce:
            parts.append(conv(stem.width, stem.conv2_reduce, 1, size, network))
        parts.append(conv(stem.conv2_reduce or stem.width, stem.conv2, 3, size, network))
    maps = stem.conv2 or stem.width
    if stem.kind != "conv3x3":
        size = halved(size, 3)
    for i, stage in enumerate(network.stages):
        if i:
            reduction = network.reductions[i - 1]
            if reduction.kind == "pool":
                size = halved(size, reduction.kernel)
            else:
                if reduction.reduce:
                    parts.append(conv(maps, reduction.reduce, 1, size, network))
                size = (size + 1) // 2
                parts.append(conv(reduction.reduce or maps, reduction.width, 3, size, network))
                maps += reduction.width
        for cell in stage:
            parts += naive_cell(cell, maps, size, network)
            maps = cell.b1x1 + cell.b3x3 + cell.b5x5 + cell.pool_proj
    parts.append(dense(maps, classes))
    macs, params, weights, activations = (sum(column) for column in zip(*parts, strict=True))
    return Cost(macs=macs, params=params, weights=weights, activations=activations)


def halved(size: int, kernel: int) -> int:
    """Windows of a ceil-mode pool of stride 2 without padding, counted one by one."""
    count = 1
    while 2 * (count - 1) + kernel < size:
        count += 1
    return count


def naive_cell(cell: Cell, maps: int, size: int, network: Architecture) -> list[tuple[int, ...]]:
    """The closed form of one module: N^2 (M R + k^2 R K) a branch."""
    parts = []
    if cell.b1x1:
        parts.append(conv(maps, cell.b1x1, 1, size, network))
    if cell.b3x3_reduce:
        parts.append(conv(maps, cell.b3x3_reduce, 1, size, network))
    if cell.b3x3:
        parts.append(conv(cell.b3x3_reduce or maps, cell.b3x3, 3, size, network))
    if cell.b5x5_reduce:
        parts.append(conv(maps, cell.b5x5_reduce, 1, size, network))
    if cell.b5x5:
        read = cell.b5x5_reduce or maps
        if cell.wide in ("5x5", "3x3"):
            parts.append(conv(read, cell.b5x5, int(cell.wide[0]), size, network))
        elif cell.wide == "3x3x2":
            parts.append(conv(read, cell.b5x5, 3, size, network))
            parts.append(conv(cell.b5x5, cell.b5x5, 3, size, network))
        else:
            parts.append(conv(read, read, int(cell.wide[2]), size, network, groups=read))
            parts.append(conv(read, cell.b5x5, 1, size, network))
    if cell.pool_proj:
        parts.append(conv(maps, cell.pool_proj, 1, size, network))
    out = cell.b1x1 + cell.b3x3 + cell.b5x5 + cell.pool_proj
    if cell.se:
        squeezed = max(8, out // 8)
        parts += [dense(out, squeezed), dense(squeezed, out)]
    if cell.shortcut and maps != out:
        parts.append(conv(maps, out, 1, size, network))
    return parts


@pytest.mark.untraced
@settings(max_examples=1000)
@given(architectures(), resolutions)
def test_counter_recorder_and_closed_form_agree(network: Architecture, resolution: int) -> None:
    counted = cost(network, resolution=resolution, classes=5)
    operations = lower(network, resolution=resolution, classes=5).operations
    names = ("macs", "params", "weights", "activations")
    assert astuple(counted) == tuple(sum(getattr(each, name) for each in operations) for name in names)
    assert counted == naive(network, resolution, 5)


def test_closed_form_of_the_presets() -> None:
    for preset in PRESETS.values():
        for resolution in (32, 33, 64, 224, 299):
            assert cost(preset, resolution=resolution, classes=1000) == naive(preset, resolution, 1000)


@given(architectures(), resolutions)
def test_auxiliary_heads_and_dropout_cost_nothing_at_inference(network: Architecture, resolution: int) -> None:
    bare = replace(network, auxiliary=(), dropout=0.0)
    assert cost(network, resolution=resolution, classes=10) == cost(bare, resolution=resolution, classes=10)


@pytest.mark.parametrize(
    ("resolution", "classes", "sentence"),
    [
        (0, 10, "`resolution >= 1` must hold for a whole number, but got resolution=0."),
        (32.0, 10, "`resolution >= 1` must hold for a whole number, but got resolution=32.0."),
        (32, 0, "`classes >= 1` must hold for a whole number, but got classes=0."),
        (
            28,
            10,
            "the map before reduction4 must be at least 2 wide, but got size=1: "
            "the resolution is too low for this architecture.",
        ),
    ],
)
def test_a_resolution_that_cannot_be(resolution: int, classes: int, sentence: str) -> None:
    with pytest.raises(ArchitectureError) as caught:
        cost(GOOGLENET, resolution=resolution, classes=classes)
    assert str(caught.value) == sentence


def test_the_naive_module_costs_more() -> None:
    """The reductions are what makes the module affordable (paper, section 4)."""
    cell = GOOGLENET.stages[1][0]
    bare = replace(cell, b3x3_reduce=0, b5x5_reduce=0)
    stem = Stem(kind="conv3x3", width=480)
    one, other = (
        cost(Architecture(stem=stem, stages=((each,),), reductions=()), resolution=14, classes=10)
        for each in (cell, bare)
    )
    assert other.macs > 4 * one.macs


def test_a_cost_by_hand() -> None:
    """A 3x3 stem to 2 channels, a 3x3 branch to 4 at 4x4, stride-2 3x3 to 1 beside a pool, 3x3 to 5 at 2x2, linear."""
    first = Cell(b1x1=0, b3x3_reduce=0, b3x3=4, b5x5_reduce=0, b5x5=0, pool_proj=0)
    network = Architecture(
        stem=Stem(kind="conv3x3", width=2),
        stages=((first,), (replace(first, b3x3=5),)),
        reductions=(Reduction(kind="conv", width=1),),
    )
    total = cost(network, resolution=4, classes=3)
    weights = 9 * 3 * 2 + 9 * 2 * 4 + 9 * 4 * 1 + 9 * 5 * 5 + 5 * 3
    assert total.weights == weights
    assert total.macs == 16 * (54 + 72) + 4 * (36 + 225) + 15
    assert total.params == weights + 2 * (2 + 4 + 1 + 5) + 3
    assert total.activations == 16 * (2 + 4) + 4 * (1 + 5) + 3
