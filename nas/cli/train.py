"""``nas train``, ``nas top`` and ``nas baseline``: full trainings, and the model folder that they leave."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from nas.cli.analyze import relative
from nas.cli.cost import load_architecture, named_trial
from nas.cli.search import INTERRUPTED, OUT, parse_settings
from nas.errors import RunError
from nas.presets import PRESETS

if TYPE_CHECKING:
    from nas.record import TrialRecord
    from nas.run.chosen import Chosen
    from nas.run.engine import Listener
    from nas.run.plan import Plan
    from nas.run.recipe import Recipe
    from nas.run.train import Delivered

T = TypeVar("T")

DATA = "fashion-mnist"
RECIPE = "modern"

_DATA = typer.Option(
    None, help=f"Data set; {DATA} unless given, and for a trial or a model folder that of its run or of its training."
)
_RECIPE = typer.Option(
    None, help=f"modern or paper; unless given a trial is trained as its search trained it, all else by {RECIPE}."
)
_EPOCHS = typer.Option(None, help="Of each training; the recipe's unless given, 36 for a trial without --recipe.")
_SEEDS = typer.Option(5, help="Trainings of each network.")
_TOP_SEEDS = 3
_RESOLUTION = typer.Option(
    None,
    help="Of images in pixels; of the trial's run or model folder, 32 for a GoogLeNet on small ones, or as they are.",
)
_OUT = typer.Option(None, help="The model folder. Called again with it, the training goes on.")
_SET = typer.Option([], "--set", metavar="KEY=VALUE", help="Override a key: --set training.learning_rate=0.05.")
_WORKERS = typer.Option(1, help="Processes that share each training (Ray Train), as one for each GPU.")
_CONCURRENCY = typer.Option(None, help="Trainings at once; as many as the machine holds unless given.")
_CPU = typer.Option(None, help="Cores of one training, or of one worker; unless given those of the trial's run, or 1.")
_GPU = typer.Option(None, help="GPUs of one training, or of one worker; one where there are any unless given.")


def train(
    network: str = typer.Argument(
        help=f"RUN:NUMBER, a run folder with --trial, a model folder, a JSON file, or {', '.join(PRESETS)}."
    ),
    trial: int = typer.Option(None, help="Number of the trial, where NETWORK is a run folder."),
    data: str = _DATA,
    recipe: str = _RECIPE,
    epochs: int = _EPOCHS,
    seeds: int = _SEEDS,
    resolution: int = _RESOLUTION,
    out: Path | None = _OUT,
    settings: list[str] = _SET,
    workers: int = _WORKERS,
    concurrency: int = _CONCURRENCY,
    cpu: float | None = _CPU,
    gpu: float | None = _GPU,
) -> None:
    """Train a network fully with several seeds, read its test accuracy once, and write a model folder."""
    from nas.run.baseline import resolution_for
    from nas.run.delivered import data_of

    chosen, of_run = _find(network, trial, _recipe_name(recipe, settings))
    if resolution is None and network in PRESETS:
        resolution = resolution_for(network, _set_to("data.name", data or DATA, settings))
    values = _sections(of_run, data, recipe, epochs, resolution, of_folder=None if of_run else data_of(Path(network)))
    values |= {"seeds": seeds, "workers": workers, "resources": _resources(concurrency, cpu, gpu, of_run, workers)}
    folder = out or OUT / f"train-{_file_name(chosen.label)}"
    _tell(_deliver([chosen], _plan(values, settings), folder))


def top(
    run: Path = typer.Argument(help="A run folder."),
    k: int = typer.Option(5, "-k", help="How many of its best trials."),
    retrain: bool = typer.Option(False, "--train", help="Train them fully and choose among them."),
    rank: bool = typer.Option(False, "--rank", help="With --train: tell their order, and leave B and test unread."),
    recipe: str = _RECIPE,
    epochs: int = _EPOCHS,
    seeds: int = typer.Option(_TOP_SEEDS, help="Trainings of each network."),
    resolution: int = _RESOLUTION,
    out: Path | None = _OUT,
    settings: list[str] = _SET,
    workers: int = _WORKERS,
    concurrency: int = _CONCURRENCY,
    cpu: float | None = _CPU,
    gpu: float | None = _GPU,
) -> None:
    """Show the best trials of a run; with --train retrain them and deliver the best, chosen on split A."""
    from nas.cli.console import make_console
    from nas.cli.models import choice_table, top_table
    from nas.run.top import chosen, next_seed, top_trials
    from nas.run.train import rank as order
    from nas.run.train import train as deliver

    given = {"--rank": rank, "--recipe": recipe, "--epochs": epochs, "--seeds": seeds != _TOP_SEEDS, "--out": out}
    given |= {"--resolution": resolution, "--set": settings, "--workers": workers != 1, "--concurrency": concurrency}
    given |= {"--cpu": cpu, "--gpu": gpu}
    # Not by what is equal: 0 is False, and yet was given.
    alone = [name for name, value in given.items() if value is not None and value is not False and value != []]
    if alone and not retrain:
        raise RunError(f"{alone[0]} must come with --train, for without it nothing is trained.")
    of_run, records = top_trials(run, k)
    console = make_console()
    whole = run.resolve()  # `.` has no name of its own
    console.print(top_table(whole.name, of_run, records))
    if not retrain:
        return
    values = _sections(of_run, None, recipe, epochs, resolution)
    values |= {"seeds": seeds, "first_seed": next_seed(run), "workers": workers}
    values |= {"resources": _resources(concurrency, cpu, gpu, of_run, workers)}
    folder = out or whole.parent / f"{whole.name}-top{k}"
    networks, plan = chosen(of_run, records), _plan(values, settings)
    if rank:
        ranked = _run(order, networks, plan, folder)
        console.print(choice_table(ranked.trained, plan, ranked.budget))
        _tell_failed(ranked.failed)
        return
    delivered = _run(deliver, networks, plan, folder)
    console.print(choice_table((delivered.winner, *delivered.others), plan, delivered.budget))
    _tell(delivered)


def baseline(
    preset: str = typer.Option("googlenet", help="googlenet, googlenet-bvlc, googlenet-torchvision or small-stem."),
    data: str = typer.Option(DATA, help="Data set."),
    recipe: str = typer.Option(RECIPE, help="modern (with batch-norm) or paper (as published)."),
    epochs: int = _EPOCHS,
    seeds: int = _SEEDS,
    resolution: int | None = _RESOLUTION,
    out: Path | None = _OUT,
    settings: list[str] = _SET,
    weights: Path | None = typer.Option(
        None, help="torchvision's state of googlenet-torchvision: evaluate, do not train."
    ),
    workers: int = _WORKERS,
    concurrency: int = _CONCURRENCY,
    cpu: float | None = _CPU,
    gpu: float | None = _GPU,
) -> None:
    """Train a GoogLeNet as it is, and print its accuracy beside the published ones."""
    from nas.run.baseline import baseline_network, facts, resolution_for

    data, recipe = _set_to("data.name", data, settings), _recipe_name(recipe, settings)
    values = _sections(None, data, recipe, epochs, resolution_for(preset, data) if resolution is None else resolution)
    values |= {"seeds": seeds, "workers": workers, "resources": _resources(concurrency, cpu, gpu, None, workers)}
    plan = _plan(values, settings)
    classes, side = facts(plan.data)
    folder = out or OUT / f"baseline-{preset}-{data}-{'weights' if weights else recipe}"
    if weights:
        _evaluate_weights(weights, preset, plan, folder, classes)
        return
    network = baseline_network(preset, recipe, classes, side)
    _tell(_deliver([network], plan, folder), beside_published=True)


def _evaluate_weights(weights: Path, preset: str, plan: "Plan", folder: Path, classes: int) -> None:
    from nas.cli.console import make_console
    from nas.cli.models import weights_table
    from nas.published import published
    from nas.run.weights import deliver_weights

    figures = deliver_weights(weights, preset, plan, folder)
    console = make_console()
    console.print(weights_table(preset, plan.data.name, figures, published(plan.data.name, classes)))
    console.print(f"wrote the model folder {relative(folder.resolve())}", soft_wrap=True)


def _recipe_name(recipe: str | None, settings: list[str]) -> str:
    """The named recipe that a training is by: a setting has the last word."""
    return _set_to("training.recipe", recipe or RECIPE, settings)


def _set_to(key: str, otherwise: str, settings: list[str]) -> str:
    """What a name is once settings are applied, also those of its whole section."""
    from nas.run.recipe_file import override

    section, name = key.split(".")
    values: dict[str, Any] = {section: {name: otherwise}}
    override(values, parse_settings(settings))
    told = values[section].get(name) if isinstance(values[section], dict) else None
    return told if isinstance(told, str) else otherwise


def _find(network: str, trial: int | None, recipe: str) -> "tuple[Chosen, Recipe | None]":
    """The network that an argument names, as a recipe trains it, and the recipe of its run where it is a trial."""
    from nas.run.baseline import preset_network
    from nas.run.chosen import Chosen
    from nas.run.delivered import searched_of
    from nas.run.top import chosen, trial_of

    folder = Path(network)
    named = (folder, trial) if trial is not None else named_trial(network)
    if named is not None:
        of_run, record = trial_of(*named)
        return chosen(of_run, [record])[0], of_run
    if folder.is_dir():
        if not (folder / "architecture.json").is_file():
            raise RunError(f"of a run folder one trial must be named, as {network}:7, but got {network}.")
        architecture = load_architecture(f"{folder}/architecture.json")
        return Chosen(label=folder.resolve().name, architecture=architecture, searched=searched_of(folder)), None
    if network in PRESETS:
        return preset_network(network, recipe), None
    return Chosen(label=folder.stem, architecture=load_architecture(network)), None


def _sections(
    of_run: "Recipe | None",
    data: str | None,
    recipe: str | None,
    epochs: int | None,
    resolution: int | None,
    of_folder: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Data and training of a plan: what was given, or else what the run or the folder had, or else what is usual."""
    from nas.run.plan import of_recipe
    from nas.run.recipe_file import with_epochs

    values: dict[str, Any] = {"data": of_folder or {"name": DATA}, "training": {"recipe": RECIPE}}
    if of_run is not None:
        values = of_recipe(of_run)
    if data is not None and data != values["data"]["name"]:  # else cut and sized as the run has it
        values["data"] = {"name": data}
    if recipe is not None:
        values["training"] = {"recipe": recipe}
    values["training"] = with_epochs(values["training"], epochs)
    if resolution is not None:
        values["data"]["resolution"] = resolution
    return values


