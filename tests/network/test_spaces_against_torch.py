"""The cost of networks of every space against what torch and fvcore count."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from torch_counts import check_counts, fvcore_macs

from nas.architecture import Architecture
from nas.cost import cost
from nas.network.network import Network
from nas.operations import lower
from nas.spaces import built_in, load_space

SPACES = (*built_in(), str(Path(__file__).parents[1] / "user_space.py"))
RESOLUTIONS = (32, 47, 64, 96, 224)


def networks(name: str, seed: int, count: int) -> Iterator[tuple[Architecture, int, int]]:
    """Architectures of a space, each with a resolution and a number of classes."""
    space, rng = load_space(name), np.random.default_rng(seed)
    for _ in range(count):
        yield space.decode(space.sample(rng)), int(rng.choice(RESOLUTIONS)), int(rng.integers(1, 1001))


@pytest.mark.parametrize("name", SPACES)
def test_a_few(name: str) -> None:
    for architecture, resolution, classes in networks(name, 0, 10):
        check_counts(architecture, resolution, classes)


@pytest.mark.slow
@pytest.mark.parametrize("name", SPACES)
def test_three_hundred(name: str) -> None:
    for architecture, resolution, classes in networks(name, 1, 300):
        check_counts(architecture, resolution, classes)


@pytest.mark.slow
@pytest.mark.parametrize("name", SPACES)
def test_thirty_with_fvcore(name: str) -> None:
    for architecture, _, classes in networks(name, 2, 30):
        network = Network(lower(architecture, resolution=32, classes=classes))
        assert fvcore_macs(network, 32, architecture.dims) == cost(architecture, resolution=32, classes=classes).macs
