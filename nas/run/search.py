"""Start, resume and rehearse the search of a recipe."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nas.architecture import Architecture
from nas.cost import cost
from nas.data.config import CLASSES, SERIES
from nas.errors import ArchitectureError, RecipeError, RunError
from nas.files import write_atomically
from nas.journal import Journal
from nas.operations import lower
from nas.proposer import Proposer
from nas.reachable import check_reachable, reference_fits
from nas.record import Candidate
from nas.run.engine import Engine, Listener
from nas.run.folder import RunFolder
from nas.run.measurement import check_measurable, measurement
from nas.run.mirror import Mirror
from nas.run.object_store import ObjectStore
from nas.run.recipe import Recipe, StopConfig
from nas.run.recipe_file import to_yaml
from nas.run.rungs import Rungs
from nas.samplers import make_sampler
from nas.space import Point, Space
from nas.spaces import absolute, load_space
from nas.training.config import training_key
from nas.training.variance import check_batch

if TYPE_CHECKING:
    from nas.run.training_task import TrainingTask


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a session of a search ended.

    Attributes:
        folder: the run.
        finished: whether all that was asked for is trained; otherwise the run can be resumed.
        failed: whether every trial failed.
    """

    folder: RunFolder
    finished: bool
    failed: bool


def start(recipe: Recipe, path: Path, listener: Listener, *, overwrite: bool = False) -> Outcome:
    """Search by a recipe, in a new run folder at ``path``; ``overwrite`` replaces a run there and its copy in a store.

    Everything that can be wrong is checked before the folder is made; what only Ray can tell, such as too few GPUs,
    leaves no folder, and the run that was to be overwritten as it was.

    Raises:
        NasError: of the kind that names what is wrong: recipe, space, budget, sampler, data, run.
    """
    from nas.run.training_task import TrainingTask

    # The run may be resumed from another folder than it is started in.
    recipe = _whole(replace(recipe, data=recipe.data.anchored(), space=absolute(recipe.space)))
    space = prepare(recipe)
    _check_known(recipe, space)
    task = TrainingTask(recipe.data, recipe.training)
    _check_classes(recipe, task.classes)
    # A sampler that is not fit for this search says so at its first proposal: not after a run was replaced.
    list(_proposed(recipe, space, min(2, recipe.stop.trials)))
    with RunFolder.beginning(path):
        folder = RunFolder.create(path, recipe, overwrite=overwrite)
        try:
            attributes = _attributes(recipe, space) | {"images": task.images}
            Journal.create(folder.journal, name=recipe.name, objectives=recipe.objectives, attributes=attributes)
            return _go(recipe, space, task, folder, listener, None if overwrite else Mirror.check_new)
        except BaseException:
            if not folder.journal.exists() or not Journal.open(folder.journal).trials():
                folder.undo()
            raise


def resume(path: Path, listener: Listener, *, stop: StopConfig | None = None, address: str | None = None) -> Outcome:
    """Go on with the run at ``path``; nothing that is recorded is trained again.

    Args:
        path: the run.
        listener: told of every event.
        stop: new limits, kept in the run's recipe.
        address: of another Ray cluster than before, kept too; empty for Ray on this machine alone.

    Raises:
        RunError: no run is there, it is in use, or its journal is damaged.
    """
    from nas.run.training_task import TrainingTask

    folder = RunFolder.open(path)
    recipe = folder.recipe()
    if stop is not None:
        begun = len(Journal.open(folder.journal, read_only=True).trials())
        if stop.trials < min(begun, recipe.stop.trials):
            raise RunError(f"`stop.trials >= {begun}` must hold, for so many have begun, but got {stop.trials}.")
        recipe = replace(recipe, stop=stop)
    if address is not None:
        recipe = replace(recipe, resources=replace(recipe.resources, address=address or None))
    space = prepare(recipe)
    task = TrainingTask(recipe.data, recipe.training)
    _check_classes(recipe, task.classes)
    return _go(recipe, space, task, folder, listener, Mirror.check_not_ahead)


def rehearse(recipe: Recipe, trials: int, said: Callable[[str], object] | None = None) -> Iterator[Candidate]:
    """Propose and cost candidates without data or training: every trial so far counts as running.

    Args:
        recipe: of the search.
        trials: how many to propose.
        said: told why there are fewer, if there are.

    Raises:
        NasError: as :func:`start`, but for data and run folder.
    """
    recipe = _whole(recipe)
    space = prepare(recipe)
    _check_known(recipe, space)
    yield from _proposed(recipe, space, trials, said)


def _proposed(
    recipe: Recipe, space: Space, trials: int, said: Callable[[str], object] | None = None
) -> Iterator[Candidate]:
    """What a search proposes first, while nothing has a result."""
    journal = Journal.in_memory(name=recipe.name, objectives=recipe.objectives, attributes=_attributes(recipe, space))
    fits = reference_fits(space, recipe.budget, recipe.data.resolution or recipe.budget.resolution)
    proposer = _proposer(recipe, space, journal, reference_first=fits)
    for _ in range(trials):
        asked = proposer.ask()
        if asked is None:
            if said is not None:
                said(proposer.ended)
            return
        yield asked[1]


def prepare(recipe: Recipe) -> Space:
    """Load the space and hold the recipe to it: sampler, objectives and a budget that can be met."""
    space = _trainable(load_space(recipe.space), recipe)
    make_sampler(recipe.sampler.name, recipe.sampler.options)
    check_reachable(space, recipe.budget)
    check_measurable(space, recipe.budget, measurement(recipe.budget, recipe.objectives))
    return space


