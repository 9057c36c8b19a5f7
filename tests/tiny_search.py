"""The recipe of a search of seconds: toy networks on digits."""

from pathlib import Path
from typing import Any, Final

import pytest
import toys
import yaml

TRAINING: Final = {"recipe": "modern", "epochs": 2, "batch_size": 64, "ema_decay": 0.0}
RECIPE: Final[dict[str, Any]] = {
    "space": f"{toys.__file__}:SPACE",
    "data": {"name": "digits", "resolution": 16},
    "budget": {"macs": 4_000_000, "resolution": 16, "classes": 10},
    "training": TRAINING,
    "sampler": {"name": "random"},
    "stop": {"trials": 3},
    "resources": {"concurrency": 1},
}
RAY_WARNINGS: Final = [
    # Ray 2.60 leaves sockets and a log file open until the interpreter ends.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:ray.*"),
    pytest.mark.filterwarnings("ignore::FutureWarning:ray.*"),
]
"""Marks of the tests that start Ray in this process."""


def write_recipe(folder: Path, **sections: object) -> Path:
    """The file of the recipe, with other sections; its run is called ``tiny``."""
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump(RECIPE | sections))
    return path
