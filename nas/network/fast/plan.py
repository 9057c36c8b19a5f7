"""The order in which the fast plan executes the operations, and where each one leaves its output.

* The 1x1 convolutions that read the same value (``b1x1``, ``b3x3_reduce``, ``b5x5_reduce``, ``shortcut``) are one.
* Max-pools go before convolutions that read the same value: on the way back they come last, and add their gradient
  to what is there.
* What is concatenated is written in its place at once.
"""

from dataclasses import dataclass

from nas.network.fast.convolve import Convolver
from nas.operations import Concat, Conv, Lowered, MaxPool, Operation
from nas.schedule import schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Convolutions that are executed as one."""

    members: tuple[Conv, ...]

    @property
    def reads(self) -> str:
        """The value that all of them read."""
        return self.members[0].inputs[0]

    @property
    def convolver(self) -> Convolver:
        """How to execute them."""
        first = self.members[0]
        return Convolver(kernel=first.kernel, stride=first.stride, groups=first.groups)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Operations (convolutions in groups) in order, and the slices of concatenated values.

    Attributes:
        steps: what to execute.
        slices: for each value that is written in its place: the concatenation and its first channel there.
        widths: channels of each concatenation.
        dead: for each step, the values that nobody reads after it.
    """

    steps: tuple[Group | Operation, ...]
    slices: dict[str, tuple[str, int]]
    widths: dict[str, int]
    dead: tuple[tuple[str, ...], ...]


def plan(lowered: Lowered, outputs: tuple[str, ...]) -> Plan:
    """Plan the computation of some values of a network."""
    operations = [step.operation for step in schedule(lowered.operations, outputs)]
    readers: dict[str, list[Operation]] = {}
    for operation in operations:
        for name in operation.inputs:
            readers.setdefault(name, []).append(operation)
    steps: list[Group | Operation] = []
    done: set[str] = set()
    for operation in operations:
        if operation.name in done:
            continue
        chosen: list[Group | Operation] = [operation]
        if isinstance(operation, Conv):
            others = readers[operation.inputs[0]]
            members = [each for each in others if isinstance(each, Conv) and _joins(each, operation)]
            chosen = [each for each in others if isinstance(each, MaxPool) and each.name not in done]
            chosen.append(Group(members=tuple(members)))
        for each in chosen:
            done.update(member.name for member in each.members) if isinstance(each, Group) else done.add(each.name)
        steps += chosen
    channels = {each.name: each.out_channels for each in operations}
    slices: dict[str, tuple[str, int]] = {}
    for operation in operations:
        if isinstance(operation, Concat):
            start = 0
            for name in operation.inputs:
                slices[name] = (operation.name, start)
                start += channels[name]
    widths = {each.name: each.out_channels for each in operations if isinstance(each, Concat)}
    return Plan(steps=tuple(steps), slices=slices, widths=widths, dead=_dead(steps, outputs))


def _dead(steps: list[Group | Operation], outputs: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    seen, dead = set(outputs), []
    for step in reversed(steps):
        inputs = (step.reads,) if isinstance(step, Group) else step.inputs
        dead.append(tuple(name for name in dict.fromkeys(inputs) if name not in seen))
        seen.update(inputs)
    return tuple(reversed(dead))


def _joins(one: Conv, other: Conv) -> bool:
    pointwise = all(each.kernel == each.stride == each.groups == 1 for each in (one, other))
    return one is other or (pointwise and (one.batch_norm, one.bias) == (other.batch_norm, other.bias))
