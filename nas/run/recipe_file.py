"""Read a recipe from YAML, with overrides; write the resolved one. The border where pydantic stands."""

import difflib
import re
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, Union

import yaml
from pydantic import TypeAdapter, ValidationError

from nas.budget import METRICS
from nas.errors import RecipeError, one_line
from nas.run.recipe import Recipe
from nas.training.config import TRAININGS

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")

RECIPES: Final = Path(__file__).parents[2] / "runs"
"""The recipes that come with the package: beside it in a checkout and in an installed wheel."""

BAND: Final = 0.9
"""Least share of the budget in a search for one best network: most of the gain over random search lies in the band."""

_WANTED: Final = {"int_from_float": "a whole number", "tuple_type": "a list in brackets, such as [accuracy, macs]"}
"""What pydantic says by its type of error, in words of recipes."""

LENGTH: Final = ("epochs", "images_per_epoch")
"""What a training is long by, whatever its recipe."""


class _Loader(yaml.SafeLoader):
    """Safe YAML, with numbers such as 1.5e9 read as numbers (YAML 1.2), not as text (YAML 1.1), and no key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping; a key that is given again is a ValueError."""
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for place, name in enumerate(names):
            if name in names[:place]:
                raise ValueError(f"the key {name!r} is given twice")
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9][0-9_]*(\.[0-9]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


class _Dumper(yaml.SafeDumper):
    """Safe YAML, with tuples as lists."""


_Dumper.add_representer(tuple, yaml.SafeDumper.represent_list)


def find_recipe(name: str) -> Path:
    """The file of a recipe: a path, or the name of one that comes with the package.

    Raises:
        RecipeError: neither a file nor a known name.
    """
    path = Path(name)
    if path.is_file():
        return path
    shipped = {file.stem: file for file in sorted(RECIPES.glob("*.yaml"))}
    if name in (path.stem, f"{path.stem}.yaml", f"runs/{path.stem}.yaml") and path.stem in shipped:
        return shipped[path.stem]
    known = ", ".join(shipped)
    raise RecipeError(
        f"recipe must be a YAML file that exists or one of {known}, but got {name!r}.{_near(name, shipped)}"
    )


def read_recipe(path: Path, overrides: Mapping[str, str] | None = None) -> Recipe:
    """Read and validate a recipe.

    Args:
        path: a YAML file.
        overrides: text values by dotted key, such as ``{"budget.macs": "2e7"}``, read as YAML.

    Raises:
        RecipeError: a file that is no recipe, an unknown key, a wrong type, a value out of range.
    """
    data = read_mapping(path)
    override(data, overrides or {})
    data.setdefault("name", path.stem)
    return build_recipe(data)


def read_mapping(path: Path) -> dict[str, Any]:
    """The keys and values of a YAML file; a file that holds none is a RecipeError."""
    try:
        data = yaml.load(path.read_text(), Loader=_Loader)
    except (OSError, ValueError, yaml.YAMLError) as error:  # A date that is none is a ValueError.
        raise RecipeError(f"a recipe must be readable YAML, but got {path}: {one_line(error)}.") from error
    if not isinstance(data, dict):
        raise RecipeError(f"a recipe must be a YAML mapping of keys to values, but {path} holds {_kind(data)}.")
    return data


def override(data: dict[str, Any], overrides: Mapping[str, str]) -> None:
    """Set values, given as YAML text by dotted key, in place.

    A resolved section ``training`` holds every value of the recipe that it came from. Where ``training.recipe`` names
    another one, only its length is kept; where ``training.epochs`` changes, a warm-up that is stated does with it.

    Raises:
        RecipeError: text that is not YAML, or a key below what is no section.
    """
    training = data.get("training")
    if "training.recipe" in overrides and isinstance(training, Mapping) and "recipe" not in training:
        data["training"] = {name: training[name] for name in LENGTH if training.get(name) is not None}
    scaled = not {"training", "training.warmup_epochs"} & overrides.keys()
    for key, text in overrides.items():
        try:
            value = yaml.load(text, Loader=_Loader)
        except (ValueError, yaml.YAMLError) as error:
            raise RecipeError(f"{key} must be set to a YAML value, but got {text!r}.") from error
        if key == "training.epochs" and scaled and isinstance(data.get("training"), Mapping):
            data["training"] = with_epochs(data["training"], value)
        _set(data, key.split("."), value, key)


def with_epochs(training: Mapping[str, Any], epochs: object) -> dict[str, Any]:
    """A section ``training`` with other epochs; a warm-up that it states is a part of the schedule, and scales with it.

    ``None`` changes nothing. What is no number, here or there, is for the validation to refuse.
    """
    changed = dict(training)
    if epochs is None:
        return changed
    named = TRAININGS.get(str(training.get("recipe")))
    match epochs, training.get("epochs", named and named.epochs), training.get("warmup_epochs"):
        case int() | float(), int() | float() as before, int() | float() as warmup if before > 0:
            changed["warmup_epochs"] = warmup * epochs / before
    return changed | {"epochs": epochs}


def build_recipe(data: Mapping[str, Any]) -> Recipe:
    """Validate plain data as a recipe; errors as in :func:`read_recipe`.

    A search for one best network is held to the band just below its budget unless ``budget.at_least`` says otherwise.
    """
    budget = data.get("budget")
    alone = data.get("objectives", ["accuracy"]) == ["accuracy"]
    if alone and isinstance(budget, Mapping) and any(budget.get(limit) is not None for limit in METRICS):
        data = {**data, "budget": {"at_least": BAND, **budget}}
    return build(Recipe, data)


def build(kind: type[T], data: Mapping[str, Any]) -> T:
    """Validate plain data as a dataclass such as :class:`Recipe`; a section ``training`` may name its ``recipe``.

    Raises:
        RecipeError: an unknown key, a wrong type, a value out of range.
    """
    resolved = dict(data)
    training = resolved.get("training")
    if isinstance(training, Mapping) and "recipe" in training:
        resolved["training"] = _named_training(dict(training))
    _check_keys(kind, resolved, "")
    try:
        return TypeAdapter(kind).validate_python(resolved)
    except ValidationError as error:
        raise RecipeError(_sentence(error)) from error


def to_yaml(config: "DataclassInstance") -> str:
    """A dataclass of plain data as YAML that :func:`build` takes back."""
    return yaml.dump(asdict(config), Dumper=_Dumper, sort_keys=False)


def _named_training(training: dict[str, Any]) -> dict[str, Any]:
    name = training.pop("recipe")
    if not isinstance(name, str) or name not in TRAININGS:
        raise RecipeError(f"training.recipe must be one of {', '.join(TRAININGS)}, but got {name!r}.")
    base = with_epochs(asdict(TRAININGS[name]), training.get("epochs"))
    for key, value in training.items():
        base[key] = {**base[key], **value} if isinstance(base.get(key), dict) and isinstance(value, dict) else value
    return base


def _set(data: dict[str, Any], path: Sequence[str], value: object, key: str) -> None:
    *parents, last = path
    for parent in parents:
        data = data.setdefault(parent, {})
        if not isinstance(data, dict):
            raise RecipeError(f"--set {key} must name a key inside a section, but {parent} is {_kind(data)}.")
    data[last] = value


def _check_keys(kind: type, data: Mapping[str, Any], prefix: str) -> None:
    allowed = {field.name: field for field in fields(kind)}
    hints = typing.get_type_hints(kind)
    for key in data:
        if key not in allowed:
            hint = _hint(kind, str(key), prefix)
            raise RecipeError(f"a recipe has no key {prefix + str(key)!r}.{hint}")
    for name, field in allowed.items():
        if name not in data:
            if field.default is MISSING and field.default_factory is MISSING:
                raise RecipeError(f"a recipe must have the key {prefix + name!r}, but it is missing.")
        elif (inner := _dataclass_of(hints[name])) is not None:
            if not isinstance(data[name], Mapping):
                raise RecipeError(f"{prefix + name} must be a section of keys and values, but got {data[name]!r}.")
            _check_keys(inner, data[name], f"{prefix}{name}.")
        else:
            _check_scalars(hints[name], data[name], prefix + name)


def _hint(kind: type, name: str, prefix: str) -> str:
    """Where a key stands that was looked for in the wrong section, or what is like it here, or all that there is."""
    below = _below(kind, name, prefix)
    if below:
        return f" Did you mean {' or '.join(map(repr, below))}?"
    allowed = {field.name: field for field in fields(kind)}
    return _near(name, allowed, prefix) or f" Its keys are {', '.join(prefix + each for each in allowed)}."


def _below(kind: type, name: str, prefix: str) -> list[str]:
    """The keys of that name in the sections of a section."""
    hints = typing.get_type_hints(kind)
    found: list[str] = []
    for field in fields(kind):
        if (inner := _dataclass_of(hints[field.name])) is not None:
            path = f"{prefix}{field.name}."
            found += [path + name for each in fields(inner) if each.name == name] + _below(inner, name, path)
    return found


def _check_scalars(hint: object, value: object, key: str) -> None:
    """Refuse what pydantic would make a number or a flag of: true is no 1, 1 is not true, and text is neither."""
    options = typing.get_args(hint) or (hint,)
    for item in value if isinstance(value, list | tuple) else (value,):
        if isinstance(item, bool | str) and type(item) not in options and (int in options or float in options):
            raise RecipeError(f"{key} must be a number, but got {item!r}.")
        if bool in options and type(item) not in options:
            raise RecipeError(f"{key} must be true or false, but got {item!r}.")


def _dataclass_of(hint: object) -> type | None:
    options = typing.get_args(hint) if typing.get_origin(hint) in (Union, types.UnionType) else (hint,)
    return next((option for option in options if isinstance(option, type) and is_dataclass(option)), None)


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    cause = first.get("ctx", {}).get("error")
    if cause is not None:
        return str(cause)
    if first["type"] in _WANTED:
        return f"{where} must be {_WANTED[first['type']]}, but got {first['input']!r}."
    return f"{where}: {first['msg'][0].lower()}{first['msg'][1:]}, but got {first['input']!r}."


def _near(name: str, allowed: Mapping[str, object], prefix: str = "") -> str:
    close = difflib.get_close_matches(name, list(allowed), n=1, cutoff=0.5)
    return f" Did you mean {prefix + close[0]!r}?" if close else ""


def _kind(value: object) -> str:
    return {type(None): "nothing", str: "text", list: "a list"}.get(type(value), type(value).__name__)
