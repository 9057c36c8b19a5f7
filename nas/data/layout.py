"""Where an image folder has its classes and its held-out images, and what is no image folder though it looks like one.

``root`` holds one folder a class, or ``train`` that does; beside ``train`` stand held-out images, in ``test`` or in
``val``.
"""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nas.errors import DataError

SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
"""Files with other endings are ignored, and those whose name begins with a dot."""

HELD_OUT: Final = ("test", "val")
"""The names of held-out images that are known, in the order in which they are looked for."""
_LIKE_TRAIN: Final = frozenset({"train", "training"})
_LIKE_HELD_OUT: Final = frozenset({*HELD_OUT, "testing", "valid", "validation", "eval"})


def training_folder(root: Path) -> Path:
    """The folder whose folders are the classes: `train`, unless it is a class itself, among others."""
    train = root / "train"
    own = train.is_dir() and (class_folders(train) or len(class_folders(root)) == 1)
    return train if own else root


def held_out_folder(root: Path) -> Path | None:
    """The folder of the test split beside ``train``; None where there is none, so that one is cut.

    Raises:
        DataError: held-out images stand in no class folders, or under another name.
    """
    for name in HELD_OUT:  # Images of `test` are often given without their classes: those are of no use here.
        if class_folders(root / name):
            return root / name
    if (root / "val").is_dir():
        raise DataError(f"{root / 'val'} must hold one folder of images a class, but it has no folders.")
    for path in class_folders(root):
        if path.name not in HELD_OUT and path.name.casefold() in _LIKE_HELD_OUT:
            raise DataError(f"held-out images must stand in `test` or `val`, but {root} has them in `{path.name}`.")
    return None


def class_folders(base: Path) -> list[Path]:
    """The class folders, in order of name; hidden ones, as of a notebook, are none."""
    if not base.is_dir():
        return []
    return sorted(path for path in base.iterdir() if path.is_dir() and not path.name.startswith("."))


def training_listing(base: Path) -> tuple[tuple[str, ...], list[Path], NDArray[np.int64]]:
    """As :func:`listing`, of the folder that tells the classes: another folder would be trained without a word.

    Raises:
        DataError: as :func:`listing`; or the folders are splits, one class, or hold the classes one level deeper.
    """
    folders = class_folders(base)
    _refuse_splits(base, folders)
    _refuse_one_class(base, folders)
    names, paths, labels = listing(base)
    below = {path.relative_to(base).parts[1:-1][:1] for path in paths}
    if () not in below and len(below) > 1:  # One name in all is no class: Tiny ImageNet has class/images/image.
        raise DataError(
            f"images must stand in their class folder, as root/class/image, but all of {base} stand deeper, "
            f"such as {paths[0].relative_to(base)}: `root` is most likely one level too high."
        )
    return names, paths, labels


def _refuse_splits(base: Path, folders: list[Path]) -> None:
    """A class may be called "train" or "test"; all of them, or one of each kind, are splits."""
    names = [folder.name for folder in folders]
    trains = [name for name in names if name.casefold() in _LIKE_TRAIN]
    others = [name for name in names if name.casefold() in _LIKE_HELD_OUT]
    if names and (len(trains) + len(others) == len(names) or (trains and others)):
        raise DataError(
            f"training images must stand in `train` and held-out ones in `test` or `val`, each with one folder a "
            f"class, but {base} has them in {_listed([*trains, *others])}."
        )


def _refuse_one_class(base: Path, folders: list[Path]) -> None:
    if len(folders) == 1:
        below = [folder.name for folder in class_folders(folders[0])]
        hint = f"; if {_listed(below)} in it are the classes, `root` is one level too high." if below else "."
        raise DataError(
            "a data set must have 2 classes or more, laid out as root/class/image, "
            f"but {base} has only `{folders[0].name}`{hint}"
        )


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:3])
    return f"{shown}, ..." if len(names) > 3 else shown


def listing(base: Path) -> tuple[tuple[str, ...], list[Path], NDArray[np.int64]]:
    """Names of the classes, the files in order of class and path, and the label of each, [N].

    Raises:
        DataError: there are no classes, one is empty, or its name is no text.
    """
    folders = class_folders(base)
    if not folders:
        raise DataError(f"{base} must hold one folder of images a class, but it has no folders.")
    paths: list[Path] = []
    labels: list[int] = []
    for label, folder in enumerate(folders):
        try:
            folder.name.encode()
        except UnicodeEncodeError as error:  # It could stand in no table.
            raise DataError(f"the name of a class folder must be UTF-8, but got {folder.name!a} in {base}.") from error
        files = sorted(path for path in folder.rglob("*") if _is_image(path.relative_to(folder)) and path.is_file())
        if not files:
            raise DataError(f"the class folder {folder} has no images ({', '.join(SUFFIXES)}).")
        paths += files
        labels += [label] * len(files)
    return tuple(folder.name for folder in folders), paths, np.array(labels, dtype=np.int64)


def _is_image(name: Path) -> bool:
    """By its ending, and neither hidden nor in a hidden folder, as macOS leaves them beside images."""
    return name.suffix.lower() in SUFFIXES and not any(part.startswith(".") for part in name.parts)
