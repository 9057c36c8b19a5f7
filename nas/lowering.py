"""Lower an architecture to primitive operations: the only place that knows the wiring.

``wire`` walks an architecture once and tells a sink what it meets. A :class:`Counter` adds up
costs, fast enough to reject thousands of candidates a second; a :class:`nas.operations.Recorder`
keeps the operations, from which the module, the per-layer table and the drawing are read. Since
there is one walk, cost and network cannot drift apart.

Geometry (at any resolution): odd kernels pad to "same"; a pool reduction is ceil-mode without
padding; a conv reduction and its pool pad by one, so that both give ``ceil(size / 2)``.
"""

from string import ascii_lowercase
from typing import Final, NamedTuple

from nas.architecture import DEPTHWISE_MULTIPLIER, Architecture, AuxiliaryHead, Cell, Reduction, Stem
from nas.errors import ArchitectureError

INPUT_CHANNELS: Final = 3
"""Grey images are replicated to three channels, so that costs compare."""
SE_RATIO: Final = 8
SE_LEAST: Final = 8
"""Squeeze-and-excitation squeezes to max(8, width // 8) features."""


class Value(NamedTuple):
    """The output of an operation: ``channels`` maps of ``size`` (squared, where dims is 2)."""

    name: str
    channels: int
    size: int


