"""What becomes of a picture before a network sees it, besides its normalisation. No torch.

Evaluation and whoever uses a delivered network go by the same figures: these.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

EVALUATION_SHARE: Final = 224 / 256
"""Side of the centre crop to the shorter side of an image in a file, as usual on ImageNet."""
SIDES: Final[Mapping[str, int]] = MappingProxyType({"digits": 8, "fashion-mnist": 28, "cifar10": 32, "cifar100": 32})
"""Of the images of each data set that comes at one size, in pixels."""
GREY: Final = ("digits", "fashion-mnist")
"""Data sets of one channel."""
_BORDERED: Final = ("fashion-mnist", 28, 32)  # name, own side, side with the border


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """How a picture becomes an image of the asked side.

    Attributes:
        crop_share: side of the centred square that is kept, as a share of the shorter side.
        border: pixels of black that are put around it.
        interpolation: by which it is then resized, averaging where it shrinks; ``none`` where it has its size.
    """

    crop_share: float
    border: int
    interpolation: Literal["bilinear", "none"]


def preparation(data: str, resolution: int) -> Preparation | None:
    """Of a data set by name, at a side in pixels; None where it holds no pictures, or is not one of ours."""
    if data == "folder":
        return Preparation(crop_share=EVALUATION_SHARE, border=0, interpolation="bilinear")
    if data not in SIDES:
        return None
    edge = border(data, own=SIDES[data], side=resolution)
    resized = not edge and SIDES[data] != resolution
    return Preparation(crop_share=1.0, border=edge, interpolation="bilinear" if resized else "none")


def border(data: str, *, own: int, side: int) -> int:
    """Pixels of black that bring images to a side: Fashion-MNIST goes from 28 to 32 so, and nothing else does."""
    return (side - own) // 2 if (data, own, side) == _BORDERED else 0


def told(data: str, resolution: int) -> str | None:
    """The same in a sentence; None as in :func:`preparation`."""
    how = preparation(data, resolution)
    if how is None:
        return None
    size = f"{resolution} x {resolution} pixels"
    if data == "folder":
        return (
            f"A picture is taken without its transparency, cut to the centred square of {how.crop_share:g} of its "
            f"shorter side, and resized to {size} ({how.interpolation}, by Pillow)."
        )
    colours = "Grey pictures" if data in GREY else "Pictures"
    whole = f"{colours} of {SIDES[data]} x {SIDES[data]} pixels"
    if how.border:
        return f"{whole} get a black border of {how.border} pixels on each side."
    if how.interpolation == "none":
        return f"{whole} are taken as they are."
    return f"{whole} are resized to {size} ({how.interpolation}, antialiased) and rounded to bytes."
