"""Export a model folder, compared on images of its own data."""

from pathlib import Path
from typing import TYPE_CHECKING

from nas.run.delivered import ModelWeights, opened

if TYPE_CHECKING:
    from nas.training.export import Exported, Format

IMAGES = 64
"""Of split A, on which the outputs are compared: the test split is for final figures only."""


def export_model(model: ModelWeights, path: Path, *, kind: "Format", threads: int = 1) -> "Exported":
    """Write one set of weights as ONNX or as a program of ``torch.export``.

    Raises:
        ModelError: weights that do not fit, a package that is missing, or outputs that differ.
        DataError: the data, whose images are compared, are missing or unreadable.
    """
    from nas.data.batches import batches
    from nas.data.load import load_data
    from nas.training.export import export
    from nas.training.model_folder import read_facts

    network, data = opened(model, load_data(model.data, splits=("a",)))
    images, _ = next(batches(data.split("a"), batch_size=IMAGES, limit=IMAGES))
    return export(network, path, kind=kind, facts=read_facts(model.folder), images=images, threads=threads)
