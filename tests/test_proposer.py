"""The proposer beside its samplers: the reference, what is measured, what cannot be found."""

import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import toys

from nas.architecture import Architecture, Cell, Reduction, Stem
from nas.budget import Budget
from nas.errors import ArchitectureError, BudgetError, SpaceError
from nas.feasible import FeasibleSampler, admit
from nas.journal import Journal
from nas.proposer import MEASUREMENTS, Proposer
from nas.samplers import make_sampler
from nas.serialize import key
from nas.space import Choice, Point, Space
from nas.spaces import load_space

RANDOM = make_sampler("random")
GOOGLENETS = load_space("googlenet")
BUDGET_32 = Budget(macs=30_574_592, resolution=32, classes=10)


def memory() -> Journal:
    return Journal.in_memory(objectives=("accuracy",))


def test_a_reference_over_the_budget_is_trained_and_marked() -> None:
    journal = memory()
    budget = Budget(macs=1_000_000, resolution=16, classes=10)
    proposer = Proposer(toys.SPACE, budget, RANDOM, journal, seed=0, trial_seed=4)
    first, second = proposer.ask(), proposer.ask()
    assert first is not None and second is not None
    assert (first[0], first[1].reference, first[1].seed) == (0, True, 4)
    assert not budget.allows(first[1].cost)
    assert journal.study.trials[0].user_attrs["feasible"] is False
    assert (second[0], second[1].reference) == (1, False)
    assert budget.allows(second[1].cost)


def test_a_reference_in_the_space_has_its_point() -> None:
    point = {"stem": 8, "width3": 16, "width4": 24, "wide": 8}
    reference = toys.SPACE.decode(point)
    known = {toys.SPACE.decode({**point, "stem": stem}): {**point, "stem": stem} for stem in (8, 16)}
    space = replace(toys.SPACE, reference=reference, choices=(Choice(name="stem", values=(8, 16)),), encode=known.get,
                    decode=lambda values: toys.SPACE.decode({**point, **values}))  # fmt: skip
    journal = memory()
    asked = Proposer(space, toys.BUDGET, RANDOM, journal, seed=0).ask()
    assert asked is not None
    assert asked[1].point == point
    assert journal.study.trials[0].params == {"stem": 8}


def test_without_the_reference() -> None:
    asked = Proposer(toys.SPACE, toys.BUDGET, RANDOM, memory(), seed=0, reference_first=False).ask()
    assert asked is not None and not asked[1].reference


def test_measured_limits_are_kept_and_recorded() -> None:
    measured: list[Architecture] = []

    def measure(architecture: Architecture) -> Mapping[str, float]:
        measured.append(architecture)
        return {"latency_seconds": architecture.stem.width / 1000, "joules": 1.0}

    journal = memory()
    budget = replace(toys.BUDGET, latency_seconds=0.016)
    proposer = Proposer(toys.SPACE, budget, RANDOM, journal, seed=0, measure=measure)
    for _ in range(10):
        asked = proposer.ask()
        assert asked is not None
        assert asked[1].measured == {"latency_seconds": asked[1].architecture.stem.width / 1000, "joules": 1.0}
        assert asked[1].architecture.stem.width <= 16
    assert any(architecture.stem.width > 16 for architecture in measured)
    assert all(trial.constraints["latency_seconds"] <= 0 for trial in journal.study.trials)


def test_limits_that_nothing_measured_meets_end_in_one_sentence_and_soon() -> None:
    measured: list[Architecture] = []

    def measure(architecture: Architecture) -> Mapping[str, float]:
        measured.append(architecture)
        return {"latency_seconds": BUDGET_32.cost(architecture).macs / 1e9}

    budget = replace(BUDGET_32, latency_seconds=1e-9)
    proposer = Proposer(GOOGLENETS, budget, RANDOM, memory(), seed=0, reference_first=False, measure=measure)
    with pytest.raises(BudgetError, match=r"must be within the measured limits, but of \d+ that were measured none is"):
        proposer.ask()
    assert len(measured) <= MEASUREMENTS


@pytest.mark.untraced
def test_a_tight_measured_limit_is_met_by_going_down() -> None:
    """One network of a hundred is fast enough: random ones of ever fewer MACs lead there."""
    measured: list[Architecture] = []

    def measure(architecture: Architecture) -> Mapping[str, float]:
        measured.append(architecture)
        return {"latency_seconds": BUDGET_32.cost(architecture).macs / 1e9}

    drawn = FeasibleSampler(GOOGLENETS, BUDGET_32)
    rng = np.random.default_rng(0)
    limit = sorted(drawn.sample(rng).cost.macs for _ in range(300))[3] / 1e9
    budget = replace(BUDGET_32, latency_seconds=limit)
    journal = memory()
    proposer = Proposer(GOOGLENETS, budget, RANDOM, journal, seed=0, reference_first=False, measure=measure)
    for _ in range(5):
        asked = proposer.ask()
        assert asked is not None and asked[1].measured["latency_seconds"] <= limit
    assert len(measured) < 5 * 40


