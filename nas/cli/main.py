"""The ``nas`` command: every subcommand, and errors as one sentence with exit status 2.

Subcommands import what they need when they run, so that ``nas cost`` loads neither torch nor ray.
"""

import sys
from typing import Final

import typer

from nas import __version__
from nas.cli import analyze, compare, cost, evaluate, export, search, train
from nas.cli.search import INTERRUPTED
from nas.errors import NasError, one_line

USER_ERROR: Final = 2

app = typer.Typer(
    name="nas",
    help="Search for Inception-style networks under a budget of multiply-adds.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),
) -> None:
    """Search for Inception-style networks under a budget of multiply-adds."""


for command in (
    *(cost.cost, search.search, search.resume, analyze.analyze, compare.compare, analyze.models, analyze.watch),
    *(train.train, train.top, train.baseline, evaluate.evaluate, export.export),
):
    app.command()(command)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; exits with 0, or 2 after a sentence on what was wrong."""
    try:
        status = app(args=arguments, standalone_mode=False)
    except NasError as error:
        typer.echo(f"nas: {error}", err=True)
        sys.exit(USER_ERROR)
    except OSError as error:
        if error.filename is None:
            raise
        # A path that the user named: a file where a folder is wanted, a place without permission, a full disk.
        typer.echo(f"nas: {error.filename} cannot be used: {error.strerror}.", err=True)
        sys.exit(USER_ERROR)
    except RuntimeError as error:
        from nas.training.memory import out_of_memory

        if not out_of_memory(error):
            raise
        typer.echo(f"nas: memory must suffice, but it ran out: {one_line(error)}; try fewer at a time.", err=True)
        sys.exit(USER_ERROR)
    except typer.TyperException as error:
        # Wrong options and arguments. Without a subcommand there is no message: the help was shown.
        message = error.format_message() if hasattr(error, "format_message") else str(error)
        if message:
            typer.echo(f"nas: {one_line(message)}", err=True)
        sys.exit(USER_ERROR)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    sys.exit(status if isinstance(status, int) else 0)
