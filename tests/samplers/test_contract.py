"""What every sampler must do, whatever it proposes: stay in budget, repeat nothing, go on after anything."""

import inspect
import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import toy_samplers
import toys

from nas.architecture import Architecture, Cell, Stem
from nas.budget import Budget
from nas.errors import SamplerError
from nas.feasible import FeasibleSampler
from nas.journal import Journal
from nas.proposer import Proposer
from nas.record import Candidate, Objective
from nas.samplers import NAMES, Sampler, make_sampler
from nas.samplers.base import History
from nas.samplers.draft import STUDY_ATTRIBUTES
from nas.serialize import key
from nas.space import Choice, Point, Space

BAND = Budget(macs=4_000_000, resolution=16, classes=10, at_least=0.5)
SAMPLERS = (*NAMES, "optuna.samplers:QMCSampler", "optuna.samplers:RandomSampler", "toy_samplers:Greedy")
SMALL = {"gp": {"startup": 4}, "evolution": {"population": 6, "tournament": 3}, "nsga2": {"population_size": 6}}
ONE: tuple[Objective, ...] = ("accuracy",)
TWO: tuple[Objective, ...] = ("accuracy", "macs")
every_sampler = pytest.mark.parametrize("name", SAMPLERS)
every_objective = pytest.mark.parametrize("objectives", [ONE, TWO], ids=["one", "two"])


def make(name: str) -> Sampler:
    """A sampler that leaves its random beginning soon."""
    return make_sampler(name, SMALL.get(name, {}))


def mixed_decode(point: Point) -> Architecture:
    wide = point["wide"]
    b5x5 = int(point["b5x5"]) if wide != "none" else 0
    kind = {"none": "5x5", "two 3x3": "3x3x2"}.get(str(wide), str(wide))
    cell = Cell(
        b1x1=0, b3x3_reduce=0, b3x3=int(point["b3x3"]), b5x5_reduce=0, b5x5=b5x5, pool_proj=0,
        wide=kind, shortcut=bool(point["shortcut"]),  # type: ignore[arg-type]
    )  # fmt: skip
    return Architecture(stem=Stem(kind="conv3x3", width=int(point["stem"])), stages=((cell, cell),), reductions=())


MIXED = Space(
    name="mixed",
    choices=(
        Choice(name="stem", values=(4,)),
        Choice(name="wide", values=("none", "5x5", "two 3x3")),
        Choice(name="b3x3", values=(4, 6, 9, 13, 20), width=True),
        Choice(name="b5x5", values=(4, 8), width=True, when=lambda point: point["wide"] != "none"),
        Choice(name="shortcut", values=(False, True)),
    ),
    decode=mixed_decode,
    reference=mixed_decode({"stem": 4, "wide": "5x5", "b3x3": 9, "b5x5": 4, "shortcut": False}),
)
MIXED_BUDGET = Budget(macs=400_000, resolution=8, classes=10)


def feasible_keys(space: Space, budget: Budget) -> set[str]:
    """Keys of all networks of a small space that a budget allows."""
    names = [choice.name for choice in space.choices]
    grid = itertools.product(*(choice.values for choice in space.choices))
    architectures = [space.decode(space.canonical(dict(zip(names, values, strict=True)))) for values in grid]
    return {key(architecture) for architecture in architectures if budget.admit(architecture) is not None}


def quality(candidate: Candidate) -> float:
    """An accuracy that favours wide first stages."""
    cells = [cell for stage in candidate.architecture.stages for cell in stage]
    return 0.5 + 0.01 * cells[0].b3x3 - 0.003 * cells[-1].b3x3 + 0.002 * cells[0].b5x5


def drive(proposer: Proposer, journal: Journal, trials: int, *, faults: bool = False) -> Iterator[Candidate]:
    """Run trials one after another; with faults, some fail, some are stopped, some give NaN."""
    pending = iter(proposer.pending)
    for _ in range(trials):
        asked = next(pending, None) or proposer.ask()
        if asked is None:
            return
        number, candidate = asked
        yield candidate
        match number % 5 if faults else 0:
            case 1:
                journal.fail(number, "out of memory")
            case 2:
                journal.complete(number, math.nan, 1, 1.0)
            case 3:
                journal.report(number, 1, quality(candidate) / 2)
                journal.stop(number, quality(candidate) / 2, 1, 1.0, told_as=("complete", "pruned", "fail")[number % 3])
            case _:
                journal.complete(number, quality(candidate), 2, 1.0)


