"""``nas search`` and ``nas resume``: run a recipe, and go on with a run."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from nas.cli.analyze import relative, show
from nas.errors import RecipeError

if TYPE_CHECKING:
    from nas.record import Candidate
    from nas.run.recipe import Recipe
    from nas.run.search import Outcome

OUT = Path("runs/out")
INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""


def search(
    recipe: str = typer.Argument(help="A recipe file, or the name of one that comes with the package."),
    trials: int = typer.Option(None, help="Trials in all, the reference included."),
    settings: list[str] = typer.Option([], "--set", metavar="KEY=VALUE", help="Override a key: --set budget.macs=2e7."),
    name: str = typer.Option(None, help="Of the run and its folder."),
    out: Path = typer.Option(OUT, help="Where run folders are made."),
    address: str = typer.Option(None, help="Of a running Ray cluster to join."),
    storage: str = typer.Option(None, help="Object store for checkpoints and a copy of the run: s3://bucket/prefix."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Propose and cost candidates; no data, no training."),
    overwrite: bool = typer.Option(False, "--overwrite", help="Replace a run of the same name."),
) -> None:
    """Search for the best networks under a budget, by a recipe."""
    from nas.run.recipe_file import find_recipe, read_recipe

    overrides = parse_settings(settings)
    given: dict[str, object] = {"stop.trials": trials, "name": name, "resources.address": address}
    given["resources.storage"] = storage
    # As YAML, which is what overrides are: a name such as 2026-11-24 stays a text.
    overrides |= {key: json.dumps(value) for key, value in given.items() if value is not None}
    resolved = read_recipe(find_recipe(recipe), overrides)
    if dry_run:
        _rehearse(resolved)
        return
    from nas.cli.progress import Progress
    from nas.run.search import start

    with Progress(resolved.stop.trials, resolved.training.epochs, budget=resolved.budget) as progress:
        outcome = start(resolved, out / resolved.name, progress, overwrite=overwrite)
    _conclude(outcome)


def resume(
    run: str = typer.Argument(help="A run folder, or the address of a run's copy: s3://bucket/prefix/NAME."),
    trials: int = typer.Option(None, help="Trials in all, if there are to be more than the run was started with."),
    hours: float = typer.Option(None, help="Of all sessions, if there are to be more."),
    core_hours: float = typer.Option(None, help="Of training in all, if there are to be more."),
    out: Path = typer.Option(OUT, help="Where a run that is fetched gets its folder."),
    address: str = typer.Option(None, help="Of the Ray cluster to join now; empty for this machine alone."),
) -> None:
    """Go on with a run that was interrupted: no trial is lost, none is trained twice."""
    from nas.cli.progress import Progress
    from nas.run.folder import RunFolder
    from nas.run.mirror import fetch
    from nas.run.search import resume as go_on

    folder = fetch(run, out) if "://" in run else RunFolder.open(Path(run))
    recipe = folder.recipe()
    stop = recipe.stop
    if trials is not None:
        stop = replace(stop, trials=trials)
    if hours is not None:
        stop = replace(stop, hours=hours)
    if core_hours is not None:
        stop = replace(stop, core_hours=core_hours)
    with Progress(stop.trials, recipe.training.epochs, budget=recipe.budget) as progress:
        outcome = go_on(folder.path, progress, stop=stop, address=address)
    _conclude(outcome)


def parse_settings(settings: list[str]) -> dict[str, str]:
    """The values of ``--set KEY=VALUE`` options, by key; anything else is a RecipeError."""
    overrides = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not (key and equals):
            raise RecipeError(f"--set must be KEY=VALUE, such as budget.macs=2e7, but got {setting!r}.")
        overrides[key] = value
    return overrides


def _rehearse(recipe: "Recipe") -> None:
    from nas.cli.console import make_console
    from nas.cli.tables import candidate_table
    from nas.run.search import rehearse

    console = make_console()
    candidates: list[Candidate] = []
    told: list[str] = []
    # Where latency is measured, a network takes seconds, and one within a tight limit may take dozens of them.
    with console.status("") as status:
        try:
            for candidate in rehearse(recipe, recipe.stop.trials, told.append):
                candidates.append(candidate)
                status.update(f"{len(candidates)} of {recipe.stop.trials} networks proposed")
        except KeyboardInterrupt:
            told.append("interrupted")
    console.print(candidate_table(recipe, candidates))
    over = sum(not recipe.budget.allows(item.cost, item.measured) for item in candidates if not item.reference)
    console.print(
        f"{len(candidates)} networks proposed, {over} of the candidates outside the budget; nothing was trained."
    )
    for said in told:
        console.print(f"{said}.")
    if told == ["interrupted"]:
        raise typer.Exit(INTERRUPTED)


def _conclude(outcome: "Outcome") -> None:
    path = relative(outcome.folder.path)
    if not outcome.finished:
        typer.echo(f"interrupted; nothing that was trained is lost. Go on by: nas resume {path}")
        raise typer.Exit(INTERRUPTED)
    show([path])
    if outcome.failed:
        typer.echo("every trial failed; the lines above tell why.", err=True)
        raise typer.Exit(1)
