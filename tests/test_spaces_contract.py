"""What holds for every space, built in or a user's own."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas.cost import cost
from nas.errors import SpaceError
from nas.serialize import from_json, key, to_json
from nas.space import Choice, Scalar, Space
from nas.spaces import built_in, load_space

USERS = str(Path(__file__).with_name("user_space.py"))
SPACES = (*built_in(), USERS)
POINTS = 40

seeds = st.integers(0, 2**32 - 1)
LOADED = [load_space(name) for name in SPACES]
every_space = pytest.mark.parametrize("space", LOADED, ids=lambda space: space.name)
quick = settings(max_examples=POINTS)


def grid_point(space: Space, seed: int) -> dict[str, Scalar]:
    """A value for every choice, whether it applies or not."""
    rng = np.random.default_rng(seed)
    return {choice.name: choice.values[int(rng.integers(len(choice.values)))] for choice in space.choices}


@every_space
@quick
@given(seed=seeds)
def test_samples_are_points_that_decode(space: Space, seed: int) -> None:
    point = space.sample(np.random.default_rng(seed))
    space.check(point)
    assert point == space.settle(point) == space.sample(np.random.default_rng(seed))
    architecture = space.decode(point)
    assert from_json(to_json(architecture)) == architecture
    assert cost(architecture, resolution=32, classes=10).macs > 0


@every_space
@quick
@given(seed=seeds)
def test_the_canonical_point_gives_the_same_network(space: Space, seed: int) -> None:
    point = grid_point(space, seed)
    canonical = space.canonical(point)
    space.check(canonical)
    assert key(space.decode(canonical)) == key(space.decode(space.settle(point)))
    assert space.canonical(canonical) == canonical
    assert all(
        canonical[choice.name] == choice.values[0]
        for choice in space.choices
        if choice.name not in space.active(canonical)
    )


@every_space
@quick
@given(seed=seeds)
def test_one_change_brings_choices_with_values_of_their_own(space: Space, seed: int) -> None:
    rng = np.random.default_rng(seed)
    point = space.sample(rng)
    before = space.active(point)
    name = before[seed % len(before)]
    value = {choice.name: choice.values for choice in space.choices}[name][-1]
    draws = [space.changed(point, name, value, rng) for _ in range(8)]
    now = set(before).union(*map(space.active, draws))
    for changed in draws:
        assert changed == space.settle(changed) and changed[name] == value
        assert all(changed[each] == point[each] for each in space.active(changed) if each in before and each != name)
    for choice in space.choices:
        if choice.name in now and choice.name not in before and len(choice.values) > 1:
            assert len({changed[choice.name] for changed in draws}) > 1


@every_space
@quick
@given(seed=seeds)
def test_a_choice_that_does_not_apply_changes_nothing(space: Space, seed: int) -> None:
    point = space.sample(np.random.default_rng(seed))
    other = grid_point(space, seed)
    applies = space.active(point)
    mixed = {name: point[name] if name in applies else other[name] for name in point}
    assert space.canonical(mixed) == space.canonical(point)
    assert space.decode(mixed) == space.decode(point)


@pytest.mark.parametrize("space", [space for space in LOADED if space.encode], ids=lambda space: space.name)
@quick
@given(seed=seeds)
def test_encode_is_the_inverse_of_decode(space: Space, seed: int) -> None:
    assert space.encode is not None
    point = grid_point(space, seed)
    architecture = space.decode(space.settle(point))
    assert space.encode(architecture) == space.canonical(point)
    assert space.canonical_of(space.settle(point), architecture) == space.canonical(point)


@every_space
@settings(max_examples=5)
@given(seed=seeds)
def test_neighbours_are_other_points_of_the_space(space: Space, seed: int) -> None:
    point = space.canonical(space.sample(np.random.default_rng(seed)))
    neighbours = list(space.neighbours(point))
    assert neighbours
    for neighbour in neighbours:
        space.check(neighbour)
        assert neighbour == space.canonical(neighbour)
        assert neighbour != point
    ordered = [choice for choice in space.choices if choice.ordered and choice.name in space.active(point)]
    for choice in ordered:
        if space.encode is None and point[choice.name] != choice.values[-1]:
            above = choice.values[choice.values.index(point[choice.name]) + 1]
            assert space.canonical({**point, choice.name: above}) in neighbours


@every_space
def test_the_reference_is_a_network(space: Space) -> None:
    assert cost(space.reference, resolution=32, classes=10).macs > 0
    point = space.reference_point()
    if point is not None:
        space.check(point)
        assert space.decode(point) == space.reference


@every_space
def test_samples_cover_every_value(space: Space) -> None:
    rng = np.random.default_rng(0)
    seen: dict[str, set[Scalar]] = {choice.name: set() for choice in space.choices}
    for _ in range(1500):
        point = space.sample(rng)
        for name in space.active(point):
            seen[name].add(point[name])
    # A narrowed space keeps choices of one value, some of which no longer apply.
    assert all(seen[choice.name] == set(choice.values) for choice in space.choices if len(choice.values) > 1)


@every_space
def test_points_outside_are_refused(space: Space) -> None:
    point = space.sample(np.random.default_rng(0))
    name = space.choices[0].name
    with pytest.raises(SpaceError, match="has no choice 'colour'"):
        space.check({**point, "colour": 1})
    with pytest.raises(SpaceError, match=f"must assign '{name}'"):
        space.check({other: value for other, value in point.items() if other != name})
    with pytest.raises(SpaceError, match=f"{name} must be one of .* but got -1"):
        space.check({**point, name: -1})


def test_impossible_choices_and_spaces_are_refused() -> None:
    users = load_space(USERS)
    with pytest.raises(SpaceError, match="at least one value"):
        Choice(name="x", values=())
    with pytest.raises(SpaceError, match="must differ"):
        Choice(name="x", values=(1, 1))
    with pytest.raises(SpaceError, match="must be rising numbers"):
        Choice(name="x", values=(2, 1), width=True)
    with pytest.raises(SpaceError, match="at least one choice"):
        Space(name="empty", choices=(), decode=users.decode, reference=users.reference)
    twice = (Choice(name="x", values=(1,)), Choice(name="x", values=(2,)))
    with pytest.raises(SpaceError, match="'x' twice"):
        Space(name="twice", choices=twice, decode=users.decode, reference=users.reference)


def test_order_is_of_numbers_that_rise() -> None:
    assert Choice(name="x", values=(1, 2.5, 4)).ordered
    for values in ((2, 1), (False, True), ("a", "b"), (1, "b")):
        assert not Choice(name="x", values=values).ordered


def test_a_space_that_cannot_encode_what_it_decodes_says_so() -> None:
    users = load_space(USERS)
    space = Space(
        name="lame", choices=users.choices, decode=users.decode, reference=users.reference, encode=lambda _: None
    )
    with pytest.raises(SpaceError, match="must encode what it decodes"):
        space.canonical(space.sample(np.random.default_rng(0)))
    assert space.reference_point() is None


def test_a_point_of_a_space_with_one_point_has_no_neighbours() -> None:
    users = load_space(USERS)
    only = tuple(Choice(name=choice.name, values=choice.values[:1]) for choice in users.choices)
    space = Space(name="one", choices=only, decode=users.decode, reference=users.reference)
    rng = np.random.default_rng(0)
    point = space.sample(rng)
    assert list(space.neighbours(point)) == []