@every_sampler
@every_objective
def test_nothing_over_budget_nothing_twice_through_failures(name: str, objectives: tuple[Objective, ...]) -> None:
    journal = Journal.in_memory(objectives=objectives)
    proposer = Proposer(toys.SPACE, BAND, make(name), journal, seed=1)
    candidates = list(drive(proposer, journal, 24, faults=True))
    assert len(candidates) == 24
    assert candidates[0].reference and candidates[0].point is None
    assert all(BAND.allows(candidate.cost) for candidate in candidates[1:])
    assert all(candidate.cost == BAND.cost(candidate.architecture) for candidate in candidates)
    for candidate in candidates[1:]:
        assert candidate.point is not None
        assert candidate.point == toys.SPACE.canonical(candidate.point)
        assert toys.SPACE.decode(candidate.point) == candidate.architecture
        assert candidate.key == key(candidate.architecture)
    assert len({candidate.key for candidate in candidates}) == 24


@every_sampler
@every_objective
def test_goes_on_after_reopening_as_if_undisturbed(
    name: str, objectives: tuple[Objective, ...], tmp_path: Path
) -> None:
    sampler = make(name)
    whole = Journal.create(tmp_path / "whole.log", name="whole", objectives=objectives, attributes={})
    expected = [c.key for c in drive(Proposer(toys.SPACE, BAND, sampler, whole, seed=3), whole, 18)]

    path = tmp_path / "journal.log"
    journal = Journal.create(path, name="parts", objectives=objectives, attributes={})
    found = [c.key for c in drive(Proposer(toys.SPACE, BAND, sampler, journal, seed=3), journal, 9)]
    left = Proposer(toys.SPACE, BAND, sampler, journal, seed=3).ask()
    assert left is not None

    journal = Journal.open(path)
    proposer = Proposer(toys.SPACE, BAND, make(name), journal, seed=3)
    assert proposer.pending == (left,)
    found += [c.key for c in drive(proposer, journal, 9)]
    assert found == expected
    assert journal.trials() == whole.trials()


def test_what_is_brought_into_the_budget_holds_the_first_value_where_a_choice_does_not_apply() -> None:
    """Also in a space that reads the choice all the same."""

    def reads(point: Point) -> Architecture:
        return mixed_decode({**point, "wide": "5x5"} if point["wide"] == "none" else point)

    space, study = replace(MIXED, decode=reads), Journal.in_memory(objectives=ONE).study
    history = History(
        space=space, budget=MIXED_BUDGET, objectives=ONE, number=0, seed=0, trials=(), observed=(), taken=frozenset(),
        study=study, feasible=FeasibleSampler(space, MIXED_BUDGET),
    )  # fmt: skip
    point = {"stem": 4, "wide": "none", "b3x3": 4, "b5x5": 8, "shortcut": False}
    network = history.project(point, np.random.default_rng(0))
    assert network is not None and network.point == point | {"b5x5": 4}


@every_sampler
def test_the_seed_decides(name: str) -> None:
    def keys(seed: int) -> list[str]:
        journal = Journal.in_memory(objectives=ONE)
        proposer = Proposer(toys.SPACE, BAND, make(name), journal, seed=seed)
        return [candidate.key for candidate in drive(proposer, journal, 14)]

    assert keys(5) == keys(5)
    if name != "optuna.samplers:QMCSampler":  # an unscrambled sequence is the same for every seed, but for its start
        assert keys(5) != keys(6)


