"""Image folders: one folder a class, images decoded when a batch asks for them, in the main process or in workers."""

import dataclasses
import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from nas.data.augment import crop_boxes, sample_keys
from nas.data.bar import bar
from nas.data.cache import load_cached, save_cached
from nas.data.config import AugmentConfig, DataConfig, SplitName
from nas.data.cut import cut_splits, spread, warn_of_lacking
from nas.data.duplicates import GROUPING, group_near_duplicates
from nas.data.identical import group_identical
from nas.data.image_file import open_image
from nas.data.layout import class_folders, held_out_folder, listing, training_folder, training_listing
from nas.data.preparation import EVALUATION_SHARE
from nas.data.splits import Channels, Data, FolderSplit
from nas.errors import DataError

IMAGENET_MEAN: Channels = (0.485, 0.456, 0.406)
IMAGENET_STD: Channels = (0.229, 0.224, 0.225)

NEAR_DUPLICATE_LIMIT = 50_000
"""Up to this many training images are decoded once to find near-duplicates; of more, only equal files are grouped."""

_DEFAULT_RESOLUTION = 224
_THUMBNAIL = 16
Box = tuple[float, float, float, float]
"""Left, upper, right and lower edge of a part of an image."""


def load_folder(config: DataConfig, splits: Sequence[SplitName]) -> Data:
    """List an image folder and cut it into splits; images are decoded later.

    `root` holds one folder a class, or `train` that does. A folder `test` or else `val` beside `train`, with the same
    classes, is the test split; where there is neither, a test split is cut first.

    Raises:
        DataError: the folder is missing or laid out otherwise (see `nas.data.layout`), a class is empty or the only
            one, the classes of train and test differ, or an image that is looked at for near-duplicates cannot be read.
    """
    root = Path(config.root or ".").expanduser()
    if not root.is_dir():
        raise DataError(
            f"the image folder was looked for in {root}, but is not there: name in `root` a folder with one folder of "
            "images a class, or with `train` that has them."
        )
    base = training_folder(root)
    held_out = held_out_folder(root) if base != root else None
    class_names, paths, labels = training_listing(base)
    if held_out is not None:
        odd = sorted(set(class_names) ^ {path.name for path in class_folders(held_out)})
        if odd:  # Told whatever is loaded, before a training that would end in it.
            raise DataError(f'{held_out} must have the classes of {base}, but "{odd[0]}" is in one of them only.')
    chosen: dict[SplitName, NDArray[np.int64]] = {}
    if not (held_out is not None and set(splits) == {"test"}):  # The groups cost a reading of every image.
        names = _names(base, paths)
        chosen = cut_splits(labels, _groups(base, paths), config, own_test=held_out is not None, names=names)
        if "train" in splits:  # Once, before a training; its other splits are loaded by and by.
            warn_of_lacking(labels, chosen, class_names)
        chosen["train"] = chosen["train"][spread(labels[chosen["train"]], config.limit)]
    resolution = config.resolution or _DEFAULT_RESOLUTION
    parts: dict[SplitName, FolderSplit] = {}
    for name in splits:
        if name == "test" and held_out is not None:
            _, files, targets = listing(held_out)
        else:
            files, targets = [paths[index] for index in chosen[name].tolist()], labels[chosen[name]]
        parts[name] = FolderSplit(
            paths=tuple(map(str, files)),
            labels=torch.from_numpy(targets),
            mean=IMAGENET_MEAN,
            std=IMAGENET_STD,
            resolution=resolution,
        )
    return Data(
        name=config.name,
        classes=len(class_names),
        class_names=class_names,
        resolution=resolution,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        parts=parts,
    )


def _groups(base: Path, paths: list[Path]) -> NDArray[np.int64]:
    """Group of each image: near-duplicates, or only identical files where there are too many to decode."""
    many = len(paths) > NEAR_DUPLICATE_LIMIT
    digest = hashlib.sha256(os.fsencode(f"{GROUPING} {base.resolve()}\0"))
    for path in paths:
        status = path.stat()
        digest.update(
            f"{path.relative_to(base)}\0{status.st_size}\0{status.st_mtime_ns}\0".encode(errors="surrogateescape")
        )
    name = f"folder-{'identical' if many else 'groups'}-{digest.hexdigest()[:32]}"
    groups = load_cached(name, len(paths))
    if groups is None:
        groups = group_identical(paths) if many else _near(paths)
        save_cached(name, groups)
    return groups


