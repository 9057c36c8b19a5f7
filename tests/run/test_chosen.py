"""What a full training hands out next."""

from collections.abc import Callable
from pathlib import Path

import pytest
from toys import SPACE

from nas.errors import RunError
from nas.journal import Journal
from nas.run.chosen import Chosen, ChosenNetworks, budget_of
from nas.run.engine import Listener
from nas.run.plan import make_plan
from nas.run.train import rank, train

NETWORKS = (Chosen(label="reference", architecture=SPACE.reference),)


def source(journal: Journal) -> ChosenNetworks:
    return ChosenNetworks(NETWORKS, (0, 1, 2, 3), journal, budget_of(NETWORKS, resolution=16, classes=10))


def asked(from_: ChosenNetworks) -> list[tuple[int, int]]:
    return [(number, candidate.seed) for number, candidate in (*from_.pending, *iter(from_.ask, None))]


def test_seeds_in_their_order_each_once() -> None:
    journal = Journal.in_memory(objectives=("accuracy",))
    assert asked(source(journal)) == [(0, 0), (1, 1), (2, 2), (3, 3)]
    assert source(journal).trials == 4


def test_an_interrupted_one_with_the_longest_way_to_go_comes_first() -> None:
    journal = Journal.in_memory(objectives=("accuracy",))
    first = source(journal)
    for _ in range(3):
        first.ask()
    for number, epochs in ((0, 3), (1, 1), (2, 2)):
        for epoch in range(1, epochs + 1):
            journal.report(number, epoch, 0.5)
    journal.complete(2, 0.5, 2, 1.0)
    again = source(journal)
    assert [number for number, _ in again.pending] == [1, 0]
    assert asked(again) == [(1, 1), (0, 0), (3, 3)]
    journal.fail(3, "it ran out of memory")
    assert asked(source(journal)) == [(1, 1), (0, 0), (4, 3)], "what failed is tried once more"


def test_what_was_under_way_with_a_seed_that_is_not_asked_for_waits() -> None:
    journal = Journal.in_memory(objectives=("accuracy",))
    for _ in range(2):
        asked(source(journal))
    fewer = ChosenNetworks(NETWORKS, (0, 1), journal, budget_of(NETWORKS, resolution=16, classes=10))
    assert asked(fewer) == [(0, 0), (1, 1)]


@pytest.mark.parametrize("begin", [train, rank])
def test_a_network_is_given_once(begin: Callable[..., object], tmp_path: Path) -> None:
    """Trained twice at once it would go on from its own other's checkpoint, and count twice."""
    plan = make_plan({"data": {"name": "digits", "resolution": 16}, "training": {"recipe": "modern"}}, {})
    twice = (*NETWORKS, Chosen(label="the same", architecture=SPACE.reference))
    with pytest.raises(RunError, match=r"^every network must be given once, but reference and the same are"):
        begin(twice, plan, tmp_path / "out", Listener(), in_process=True)
    assert not (tmp_path / "out").exists()
