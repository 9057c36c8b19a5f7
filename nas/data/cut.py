"""Cutting a set of labelled images into parts: stratified by class, groups kept whole, the same on every machine."""

import logging
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from nas.data.config import SPLITS, DataConfig, SplitName
from nas.data.draws import keys
from nas.errors import DataError, counted

TEST_SHARE = 0.2
"""Share that becomes the test split of a data set which was published without one."""
TEST_SEED = 0
"""Seed of that cut: the test split is the same for every `split_seed`."""

_TOLD: Final = 3  # classes that a warning names
_LOG = logging.getLogger(__name__)
_PURPOSE = 0x5117  # keeps these draws apart from those of shuffling and augmentation


def cut(
    labels: NDArray[np.int64],
    groups: NDArray[np.int64],
    shares: Sequence[float],
    *,
    seed: int,
    names: NDArray[np.int64] | None = None,
) -> tuple[NDArray[np.int64], ...]:
    """Cut `range(N)` into one part for each share, and the remainder.

    Every part takes its share of every class, rounded, and at least one image where the class has enough to leave one
    for the remainder too. A group goes whole to one part, with the class that most of its images have; one that is
    larger than what a part still lacks goes to the next part, in the end to the remainder.

    Args:
        labels: class of each image, [N].
        groups: group of each image, [N].
        shares: of each part but the remainder; their sum is below 1.
        seed: of the random choice.
        names: of each image, [N], by which it is drawn: where images come and go, those that stay keep their parts, but
            for a few at the borders. None draws by place.

    Returns:
        Sorted indices: a part for each share, then the remainder. Together they are all of `range(N)`, once each.
    """
    _, members, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    classes = int(labels.max()) + 1
    # The most frequent class of each group: sort by (group, -votes), take the first of each group.
    pairs, votes = np.unique(members * classes + labels, return_counts=True)
    by_votes = pairs[np.lexsort((pairs, -votes, pairs // classes))]
    class_of_group = by_votes[np.unique(by_votes // classes, return_index=True)[1]] % classes
    wanted = _wanted(np.bincount(labels, minlength=classes), shares)
    drawn = np.arange(len(sizes))
    if names is not None:
        drawn = np.full(len(sizes), np.iinfo(np.int64).max)
        np.minimum.at(drawn, members, names)
    order = torch.argsort(keys(_PURPOSE, seed, torch.from_numpy(drawn)), stable=True).numpy()
    part_of_group = np.full(len(sizes), len(shares), dtype=np.int64)
    for group in order.tolist():
        lacking = wanted[class_of_group[group]]
        for part in range(len(shares)):
            if 0 < sizes[group] <= lacking[part]:
                part_of_group[group] = part
                lacking[part] -= sizes[group]
                break
    parts = part_of_group[members]
    return tuple(np.flatnonzero(parts == part) for part in range(len(shares) + 1))


def _wanted(counts: NDArray[np.int64], shares: Sequence[float]) -> list[list[int]]:
    """How many images of each class (rows) each part (columns) should get."""
    table = []
    for count in counts.tolist():
        row = [max(1, int(share * count + 0.5)) for share in shares]
        for part in reversed(range(len(row))):
            if sum(row) >= count:  # a small class: leave at least one image for the remainder
                row[part] = max(0, row[part] - (sum(row) - count + 1))
        table.append(row)
    return table


def spread(labels: NDArray[np.int64], limit: int | None) -> NDArray[np.int64]:
    """At most `limit` sorted indices into `labels` [N], evenly spread over the images in order of class."""
    size = len(labels)
    if limit is None or limit >= size:
        return np.arange(size)
    by_class = np.argsort(labels, kind="stable")
    return np.sort(by_class[np.arange(limit) * size // limit])


def cut_splits(
    labels: NDArray[np.int64],
    groups: NDArray[np.int64],
    config: DataConfig,
    *,
    own_test: bool,
    names: NDArray[np.int64] | None = None,
) -> dict[SplitName, NDArray[np.int64]]:
    """Sorted indices of the images of train, a and b, and of test where there is no test portion of its own.

    ``names`` as in :func:`cut`.

    Raises:
        DataError: a split would be empty.
    """
    chosen: dict[SplitName, NDArray[np.int64]] = {}
    rest = np.arange(len(labels))
    if not own_test:
        chosen["test"], rest = cut(labels, groups, (TEST_SHARE,), seed=TEST_SEED, names=names)
    share = config.validation_share
    names = names if names is None else names[rest]
    part_a, part_b, train = cut(labels[rest], groups[rest], (share, share), seed=config.split_seed, names=names)
    chosen |= {"train": rest[train], "a": rest[part_a], "b": rest[part_b]}
    for name, indices in chosen.items():
        if len(indices) == 0:
            raise DataError(
                f"{config.name} has too few images to cut with near-duplicates kept together: "
                f'split "{name}" of {len(labels)} would be empty.'
            )
    return chosen


def warn_of_lacking(
    labels: NDArray[np.int64], chosen: Mapping[SplitName, NDArray[np.int64]], class_names: Sequence[str]
) -> None:
    """Say it in the log where splits have no image of a class: no figure of theirs tells how a network does on it.

    Args:
        labels: class of each image, [N].
        chosen: as ``cut_splits`` cuts them.
        class_names: by label.
    """
    size = len(class_names)
    counts = {name: np.bincount(labels[chosen[name]], minlength=size) for name in SPLITS if name in chosen}
    images = np.bincount(labels, minlength=size).tolist()
    told = []
    for label, name in enumerate(class_names):
        without = [split for split, each in counts.items() if each[label] == 0]
        if without:
            told.append(f"{name} ({counted(images[label], 'image')}, none in {_joined(without)})")
    if told:
        _LOG.warning(
            "%d of %d classes %s too few images for every split, with near-duplicates kept together, and the figures "
            "of those that lack a class say nothing of it: %s%s.",
            len(told),
            size,
            "has" if len(told) == 1 else "have",
            ", ".join(told[:_TOLD]),
            ", ..." if len(told) > _TOLD else "",
        )


def _joined(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