@pytest.mark.untraced
def test_a_measured_limit_that_macs_do_not_tell_is_met_by_looking_on() -> None:
    """Three networks of a hundred are fast enough, whatever their MACs, and those refused fill the band."""

    def measure(architecture: Architecture) -> Mapping[str, float]:
        return {"latency_seconds": int(key(architecture)[:8], 16) / 2**32}

    budget = replace(BUDGET_32, at_least=0.9, latency_seconds=0.03)
    journal, space = memory(), load_space("inception_small")
    proposer = Proposer(space, budget, RANDOM, journal, seed=0, reference_first=False, measure=measure)
    for _ in range(6):
        asked = proposer.ask()
        assert asked is not None and asked[1].measured["latency_seconds"] <= 0.03
    assert proposer.ended == ""


def test_a_search_that_ends_tells_why() -> None:
    limit = [1.0]

    def measure(_: Architecture) -> Mapping[str, float]:
        return {"latency_seconds": limit[0]}

    budget = replace(toys.BUDGET, latency_seconds=1.5)
    proposer = Proposer(toys.SPACE, budget, RANDOM, memory(), seed=0, reference_first=False, measure=measure)
    assert proposer.ask() is not None
    limit[0] = 2.0
    assert proposer.ask() is None
    assert re.fullmatch(r"of \d+ further networks that were measured none is within the measured .*", proposer.ended)


def test_of_few_networks_all_are_measured_before_a_search_ends() -> None:
    """The two that are fast enough are those of the most MACs, and each of the others is measured once a trial."""
    space = toys.SPACE.narrowed("few", stem=(8, 16))
    budget = Budget(latency_seconds=1.0, resolution=16, classes=10)
    names = [choice.name for choice in space.choices]
    grid = product(*(choice.values for choice in space.choices))
    networks = [space.decode(dict(zip(names, values, strict=True))) for values in grid]
    fast = {key(each) for each in sorted(networks, key=lambda each: budget.cost(each).macs)[-2:]}
    measured: list[str] = []

    def measure(architecture: Architecture) -> Mapping[str, float]:
        measured.append(key(architecture))
        return {"latency_seconds": 0.9 if measured[-1] in fast else 2.0}

    proposer = Proposer(space, budget, RANDOM, memory(), seed=0, reference_first=False, measure=measure)
    found = set()
    while (asked := proposer.ask()) is not None:
        found.add(asked[1].key)
        assert len(set(measured)) == len(measured)
        measured.clear()
    assert found == fast and space.size == len(networks) < MEASUREMENTS
    others = len(networks) - len(fast)
    assert proposer.ended == f"of {others} further networks that were measured none is within the measured limits"


def test_another_seed_of_the_trials_is_another_trial() -> None:
    journal = memory()
    asked = Proposer(toys.SPACE, toys.BUDGET, RANDOM, journal, seed=0, reference_first=False).ask()
    again = Proposer(toys.SPACE, toys.BUDGET, RANDOM, journal, seed=0, trial_seed=1, reference_first=False)
    assert again.pending == (asked,)
    assert asked is not None
    second = again.ask()
    assert second is not None and second[1].seed == 1


def test_a_budget_that_nothing_meets() -> None:
    proposer = Proposer(toys.SPACE, Budget(macs=10, resolution=16, classes=10), RANDOM, memory(), seed=0)
    assert proposer.ask() is not None
    with pytest.raises(BudgetError):
        proposer.ask()


def test_a_space_of_one_network() -> None:
    one = Space(
        name="one",
        choices=(Choice(name="stem", values=(8,)),),
        decode=lambda point: toys.SPACE.decode({"stem": 8, "width3": 8, "width4": 8, "wide": 0}),
        reference=toys.SPACE.reference,
    )
    for name in ("random", "evolution", "tpe", "gp"):
        journal = memory()
        proposer = Proposer(one, toys.BUDGET, make_sampler(name), journal, seed=0)
        assert proposer.ask() is not None
        assert proposer.ask() is not None
        assert proposer.ask() is None


