"""Files that are whole or not there, and the one in which Linux tells what processor it runs on."""

import os
import platform
import secrets
from collections.abc import Collection
from pathlib import Path


def cpuinfo(*starts: str) -> str | None:
    """The first line of ``/proc/cpuinfo`` that starts so; None where there is none, as on other systems."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return None
    return next((line for line in lines if line.startswith(starts)), None)


def processor() -> str:
    """Its name, or else its kind."""
    name = (cpuinfo("model name") or "").partition(":")[2].strip()
    return name or platform.processor() or platform.machine()


def remove_all_but(names: Collection[str], folder: Path) -> None:
    """Delete the other files of a folder, if there is one; folders in it stay."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name not in names and path.is_file():
            path.unlink(missing_ok=True)


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all, also when the machine stops in between; its folder is made.

    Args:
        path: of the file.
        content: text is written as UTF-8.

    Raises:
        OSError: it cannot be written; what was there before still is.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with temporary.open("xb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        if error.errno is not None:
            error.filename = str(path)  # The name that its user knows.
        raise
    finally:
        temporary.unlink(missing_ok=True)