def _resources(
    concurrency: int | None, cpu: float | None, gpu: float | None, of_run: "Recipe | None", workers: int
) -> dict[str, Any]:
    """Cores unless given: the trial's run's, as images in files need them, or a worker's share of this machine."""
    if cpu is None:
        cores = os.cpu_count() or 1
        cpu = 1.0 if of_run is None else min(of_run.resources.cpu, max(1, cores // max(1, workers)))
    return {"cpu": cpu, "gpu": gpu, "concurrency": concurrency}


def _plan(values: dict[str, Any], settings: list[str]) -> "Plan":
    from nas.run.plan import make_plan

    return make_plan(values, parse_settings(settings))


def _deliver(networks: "Sequence[Chosen]", plan: "Plan", folder: Path) -> "Delivered":
    from nas.run.train import train as deliver

    return _run(deliver, networks, plan, folder)


def _run(
    work: "Callable[[Sequence[Chosen], Plan, Path, Listener], T | None]",
    networks: "Sequence[Chosen]",
    plan: "Plan",
    folder: Path,
) -> T:
    """Train, with progress on the screen; an interrupted training ends the command."""
    from nas.cli.training import TrainingProgress

    labels = {network.key: network.label for network in networks}
    with TrainingProgress(len(networks) * plan.seeds, plan.training.epochs, labels) as progress:
        done = work(networks, plan, folder, progress)
    if done is None:
        typer.echo("interrupted; nothing that was trained is lost. Go on by the same command.")
        raise typer.Exit(INTERRUPTED)
    return done


def _tell(delivered: "Delivered", *, beside_published: bool = False) -> None:
    from nas.cli.console import make_console
    from nas.cli.models import result_table
    from nas.published import published

    console = make_console()
    classes = delivered.budget.classes
    figures = published(delivered.plan.data.name, classes) if beside_published else ()
    console.print(result_table(delivered, figures))
    _tell_failed(delivered.failed)
    console.print(f"wrote the model folder {relative(delivered.folder.resolve())}", soft_wrap=True)


def _tell_failed(records: "Sequence[TrialRecord]") -> None:
    from nas.cli.console import make_console

    for record in records:
        make_console().print(f"seed {record.candidate.seed} failed: {record.reason}", style="red")


def _file_name(label: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in label)
