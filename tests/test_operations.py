"""The recorded operations: names, wiring and what each branch is made of."""

from collections import Counter
from dataclasses import replace

from hypothesis import given

from nas.architecture import Architecture, Cell, Reduction, Stem
from nas.operations import Add, Concat, Conv, Dropout, Gate, Linear, LocalResponseNorm, MaxPool, MeanPool, lower
from nas.presets import GOOGLENET
from strategies import architectures, resolutions


@given(architectures(), resolutions)
def test_operations_form_a_graph_in_order(network: Architecture, resolution: int) -> None:
    lowered = lower(network, resolution=resolution, classes=4, auxiliary=True)
    known = {"input": (3, resolution)}
    for operation in lowered.operations:
        assert operation.name not in known
        assert known[operation.inputs[0]] == (operation.in_channels, operation.in_size)
        assert set(operation.inputs) <= set(known)
        if isinstance(operation, Concat):
            assert operation.out_channels == sum(known[name][0] for name in operation.inputs)
        if isinstance(operation, Add):
            assert known[operation.inputs[0]] == known[operation.inputs[1]]
        if isinstance(operation, Gate):
            assert known[operation.inputs[1]] == (operation.in_channels, 1)
        known[operation.name] = (operation.out_channels, operation.out_size)
    outputs = lowered.outputs
    assert known[outputs.logits.name] == (4, 1)
    assert [known[value.name] for value in outputs.stages] == [(each.channels, each.size) for each in outputs.stages]
    assert [each.channels for each in outputs.stages] == [stage[-1].width for stage in network.stages]
    assert len(outputs.auxiliary) == len(network.auxiliary)
    # Every value is read, but the network's outputs: nothing is computed in vain.
    read = {name for operation in lowered.operations for name in operation.inputs}
    ends = {value.name for value in (outputs.logits, *outputs.auxiliary)}
    assert set(known) - read == ends


@given(architectures(), resolutions)
def test_only_the_depthwise_stem_is_bare(network: Architecture, resolution: int) -> None:
    for operation in lower(network, resolution=resolution, classes=4, auxiliary=True).operations:
        if isinstance(operation, Conv):
            bare = operation.name == "conv1.depthwise"
            assert operation.batch_norm == (network.norm == "batch" and not bare)
            assert operation.bias == (network.norm != "batch" and not bare)
            assert not (bare and operation.relu)


def test_the_paper_network() -> None:
    lowered = lower(GOOGLENET, resolution=224, classes=1000)
    kinds = Counter(type(operation) for operation in lowered.operations)
    assert kinds == {
        Conv: 4 + 9 * 6,
        MaxPool: 4 + 9,
        LocalResponseNorm: 2,
        Concat: 9,
        MeanPool: 1,
        Dropout: 1,
        Linear: 1,
    }
    sizes = [each.out_size for each in lowered.operations if isinstance(each, MaxPool) and each.stride == 2]
    assert sizes == [56, 28, 14, 7]
    with_heads = lower(GOOGLENET, resolution=224, classes=1000, auxiliary=True)
    extra = [each for each in with_heads.operations if each.row.startswith("aux")]
    assert len(with_heads.operations) == len(lowered.operations) + len(extra)
    # 14x14 pooled by 5x5 with stride 3 gives 4x4, of 128 channels: 2048 features.
    hidden = next(each for each in extra if each.name == "aux1.hidden")
    assert (hidden.in_channels, hidden.in_size, hidden.weights) == (128, 4, 2048 * 1024)


def test_branches_without_reduction_read_the_input() -> None:
    cell = Cell(b1x1=4, b3x3_reduce=0, b3x3=8, b5x5_reduce=0, b5x5=8, pool_proj=4, wide="dw5", shortcut=True, se=True)
    network = Architecture(
        stem=Stem(kind="conv3x3", width=24),
        stages=((cell, replace(cell, pool_proj=8)),),
        reductions=(),
    )
    operations = {each.name: each for each in lower(network, resolution=8, classes=2).operations}
    assert [name for name in operations if name.startswith("3a.")] == [
        "3a.b1x1", "3a.b3x3", "3a.b5x5_depthwise", "3a.b5x5", "3a.pool", "3a.pool_proj", "3a.concat",
        "3a.se_pool", "3a.se_reduce", "3a.se_expand", "3a.se", "3a.add",
    ]  # fmt: skip
    assert "3b.shortcut" in operations
    ends = [operations[f"3a.{name}"] for name in ("b1x1", "b3x3", "b5x5", "pool_proj")]
    assert [end.relu for end in ends if isinstance(end, Conv)] == [False] * 4
    depthwise = operations["3a.b5x5_depthwise"]
    assert isinstance(depthwise, Conv)
    assert (depthwise.groups, depthwise.kernel, depthwise.relu) == (24, 5, True)


def test_a_reduction_by_convolution_stands_beside_a_pool() -> None:
    cell = Cell(b1x1=4, b3x3_reduce=2, b3x3=8, b5x5_reduce=0, b5x5=0, pool_proj=0)
    network = Architecture(
        stem=Stem(kind="conv3x3", width=6),
        stages=((cell,), (cell,)),
        reductions=(Reduction(kind="conv", width=5, reduce=3),),
    )
    for size, halved in ((7, 4), (8, 4), (1, 1)):
        operations = {each.name: each for each in lower(network, resolution=size, classes=2).operations}
        assert operations["reduction3.pool"].out_size == operations["reduction3.conv"].out_size == halved
        assert operations["reduction3.concat"].out_channels == 5 + 12
