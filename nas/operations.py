"""The operations of one network, recorded from the lowering, each with its share of the cost."""

from dataclasses import dataclass

from nas.architecture import Architecture
from nas.lowering import Counter, Outputs, Value, wire


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One primitive operation; ``inputs`` and ``name`` are names of values.

    Sizes are widths of square maps (lengths, where dims is 1); costs are of a batch of one.
    """

    name: str
    inputs: tuple[str, ...]
    in_channels: int
    in_size: int
    out_channels: int
    out_size: int
    macs: int = 0
    weights: int = 0
    params: int = 0
    activations: int = 0

    @property
    def row(self) -> str:
        """The row of the paper's table that this operation belongs to: ``conv2``, ``3a``, ..."""
        return self.name.split(".")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conv(Operation):
    """A convolution, with what follows it at once: batch-norm or bias, and ReLU."""

    kernel: int
    stride: int
    groups: int
    batch_norm: bool
    bias: bool
    relu: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Linear(Operation):
    """A linear layer with bias on the flattened input."""

    relu: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxPool(Operation):
    """Padded by ``kernel // 2``, or else ceil-mode without padding."""

    kernel: int
    stride: int
    padded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanPool(Operation):
    """By ``kernel`` and ``stride``, or adaptively to ``out_size`` where they are 0."""

    kernel: int
    stride: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalResponseNorm(Operation):
    """Local response normalisation over 5 channels, as in Caffe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropout(Operation):
    """In training only."""

    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Concat(Operation):
    """Along channels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate(Operation):
    """The first input times the sigmoid of the second, one logit a channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Add(Operation):
    """ReLU of the sum of two inputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lowered:
    """A network as a list of operations in the order of execution; it reads the value ``input``."""

    operations: tuple[Operation, ...]
    outputs: Outputs
    resolution: int
    classes: int
    dims: int


def lower(architecture: Architecture, *, resolution: int, classes: int, auxiliary: bool = False) -> Lowered:
    """Record every operation of ``architecture``; arguments and errors as in ``nas.lowering.wire``."""
    recorder = Recorder(dims=architecture.dims, batch_norm=architecture.norm == "batch")
    outputs = wire(architecture, recorder, resolution=resolution, classes=classes, auxiliary=auxiliary)
    return Lowered(
        operations=tuple(recorder.operations),
        outputs=outputs,
        resolution=resolution,
        classes=classes,
        dims=architecture.dims,
    )


class Recorder(Counter):
    """A sink that keeps every operation, with the cost by which it raised the counter's totals."""

    def __init__(self, *, dims: int, batch_norm: bool) -> None:
        super().__init__(dims=dims, batch_norm=batch_norm)
        self.operations: list[Operation] = []
        self._seen = (0, 0, 0, 0)

    def _keep(self, kind: type[Operation], y: Value, inputs: list[Value], **options: object) -> Value:
        seen = (self.macs, self.weights, self.params, self.activations)
        costs = [now - before for now, before in zip(seen, self._seen, strict=True)]
        self._seen = seen
        arguments: dict[str, object] = dict(zip(("macs", "weights", "params", "activations"), costs, strict=True))
        arguments |= {"name": y.name, "inputs": tuple(x.name for x in inputs)}
        arguments |= {"in_channels": inputs[0].channels, "in_size": inputs[0].size}
        arguments |= {"out_channels": y.channels, "out_size": y.size}
        self.operations.append(kind(**arguments, **options))  # type: ignore[arg-type]
        return y

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
        """Keep a :class:`Conv`."""
        y = super().conv(name, x, channels, kernel, stride, groups=groups, relu=relu, bare=bare)
        return self._keep(
            Conv,
            y,
            [x],
            kernel=kernel,
            stride=stride,
            groups=groups,
            batch_norm=self.batch_norm and not bare,
            bias=not self.batch_norm and not bare,
            relu=relu and not bare,
        )

    def linear(self, name: str, x: Value, features: int, *, relu: bool = False) -> Value:
        """Keep a :class:`Linear`."""
        return self._keep(Linear, super().linear(name, x, features, relu=relu), [x], relu=relu)

    def max_pool(self, name: str, x: Value, kernel: int, stride: int, *, padded: bool) -> Value:
        """Keep a :class:`MaxPool`."""
        y = super().max_pool(name, x, kernel, stride, padded=padded)
        return self._keep(MaxPool, y, [x], kernel=kernel, stride=stride, padded=padded)

    def mean_pool(self, name: str, x: Value, *, size: int, kernel: int = 0, stride: int = 0) -> Value:
        """Keep a :class:`MeanPool`."""
        y = super().mean_pool(name, x, size=size, kernel=kernel, stride=stride)
        return self._keep(MeanPool, y, [x], kernel=kernel, stride=stride)

    def lrn(self, name: str, x: Value) -> Value:
        """Keep a :class:`LocalResponseNorm`."""
        return self._keep(LocalResponseNorm, super().lrn(name, x), [x])

    def dropout(self, name: str, x: Value, probability: float) -> Value:
        """Keep a :class:`Dropout`."""
        return self._keep(Dropout, super().dropout(name, x, probability), [x], probability=probability)

    def concat(self, name: str, xs: list[Value]) -> Value:
        """Keep a :class:`Concat`."""
        return self._keep(Concat, super().concat(name, xs), xs)

    def gate(self, name: str, x: Value, logits: Value) -> Value:
        """Keep a :class:`Gate`."""
        return self._keep(Gate, super().gate(name, x, logits), [x, logits])

    def add(self, name: str, x: Value, y: Value) -> Value:
        """Keep an :class:`Add`."""
        return self._keep(Add, super().add(name, x, y), [x, y])
