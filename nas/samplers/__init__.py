"""Samplers by name: random, evolution, tpe, nsga2, gp, and any of Optuna's by import path."""

import difflib
import inspect
import sys
import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Final

from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, NSGAIISampler, QMCSampler, TPESampler

from nas.errors import SamplerError, one_line
from nas.feasible import Network
from nas.samplers.base import History, Proposal, Sampler
from nas.samplers.evolution import EvolutionSampler
from nas.samplers.gp import GaussianProcessSampler
from nas.samplers.optuna_samplers import OptunaSampler
from nas.samplers.uniform import RandomSampler

__all__ = ["NAMES", "History", "Network", "Proposal", "Sampler", "make_sampler"]

Options = Mapping[str, object]


def make_sampler(name: str, options: Options | None = None) -> Sampler:
    """A sampler by name, or one of Optuna's as ``package.module:Class``, with its options.

    Raises:
        SamplerError: an unknown name or option, or a value that the sampler refuses.
    """
    if ":" in name:
        return _imported(name, options or {})
    if name in _MAKERS:
        return _MAKERS[name](name, options or {})
    near = difflib.get_close_matches(name, NAMES, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    names = f"{', '.join(NAMES)}, or an Optuna sampler as 'package.module:Class'"
    raise SamplerError(f"sampler must be one of {names}, but got {name!r}{hint}")


def _own(kind: Callable[..., Sampler]) -> Callable[[str, Options], Sampler]:
    def make(name: str, options: Options) -> Sampler:
        allowed = [field for field in inspect.signature(kind).parameters if field != "name"]
        _check_options(name, options, allowed)
        for option, value in options.items():
            if type(value) is not int:
                raise SamplerError(f"option {option} of sampler {name!r} must be a whole number, but got {value!r}.")
        return kind(**options)

    return make


def _optuna(kind: type[BaseSampler], defaults: Options) -> Callable[[str, Options], Sampler]:
    def make(name: str, options: Options) -> Sampler:
        built_in = not _asks_otherwise(options)
        return OptunaSampler(name=name, factory=_factory(name, kind, {**defaults, **options}), built_in=built_in)

    return make


def _asks_otherwise(options: Options) -> bool:
    """Whether TPE is not to sample all parameters at once: then it is asked as any other sampler of Optuna's."""
    return bool(options.get("group")) or not options.get("multivariate", True)


def _imported(path: str, options: Options) -> Sampler:
    module, _, attribute = path.partition(":")
    try:
        kind = getattr(import_module(module), attribute)
    except Exception as error:  # A user's module may raise anything.
        raise SamplerError(f"sampler {path!r} cannot be imported: {one_line(error).rstrip('.')}.") from error
    if not (isinstance(kind, type) and issubclass(kind, BaseSampler)):
        raise SamplerError(f"sampler {path!r} must be a subclass of optuna.samplers.BaseSampler, but it is {kind!r}.")
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)  # None where it was written in a notebook.
    return OptunaSampler(
        name=path,
        factory=_factory(path, kind, options),
        built_in=False,
        one_sequence=issubclass(kind, QMCSampler),
        file=None if file is None or kind.__module__.startswith("optuna.") else Path(file),
    )


def _factory(name: str, kind: type[BaseSampler], options: Options) -> Callable[[int], BaseSampler]:
    parameters = inspect.signature(kind).parameters
    _check_options(name, options, list(parameters))
    if "seed" in options and not issubclass(kind, QMCSampler):
        # It would be built with this seed for every proposal, and suggest one point for ever.
        raise SamplerError(
            f"sampler {name!r} must be given no seed, for it draws by the seed of the search, "
            f"but got seed={options['seed']!r}."
        )

    def build(seed: int) -> BaseSampler:
        seeded = {"seed": seed} if "seed" in parameters else {}
        return kind(**{**seeded, **options})

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            build(0)
    except (TypeError, ValueError, ImportError, AttributeError) as error:
        raise SamplerError(f"sampler {name!r} cannot be built: {one_line(error).rstrip('.')}.") from error
    return build


def _check_options(name: str, options: Options, allowed: list[str]) -> None:
    unknown = [option for option in options if option not in allowed]
    if unknown:
        near = difflib.get_close_matches(unknown[0], allowed, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; it has {', '.join(allowed) or 'none'}."
        raise SamplerError(f"sampler {name!r} has no option {unknown[0]!r}{hint}")


_MAKERS: Final[Mapping[str, Callable[[str, Options], Sampler]]] = {
    "gp": _own(GaussianProcessSampler),
    "random": _own(RandomSampler),
    "evolution": _own(EvolutionSampler),
    "tpe": _optuna(TPESampler, {"multivariate": True, "constant_liar": True}),
    "nsga2": _optuna(NSGAIISampler, {"population_size": 20}),
}
NAMES: Final = tuple(_MAKERS)