def _trainable(space: Space, recipe: Recipe) -> Space:
    """The space without the networks that cannot be wired at the images' size, where costs count at a larger."""
    side, budget = recipe.data.resolution, recipe.budget
    if side is None or side >= budget.resolution:
        return space

    def decode(point: Point) -> Architecture:
        architecture = space.decode(point)
        try:
            cost(architecture, resolution=side, classes=budget.classes)
        except ArchitectureError as error:
            raise ArchitectureError(f"at data.resolution={side}, {error}") from error
        return architecture

    return replace(space, decode=decode)


def _proposer(recipe: Recipe, space: Space, journal: Journal, *, reference_first: bool) -> Proposer:
    sampler = make_sampler(recipe.sampler.name, recipe.sampler.options)
    measured = measurement(recipe.budget, recipe.objectives)
    return Proposer(
        space,
        recipe.budget,
        sampler,
        journal,
        seed=recipe.seed,
        trial_seed=recipe.trial_seed,
        reference_first=reference_first,
        measure=measured,
    )


def _go(
    recipe: Recipe,
    space: Space,
    task: "TrainingTask",
    folder: RunFolder,
    listener: Listener,
    check: Callable[[Mirror], None] | None,
) -> Outcome:
    """Run a search whose folder stands; ``check`` is what its copy in a store is held to, before Ray starts."""
    from nas.run.ray_tune import run_on_ray

    with folder.locked(), folder.session() as spent_hours:
        journal = Journal.open(folder.journal)
        attributes = _attributes(recipe, space) | {"images": task.images}
        journal.hold_to(recipe.objectives, attributes, f"the run in {folder.path}")
        fits = reference_fits(space, recipe.budget, task.resolution)
        if not fits:
            listener.said(
                f"the reference of space {space.name} cannot be wired at {task.resolution} pixels, "
                "so this search has none."
            )
        mirror = _mirror(recipe, folder)
        if mirror is not None and check is not None:
            check(mirror)

        def begun() -> None:
            # Not before Ray is known to work: a call that comes to nothing changes nothing.
            if recipe != folder.recipe():
                write_atomically(folder.path / "recipe.yaml", to_yaml(recipe))
            if mirror is not None:
                mirror.begin()
            folder.keep()

        engine = Engine(
            proposer=_proposer(recipe, space, journal, reference_first=fits),
            journal=journal,
            curves=folder.curves,
            rungs=Rungs(recipe.early_stopping, recipe.training.epochs),
            budget=recipe.budget,
            stop=recipe.stop,
            listener=listener,
            checkpoints=folder.checkpoints,
            spent_hours=spent_hours,
            cores=recipe.resources.cpu,
            batch=recipe.sampler.batch,
            after_end=mirror.ended if mirror else None,
        )
        finished = run_on_ray(
            engine,
            task,
            folder.checkpoints,
            recipe.resources,
            store=mirror.checkpoints if mirror else None,
            begun=begun,
        )
        states = {record.state for record in journal.trials()}
    return Outcome(folder=folder, finished=finished, failed=states == {"failed"})


def _whole(recipe: Recipe) -> Recipe:
    """With images of the side that costs count at, unless the recipe names a smaller one."""
    side = recipe.data.resolution or recipe.budget.resolution
    return replace(recipe, data=replace(recipe.data, resolution=side))


def _mirror(recipe: Recipe, folder: RunFolder) -> Mirror | None:
    storage = recipe.resources.storage
    return Mirror(ObjectStore(storage).below(recipe.name), folder) if storage else None


def _check_known(recipe: Recipe, space: Space) -> None:
    """What is known without loading data; of batches for batch-norm, whether they suit the reference."""
    _check_dims(recipe, space, 1 if recipe.data.name in SERIES else 2)
    if recipe.data.name in CLASSES:
        _check_classes(recipe, CLASSES[recipe.data.name])
    side = recipe.data.resolution or recipe.budget.resolution
    if reference_fits(space, recipe.budget, side):
        check_batch(lower(space.reference, resolution=side, classes=recipe.budget.classes).operations, recipe.training)


def _check_classes(recipe: Recipe, classes: int) -> None:
    if classes != recipe.budget.classes:
        raise RecipeError(
            "`budget.classes` must be that of the data, for the linear layer is part of the cost, "
            f"but got budget.classes={recipe.budget.classes} where {recipe.data.name} has {classes}."
        )


def _check_dims(recipe: Recipe, space: Space, dims: int) -> None:
    if space.reference.dims != dims:
        names = {1: "series", 2: "images"}
        raise RecipeError(
            f"space must be one for {names[dims]}, which {recipe.data.name} holds, "
            f"but got space={recipe.space!r}, whose networks are for {names[space.reference.dims]}."
        )


def _attributes(recipe: Recipe, space: Space) -> dict[str, object]:
    return {
        "space": recipe.space,
        "choices": space.told,
        "sampler": recipe.sampler.name,
        "budget": recipe.budget.told,
        "epochs": recipe.training.epochs,
        "training": training_key(recipe.training),
        "seed": recipe.seed,
        "trial_seed": recipe.trial_seed,
        "data": {name: value for name, value in asdict(recipe.data).items() if name not in ("root", "download")},
    }
