"""Where crops lie for evaluation, as in "Going Deeper with Convolutions", section 7. Plain numbers, no torch."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

PAPER_SIDES: Final = (256, 288, 320, 352)
"""Shorter sides that an image is resized to, at resolution 224."""
PAPER_RESOLUTION: Final = 224
CROPS: Final = (1, 10, 144)
"""How many crops an image may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crop:
    """One crop: resize the image, cut out a square, resize that to the network's resolution, mirror.

    Attributes:
        height: of the resized image in pixels.
        width: of it.
        top: first row of the square.
        left: first column.
        side: of the square; no second resizing where it is the resolution.
        mirrored: left and right exchanged, at the very end.
    """

    height: int
    width: int
    top: int
    left: int
    side: int
    mirrored: bool


def crops_of(count: int, *, height: int, width: int, resolution: int) -> Mapping[Crop, int]:
    """The different crops of an image, each with the number of times that it counts; together ``count``.

    10: the four corners and the centre of the image at the first of the paper's scales, and their mirror images.
    144: at each of four scales the left, centre and right square (top, centre and bottom in upright images), of
    each the four corners, the centre and the whole square resized, and their mirror images. At other resolutions
    than 224 a scale is ``round(side * resolution / 224)``.

    Args:
        count: 10 or 144; 1 is the plain evaluation, which needs no crops of ours.
        height: of the image in pixels.
        width: of it.
        resolution: that the network reads.
    """
    sides = PAPER_SIDES[:1] if count == 10 else PAPER_SIDES
    found: Counter[Crop] = Counter()
    for side in sides:
        scale = round(side * resolution / PAPER_RESOLUTION)
        rows, columns = _resized(height, width, scale)
        if count == 10:
            boxes = _five(0, 0, rows, columns, resolution)
        else:
            boxes = [box for top, left in _squares(rows, columns) for box in _six(top, left, scale, resolution)]
        for mirrored in (False, True):
            for top, left, cut in boxes:
                found[Crop(height=rows, width=columns, top=top, left=left, side=cut, mirrored=mirrored)] += 1
    return found


def _resized(height: int, width: int, shorter: int) -> tuple[int, int]:
    if height <= width:
        return shorter, max(shorter, round(shorter * width / height))
    return max(shorter, round(shorter * height / width)), shorter


def _squares(height: int, width: int) -> list[tuple[int, int]]:
    """Top and left of the three squares along the longer side."""
    spare = max(height, width) - min(height, width)
    places = (0, round(spare / 2), spare)
    return [(0, place) if width >= height else (place, 0) for place in places]


def _five(top: int, left: int, height: int, width: int, side: int) -> list[tuple[int, int, int]]:
    """Corners and centre of a rectangle, as torchvision's ``five_crop`` places them."""
    below, right = height - side, width - side
    offsets = [(0, 0), (0, right), (below, 0), (below, right), (round(below / 2), round(right / 2))]
    return [(top + down, left + across, side) for down, across in offsets]


def _six(top: int, left: int, square: int, side: int) -> list[tuple[int, int, int]]:
    return [*_five(top, left, square, square, side), (top, left, square)]
