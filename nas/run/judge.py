"""Evaluate delivered networks on a split: several crops, several networks, probabilities averaged."""

import csv
import io
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas.data.config import DataConfig, SplitName
from nas.errors import ModelError, TrialError
from nas.files import write_atomically
from nas.run.delivered import ModelWeights, opened

if TYPE_CHECKING:
    from nas.training.verdict import Share, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What an evaluation came to.

    Attributes:
        verdict: accuracies and the table of confusion.
        class_names: by label.
        data: name of the data set.
        root: where it stood, if not at its usual place.
        split: that was read.
        crops: of each image.
        models: weight files whose probabilities were averaged.
        seconds: of it all, without loading data.
    """

    verdict: "Verdict"
    class_names: tuple[str, ...]
    data: str
    root: str | None
    split: SplitName
    crops: int
    models: tuple[Path, ...]
    seconds: float


def judge_models(
    models: Sequence[ModelWeights],
    *,
    crops: int,
    split: SplitName,
    device: str | None = None,
    threads: int | None = None,
    batch_size: int = 512,
    workers: int = 0,
) -> Judged:
    """Average the softmax probabilities of all crops and models, and hold them to the labels.

    Args:
        models: at least one; each reads the images at its own resolution.
        crops: 1, 10 or 144.
        split: which images.
        device: "cpu", "cuda", "cuda:N"; None is the GPU where there is one.
        threads: of torch in this process; None leaves them.
        batch_size: crops at a time.
        workers: processes that decode, for image folders and one crop.

    Raises:
        ModelError: weights that do not fit, or models of different data.
        DataError: data that are missing or unreadable, or crops of a series.
        TrialError: the device is not there, less than one thread, a negative number of workers, or an empty batch.
    """
    from nas.data.load import load_data
    from nas.data.splits import Data, FolderSplit
    from nas.training.crops import probabilities
    from nas.training.device import full_float32, pick_device, use_threads
    from nas.training.verdict import judge

    use_threads(threads)
    if workers < 0:
        raise TrialError(f"`workers >= 0` must hold, but got workers={workers}.")
    if batch_size < 1:
        raise TrialError(f"`batch_size >= 1` must hold, but got batch_size={batch_size}.")
    place = pick_device(device)
    total = labels = names = listed = None
    seconds = 0.0
    loaded: dict[DataConfig, Data] = {}  # Of several seeds it is one.
    for model in models:
        if model.data not in loaded:
            loaded[model.data] = load_data(model.data, splits=(split,))
        network, data = opened(model, loaded[model.data])
        part = data.split(split)
        files = part.paths if isinstance(part, FolderSplit) else ()
        if labels is None:
            labels, names, listed = part.labels, data.class_names, files
        elif data.class_names != names or not labels.equal(part.labels) or files != listed:
            raise ModelError(
                f"models that are evaluated together must be of the same images, but {model.weights} is of "
                f"{len(part)} images of {data.name} where {models[0].weights} is of {len(labels)} of "
                f"{models[0].data.name}, or they are split in another way."
            )
        began = time.perf_counter()
        with full_float32():
            told = probabilities(
                network.to(place), part, crops=crops, device=place, batch_size=batch_size, workers=workers
            )
        seconds += time.perf_counter() - began
        total = told if total is None else total + told
    if total is None or labels is None or names is None:
        raise ModelError("at least one model must be given to be evaluated, but got none.")
    return Judged(
        verdict=judge(total / len(models), labels),
        class_names=names,
        data=models[0].data.name,
        root=models[0].data.root,
        split=split,
        crops=crops,
        models=tuple(model.weights for model in models),
        seconds=seconds,
    )


def write_judged(judged: Judged, folder: Path) -> None:
    """Write ``evaluation.json``, ``confusion.csv`` and ``classes.csv``, each whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    verdict = judged.verdict
    content: dict[str, Any] = {
        "data": judged.data,
        "root": judged.root,
        "split": judged.split,
        "images": verdict.top1.of,
        "crops": judged.crops,
        "models": [str(path) for path in judged.models],
        "top1": _plain(verdict.top1),
        "top5": None if verdict.top5 is None else _plain(verdict.top5),
        "seconds": judged.seconds,
    }
    write_atomically(folder / "evaluation.json", json.dumps(content, indent=1) + "\n")
    names = judged.class_names
    rows = [["label", *names], *([name, *map(str, row)] for name, row in zip(names, verdict.confusion, strict=True))]
    write_atomically(folder / "confusion.csv", _csv(rows))
    rows = [["class", "images", "right", "accuracy", "low", "high"]]
    for name, share in zip(names, verdict.by_class, strict=True):
        figures = ["0", "0", "", "", ""]
        if share is not None:
            figures = [str(share.of), str(share.right), *(f"{each:.6f}" for each in (share.value, *share.interval))]
        rows.append([name, *figures])
    write_atomically(folder / "classes.csv", _csv(rows))


def _plain(share: "Share") -> dict[str, Any]:
    low, high = share.interval
    return {"right": share.right, "of": share.of, "value": share.value, "low": low, "high": high}


def _csv(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
