"""In what the recipes of runs are alike: whether runs are one search, and what sets two searches apart."""

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Final

from analysis.source import Source, source
from nas.errors import RunError

SECTIONS: Final = ("space", "objectives", "budget", "data", "training", "resources")
"""Of a recipe, where two searches that are compared should agree; they may differ in sampler, seeds and stopping."""
TRAINING: Final = ("budget", "data", "training")
"""Of a recipe, what two trainings of one network depend on."""
_OF_MACHINES: Final = frozenset({"root", "download", "concurrency", "address", "max_failures", "storage"})
"""Keys of a recipe that do not change what a device-second buys."""


def unlike(runs: Sequence[Path], sections: Sequence[str] = SECTIONS) -> tuple[str, ...]:
    """In what the recipes of runs differ from the first one's, machines aside, such as ``training.epochs (1 and 4)``.

    Args:
        runs: their folders; those without a recipe differ in nothing.
        sections: of the recipe.
    """
    first, *others = [source(run) for run in runs]
    return tuple(dict.fromkeys(said for each in others for said in _unlike(first, each, sections)))


def hold_to_one_search(runs: Sequence[Path]) -> None:
    """Hold runs that are taken for one search with several seeds to that, as their recipes tell.

    Raises:
        RunError: two that differ in more.
    """
    first, *others = runs
    for other in others:
        found = unlike((first, other), (*SECTIONS, "sampler", "early_stopping"))
        if found:
            raise RunError(
                f"the runs of one search must differ in their seeds alone, but {first} and {other} differ in "
                f"{'; '.join(found)}."
            )


def hold_to_baseline(random: Sequence[Path], searches: Sequence[Path]) -> None:
    """Hold a random search to what the searches that it is the baseline of were given.

    Args:
        random: its runs, which are one search.
        searches: a run of each search.

    Raises:
        RunError: another sampler, or another budget, data or training.
    """
    for run in random:
        sampler = (source(run).recipe or {}).get("sampler", {})
        if isinstance(sampler, Mapping) and sampler.get("name", "random") != "random":
            raise RunError(f"a random search must be one by the sampler random, but {run} is by {sampler['name']}.")
    for search in searches:
        found = unlike((search, random[0]), TRAINING)
        if found:
            raise RunError(
                f"a random search must have the budget, data and training of the searches beside it, but {search} and "
                f"{random[0]} differ in {'; '.join(found)}."
            )


def differ_in_seed(runs: Sequence[Path]) -> bool:
    """Whether runs are one search with several seeds, as their recipes tell; those without are taken for it."""
    try:
        seeds_of(runs)
        hold_to_one_search(runs)
    except RunError:
        return False
    return True


def _unlike(a: Source, b: Source, sections: Sequence[str]) -> tuple[str, ...]:
    """What differs in two runs' recipes, machines aside, with both values."""
    one, other = (each.recipe or {} for each in (a, b))
    found: list[str] = []
    for section in sections:
        left, right = one.get(section), other.get(section)
        if isinstance(left, Mapping) and isinstance(right, Mapping):
            # What one of two recipes does not have, the version that wrote it did not know.
            shared = [key for key in left if key in right and key not in _OF_MACHINES]
            found += [said for key in shared for said in _apart(f"{section}.{key}", left[key], right[key])]
        elif None not in (left, right):
            found += _apart(section, left, right)
    return tuple(found)


def _apart(name: str, left: object, right: object) -> list[str]:
    """What differs within two values of a recipe: of sections within, such as augmentation, key by key."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        keys = dict.fromkeys((*left, *right))
        return [said for key in keys for said in _apart(f"{name}.{key}", left.get(key), right.get(key))]
    return [f"{name} ({left} and {right})"] if left != right else []


def seeds_of(runs: Sequence[Path]) -> list[Hashable] | None:
    """The seeds of the runs of a search, or None where one has no recipe."""
    recipes = [source(run).recipe for run in runs]
    if not all(recipes):
        return None
    seeds = [(recipe.get("seed", 0), recipe.get("trial_seed", 0)) for recipe in recipes if recipe]
    for place, seed in enumerate(seeds):
        if seed in seeds[:place]:
            raise RunError(
                f"the runs of a search must differ in their seeds, but {runs[seeds.index(seed)]} and {runs[place]} "
                f"both have seed={seed[0]}, trial_seed={seed[1]}."
            )
    return list(seeds)
