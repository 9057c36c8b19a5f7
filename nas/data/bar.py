"""A bar for work that lets its user wait: reading a large folder, evaluating many crops."""

from typing import Final, Never

from tqdm import tqdm

_PATIENCE_SECONDS: Final = 2.0


def bar(what: str, images: int) -> "tqdm[Never]":
    """On a terminal, and only for work that takes more than two seconds; nothing is left of it at the end.

    Args:
        what: is being done.
        images: in all; `update` tells how many more are done.
    """
    return tqdm(desc=what, total=images, unit="image", delay=_PATIENCE_SECONDS, disable=None, leave=False)
