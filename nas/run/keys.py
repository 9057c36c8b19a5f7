"""Keys of a result that have a meaning of their own; a user's metrics must have other names."""

from typing import Final

FATAL: Final = "fatal"
"""Of a result that must end the run, such as a full disk; the trial stays owed."""
FAILURE: Final = "failure"
"""Of a result that ends its trial: the reason, in words."""
WARNING: Final = "warning"
"""Under which a worker passes on what the user should know."""

OF_TUNE: Final = frozenset(
    {"timestamp", "checkpoint_dir_name", "done", "training_iteration", "trial_id", "date", "time_this_iter_s"}
    | {"time_total_s", "pid", "hostname", "node_ip", "time_since_restore", "iterations_since_restore"}
    | {"should_checkpoint", "experiment_tag", "timesteps_total", "episodes_total", "warmup_time", "config"}
)
"""What Ray Tune adds to a result."""
RESERVED: Final = OF_TUNE | {FATAL, FAILURE, WARNING, "epoch", "seconds", "checkpoint_seconds", "cores", "places"}
"""All of them, with those that every epoch is told with."""
