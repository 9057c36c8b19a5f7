"""A search space: named choices, and how an assignment of them becomes an architecture.

A space is data and two functions. A *point* assigns a value to every choice. Points are
canonical: choices that do not apply stand at their first value, and of several points that give
one network (where the space can tell) one is chosen.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from hashlib import sha256
from itertools import pairwise
from typing import TYPE_CHECKING, Final, TypeAlias, get_args

from nas.architecture import Architecture
from nas.errors import ArchitectureError, SpaceError

if TYPE_CHECKING:
    import numpy as np

Scalar: TypeAlias = int | float | str | bool
Point: TypeAlias = Mapping[str, Scalar]
NAMED: Final = 40
"""Choices that a sentence lists; of more, those that are nearest to what was meant."""


def _always(point: Point) -> bool:
    return True


def _rises(values: tuple[Scalar, ...]) -> bool:
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    return len(numbers) == len(values) and all(low < high for low, high in pairwise(numbers))


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One named choice.

    Attributes:
        name: unique in its space; also the column in tables.
        values: at least one; numbers in rising order are treated as ordered, all else as categories.
        width: whether the choice is a width, so that the cost rises with it: what is scaled when
            a point is brought to the budget.
        when: whether the choice applies to a point; it may look only at choices before this one.
        ordered: whether the values are numbers in rising order.
    """

    name: str
    values: tuple[Scalar, ...]
    width: bool = False
    when: Callable[[Point], bool] = _always
    ordered: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.values, tuple):
            raise SpaceError(f"the values of choice {self.name!r} must be a tuple, but got {self.values!r}.")
        if not self.values:
            raise SpaceError(f"choice {self.name!r} must have at least one value, but got none.")
        other = [value for value in self.values if type(value) not in get_args(Scalar)]
        if other:  # The journal is JSON: it would not give back what it was given.
            raise SpaceError(
                f"the values of choice {self.name!r} must be Python's own whole or decimal numbers, text or truth "
                f"values, but got {other[0]!r} of type {type(other[0]).__name__}."
            )
        endless = [value for value in self.values if isinstance(value, float) and not math.isfinite(value)]
        if endless:  # Not a number equals nothing, itself included: no point would have it.
            raise SpaceError(f"the values of choice {self.name!r} must be finite, but got {endless[0]}.")
        if len(set(self.values)) != len(self.values):
            raise SpaceError(f"the values of choice {self.name!r} must differ, but got {self.values!r}.")
        object.__setattr__(self, "ordered", _rises(self.values))
        if self.width and not self.ordered:
            raise SpaceError(f"the values of the width {self.name!r} must be rising numbers, but got {self.values!r}.")

    def check(self, value: Scalar) -> None:
        """Hold a value to the choice.

        Raises:
            SpaceError: it is none of the choice's.
        """
        # By type, too: 4.0 for 4 would be another point, with other neighbours and perhaps another network.
        if not any(type(value) is type(each) and value == each for each in self.values):
            allowed = ", ".join(map(str, self.values))
            raise SpaceError(f"{self.name} must be one of {allowed}, but got {value!r}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """Named choices and their reading as architectures.

    Attributes:
        name: shown in tables and plots.
        choices: in the order in which ``when`` conditions may refer to each other.
        decode: the architecture of a canonical point.
        reference: the network to beat, trained and marked in every search; a trial of its own,
            without a point, where the space cannot express it.
        encode: the canonical point of an architecture of this space, or None for an architecture
            outside it; left out where a space cannot tell.

    Raises:
        SpaceError: no choice, or two choices of one name.
    """

    name: str
    choices: tuple[Choice, ...]
    decode: Callable[[Point], Architecture]
    reference: Architecture
    encode: Callable[[Architecture], Point | None] | None = None

    def __post_init__(self) -> None:
        if not self.name:
            raise SpaceError(f"the name of a space must not be empty, but got {self.name!r}.")
        if not isinstance(self.reference, Architecture):
            kind = type(self.reference).__name__
            raise SpaceError(f"the reference of space {self.name!r} must be an Architecture, but is of type {kind}.")
        names = [choice.name for choice in self.choices]
        if not names:
            raise SpaceError(f"space {self.name!r} must have at least one choice, but got none.")
        if len(set(names)) != len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise SpaceError(f"the choices of space {self.name!r} must have different names, but got {twice!r} twice.")

    @property
    def told(self) -> str:
        """Its choices in words, with a digest that other names or values would change."""
        digest = sha256(repr([(choice.name, choice.values) for choice in self.choices]).encode()).hexdigest()
        values = sum(len(choice.values) for choice in self.choices)
        return f"{len(self.choices)} with {values} values ({digest[:8]})"

    @property
    def size(self) -> int:
        """Points, those included that are not settled and stand for the network of another."""
        return math.prod(len(choice.values) for choice in self.choices)

    def _no_choice(self, name: str) -> SpaceError:
        names = [choice.name for choice in self.choices]
        told = f", but only {', '.join(names)}"
        if len(names) > NAMED:
            told = f" among its {len(names)}; the nearest are {', '.join(get_close_matches(name, names, cutoff=0.0))}"
        return SpaceError(f"space {self.name!r} has no choice {name!r}{told}.")

    def check(self, point: Point) -> None:
        """Hold a point to the space.

        Raises:
            SpaceError: a missing or unknown choice, or a value that the choice does not have.
        """
        unknown = sorted(set(point) - {choice.name for choice in self.choices})
        if unknown:
            raise self._no_choice(unknown[0])
        for choice in self.choices:
            if choice.name not in point:
                raise SpaceError(f"a point of space {self.name!r} must assign {choice.name!r}, but it does not.")
            choice.check(point[choice.name])

    def active(self, point: Point) -> tuple[str, ...]:
        """Names of the choices that apply to a point."""
        return tuple(choice.name for choice in self.choices if choice.when(point))

    def settle(self, point: Point) -> dict[str, Scalar]:
        """The same point with the first value for every choice that does not apply."""
        settled: dict[str, Scalar] = dict(point)
        for choice in self.choices:
            if not choice.when(settled):
                settled[choice.name] = choice.values[0]
        return settled

    def canonical(self, point: Point) -> dict[str, Scalar]:
        """The one point that stands for all that give the same network.

        Choices that do not apply get their first value. Where the space can encode, the point is
        that of the network itself.
        """
        settled = self.settle(point)
        return settled if self.encode is None else self.canonical_of(settled, self.decode(settled))

    def canonical_of(self, settled: Point, architecture: Architecture) -> dict[str, Scalar]:
        """The canonical point of an architecture that a settled point decodes to: quicker where it is at hand."""
        if self.encode is None:
            return dict(settled)
        encoded = self.encode(architecture)
        if encoded is None:
            raise SpaceError(f"space {self.name!r} must encode what it decodes, but cannot encode {dict(settled)!r}.")
        if dict(encoded) != dict(settled) and self.decode(encoded) != architecture:
            raise SpaceError(
                f"`encode` of space {self.name!r} must give a point of the same network, but of the network of "
                f"{dict(settled)!r} it gives {dict(encoded)!r}, which is another one."
            )
        return dict(encoded)

    def reference_point(self) -> dict[str, Scalar] | None:
        """The point of the reference, or None where the space cannot express it."""
        encoded = self.encode(self.reference) if self.encode else None
        return dict(encoded) if encoded is not None else None

    def narrowed(self, name: str, **values: tuple[Scalar, ...]) -> "Space":
        """The space of fewer networks in which the choices named have only these of their values.

        Its points are points of this space, so that journals and tables of the two go together. It does not encode:
        the point by which this space tells a network may have values that were left out.

        Raises:
            SpaceError: no such choice, a value that the choice does not have, or none left.
        """
        known = {choice.name: choice for choice in self.choices}
        for chosen, kept in values.items():
            if chosen not in known:
                raise self._no_choice(chosen)
            for value in kept:
                known[chosen].check(value)
        choices = tuple(replace(choice, values=values.get(choice.name, choice.values)) for choice in self.choices)
        return replace(self, name=name, choices=choices, encode=None)

    def changed(self, settled: Point, name: str, value: Scalar, rng: "np.random.Generator") -> dict[str, Scalar]:
        """A settled point with one choice changed.

        Choices that come to apply get values of their own, not the least: an added cell is not the narrowest. Those
        that apply no longer get their first.
        """
        changed: dict[str, Scalar] = {**settled, name: value}
        for choice in self.choices:
            applied, applies = choice.when(settled), choice.when(changed)
            if applies and not applied:
                changed[choice.name] = choice.values[int(rng.integers(len(choice.values)))]
            elif applied and not applies:
                changed[choice.name] = choice.values[0]
        return changed

    def sample(self, rng: "np.random.Generator") -> dict[str, Scalar]:
        """A point, each choice that applies drawn uniformly in turn, not yet canonical."""
        point: dict[str, Scalar] = {}
        draws = rng.random(len(self.choices)).tolist()
        for choice, draw in zip(self.choices, draws, strict=True):
            values = choice.values
            point[choice.name] = values[int(draw * len(values))] if choice.when(point) else values[0]
        return point

    def neighbours(self, point: Point) -> Iterator[dict[str, Scalar]]:
        """Canonical points one step away: the next values of an ordered choice that differ, any other of a category.

        Values that give no network are passed over where the space encodes; else their points are neighbours, too.
        """
        start = self.canonical(point)
        for choice in self.choices:
            if not choice.when(start):
                continue
            at = choice.values.index(start[choice.name])
            below, above = reversed(choice.values[:at]), iter(choice.values[at + 1 :])
            ways = (below, above) if choice.ordered else ((value,) for value in (*below, *above))
            for way in ways:
                for value in way:
                    try:
                        other = self.canonical({**start, choice.name: value})
                    except ArchitectureError:
                        continue  # The value beyond may give one.
                    if other != start:
                        yield other
                        break