class Counter:
    """A sink that adds up multiply-adds, parameters and activations, and computes shapes.

    Attributes:
        macs: multiply-adds of convolutions and linear layers, batch 1; nothing else counts.
        weights: elements of convolution kernels and linear matrices.
        params: weights, biases and the scales and shifts of batch-norm.
        activations: output elements of convolutions and linear layers (Radosavovic et al. 2020).
    """

    def __init__(self, *, dims: int, batch_norm: bool) -> None:
        self.dims = dims
        self.batch_norm = batch_norm
        self.macs = self.weights = self.params = self.activations = 0

    def conv(
        self,
        name: str,
        x: Value,
        channels: int,
        kernel: int = 1,
        stride: int = 1,
        *,
        groups: int = 1,
        relu: bool = True,
        bare: bool = False,
    ) -> Value:
        """Padded to "same"; with the network's normalisation, or else a bias, unless ``bare``."""
        size = x.size if stride == 1 else (x.size + 2 * (kernel // 2) - kernel) // stride + 1
        weights = x.channels // groups * channels * (kernel if self.dims == 1 else kernel * kernel)
        outputs = size if self.dims == 1 else size * size
        extra = 0 if bare else 2 * channels if self.batch_norm else channels
        self.macs += weights * outputs
        self.weights += weights
        self.params += weights + extra
        self.activations += channels * outputs
        return Value(name, channels, size)

    def linear(self, name: str, x: Value, features: int, *, relu: bool = False) -> Value:
        """On the flattened input, with a bias."""
        weights = x.channels * x.size**self.dims * features
        self.macs += weights
        self.weights += weights
        self.params += weights + features
        self.activations += features
        return Value(name, features, 1)

    def max_pool(self, name: str, x: Value, kernel: int, stride: int, *, padded: bool) -> Value:
        """Padded by ``kernel // 2``, or else ceil-mode without padding.

        Raises:
            ArchitectureError: a map too small to be pooled.
        """
        if padded:
            size = (x.size + 2 * (kernel // 2) - kernel) // stride + 1
        else:
            size = -((kernel - x.size) // stride) + 1
        if size < 1:
            raise ArchitectureError(
                f"the map before {name} must be at least {kernel - stride + 1} wide, but got size={x.size}: "
                "the resolution is too low for this architecture."
            )
        return Value(name, x.channels, size)

    def mean_pool(self, name: str, x: Value, *, size: int, kernel: int = 0, stride: int = 0) -> Value:
        """Average to ``size``: by ``kernel`` and ``stride``, or adaptively where they are 0."""
        return Value(name, x.channels, size)

    def lrn(self, name: str, x: Value) -> Value:
        """Local response normalisation."""
        return Value(name, x.channels, x.size)

    def dropout(self, name: str, x: Value, probability: float) -> Value:
        """In training only."""
        return Value(name, x.channels, x.size)

    def concat(self, name: str, xs: list[Value]) -> Value:
        """Along channels."""
        return Value(name, sum(x.channels for x in xs), xs[0].size)

    def gate(self, name: str, x: Value, logits: Value) -> Value:
        """``x`` times the sigmoid of one logit a channel."""
        return Value(name, x.channels, x.size)

    def add(self, name: str, x: Value, y: Value) -> Value:
        """ReLU of the sum."""
        return Value(name, x.channels, x.size)


class Outputs(NamedTuple):
    """The values of a wired network that somebody reads."""

    logits: Value
    stages: tuple[Value, ...]
    auxiliary: tuple[Value, ...]


def wire(
    architecture: Architecture, sink: Counter, *, resolution: int, classes: int, auxiliary: bool = False
) -> Outputs:
    """Tell ``sink`` every operation of the network, in the order of execution.

    Args:
        architecture: what to wire.
        sink: what is told.
        resolution: width of the input in pixels (steps, where dims is 1).
        classes: outputs of the last linear layer.
        auxiliary: also wire the auxiliary heads, which exist in training only.

    Raises:
        ArchitectureError: a resolution or number of classes below 1, or a map too small to pool.
    """
    for name, value in (("resolution", resolution), ("classes", classes)):
        if type(value) is not int or value < 1:
            raise ArchitectureError(f"`{name} >= 1` must hold for a whole number, but got {name}={value!r}.")
    x = _stem(architecture.stem, sink, Value("input", INPUT_CHANNELS, resolution), architecture.norm == "lrn")
    heads = {(head.stage, head.cell): head for head in architecture.auxiliary} if auxiliary else {}
    stages: list[Value] = []
    logits: list[Value] = []
    for i, stage in enumerate(architecture.stages):
        if i > 0:
            x = _reduction(architecture.reductions[i - 1], sink, x, f"reduction{i + 2}")
        for j, cell in enumerate(stage):
            x = _cell(cell, sink, x, f"{i + 3}{ascii_lowercase[j]}")
            if (i, j) in heads:
                logits.append(_auxiliary(heads[i, j], sink, x, f"aux{len(logits) + 1}", classes))
        stages.append(x)
    x = sink.mean_pool("mean", x, size=1)
    x = sink.dropout("dropout", x, architecture.dropout)
    return Outputs(sink.linear("linear", x, classes), tuple(stages), tuple(logits))


def _stem(stem: Stem, sink: Counter, x: Value, lrn: bool) -> Value:
    halves = stem.kind != "conv3x3"
    if stem.kind == "separable7x7":
        # No normalisation or ReLU stands between the two, as in Table 1's conv1 (2.7K weights).
        x = sink.conv("conv1.depthwise", x, x.channels * DEPTHWISE_MULTIPLIER, 7, 2, groups=x.channels, bare=True)
        x = sink.conv("conv1.pointwise", x, stem.width)
    else:
        x = sink.conv("conv1", x, stem.width, 7 if halves else 3, 2 if halves else 1)
    if halves:
        x = sink.max_pool("pool1", x, 3, 2, padded=False)
    if lrn:
        x = sink.lrn("lrn1", x)
    if stem.conv2_reduce:
        x = sink.conv("conv2.reduce", x, stem.conv2_reduce)
    if stem.conv2:
        x = sink.conv("conv2", x, stem.conv2, 3)
    if lrn:
        x = sink.lrn("lrn2", x)
    if halves:
        x = sink.max_pool("pool2", x, 3, 2, padded=False)
    return x


def _reduction(reduction: Reduction, sink: Counter, x: Value, name: str) -> Value:
    if reduction.kind == "pool":
        return sink.max_pool(name, x, reduction.kernel, 2, padded=False)
    pooled = sink.max_pool(f"{name}.pool", x, 3, 2, padded=True)
    y = sink.conv(f"{name}.reduce", x, reduction.reduce) if reduction.reduce else x
    y = sink.conv(f"{name}.conv", y, reduction.width, 3, 2)
    return sink.concat(f"{name}.concat", [y, pooled])


def _cell(cell: Cell, sink: Counter, x: Value, name: str) -> Value:
    relu = not cell.shortcut
    branches: list[Value] = []
    if cell.b1x1:
        branches.append(sink.conv(f"{name}.b1x1", x, cell.b1x1, relu=relu))
    if cell.b3x3:
        y = sink.conv(f"{name}.b3x3_reduce", x, cell.b3x3_reduce) if cell.b3x3_reduce else x
        branches.append(sink.conv(f"{name}.b3x3", y, cell.b3x3, 3, relu=relu))
    if cell.b5x5:
        y = sink.conv(f"{name}.b5x5_reduce", x, cell.b5x5_reduce) if cell.b5x5_reduce else x
        branches.append(_wide(cell, sink, y, f"{name}.b5x5", relu))
    if cell.pool_proj:
        y = sink.max_pool(f"{name}.pool", x, 3, 1, padded=True)
        branches.append(sink.conv(f"{name}.pool_proj", y, cell.pool_proj, relu=relu))
    y = sink.concat(f"{name}.concat", branches) if len(branches) > 1 else branches[0]
    if cell.se:
        squeezed = sink.mean_pool(f"{name}.se_pool", y, size=1)
        squeezed = sink.linear(f"{name}.se_reduce", squeezed, max(SE_LEAST, y.channels // SE_RATIO), relu=True)
        y = sink.gate(f"{name}.se", y, sink.linear(f"{name}.se_expand", squeezed, y.channels))
    if cell.shortcut:
        if x.channels != y.channels:
            x = sink.conv(f"{name}.shortcut", x, y.channels, relu=False)
        y = sink.add(f"{name}.add", x, y)
    return y


def _wide(cell: Cell, sink: Counter, x: Value, name: str, relu: bool) -> Value:
    match cell.wide:
        case "5x5":
            return sink.conv(name, x, cell.b5x5, 5, relu=relu)
        case "3x3":
            return sink.conv(name, x, cell.b5x5, 3, relu=relu)
        case "3x3x2":
            return sink.conv(name, sink.conv(f"{name}_first", x, cell.b5x5, 3), cell.b5x5, 3, relu=relu)
        case "dw3" | "dw5" | "dw7":
            y = sink.conv(f"{name}_depthwise", x, x.channels, int(cell.wide[2:]), groups=x.channels)
            return sink.conv(name, y, cell.b5x5, relu=relu)


def _auxiliary(head: AuxiliaryHead, sink: Counter, x: Value, name: str, classes: int) -> Value:
    if head.pool == "fixed" and x.size >= 5:
        x = sink.mean_pool(f"{name}.pool", x, size=(x.size - 5) // 3 + 1, kernel=5, stride=3)
    else:
        x = sink.mean_pool(f"{name}.pool", x, size=min(4, x.size))
    x = sink.conv(f"{name}.conv", x, head.width)
    x = sink.linear(f"{name}.hidden", x, head.hidden, relu=True)
    x = sink.dropout(f"{name}.dropout", x, head.dropout)
    return sink.linear(f"{name}.linear", x, classes)
