"""Figures as images that can stand inside the page."""

from dataclasses import dataclass
from typing import Final

from analysis.figures import Illustration
from analysis.style import render

MOST_SVG: Final = 120_000
"""Bytes of an SVG beyond which a PNG is tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A figure as an image file's bytes, ready to be put on the page."""

    name: str
    title: str
    caption: str
    kind: str
    content: bytes
    width: int


def picture(one: Illustration, svg: bytes) -> Picture:
    """The SVG, or a PNG where the SVG would be large (many points or lines) and the PNG is smaller."""
    kind, content = "svg+xml", svg
    if len(svg) > MOST_SVG:
        png = render(one.figure, "png", dpi=120)
        kind, content = min(("svg+xml", svg), ("png", png), key=lambda made: len(made[1]))
    return Picture(
        name=one.name,
        title=one.title,
        caption=one.caption,
        kind=kind,
        content=content,
        width=round(one.figure.get_size_inches()[0] * 96),
    )
