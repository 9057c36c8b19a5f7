"""The model card: what a network is, what it costs, how good it is and how it is used, as Markdown."""

from typing import TYPE_CHECKING

from nas.architecture import extent
from nas.cost import Cost
from nas.data.config import SplitName
from nas.data.preparation import told
from nas.errors import counted

if TYPE_CHECKING:
    from nas.run.chosen import Timed
    from nas.run.train import Delivered
    from nas.training.model_folder import Facts

_SPLITS: tuple[tuple[SplitName, str], ...] = (
    ("a", "validation A, by which network and seed were chosen"),
    ("b", "validation B, read once after the choice"),
    ("test", "test, read once after the choice"),
)
_EXAMPLE = (
    "",
    "with torch.no_grad():",
    '    logits = model(nas.preprocess(folder, "picture.png"))',
    "print(read_facts(folder).class_names[int(logits.argmax())])",
)


def card(delivered: "Delivered", facts: "Facts", cost: Cost) -> str:
    """The text of a model folder's README.md."""
    winner, plan = delivered.winner, delivered.plan
    training = plan.training
    network, side = winner.network, facts.resolution
    series = network.architecture.dims == 1
    size = extent(side, network.architecture.dims)
    prepared = told(facts.data, side)
    lines = [
        f"# {network.label}",
        "",
        f"An Inception-style network for {f'series of {size}' if series else f'images of {size} pixels'} "
        f"in {facts.classes} classes, "
        f"trained on {facts.data} by inception-nas.",
        "",
        "## Cost",
        "",
        f"| at {size} | |",
        "|---|---|",
        f"| multiply-adds of one inference | {cost.macs:,} |",
        f"| parameters | {cost.params:,} |",
        *([_latency(network.timed)] if network.timed else []),
        f"| content key | `{network.key}` |",
        "",
        "One multiply-add (many say two FLOPs) of a convolution or linear layer; auxiliary heads are not used here.",
        "",
        "## Accuracy",
        "",
        "| split | images | accuracy, mean of the seeds | delivered weights |",
        "|---|---|---|---|",
    ]
    best = winner.readings[winner.best]
    for split, name in _SPLITS:
        if split == "b" and not network.is_blind(plan.data):
            name = "validation B; the search cut its splits otherwise, and may have seen images of it"
        reading = best[split]
        lines.append(
            f"| {name} | {reading['images']:,} | {winner.summary(split).percent()} | {reading['accuracy']:.2%} |"
        )
    if "top5" in best["test"]:
        lines += ["", f"Among the five best, test: {winner.summary('test', 'top5').percent()}."]
    seeds = ", ".join(str(record.candidate.seed) for record in winner.records)
    among = len(delivered.others) + 1
    lines += [
        "",
        f"Seeds {seeds}; the delivered weights are those of seed {facts.seed}, the best on split A. "
        "The mean over the seeds is the network's figure; the interval is Student's over seeds.",
    ]
    if among > 1:
        lines.append(f"The network was chosen among {among} by its mean on split A; the others' test was not read.")
    average = f", moving average of the weights ({training.ema_decay})" if training.ema_decay else ""
    lines += [
        "",
        "## Data and training",
        "",
        f"{counted(training.epochs, 'epoch')}, {training.optimizer}, batches of {training.batch_size}, "
        f"{training.schedule} schedule{average}; all of it in `recipe.yaml`, every epoch in `curves/`, "
        "packages and machine in `versions.json`.",
        f"Training took {winner.core_seconds / 60:.1f} core-minutes for all seeds together.",
        "",
        "## Use",
        "",
        "```python",
        *(["import torch", ""] if prepared else []),
        "import nas",
        *(["from nas.training.model_folder import read_facts"] if prepared else []),
        "",
        'folder = "path/to/this/folder"',
        "model = nas.load_model(folder)  # a torch module in evaluation mode",
        *(_EXAMPLE if prepared else ()),
        "```",
        "",
        *([f"{prepared} `nas.preprocess` does so.", ""] if prepared else []),
        f"Input: float tensors [N, 3, {side if series else f'{side}, {side}'}], values in 0..1 less the mean "
        f"({_figures(facts.mean)}), over the standard deviation ({_figures(facts.std)}); one channel is given "
        f"three times. Output: logits [N, {facts.classes}] of the classes {_classes(facts.class_names)}.",
        "",
    ]
    return "\n".join(lines)


def _latency(timed: "Timed") -> str:
    figure = f"{1e3 * timed.latency_seconds:.3g} ms"
    return f"| latency where the search was driven from, on the CPU ({timed.conditions}) | {figure} |"


def _figures(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:.4f}" for value in values)


def _classes(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:20])
    return f"{shown}, ... (all in the header of model.safetensors)" if len(names) > 20 else shown
