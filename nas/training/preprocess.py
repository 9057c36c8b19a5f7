"""From one picture to the input of a delivered network, as evaluation makes it."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from nas.data.batches import batches
from nas.data.config import DataConfig
from nas.data.folder import centred
from nas.data.image_file import as_rgb, open_image
from nas.data.load import fit
from nas.data.preparation import GREY, SIDES
from nas.data.splits import Split
from nas.errors import DataError
from nas.training.model_folder import Facts, read_facts


def preprocess(folder: str | Path | Facts, image: str | Path | Image.Image) -> Tensor:
    """The input that a network wants of a picture: cut, resized and normalised as evaluation does it.

    Of a data set whose images come at one size the picture must be square; one of another size is brought to theirs
    first.

    Args:
        folder: a model folder, or its facts, which saves reading them for each of many pictures.
        image: the file of the picture, or the picture.

    Returns:
        float32 [1, 3, R, R] on the CPU.

    Raises:
        ModelError: no model folder, or one whose network was trained on series.
        DataError: a picture that cannot be read, or is not square where it must be.
    """
    facts = folder if isinstance(folder, Facts) else read_facts(folder)
    picture = as_rgb(image, "image") if isinstance(image, Image.Image) else open_image(image)
    if facts.data == "folder":
        pixels = centred(picture, facts.resolution)
    elif facts.data in SIDES:
        pixels = _fitted(picture, facts)
    else:
        raise DataError(
            f"pictures can be prepared for networks of {', '.join(SIDES)} and folder, but this one is of {facts.data}."
        )
    split = Split(images=pixels[None], labels=torch.zeros(1, dtype=torch.int64), mean=facts.mean, std=facts.std)
    return next(batches(split, batch_size=1))[0]


def _fitted(picture: Image.Image, facts: Facts) -> Tensor:
    """Bytes [C, R, R], of a picture of a data set whose images come at one size."""
    if picture.width != picture.height:
        raise DataError(
            f"a picture must be square, as those of {facts.data} are, but got {picture.width} x {picture.height} "
            "pixels: cut it."
        )
    own = SIDES[facts.data]
    channels = picture.convert("L") if facts.data in GREY else picture
    if picture.width != own:
        channels = channels.resize((own, own), Image.Resampling.BILINEAR)
    stored = np.atleast_3d(np.array(channels)).transpose(2, 0, 1)[None]
    return fit(stored, DataConfig(name=facts.data, resolution=facts.resolution))[0]
