"""What every test shares: no screen, and property tests that fail on wrong answers only."""

import os

from hypothesis import HealthCheck, settings

# Plots are drawn to files; set before anything imports matplotlib.
os.environ["MPLBACKEND"] = "Agg"

# A shared machine is slow at times: a deadline would fail a test for its neighbours' load.
settings.register_profile("default-here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# CI repeats exactly: a submission must not fail on an example that its author never saw.
settings.register_profile("ci-here", parent=settings.get_profile("default-here"), derandomize=True, print_blob=True)
settings.load_profile("ci-here" if os.environ.get("CI") else "default-here")
