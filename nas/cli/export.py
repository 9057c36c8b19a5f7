"""``nas export``: a delivered network as ONNX or as a program of ``torch.export``."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

import typer

from nas.errors import ModelError

if TYPE_CHECKING:
    from nas.training.export import Format


def export(
    folder: Path = typer.Argument(help="A model folder."),
    kind: str = typer.Option("onnx", "--format", help="onnx or torch."),
    out: Path | None = typer.Option(None, help="The new file; in the model folder if left out."),
    data: str = typer.Option(None, help="Another data set, for the comparison, than the one in the folder's recipe."),
    root: str = typer.Option(None, help="Where the data set stands, if not where the recipe says."),
    threads: int = typer.Option(1, help="For the measured latencies."),
) -> None:
    """Write a network with batch-norm folded, hold its outputs to PyTorch's on real images, and time it."""
    if kind not in ("onnx", "torch"):
        raise ModelError(f"`--format` must be onnx or torch, but got {kind!r}.")
    from nas.run.delivered import trained
    from nas.run.export import export_model
    from nas.training.export import SUFFIXES

    if out is not None and out.suffix != SUFFIXES[kind]:
        raise ModelError(f"`--out` must end in {SUFFIXES[kind]} for the format {kind}, but got {out.name}.")
    (model,) = trained(folder, name=data, root=root)
    path = out if out is not None else folder / f"model{SUFFIXES[kind]}"
    made = export_model(model, path, kind=cast("Format", kind), threads=threads)
    cores = "1 thread" if threads == 1 else f"{threads} threads"
    typer.echo(f"{made.path}: {made.size / 1e6:.2f} MB")
    typer.echo(f"largest difference to PyTorch on {made.images} images: {made.difference:.2e}")
    typer.echo(f"latency, batch 1, {cores}: {1e3 * made.seconds:.2f} ms (PyTorch: {1e3 * made.torch_seconds:.2f} ms)")
