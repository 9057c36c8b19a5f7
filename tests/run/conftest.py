"""What tests of several workers share."""

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module")
def one_ray() -> Iterator[None]:
    """A Ray of four cores for a whole file."""
    import ray

    ray.init(address="local", num_cpus=4, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()
