"""The order in which operations are executed, and when the value of each is no longer needed."""

from dataclasses import dataclass

from nas.operations import Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Execute ``operation``, then forget the values ``dead``, which nobody reads again."""

    operation: Operation
    dead: tuple[str, ...]


def schedule(operations: tuple[Operation, ...], outputs: tuple[str, ...]) -> tuple[Step, ...]:
    """The steps that compute ``outputs``: only operations they depend on, each value freed after its last use."""
    needed = set(outputs)
    chosen: list[Operation] = []
    for operation in reversed(operations):
        if operation.name in needed:
            needed.update(operation.inputs)
            chosen.append(operation)
    kept = set(outputs)
    steps: list[Step] = []
    for operation in chosen:  # From the last to the first, so that the first sight of a value is its last use.
        dead = tuple(name for name in dict.fromkeys(operation.inputs) if name not in kept)
        kept.update(dead)
        steps.append(Step(operation=operation, dead=dead))
    return tuple(reversed(steps))
