"""The exceptions that a user can cause and mend.

The command line prints the message of any of them as one sentence and exits with status 2.
A message names the field, the value it got and what is allowed.
"""

import traceback
from pathlib import Path


class NasError(Exception):
    """Base of every error that the user can mend."""


class ArchitectureError(NasError):
    """An architecture, stem, stage or cell that cannot exist."""


class BudgetError(NasError):
    """A budget that is ill-formed, or that no network of the space can meet."""


class SpaceError(NasError):
    """A search space that is unknown or ill-formed, or a point outside it."""


class SamplerError(NasError):
    """A sampler that is unknown, or that cannot do what the recipe asks."""


class RecipeError(NasError):
    """A recipe with an unknown key, a wrong type or a value out of range."""


class DataError(NasError):
    """A data set that is unknown, missing or unreadable."""


class ModelError(NasError):
    """Weights or a model folder that do not fit the architecture."""


class TrialError(NasError):
    """A trial that cannot be trained to a finite result; its reason is recorded."""


class RunError(NasError):
    """A run folder that is missing, already taken, in use or damaged."""


def place(error: BaseException) -> str:
    """Where an error of somebody's own code was raised, as `` (my_file.py:12)``; below it may be libraries."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "site-packages" not in frame.filename] or frames
    return f" ({Path(own[-1].filename).name}:{own[-1].lineno})" if own else ""


def line_in(error: BaseException, file: Path) -> int | None:
    """The line of ``file`` in which an error was raised; None where that was elsewhere."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if Path(frame.filename).resolve() == file.resolve()]
    return lines[-1] if lines else None


def counted(number: int, noun: str) -> str:
    """A number with its noun: "1 thread", "2 threads"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def one_line(error: object) -> str:
    """What another library says, as part of a sentence."""
    return " ".join(str(error).split())
