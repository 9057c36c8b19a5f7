"""What a session ran on: packages, git revision, machine. No environment variable is recorded."""

import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Final

from nas.files import processor

PACKAGES: Final = ("inception-nas", "torch", "torchvision", "ray", "optuna", "numpy", "pandas", "matplotlib")


def versions() -> dict[str, object]:
    """Plain data, ready for JSON; a package or revision that is not there is None."""
    return {
        "python": sys.version.split()[0],
        "packages": {name: _version(name) for name in PACKAGES},
        "git_revision": _git_revision(),
        "system": platform.platform(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "gpus": gpus(),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
    }


def gpus(driver: Path = Path("/proc/driver/nvidia")) -> list[str]:
    """Names of the GPUs, and the driver behind them, without waking one; of this machine, not of a cluster's."""
    found = [path.read_text() for path in sorted(driver.glob("gpus/*/information"))]
    names = [
        line.partition(":")[2].strip() for text in found for line in text.splitlines() if line.startswith("Model:")
    ]
    version = driver / "version"
    return [*names, *version.read_text().splitlines()[:1]] if names and version.exists() else names


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _git_revision() -> str | None:
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
