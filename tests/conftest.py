"""What every test shares: no screen, a cache, and property tests that fail on wrong answers only."""

import os
import sys
import threading
from collections.abc import Generator, Iterator, Sequence
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
        *("analysis/report", "benchmarks", "cli/test_analyze.py", "cli/test_search.py"),
        *("cli/test_search_safety.py", "cli/test_train.py", "data", "network", "run", "samplers/test_contract.py"),
        *("training", "test_docs.py", "test_reference.py", "test_tour.py"),
    )
)
"""Tests that give the gate on coverage next to nothing of their own: tracing makes them two to four times as long."""


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    for item in items:
        if any(item.path.is_relative_to(each) for each in UNTRACED):
            item.add_marker(pytest.mark.untraced)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Run tests marked ``untraced``, and their fixtures, without coverage's tracer.

    pytest-cov's own ``no_cover`` does so in no worker of xdist: two tracers are started there, and it stops one.
    """
    tracer = sys.gettrace()
    if not item.get_closest_marker("untraced") or not type(tracer).__module__.startswith("coverage"):
        return (yield)
    of_threads = threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(tracer)
        threading.settrace(of_threads)


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache of the tests' own, so that they neither use nor fill the user's: one for all workers of xdist."""
    base = tmp_path_factory.getbasetemp()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache"))
        yield
