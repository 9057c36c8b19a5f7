"""The command line: ``nas search``, ``nas cost``, ``nas analyze`` and the rest."""

from nas.cli.main import main

__all__ = ["main"]
