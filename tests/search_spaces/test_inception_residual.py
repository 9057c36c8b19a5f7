"""The residual part of the small space: its networks are networks of that space, all of them residual."""

import numpy as np
import pytest

from nas.budget import Budget
from nas.errors import SpaceError
from nas.journal import Journal
from nas.proposer import Proposer
from nas.samplers import make_sampler
from nas.spaces import load_space
from search_spaces import inception_residual, inception_small

SPACE = inception_residual.SPACE


def test_every_network_is_one_of_the_small_space_and_residual() -> None:
    rng = np.random.default_rng(0)
    for _ in range(100):
        point = SPACE.sample(rng)
        inception_small.SPACE.check(point)
        assert inception_small.SPACE.settle(point) == SPACE.settle(point) == point
        network = SPACE.decode(point)
        assert network == inception_small.SPACE.decode(point)
        cells = [cell for stage in network.stages for cell in stage]
        assert all(cell.b5x5 and not cell.b3x3 and cell.wide == "3x3x2" and cell.shortcut for cell in cells)
        assert not any(cell.se for cell in cells)


def test_what_is_not_named_keeps_its_values() -> None:
    pairs = list(zip(SPACE.choices, inception_small.SPACE.choices, strict=True))
    fixed = {mine.name for mine, whole in pairs if mine != whole}
    assert fixed == {"wide_share8", "wide", "b3x3_ratio8", "shortcut", "se"}
    assert all(len(choice.values) == 1 for choice in SPACE.choices if choice.name in fixed)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"depth": (1,)}, "has no choice 'depth', but only stem, cells1, .*, shortcut"),
        ({"stem": (13,)}, r"stem must be one of 12, 16, .*, but got 13"),
        ({"stem": ()}, "choice 'stem' must have at least one value"),
    ],
)
def test_a_space_is_not_narrowed_to_what_it_has_not(values: dict[str, tuple[int, ...]], told: str) -> None:
    with pytest.raises(SpaceError, match=told):
        inception_small.SPACE.narrowed("none", **values)


def test_a_space_that_encodes_is_searched_narrowed_too() -> None:
    """GoogLeNet's own value of a ratio is left out: it stays the reference, as a trial without a point."""
    space = load_space("googlenet")
    chosen = next(choice for choice in space.choices if len(choice.values) > 2)
    reference = space.reference_point()
    assert reference is not None
    kept = tuple(value for value in chosen.values if value != reference[chosen.name])
    narrowed = space.narrowed("narrowed", **{chosen.name: kept})
    budget = Budget(macs=1_500_000_000, resolution=224, classes=1000)
    sampler = make_sampler("random")
    proposer = Proposer(narrowed, budget, sampler, Journal.in_memory(objectives=("accuracy",)), seed=0)
    asked = [candidate for _, candidate in (proposer.ask() or pytest.fail("none") for _ in range(6))]
    assert asked[0].reference and asked[0].point is None
    for candidate in asked[1:]:
        assert candidate.point is not None and candidate.point[chosen.name] in kept
        narrowed.check(candidate.point)
