"""A network as blocks to be drawn to scale: what the figure and the report's drawing are read from.

Widths and MACs come from the lowered operations, so that the drawing cannot differ from the network.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final, Literal

from nas.architecture import Architecture
from nas.operations import Conv, Linear, Operation, lower

BRANCHES: Final = ("b1x1", "b3x3", "b5x5", "pool_proj")
_LABELS: Final = {"b1x1": "1x1", "b3x3": "3x3", "b5x5": "5x5", "pool_proj": "pool"}
_WIDES: Final = {"5x5": "5x5", "3x3": "3x3", "3x3x2": "2x 3x3", "dw3": "dw 3", "dw5": "dw 5", "dw7": "dw 7"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One path through a block.

    Attributes:
        label: its kernel.
        reduce: channels after its 1x1 reduction; 0 without one.
        width: its output channels.
        macs: multiply-adds of its convolutions, the reduction included.
    """

    label: str
    reduce: int
    width: int
    macs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A cell, a part of the stem, a reduction or the classifier.

    Attributes:
        name: its row in the paper's table: ``conv1``, ``3a``, ``reduction3``, ``linear``.
        kind: what it is.
        size: width of its output maps.
        width: its output channels.
        branches: parallel paths, in the order of concatenation; empty for a pool.
        macs: multiply-adds of all of it, shortcut and squeeze-and-excitation included.
        marks: ``+`` for a shortcut, ``se`` for squeeze-and-excitation.
        dims: 2 where its maps are images, 1 where they are series.
    """

    name: str
    kind: Literal["stem", "cell", "reduction", "classifier"]
    size: int
    width: int
    branches: tuple[Branch, ...]
    macs: int
    marks: tuple[str, ...] = ()
    dims: int = 2

    @property
    def extent(self) -> str:
        """Size of its output maps, as a drawing has room for: 14², or 64 of a series."""
        return f"{self.size}²" if self.dims == 2 else str(self.size)


def blocks(architecture: Architecture, *, resolution: int, classes: int) -> tuple[Block, ...]:
    """The blocks of a network, from input to output.

    Raises:
        ArchitectureError: a resolution too low for its pools.
    """
    lowered = lower(architecture, resolution=resolution, classes=classes)
    found: list[Block] = []
    for name, group in groupby(lowered.operations, key=lambda operation: operation.row):
        members = list(group)
        block = _block(architecture, name, members)
        if block is not None:
            found.append(replace(block, dims=architecture.dims))
    return tuple(found)


def _block(architecture: Architecture, name: str, members: list[Operation]) -> Block | None:
    last = members[-1]
    macs = sum(member.macs for member in members)
    if name.startswith(("lrn", "mean", "dropout")):
        return None
    if name.startswith("conv"):
        reduce = next((member.out_channels for member in members[:-1]), 0)
        kernel = next(
            (member.kernel for member in reversed(members) if isinstance(member, Conv) and member.kernel > 1), 1
        )
        branch = Branch(label=f"{kernel}x{kernel}", reduce=reduce, width=last.out_channels, macs=macs)
        return _made(name, "stem", last, (branch,), macs)
    if name.startswith("pool"):
        return _made(name, "reduction", last, (), macs)
    if name.startswith("reduction"):
        convs = [member for member in members if isinstance(member, Conv)]
        branches: tuple[Branch, ...] = ()
        if convs:
            reduce = convs[0].out_channels if len(convs) > 1 else 0
            pooled = last.out_channels - convs[-1].out_channels
            branches = (
                Branch(label="3x3", reduce=reduce, width=convs[-1].out_channels, macs=macs),
                Branch(label="pool", reduce=0, width=pooled, macs=0),
            )
        return _made(name, "reduction", last, branches, macs)
    if isinstance(last, Linear) and name == "linear":
        branch = Branch(label="linear", reduce=0, width=last.out_channels, macs=macs)
        return _made(name, "classifier", last, (branch,), macs)
    cell = architecture.stages[int(name[:-1]) - 3][ord(name[-1]) - ord("a")]
    paths = []
    for field in BRANCHES:
        width = getattr(cell, field)
        if width:
            own = [member for member in members if member.name.split(".")[1].startswith(field)]
            label = _WIDES.get(cell.wide, cell.wide) if field == "b5x5" else _LABELS[field]
            paths.append(
                Branch(
                    label=label,
                    reduce=getattr(cell, f"{field}_reduce", 0),
                    width=width,
                    macs=sum(member.macs for member in own),
                )
            )
    marks = tuple(mark for mark, on in (("+", cell.shortcut), ("se", cell.se)) if on)
    return _made(name, "cell", last, tuple(paths), macs, marks)


def _made(
    name: str,
    kind: Literal["stem", "cell", "reduction", "classifier"],
    last: Operation,
    branches: tuple[Branch, ...],
    macs: int,
    marks: tuple[str, ...] = (),
) -> Block:
    return Block(
        name=name,
        kind=kind,
        size=last.out_size,
        width=last.out_channels,
        branches=branches,
        macs=macs,
        marks=marks,
    )


def widest(networks: Sequence[Sequence[Block]]) -> int:
    """Channels of the widest block but the classifier, for one scale over several drawings."""
    return max((block.width for network in networks for block in network if block.kind != "classifier"), default=1)
