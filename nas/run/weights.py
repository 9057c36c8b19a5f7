"""torchvision's ImageNet weights, from a file that the user has, as a model folder with a reading of the test split."""

from dataclasses import asdict, replace
from pathlib import Path

from nas.cost import cost
from nas.data.config import SplitName
from nas.errors import ModelError, RunError
from nas.files import write_atomically
from nas.presets import PRESETS
from nas.run.chosen import Chosen
from nas.run.ledger import LEDGER, Figures, Ledger
from nas.run.plan import PLAN, Plan, check_own_folder
from nas.run.readings import reading_by
from nas.run.recipe_file import to_yaml
from nas.serialize import to_json

PRESET = "googlenet-torchvision"


def deliver_weights(weights: Path, preset: str, plan: Plan, folder: Path) -> Figures:
    """Evaluate torchvision's state on the test split, once, and leave a model folder.

    The images are normalised as these weights want it: mean and deviation 0.5, which is what torchvision's
    ``transform_input`` comes to.

    Args:
        weights: what ``torch.save`` made of the state; read with ``weights_only=True``.
        preset: must be ``googlenet-torchvision``.
        plan: names the data.
        folder: of the model.

    Returns:
        The figures of the test split, ``interval`` of the accuracy (95%, low and high), ``macs`` and ``params``.

    Raises:
        ModelError: another preset, a file that is no such state, or classes that are not those of the data.
        RunError: a folder that holds something else, or figures of other weights or other data; it is left as it was.
    """
    from nas.data.load import load_data
    from nas.training.finals import digest, figures, read_split
    from nas.training.foreign import HALF, read_torchvision
    from nas.training.model_folder import ARCHITECTURE, WEIGHTS, facts_of, write_weights
    from nas.training.verdict import Share

    if preset != PRESET:
        raise ModelError(f"--weights must go with --preset {PRESET}, but got --preset {preset}.")
    network = Chosen(label=PRESET, architecture=PRESETS[PRESET])
    data = load_data(plan.data, splits=("a",))
    state = read_torchvision(weights, network.architecture, classes=data.classes, resolution=data.resolution)
    facts = replace(facts_of(network.architecture, data, seed=None, epochs=0), mean=HALF, std=HALF)
    # The digest is of the user's file, so that the same weights are read once, whenever they come.
    ledger, mark = Ledger.open(folder / LEDGER), digest(weights)
    check_own_folder(folder, plan)
    if (folder / "training").exists():
        raise RunError(f"weights must have a model folder of their own, but {folder} holds a training.")
    ledger.check(network.key, 0, mark)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / PLAN, to_yaml(plan))
    write_weights(folder / WEIGHTS, state, network.architecture, facts)
    write_atomically(folder / ARCHITECTURE, to_json(network.architecture, indent=1) + "\n")

    def evaluate(split: SplitName) -> Figures:
        data = load_data(plan.data, splits=(split,))
        return figures(read_split(folder / WEIGHTS, network.architecture, data, split, **reading_by(plan)))

    told = ledger.read(network.key, 0, mark, "test", evaluate)
    costs = cost(network.architecture, resolution=data.resolution, classes=data.classes)
    ledger.content["network"] = {
        "label": PRESET,
        "key": network.key,
        "resolution": data.resolution,
        "classes": data.classes,
        **asdict(costs),
    }
    ledger.save()
    share = Share(right=round(told["accuracy"] * told["images"]), of=told["images"])
    return told | {"interval": share.interval, "macs": costs.macs, "params": costs.params}
