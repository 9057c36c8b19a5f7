"""What a model folder was trained on, read back for evaluation, export and further training."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas.architecture import Architecture
from nas.data.config import DataConfig
from nas.errors import ModelError, RunError, one_line
from nas.run.ledger import LEDGER
from nas.run.plan import PLAN, read_plan

if TYPE_CHECKING:
    from nas.data.splits import Data
    from nas.network.network import Network


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelWeights:
    """One set of weights of a model folder.

    Attributes:
        folder: that they are in.
        weights: the file.
        architecture: of the network.
        data: what it was trained on.
    """

    folder: Path
    weights: Path
    architecture: Architecture
    data: DataConfig


def trained(
    folder: Path, *, every_seed: bool = False, name: str | None = None, root: str | None = None
) -> tuple[ModelWeights, ...]:
    """The weights of a model folder, those of every seed or those that were best on split A.

    Args:
        folder: as `nas train`, `nas top` and `nas baseline` write it.
        every_seed: all weights in ``weights/``, by name.
        name: of the data set, where it is another than that of the folder's recipe, or where there is no recipe.
        root: where the data set stands, if not where the recipe says.

    Raises:
        ModelError: no model folder, no weights in it, or neither a recipe nor a ``name``.
        DataError: an unknown data set.
        RecipeError: a recipe that cannot be read.
    """
    from nas.training.model_folder import WEIGHTS, read_architecture, read_facts

    architecture = read_architecture(folder)
    data = _data(folder, name, read_facts(folder).resolution, root)
    files = sorted((folder / "weights").glob("*.safetensors")) if every_seed else [folder / WEIGHTS]
    if not files:
        raise ModelError(f"a model folder must hold the weights of each seed in weights, but {folder} does not.")
    return tuple(ModelWeights(folder=folder, weights=file, architecture=architecture, data=data) for file in files)


def opened(model: ModelWeights, data: "Data") -> tuple["Network", "Data"]:
    """A network in evaluation mode, and its data normalised as it was trained on them.

    Raises:
        ModelError: weights that are damaged, of another architecture, or of other classes than the data.
    """
    from nas.training.model_folder import load_weights, normalised

    network, facts = load_weights(model.weights, model.architecture, data)
    return network, normalised(data, facts)


def data_of(folder: Path) -> dict[str, Any] | None:
    """The data that the network of a model folder was trained on, as plain data; None where there is no plan."""
    return asdict(read_plan(folder / PLAN).data) if (folder / PLAN).is_file() else None


def searched_of(folder: Path) -> DataConfig | None:
    """The data of the search that chose the network of a model folder, as its metrics tell; None where they do not.

    Raises:
        RunError: metrics that cannot be read.
    """
    path = folder / LEDGER
    if not path.is_file():
        return None
    try:
        told = json.loads(path.read_text(encoding="utf-8")).get("network", {}).get("searched")
        return DataConfig(**told) if told else None
    except (ValueError, TypeError, AttributeError) as error:
        raise RunError(f"{path} must hold the metrics of a training, but it does not: {one_line(error)}.") from error


def _data(folder: Path, name: str | None, resolution: int, root: str | None) -> DataConfig:
    recorded = (folder / PLAN).is_file()
    if name is not None and not (recorded and read_plan(folder / PLAN).data.name == name):
        return DataConfig(name=name, root=root, resolution=resolution)
    if not recorded:
        raise ModelError(
            f"a model folder must hold {PLAN}, which names its data, but {folder} does not; give --data and --root."
        )
    config = read_plan(folder / PLAN).data  # Cut as it was, so that no image of a split was trained on.
    return config if root is None else replace(config, root=root)
