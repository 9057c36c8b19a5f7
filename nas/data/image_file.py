"""One image from a file."""

import errno
import time
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from nas.errors import DataError

_PASSING: Final = frozenset({errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN, errno.EMFILE, errno.ENFILE})
"""Faults of a disk or a network that may be over in a moment; of a million images one must not end a night's run."""
_WAITS_SECONDS: Final = (0.2, 2.0)


def open_image(path: str | Path, *, reduced_to: int | None = None) -> Image.Image:
    """The image as RGB, decoded; where the disk fails for a moment it is tried again.

    Args:
        path: the file.
        reduced_to: a JPEG may be decoded at an eighth to a half of its size, which is faster, as long as its sides keep
            this many pixels.

    Raises:
        DataError: it cannot be read.
    """
    try:
        for seconds in _WAITS_SECONDS:
            try:
                return _decoded(path, reduced_to)
            except OSError as error:
                if error.errno not in _PASSING:
                    raise
                time.sleep(seconds)
        return _decoded(path, reduced_to)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(f"the image {path} cannot be read, it is truncated or corrupt ({reason}).") from error


def _decoded(path: str | Path, reduced_to: int | None) -> Image.Image:
    with Image.open(path) as image:
        if reduced_to is not None:
            image.draft("RGB", (reduced_to, reduced_to))
        return as_rgb(image, str(path))


def as_rgb(image: Image.Image, name: str) -> Image.Image:
    """The colours of an image in 8 bits a channel; transparency is dropped.

    Raises:
        DataError: it has 32 bits a channel; ``name`` says which.
    """
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PPM"):
        # 16 bits a pixel: Pillow would cut every value above 255 off.
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if image.mode in ("I", "F"):
        raise DataError(
            f"an image must have 8 or 16 bits a channel, but {name} has 32, whose range the file does not tell."
        )
    return image.convert("RGB")