def _names(base: Path, paths: list[Path]) -> NDArray[np.int64]:
    """A number for each image that its path alone decides: one that is added later does not move the others."""
    digests = (hashlib.sha256(os.fsencode(path.relative_to(base))).digest() for path in paths)
    return np.frombuffer(b"".join(digest[:8] for digest in digests), dtype="<i8").astype(np.int64)


def _near(paths: list[Path]) -> NDArray[np.int64]:
    thumbnails = np.empty((len(paths), _THUMBNAIL, _THUMBNAIL, 3), dtype=np.uint8)
    with bar("reading all images once", len(paths)) as waiting:
        for index, path in enumerate(paths):
            thumbnails[index] = _thumbnail(path)
            waiting.update()
    return group_near_duplicates(thumbnails.transpose(0, 3, 1, 2), cached=False)


def _thumbnail(path: Path) -> NDArray[np.uint8]:
    """The whole image squeezed to 16 x 16, [16, 16, 3]."""
    small = open_image(path, reduced_to=4 * _THUMBNAIL).resize((_THUMBNAIL, _THUMBNAIL), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.uint8)


def decoded_augment(augment: AugmentConfig) -> AugmentConfig:
    """What is left to do for batches that `decoded_batches` has already cropped."""
    return dataclasses.replace(augment, resized_crop=False)


def decoded_batches(
    split: FolderSplit, pieces: list[Tensor], *, seed: int, epoch: int, augment: AugmentConfig | None, workers: int
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Decode batches, each given by the indices of its images.

    With `augment.resized_crop` a random box is cut from the full image and resized; otherwise the centre, a square of
    224/256 of the shorter side.

    Yields:
        Indices [B], images uint8 [B, 3, R, R], labels [B].

    Raises:
        DataError: an image cannot be read.
    """
    crop = augment if augment is not None and augment.resized_crop else None
    loader: DataLoader[Decoded] = DataLoader(
        _Decoder(split, crop, seed, epoch),
        batch_sampler=[piece.tolist() for piece in pieces],
        num_workers=workers,
        collate_fn=_same,
    )
    for piece, decoded in zip(pieces, loader, strict=True):
        if isinstance(decoded, str):
            raise DataError(decoded)
        yield piece, decoded, split.labels[piece]


Decoded = Tensor | str
"""A batch of images, or what is wrong with one of them: an exception would arrive from a worker with its traceback."""


def _same(batch: object) -> object:
    return batch


class _Decoder(Dataset[Decoded]):
    def __init__(self, split: FolderSplit, crop: AugmentConfig | None, seed: int, epoch: int) -> None:
        self._split, self._crop, self._seed, self._epoch = split, crop, seed, epoch

    def __len__(self) -> int:
        return len(self._split)

    def __getitem__(self, index: int) -> Decoded:
        return self.__getitems__([index])

    def __getitems__(self, indices: list[int]) -> Decoded:
        side = self._split.resolution
        batch = torch.empty(len(indices), 3, side, side, dtype=torch.uint8)
        try:
            images = [open_image(self._split.paths[index]) for index in indices]
        except DataError as error:
            return str(error)
        boxes = self._boxes(indices, images)
        for place, (image, box) in enumerate(zip(images, boxes, strict=True)):
            batch[place] = _resized(image, side, box)
        return batch

    def _boxes(self, indices: list[int], images: list[Image.Image]) -> list[Box]:
        """Left, upper, right and lower edge of the part of each image to keep."""
        if self._crop is None:
            return [_centre(image.width, image.height) for image in images]
        heights = torch.tensor([float(image.height) for image in images])
        widths = torch.tensor([float(image.width) for image in images])
        key = sample_keys(self._seed, self._epoch, torch.tensor(indices))
        top, left, height, width = crop_boxes(self._crop, key, heights, widths)
        right, lower = torch.minimum(left + width, widths), torch.minimum(top + height, heights)
        return [(box[0], box[1], box[2], box[3]) for box in torch.stack([left, top, right, lower], dim=1).tolist()]


def centred(image: Image.Image, side: int) -> Tensor:
    """An image as evaluation sees it, uint8 [3, side, side]; see `nas.data.preparation`."""
    return _resized(image, side, _centre(image.width, image.height))


def _resized(image: Image.Image, side: int, box: Box) -> Tensor:
    cut = image.resize((side, side), Image.Resampling.BILINEAR, box=box)
    return torch.from_numpy(np.array(cut)).permute(2, 0, 1)


def _centre(width: int, height: int) -> Box:
    side = min(width, height) * EVALUATION_SHARE
    return (width - side) / 2, (height - side) / 2, (width + side) / 2, (height + side) / 2
