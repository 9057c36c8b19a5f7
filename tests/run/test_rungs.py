"""Successive halving: who goes on, against a naive count."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toys import BUDGET, SPACE, evaluate

from nas.errors import RecipeError
from nas.run.function import search
from nas.run.recipe import EarlyStoppingConfig
from nas.run.rungs import Rungs, Standing, rung_epochs


def decide(rungs: Rungs, number: int, epoch: int, standing: Standing) -> bool:
    rungs.record(epoch, standing)
    return rungs.verdict(number, epoch, standing)


STANDINGS = st.lists(
    st.builds(Standing, accuracy=st.floats(0, 1), costs=st.tuples(st.sampled_from((0.25, 0.5, 1.0)))),
    min_size=1,
    max_size=20,
)


def test_rungs_are_powers_below_the_last_epoch() -> None:
    assert rung_epochs(EarlyStoppingConfig(rule="asha", first_rung=2, reduction=3), 20) == (2, 6, 18)
    assert rung_epochs(EarlyStoppingConfig(rule="asha", first_rung=2, reduction=3), 18) == (2, 6)
    assert rung_epochs(EarlyStoppingConfig(), 18) == ()


@given(standings=STANDINGS, reduction=st.integers(2, 4))
def test_asha_keeps_the_best_share(standings: list[Standing], reduction: int) -> None:
    rungs = Rungs(EarlyStoppingConfig(rule="asha", reduction=reduction), epochs=9)
    for i, standing in enumerate(standings):
        better = sum(other.accuracy > standing.accuracy for other in standings[:i])
        assert decide(rungs, i, 1, standing) == (better < max(1, (i + 1) // reduction))


@given(standings=STANDINGS)
def test_a_network_that_nothing_dominates_goes_on_with_the_front_rule(standings: list[Standing]) -> None:
    rungs = Rungs(EarlyStoppingConfig(rule="asha-front", reduction=3), epochs=9)
    for i, standing in enumerate(standings):
        dominated = any(
            other.accuracy >= standing.accuracy and other.costs <= standing.costs and other != standing
            for other in standings[:i]
        )
        assert decide(rungs, i, 1, standing) or dominated


def test_front_rule_stops_a_dominated_network_that_plain_asha_keeps() -> None:
    early = [
        Standing(accuracy=0.9, costs=(0.2,)),
        Standing(accuracy=0.5, costs=(0.1,)),
        Standing(accuracy=0.4, costs=(0.05,)),
    ]
    late = Standing(accuracy=0.6, costs=(0.9,))
    for rule, kept in (("asha", True), ("asha-front", False)):
        rungs = Rungs(EarlyStoppingConfig(rule=rule, reduction=2), epochs=9)  # type: ignore[arg-type]
        for standing in early:
            rungs.record(1, standing)
        assert decide(rungs, 3, 1, late) is kept


def test_hyperband_judges_later_brackets_later() -> None:
    rungs = Rungs(EarlyStoppingConfig(rule="hyperband", first_rung=1, reduction=3), epochs=9)
    for _ in range(6):
        rungs.record(1, Standing(accuracy=0.9, costs=(1,)))
        rungs.record(3, Standing(accuracy=0.9, costs=(1,)))
    poor = Standing(accuracy=0.1, costs=(1,))
    assert not decide(rungs, 2, 1, poor), "bracket 0 is judged at the first rung"
    assert decide(rungs, 3, 1, poor), "bracket 1 is not"
    assert not decide(rungs, 3, 3, poor)


def test_other_epochs_are_no_rungs() -> None:
    rungs = Rungs(EarlyStoppingConfig(rule="asha", first_rung=2, reduction=2), epochs=9)
    assert all(decide(rungs, i, 3, Standing(accuracy=0.1 * (9 - i), costs=(1,))) for i in range(9))
    assert rungs == Rungs(rungs.config, 9), "nothing was noted"


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"rule": "ashaa"}, "early_stopping.rule must be one of none, asha, asha-front, hyperband, but got 'ashaa'"),
        ({"told_as": "x"}, "early_stopping.told_as must be one of .*, but got 'x'"),
        ({"rule": "asha", "first_rung": 5}, "but got first_rung=5, epochs=2"),
    ],
)
def test_early_stopping_that_would_never_stop_is_refused(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RecipeError, match=sentence):
        search(SPACE, evaluate, BUDGET, trials=2, epochs=2, early_stopping=EarlyStoppingConfig(**wrong))
