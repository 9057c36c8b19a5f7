"""``nas evaluate``: delivered networks on a split, with several crops and several networks."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

import typer

from nas.data.config import SplitName
from nas.errors import DataError

if TYPE_CHECKING:
    from nas.run.judge import Judged
    from nas.training.verdict import Share


def evaluate(
    folders: list[Path] = typer.Argument(help="Model folders; the probabilities of several are averaged."),
    crops: int = typer.Option(1, help="Of each image: 1, 10, or the paper's 144."),
    split: str = typer.Option("test", help="test, a or b."),
    every_seed: bool = typer.Option(False, "--every-seed", help="Average over the weights of every seed, too."),
    data: str = typer.Option(None, help="Another data set than the one in the folder's recipe."),
    root: str = typer.Option(None, help="Where the data set stands, if not where the recipe says."),
    out: Path | None = typer.Option(
        None, help="For tables and plots; a new folder in the first model folder if left out."
    ),
    device: str = typer.Option(None, help="cpu, cuda or cuda:N; the GPU where there is one."),
    threads: int = typer.Option(None, help="Of torch."),
    workers: int = typer.Option(0, help="Processes that decode, for image folders and one crop."),
    batch: int = typer.Option(512, help="Crops at a time: fewer take less memory."),
) -> None:
    """Tell top-1 and top-5 accuracy with 95% intervals; write the table of confusion and each class's accuracy."""
    from nas.run.delivered import trained
    from nas.run.judge import judge_models, write_judged

    allowed = [name for name in get_args(SplitName) if name != "train"]
    if split not in allowed:
        raise DataError(f"`split` must be one of {', '.join(allowed)}, but got {split!r}.")
    if batch < 1:
        raise DataError(f"`--batch >= 1` must hold, but got {batch}.")
    models = [model for folder in folders for model in trained(folder, every_seed=every_seed, name=data, root=root)]
    target = out if out is not None else folders[0] / _name(split, crops, every_seed, data, root, folders[1:])
    new = not target.exists()
    target.mkdir(parents=True, exist_ok=True)  # Before the work, for it may not be possible.
    try:
        judged = judge_models(
            models,
            crops=crops,
            split=cast(SplitName, split),
            device=device,
            threads=threads,
            batch_size=batch,
            workers=workers,
        )
    except BaseException:
        if new:
            target.rmdir()
        raise
    write_judged(judged, target)
    _draw(judged, target)
    typer.echo(_told(judged))
    typer.echo(f"tables and plots are in {target}")


def _name(split: str, crops: int, every_seed: bool, data: str | None, root: str | None, others: list[Path]) -> str:
    """Of the folder for what is told: one for each question, so that no answer takes another's place."""
    asked = [split, str(crops), *(["every-seed"] if every_seed else []), *([data] if data else [])]
    if root is not None:
        asked.append(_short([Path(root)]))
    beside = [f"with-{_short(others)}"] if others else []
    return "-".join(["evaluation", *asked, *beside])


def _short(folders: list[Path]) -> str:
    """Their names, and a digest of where they stand, for there are others of those names."""
    places = [folder.resolve() for folder in folders]
    digest = hashlib.sha256("\0".join(map(str, places)).encode(errors="surrogateescape")).hexdigest()[:8]
    return "-".join([*(place.name for place in places), digest])


def _told(judged: "Judged") -> str:
    verdict = judged.verdict
    models = "1 model" if len(judged.models) == 1 else f"{len(judged.models)} models"
    crops = "1 crop" if judged.crops == 1 else f"{judged.crops} crops"
    head = f"{judged.data}, split {judged.split}, {verdict.top1.of:,} images, {models}, {crops}, {judged.seconds:.1f} s"
    lines = [head, f"top-1: {_share(verdict.top1)}"]
    if verdict.top5 is not None:
        lines.append(f"top-5: {_share(verdict.top5)}")
    return "\n".join(lines)


def _share(share: "Share") -> str:
    low, high = share.interval
    return f"{share.value:.2%} (95% interval {100 * low:.2f} to {100 * high:.2f})"


def _draw(judged: "Judged", folder: Path) -> None:
    from analysis.plots.confusion import class_accuracy, confusion
    from analysis.style import figure, save

    names, shares = judged.class_names, judged.verdict.by_class
    side = min(12.0, 3.0 + 0.4 * len(names))
    made, (axes,) = figure(side, side)
    confusion(judged.verdict.confusion, names, axes)
    save(made, folder / "confusion.png")
    made, (axes,) = figure(5.0, min(10.0, 1.5 + 0.25 * len(names)))
    class_accuracy(
        [None if share is None else share.value for share in shares],
        [None if share is None else share.interval for share in shares],
        names,
        axes,
    )
    save(made, folder / "classes.png")
