"""Peak activation memory of a network at inference and in training, in closed form from its operations.

What counts: values, what autograd keeps for the way back, gradients of values, and what an operation needs beside its
inputs and its output; the images, which the caller holds, are in it. What does not: parameters, their gradients, the
optimiser's state, the scratch space of convolution kernels.

It is the memory of the network executed operation by operation (the plan ``plain``), in contiguous tensors of one
floating type. At inference, batch-norm is folded into the convolutions and a value is freed after its last use. The
way back goes through the operations in reverse; what an operation has kept is freed when it has been passed.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Final

from nas import operations as ops
from nas.architecture import Architecture
from nas.operations import Lowered, Operation, lower
from nas.schedule import schedule

INDEX_BYTES: Final = 8
"""Max-pools note where each maximum was as an int64."""
LRN_BORDER: Final = 4
"""Channels by which the squares are padded before the mean over 5 channels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Bytes of activations for one batch."""

    inference: int
    """Peak of one inference."""
    training: int
    """Peak of one step of training, auxiliary heads included."""
    kept: int
    """What the way forward leaves for the way back: the part of ``training`` that grows with depth."""


def memory(
    architecture: Architecture, *, resolution: int, classes: int, batch: int = 1, value_bytes: int = 4
) -> Memory:
    """Activation memory of a network.

    Args:
        architecture: the network.
        resolution: width of the input in pixels (steps, where dims is 1).
        classes: outputs of the last linear layer.
        batch: images at a time.
        value_bytes: of one value; 4 in float32.

    Raises:
        ArchitectureError: as in ``nas.lowering.wire``.
    """
    plain = lower(architecture, resolution=resolution, classes=classes)
    whole = lower(architecture, resolution=resolution, classes=classes, auxiliary=True)
    training = _Training(whole, batch, value_bytes)
    return Memory(inference=_inference(plain, batch, value_bytes), training=training.heap.peak, kept=training.kept)


class _Heap:
    """What is held, by name, with a count of its holders; remembers the most."""

    def __init__(self) -> None:
        self._bytes: dict[str, int] = {}
        self._holders: Counter[str] = Counter()
        self.now = self.peak = 0

    def hold(self, name: str, size: int) -> None:
        if self._holders[name] == 0:
            self._bytes[name] = size
            self.now += size
            self.peak = max(self.peak, self.now)
        self._holders[name] += 1

    def drop(self, name: str) -> None:
        self._holders[name] -= 1
        if self._holders[name] == 0:
            self.now -= self._bytes.pop(name)

    def shared(self, name: str) -> bool:
        return self._holders[name] > 1

    def touch(self, size: int) -> None:
        """Hold so much more, for a moment."""
        self.peak = max(self.peak, self.now + size)


class _Sizes:
    """Bytes of the values of a network."""

    def __init__(self, lowered: Lowered, batch: int, value_bytes: int) -> None:
        self.batch, self.value = batch, value_bytes
        self.dims = lowered.dims
        first = lowered.operations[0]
        self._values = {"input": self.maps(first.in_channels, first.in_size)}
        for operation in lowered.operations:
            self._values[operation.name] = self.maps(operation.out_channels, operation.out_size)
        self._same: dict[str, str] = {}

    def maps(self, channels: int, size: int) -> int:
        return self.batch * channels * (size if self.dims == 1 else size * size) * self.value

    def of(self, name: str) -> int:
        return self._values[name]

    def alias(self, name: str, other: str) -> None:
        """``name`` is the same memory as ``other``."""
        self._same[name] = self.root(other)

    def root(self, name: str) -> str:
        return self._same.get(name, name)


def _inference(lowered: Lowered, batch: int, value_bytes: int) -> int:
    sizes, heap = _Sizes(lowered, batch, value_bytes), _Heap()
    heap.hold("input", sizes.of("input"))  # By the caller, to the end.
    heap.hold("input", 0)
    for step in schedule(lowered.operations, (lowered.outputs.logits.name,)):
        operation = step.operation
        if isinstance(operation, ops.Dropout):
            sizes.alias(operation.name, operation.inputs[0])
        else:
            heap.touch(_beside(operation, sizes, training=False))
        heap.hold(sizes.root(operation.name), sizes.of(operation.name))
        for name in step.dead:
            heap.drop(sizes.root(name))
    return heap.peak


def _beside(operation: Operation, sizes: _Sizes, *, training: bool) -> int:
    """The most that an operation has at once beside its inputs, its output included."""
    out = sizes.of(operation.name)
    match operation:
        case ops.MaxPool() if training or sizes.dims == 2:
            # Torch's pools of series note where the largest were for training only.
            return out + out // sizes.value * INDEX_BYTES
        case ops.LocalResponseNorm():
            return 3 * out
        case ops.Gate():
            return out + sizes.of(operation.inputs[1])
        case _:
            return out


class _Training:
    """One step of training: ``heap.peak`` and ``kept``."""

    def __init__(self, lowered: Lowered, batch: int, value_bytes: int) -> None:
        self.sizes, self.heap = _Sizes(lowered, batch, value_bytes), _Heap()
        self._grads: dict[str, str] = {}
        outputs = (lowered.outputs.logits.name, *(value.name for value in lowered.outputs.auxiliary))
        steps = schedule(lowered.operations, outputs)
        sizes, heap = self.sizes, self.heap
        heap.hold("input", sizes.of("input"))
        heap.hold("input", 0)
        self._saved: dict[str, dict[str, int]] = {}
        for step in steps:
            operation = step.operation
            if isinstance(operation, ops.Dropout) and operation.probability == 0.0:
                sizes.alias(operation.name, operation.inputs[0])
            heap.touch(_beside(operation, sizes, training=True) if sizes.root(operation.name) == operation.name else 0)
            heap.hold(sizes.root(operation.name), sizes.of(operation.name))
            self._saved[operation.name] = saved = self._keeps(operation)
            for name, size in saved.items():
                heap.hold(name, size)
            for name in step.dead:
                heap.drop(sizes.root(name))
        once = {name: size for part in self._saved.values() for name, size in part.items()}
        self.kept = sum(once.values())
        for name in outputs:
            heap.hold(sizes.root(name), sizes.of(name))  # By the caller, to the end.
            self._receive(name, f"grad {name}", sizes.of(name))
        for step in reversed(steps):
            self._back(step.operation)

    def _keeps(self, operation: Operation) -> dict[str, int]:
        """Bytes that autograd keeps for an operation, by name; what several keep has one name."""
        sizes, name = self.sizes, operation.name
        reads = {sizes.root(each): sizes.of(sizes.root(each)) for each in operation.inputs}
        out = {sizes.root(name): sizes.of(name)}
        match operation:
            case ops.Conv():
                kept = dict(reads)
                if operation.batch_norm:
                    statistics = 2 * operation.out_channels * sizes.value
                    kept |= {f"{name} before norm": sizes.of(name), f"{name} statistics": statistics}
                return kept | out if operation.relu else kept
            case ops.Linear():
                return reads | out if operation.relu else reads
            case ops.MaxPool():
                return reads | {f"{name} indices": sizes.of(name) // sizes.value * INDEX_BYTES}
            case ops.MeanPool():
                return {} if not operation.kernel and operation.out_size == 1 else reads
            case ops.Dropout():
                return {f"{name} mask": sizes.of(name)} if operation.probability else {}
            case ops.LocalResponseNorm():
                padded = sizes.maps(operation.in_channels + LRN_BORDER, operation.in_size)
                same = sizes.of(name)
                return reads | {f"{name} padded": padded, f"{name} sum": same, f"{name} power": same}
            case ops.Gate():
                gated, logits = operation.inputs
                return {sizes.root(gated): sizes.of(gated), f"{name} gate": sizes.of(logits)}
            case ops.Add():
                return out
            case _:
                return {}

    def _back(self, operation: Operation) -> None:
        """Turn the gradient of an operation's output into those of its inputs, and free what it has kept."""
        sizes, heap, name = self.sizes, self.heap, operation.name
        held, size = self._grads.pop(name), sizes.of(name)
        wanted = [each for each in operation.inputs if each != "input"]
        match operation:
            case ops.Concat():
                for each in wanted:  # Slices of the gradient, without a copy.
                    self._receive(each, held, size)
            case ops.Add():
                held = self._replace(held, f"grad {name} rectified", size)
                for each in wanted:  # The same gradient for both.
                    self._receive(each, held, size)
            case ops.Dropout() if operation.probability == 0.0:
                self._receive(wanted[0], held, size)
            case _:
                if isinstance(operation, ops.Conv | ops.Linear) and operation.relu:
                    held = self._replace(held, f"grad {name} rectified", size)
                    self._free(operation, sizes.root(name))
                if isinstance(operation, ops.Conv) and operation.batch_norm:
                    held = self._replace(held, f"grad {name} before norm", size)
                    self._free(operation, f"{name} before norm", f"{name} statistics")
                beside = {ops.LocalResponseNorm: 3 * size, ops.Gate: size}.get(type(operation), 0)
                heap.touch(beside + sum(map(sizes.of, wanted)))
                for each in wanted:
                    self._receive(each, f"grad {name} of {each}", sizes.of(each))
        heap.drop(held)
        self._free(operation, *self._saved[name])

    def _replace(self, old: str, new: str, size: int) -> str:
        self.heap.hold(new, size)
        self.heap.drop(old)
        return new

    def _free(self, operation: Operation, *names: str) -> None:
        for name in names:
            del self._saved[operation.name][name]
            self.heap.drop(name)

    def _receive(self, value: str, storage: str, size: int) -> None:
        """A gradient of ``value`` arrives; a second one is added to the first, in place where that is not shared."""
        heap = self.heap
        heap.hold(storage, size)
        there = self._grads.get(value)
        if there is None:
            self._grads[value] = storage
        elif heap.shared(there):
            heap.hold(f"grad {value} sum", self.sizes.of(value))
            heap.drop(there)
            heap.drop(storage)
            self._grads[value] = f"grad {value} sum"
        else:
            heap.drop(storage)