@pytest.mark.parametrize("name", ["random", "evolution"])
def test_networks_that_cannot_exist_hide_none_of_a_space_that_encodes(name: str) -> None:
    def decode(point: Point) -> Architecture:
        if point["width3"] > point["width4"]:  # type: ignore[operator]  # Both are widths.
            raise ArchitectureError("stages must not get narrower.")
        return toys.SPACE.decode(point)

    names = [choice.name for choice in toys.SPACE.choices]
    grid = product(*(choice.values for choice in toys.SPACE.choices))
    points = [dict(zip(names, values, strict=True)) for values in grid]
    known = {toys.SPACE.decode(point): point for point in points if point["width3"] <= point["width4"]}
    space = replace(toys.SPACE, decode=decode, encode=known.get)
    journal = memory()
    proposer = Proposer(space, replace(toys.BUDGET, macs=10**9), make_sampler(name), journal, seed=1)
    proposed = set()
    while (asked := proposer.ask()) is not None:
        journal.complete(asked[0], 0.5 + 0.001 * asked[0], 1, 1.0)
        proposed.add(asked[1].architecture)
    assert proposed == {space.reference, *known}


def test_costs_are_told_beside_the_accuracy() -> None:
    journal = Journal.in_memory(objectives=("accuracy", "params"))
    proposer = Proposer(toys.SPACE, toys.BUDGET, RANDOM, journal, seed=0)
    asked = proposer.ask()
    assert asked is not None
    journal.complete(0, 0.5, 1, 1.0)
    assert journal.study.trials[0].values == [0.5, float(asked[1].cost.params)]


def test_a_search_goes_on_in_the_space_that_it_began_in() -> None:
    journal = memory()
    first = Proposer(toys.SPACE, toys.BUDGET, RANDOM, journal, seed=0)
    points = [asked[1].point for _ in range(4) if (asked := first.ask()) is not None]
    stem = next(point["stem"] for point in points if point is not None)
    fewer = toys.SPACE.narrowed("toy", stem=tuple(value for value in toys.WIDTHS if value != stem))
    with pytest.raises(SpaceError, match=rf"trial 1 is no point of 'toy' as it is now: stem .*, but got {stem}"):
        Proposer(fewer, toys.BUDGET, RANDOM, journal, seed=0)
    other = replace(toys.SPACE, decode=lambda point: replace(toys.SPACE.decode(point), dropout=0.25))
    with pytest.raises(SpaceError, match=r"trial 1 would be another network in 'toy' as it is now: \w{16}, and not"):
        Proposer(other, toys.BUDGET, RANDOM, journal, seed=0)


@pytest.mark.untraced
def test_a_narrow_band_that_is_used_up_ends_the_search() -> None:
    """Draws fail where few networks are left: that is the end of a search, and no fault of the budget."""

    def decode(point: Point) -> Architecture:
        one, other = (
            Cell(b1x1=int(point[f"a{i}"]), b3x3_reduce=0, b3x3=int(point[f"b{i}"]), b5x5_reduce=0, b5x5=0, pool_proj=0)
            for i in (0, 1)
        )
        stages = ((one,) * int(point["cells"]), (other,))
        return Architecture(stem=Stem(kind="conv3x3", width=16), stages=stages, reductions=(Reduction(),))

    widths = tuple(Choice(name=name, values=tuple(range(8, 72, 8)), width=True) for name in ("a0", "b0", "a1", "b1"))
    choices = (Choice(name="cells", values=(1, 2, 3)), *widths)
    space = Space(name="narrow", choices=choices, decode=decode, reference=toys.SPACE.reference)
    budget = Budget(macs=30_000_000, resolution=32, classes=10, at_least=0.999)
    names = [choice.name for choice in choices]
    grid = (dict(zip(names, values, strict=True)) for values in product(*(choice.values for choice in choices)))
    inside = [point for point in grid if admit(space, budget, point)]
    assert len(inside) == 3
    journal = memory()
    proposer = Proposer(space, budget, RANDOM, journal, seed=0)
    found = []
    while (asked := proposer.ask()) is not None:
        found.append(asked[1].point)
        journal.complete(asked[0], 0.5, 1, 1.0)
    assert sorted(map(str, found[1:])) == sorted(map(str, inside)), "the reference is outside the band"


def test_the_choices_that_apply_are_recorded() -> None:
    choices = (*toys.SPACE.choices[:3], replace(toys.SPACE.choices[3], when=lambda point: point["stem"] == 8))
    journal = memory()
    proposer = Proposer(replace(toys.SPACE, choices=choices), toys.BUDGET, RANDOM, journal, seed=0)
    for _ in range(12):
        proposer.ask()
    known = [record.candidate for record in journal.trials() if record.candidate.point is not None]
    for candidate in known:
        assert candidate.active is not None and candidate.point is not None
        assert ("wide" in candidate.active) == (candidate.point["stem"] == 8)
    assert {len(candidate.active or ()) for candidate in known} == {3, 4}
