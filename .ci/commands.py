"""Write docs/commands.md from the command line itself, so that the page names every command and option as they are.

With ``--check`` nothing is written, and a page that is out of date makes the exit status 1.
"""

import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args, get_origin

from typer.models import ArgumentInfo, OptionInfo

from nas.cli.main import app

PAGE = Path(__file__).parents[1] / "docs" / "commands.md"
KINDS = {int: "N", float: "NUMBER", str: "TEXT", Path: "PATH", list[str]: "TEXT"}
HEAD = """# Commands

Every command tells its options by `--help`. A mistake ends with one sentence and status 2, a command that was
interrupted with status 130. This page is written from the commands themselves by `python .ci/commands.py`.
"""


def page() -> str:
    """The page, as Markdown."""
    return HEAD + "".join(_section(command.callback) for command in app.registered_commands if command.callback)


def _section(command: Callable[..., Any]) -> str:
    parameters = inspect.signature(command, eval_str=True).parameters.values()
    arguments = [one for one in parameters if isinstance(one.default, ArgumentInfo)]
    options = [one for one in parameters if isinstance(one.default, OptionInfo)]
    names = (f"{one.name.upper()}{' ...' if get_origin(one.annotation) is list else ''}" for one in arguments)
    rows = [(f"`{one.name.upper()}`", one.default.help, "") for one in arguments]
    rows += [(_flags(one), one.default.help, _default(one.default.default)) for one in options]
    table = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    title = " ".join(["nas", command.__name__, *names])
    return f"\n## `{title}`\n\n{command.__doc__}\n\n| | | default |\n|---|---|---|\n{table}"


def _flags(option: inspect.Parameter) -> str:
    """How it is written, with what kind of value."""
    long = f"--{option.name.replace('_', '-')}"
    flags = option.default.param_decls or [long]
    if option.annotation is bool:
        return f"`{long}`, `--no-{option.name}`" if option.default.default is True else f"`{flags[0]}`"
    kinds = [one for one in get_args(option.annotation) if one is not type(None)] or [option.annotation]
    return f"`{flags[0]} {option.default.metavar or KINDS[kinds[0]]}`"


def _default(value: object) -> str:
    return "" if value is None or isinstance(value, bool | list) else f"`{value}`"


def main() -> None:
    """Write or check the page."""
    if "--check" not in sys.argv:
        PAGE.write_text(page())
    elif PAGE.read_text() != page():
        sys.exit("docs/commands.md is out of date; refresh by: python .ci/commands.py")


if __name__ == "__main__":
    main()
