"""Run the commands whose output stands in a Markdown file, and write it there: no figure is typed by hand.

A line ``<!-- output: COMMAND -->`` before a text block names the command. With ``--check`` nothing is
written, and a block that is out of date makes the exit status 1.
"""

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

BLOCK = re.compile(r"(<!-- output: (?P<command>.+?) -->\n```text\n)(?P<text>.*?)(```\n)", re.DOTALL)


def run(command: str) -> str:
    """What a ``nas`` command prints, by this interpreter."""
    program, *arguments = shlex.split(command)
    if program != "nas":
        raise SystemExit(f"an output command must start with nas, but got {command!r}")
    return subprocess.run([sys.executable, "-m", "nas", *arguments], capture_output=True, text=True, check=True).stdout


def tidy(printed: str) -> str:
    """An output as it stands in a block: without blanks at the ends of lines, or empty lines around it."""
    return "".join(line.rstrip() + "\n" for line in printed.strip("\n").splitlines())


def refresh(text: str, run: Callable[[str], str] = run) -> str:
    """The Markdown with every output block as its command prints it now."""
    return BLOCK.sub(lambda match: match[1] + tidy(run(match["command"])) + match[4], text)


def main() -> None:
    """Refresh or check the files that are named."""
    check = "--check" in sys.argv
    stale = []
    for name in (argument for argument in sys.argv[1:] if not argument.startswith("--")):
        before = Path(name).read_text()
        after = refresh(before)
        if after != before:
            stale.append(name)
            if not check:
                Path(name).write_text(after)
    if check and stale:
        sys.exit(f"out of date: {', '.join(stale)}; refresh by: python .ci/outputs.py {' '.join(stale)}")


if __name__ == "__main__":
    main()