@every_sampler
def test_a_small_space_is_exhausted_to_the_last_network(name: str) -> None:
    journal = Journal.in_memory(objectives=ONE)
    sampler = make(name)
    proposer = Proposer(MIXED, MIXED_BUDGET, sampler, journal, seed=0)
    keys = [candidate.key for candidate in drive(proposer, journal, 200)]
    allowed = feasible_keys(MIXED, MIXED_BUDGET)
    assert 20 < len(allowed) < 50
    assert len(keys) == len(set(keys))
    assert set(keys) == allowed
    assert proposer.ask() is None


@every_sampler
@every_objective
def test_several_trials_at_a_time(name: str, objectives: tuple[Objective, ...]) -> None:
    journal = Journal.in_memory(objectives=objectives)
    proposer = Proposer(toys.SPACE, BAND, make(name), journal, seed=2)
    keys = []
    for _ in range(5):
        batch = [asked for asked in (proposer.ask() for _ in range(4)) if asked is not None]
        keys += [candidate.key for _, candidate in batch]
        for number, candidate in reversed(batch):
            journal.complete(number, quality(candidate), 1, 1.0)
    assert len(keys) == len(set(keys)) == 20


def test_the_proposals_of_a_scrambled_sequence_are_places_in_one() -> None:
    def sequences(seed: int, own: Mapping[str, int] = {}) -> set[str]:
        journal = Journal.in_memory(objectives=ONE)
        sampler = make_sampler("optuna.samplers:QMCSampler", {"scramble": True, **own})
        assert len(list(drive(Proposer(toys.SPACE, BAND, sampler, journal, seed=seed), journal, 8))) == 8
        return {name for trial in journal.study.trials for name in trial.system_attrs.get(STUDY_ATTRIBUTES, {})}

    assert len(sequences(1)) == 1
    assert sequences(1) != sequences(2) == sequences(1, {"seed": 2})


@pytest.mark.parametrize("options", [{"group": True}, {"multivariate": False}])
def test_tpe_may_be_asked_not_to_sample_all_at_once(options: Mapping[str, object]) -> None:
    """As Optuna has it: ``group`` failed, and ``multivariate: false`` made no difference."""

    def keys(given: Mapping[str, object]) -> list[str]:
        journal = Journal.in_memory(objectives=ONE)
        proposer = Proposer(toys.SPACE, BAND, make_sampler("tpe", given), journal, seed=0)
        return [candidate.key for candidate in drive(proposer, journal, 20)]

    found = keys(options)
    assert len(found) == 20 and found != keys({})


def test_a_repeated_suggestion_does_not_hide_one_that_can_be_brought_into_the_budget() -> None:
    journal = Journal.in_memory(objectives=ONE)
    list(drive(Proposer(toys.SPACE, BAND, make_sampler("random"), journal, seed=2), journal, 4))
    proposer = Proposer(toys.SPACE, BAND, make_sampler("toy_samplers:Torn"), journal, seed=2)
    (candidate,) = drive(proposer, journal, 1)
    assert candidate.point is not None
    assert (candidate.point["stem"], candidate.point["wide"]) == (24, 16), "the last values, scaled"


def test_an_imported_sampler_refuses_in_one_sentence() -> None:
    journal = Journal.in_memory(objectives=TWO)
    sampler = make_sampler("toy_samplers:OneObjective")
    proposer = Proposer(toys.SPACE, BAND, sampler, journal, seed=0, reference_first=False)
    with pytest.raises(SamplerError) as caught:
        proposer.ask()
    source, first = inspect.getsourcelines(toy_samplers.OneObjective)
    line = first + next(i for i, text in enumerate(source) if "raise ValueError" in text)
    assert str(caught.value) == (
        "sampler 'toy_samplers:OneObjective' cannot propose a point: "
        f"If the study is being used for multi-objective optimization, this cannot be used (toy_samplers.py:{line})."
    )
    assert journal.trials() == ()


def test_a_sampler_may_not_change_the_study() -> None:
    journal = Journal.in_memory(objectives=ONE)
    sampler = make_sampler("toy_samplers:Writer")
    proposer = Proposer(toys.SPACE, BAND, sampler, journal, seed=0)
    assert proposer.ask() is not None
    with pytest.raises(SamplerError, match="cannot propose a point"):
        proposer.ask()
    assert [record.state for record in journal.trials()] == ["running"]
