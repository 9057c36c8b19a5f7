"""What every test shares: no screen, a cache, and property tests that fail on wrong answers only."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

# Plots are drawn to files; set before anything imports matplotlib.
os.environ["MPLBACKEND"] = "Agg"

# A shared machine is slow at times: a deadline would fail a test for its neighbours' load.
settings.register_profile("default-here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# CI repeats exactly: a submission must not fail on an example that its author never saw.
settings.register_profile("ci-here", parent=settings.get_profile("default-here"), derandomize=True, print_blob=True)
settings.load_profile("ci-here" if os.environ.get("CI") else "default-here")


TESTS: Final = Path(__file__).parent
UNTRACED: Final = tuple(
    TESTS / name
    for name in (
        *("analysis/report", "benchmarks", "cli/test_search.py", "cli/test_search_safety.py", "cli/test_train.py"),
        *("data", "network", "run", "samplers/test_contract.py", "training", "test_docs.py", "test_tour.py"),
    )
)
"""Tests that give the gate on coverage next to nothing of their own: tracing makes them two to four times as long."""


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    for item in items:
        if any(item.path.is_relative_to(each) for each in UNTRACED):
            item.add_marker(pytest.mark.no_cover)


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache of the tests' own, so that they neither use nor fill the user's: one for all workers of xdist."""
    base = tmp_path_factory.getbasetemp()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache"))
        yield
