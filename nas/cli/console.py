"""Where tables are printed."""

from typing import Final

from rich.console import Console

FILE_WIDTH: Final = 120


def make_console() -> Console:
    """Standard output: as wide as the terminal, or 120 columns where it is a file or a pipe.

    Text is printed as it is: a path or the reason of a failure may hold square brackets, which Rich reads as markup.
    """
    console = Console(highlight=False, markup=False)
    return console if console.is_terminal else Console(highlight=False, markup=False, width=FILE_WIDTH)
