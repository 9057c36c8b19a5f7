"""The code blocks and links of a Markdown file."""

import re
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"(?P<marker><!-- output: .+? -->\n)?^```(?P<language>\w*)[^\n]*\n(?P<code>.*?)^```$", re.M | re.S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block.

    Attributes:
        file: where it stands.
        line: of its first line of code, from 0.
        language: as its fence says.
        code: its lines.
        output: whether it is marked as the output of a command.
    """

    file: str
    line: int
    language: str
    code: str
    output: bool

    @property
    def commands(self) -> tuple[str, ...]:
        """The lines of a shell block, without comments, continued lines joined."""
        if self.language != "sh":
            return ()
        lines = self.code.replace("\\\n", " ").splitlines()
        return tuple(part for line in lines if not line.startswith("#") for part in line.split(" && ") if part.strip())


def blocks(path: Path) -> tuple[Block, ...]:
    """The blocks of a file, in order."""
    text = path.read_text()
    return tuple(
        Block(
            file=path.name,
            line=text.count("\n", 0, match.start("code")),
            language=match["language"],
            code=match["code"],
            output=match["marker"] is not None,
        )
        for match in _BLOCK.finditer(text)
    )


def links(path: Path) -> tuple[str, ...]:
    """Where the links and pictures of a file lead that are files beside it, without anchors."""
    text = _BLOCK.sub("", path.read_text())
    found = re.findall(r"\]\(([^)\s]+)\)", text)
    return tuple(link.partition("#")[0] for link in found if "://" not in link and not link.startswith("#"))
