"""Compile the kernels once for this machine, with the system's C++ compiler, into the user's cache."""

import ctypes
import hashlib
import logging
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from nas.data.cache import cache_folder
from nas.files import cpuinfo

SOURCES = tuple(Path(__file__).with_name(f"{name}.cpp") for name in ("kernels", "pool", "depthwise", "gate", "lrn"))
HEADER = Path(__file__).with_name("vectors.h")
FLAGS = ("-O3", "-march=native", "-std=c++17", "-shared", "-fPIC", "-w")
SECONDS = 120
"""A compiler that takes longer is given up."""


@cache
def library(*options: str) -> ctypes.CDLL | None:
    """The compiled kernels, or None, with a warning in the log, where the plain plan has to do the work.

    ``options`` go to the compiler after our own. From then on the process keeps up to a GiB of what it frees; see
    ``keep_memory`` in the kernels.
    """
    compiler = next((path for name in ("c++", "g++", "clang++") if (path := shutil.which(name))), None)
    if compiler is None or os.name != "posix":
        _warn("no C++ compiler was found (c++, g++ or clang++)")
        return None
    # Torch has loaded its OpenMP by now: with the same name, ours is that one, and its threads are shared. On macOS it
    # has another one, and two in a process end it.
    for flags in ((),) if sys.platform == "darwin" else (("-fopenmp",), ()):
        made = _compiled(compiler, (*FLAGS, *flags, *options))
        if made is not None:
            try:
                loaded = ctypes.CDLL(str(made))
            except OSError as error:
                _warn(f"the compiled kernels cannot be loaded: {error}")
                continue
            loaded.keep_memory()
            return loaded
    return None


def _compiled(compiler: str, flags: tuple[str, ...]) -> Path | None:
    texts = (each.read_text() for each in (*SOURCES, HEADER))
    identity = "\0".join((*texts, compiler, *flags, _processor()))
    try:
        root = cache_folder()
        path = root / f"kernels-{hashlib.sha256(identity.encode()).hexdigest()[:16]}.so"
        if path.exists():
            return path
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root) as folder:
            made = Path(folder) / path.name
            command = [compiler, *flags, *map(str, SOURCES), "-o", str(made)]
            subprocess.run(command, check=True, capture_output=True, timeout=SECONDS)
            made.replace(path)
    except subprocess.CalledProcessError as error:
        _warn(
            f"{' '.join(command[:1])} {' '.join(flags)} failed: {error.stderr.decode(errors='replace').strip()[:300]}"
        )
        return None
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:  # RuntimeError: there is no home.
        _warn(f"the kernels cannot be compiled: {error}")
        return None
    return path


def _warn(reason: str) -> None:
    logging.getLogger(__name__).warning("training is slower than it could be on this machine, for %s.", reason)


def _processor() -> str:
    """What ``-march=native`` depends on: a home folder may be shared by machines."""
    return cpuinfo("flags", "Features") or f"{platform.machine()} {platform.processor()}"
