"""Find a search space: a built-in one by name, a user's own by the path of its file."""

import importlib
import importlib.util
import pkgutil
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import TypeVar

import search_spaces
from nas.architecture import Architecture
from nas.errors import NasError, SpaceError, line_in, one_line
from nas.space import Choice, Point, Space

A = TypeVar("A")
B = TypeVar("B")

_FILE = re.compile(r"(?P<path>.+\.py)(?::(?P<attribute>.*))?", re.DOTALL)


def built_in() -> tuple[str, ...]:
    """Names of the spaces in the package ``search_spaces``."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(search_spaces.__path__)))


def load_space(name_or_path: str) -> Space:
    """The space of that name, or the one in a file: ``my_space.py`` or ``my_space.py:NAME``.

    NAME is ``SPACE`` unless given. The user's file is run, as any Python module is that one imports.

    Raises:
        SpaceError: no space of that name, no such file, a file that raises, or an attribute that
            is missing or is no Space.
    """
    match = _FILE.fullmatch(name_or_path)
    if match:
        attribute = match["attribute"]
        space = _space_of(_run(Path(match["path"])), match["path"], "SPACE" if attribute is None else attribute)
        return _guarded(space, match["path"])
    names = built_in()
    if name_or_path not in names:
        near = get_close_matches(name_or_path, names, n=1, cutoff=0.0)
        raise SpaceError(
            f"space must be one of {', '.join(names)}, or a file such as my_space.py:SPACE, "
            f"but got {name_or_path!r}; the nearest is {near[0]!r}."
        )
    return _space_of(importlib.import_module(f"search_spaces.{name_or_path}"), name_or_path, "SPACE")


def absolute(name_or_path: str) -> str:
    """The same space, named so that it is found from any folder."""
    match = _FILE.fullmatch(name_or_path)
    if not match:
        return name_or_path
    attribute = "" if match["attribute"] is None else f":{match['attribute']}"
    return f"{Path(match['path']).resolve()}{attribute}"


def _guarded(space: Space, owner: str) -> Space:
    """A user's space whose functions' mistakes are told in a sentence; what they refuse in ours they may refuse."""

    def decode(point: Point) -> Architecture:
        found: object = _called(space.decode, point, "`decode`", owner)
        if not isinstance(found, Architecture):
            raise SpaceError(
                f"`decode` of space file {owner} must return an Architecture, but returned one of type "
                f"{type(found).__name__} for the point {dict(point)}."
            )
        return found

    def applies(choice: Choice) -> Choice:
        when = choice.when
        return replace(choice, when=lambda point: _called(when, point, f"`when` of choice {choice.name!r}", owner))

    return replace(
        space,
        choices=tuple(map(applies, space.choices)),
        decode=decode,
        encode=None if space.encode is None else _guarded_encode(space, space.encode, owner),
    )


def _guarded_encode(
    space: Space, encode: Callable[[Architecture], Point | None], owner: str
) -> Callable[[Architecture], Point | None]:
    def guarded(network: Architecture) -> Point | None:
        found: object = _called(encode, network, "`encode`", owner)
        if found is None:
            return None
        must = f"`encode` of space file {owner} must return a point of the space or None, but"
        if not isinstance(found, Mapping):
            raise SpaceError(f"{must} returned one of type {type(found).__name__}.")
        try:
            space.check(found)
        except SpaceError as error:
            raise SpaceError(f"{must} returned {dict(found)}: {error}") from error
        return found

    return guarded


def _called(function: Callable[[A], B], argument: A, name: str, owner: str) -> B:
    try:
        return function(argument)
    except NasError:
        raise
    except Exception as error:
        said = f"raised {type(error).__name__}{_line(error, Path(owner))}: {one_line(error)}"
        what = f"the point {dict(argument)}" if isinstance(argument, Mapping) else "the reference, or a network it made"
        raise SpaceError(f"{name} of space file {owner} {said}, for {what}.") from error


def _space_of(module: ModuleType, owner: str, attribute: str) -> Space:
    space = getattr(module, attribute, None)
    if isinstance(space, Space):
        return space
    spaces = [name for name, value in vars(module).items() if isinstance(value, Space)]
    found = f"its spaces are {', '.join(spaces)}" if spaces else "it defines no space"
    if space is None:
        raise SpaceError(f"space file {owner} must define {attribute!r}, but {found}.")
    raise SpaceError(f"{attribute!r} of {owner} must be a Space, but is of type {type(space).__name__}; {found}.")


def _run(path: Path) -> ModuleType:
    if not path.is_file():
        raise SpaceError(f"a space file must exist, but there is none at {path.absolute()}.")
    name = f"nas_user_space_{sha256(str(path.resolve()).encode()).hexdigest()[:16]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise SpaceError(f"a space file must be a Python module, but {path} is none.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # Dataclasses look up the module that they are defined in.
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        said = one_line(error).rstrip(".") or "without a message"
        raise SpaceError(f"space file {path} raised {type(error).__name__}{_line(error, path)}: {said}.") from error
    return module


def _line(error: BaseException, path: Path) -> str:
    line = error.lineno if isinstance(error, SyntaxError) else line_in(error, path)
    return f" in line {line}" if line else ""
