"""The residual part of the small space: its networks are networks of that space, all of them residual."""

import numpy as np
import pytest

from nas.errors import SpaceError
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
        ({"depth": (1,)}, "has no choice 'depth'"),
        ({"stem": (13,)}, r"stem must be one of 12, 16, .*, but got 13"),
        ({"stem": ()}, "choice 'stem' must have at least one value"),
    ],
)
def test_a_space_is_not_narrowed_to_what_it_has_not(values: dict[str, tuple[int, ...]], told: str) -> None:
    with pytest.raises(SpaceError, match=told):
        inception_small.SPACE.narrowed("none", **values)
