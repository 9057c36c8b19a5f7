"""Architectures as JSON, and the content key that names a network.

The JSON carries a schema version. Reading is strict: an unknown or missing field is an error,
since a field that is skipped in silence would be another network.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any, Final

from nas.architecture import Architecture, AuxiliaryHead, Cell, Reduction, Stem
from nas.errors import ArchitectureError

SCHEMA: Final = 1
KEY_LENGTH: Final = 16
_LEAVES: Final = frozenset({bool, float, int, str})


def to_dict(architecture: Architecture) -> dict[str, Any]:
    """The architecture as plain data that ``json.dumps`` accepts."""
    return {"schema": SCHEMA, **_plain(architecture)}


def _plain(value: Any) -> Any:
    """As ``dataclasses.asdict``, which takes several times as long: it copies what cannot change."""
    if isinstance(value, tuple):
        return tuple([_plain(part) for part in value])
    if not hasattr(value, "__dataclass_fields__"):
        return value
    plain = {name: getattr(value, name) for name in value.__dataclass_fields__}
    for name, part in plain.items():
        if type(part) not in _LEAVES:
            plain[name] = _plain(part)
    return plain


def to_json(architecture: Architecture, indent: int | None = None) -> str:
    """The architecture as JSON text; equal architectures give equal text."""
    separators = (",", ":") if indent is None else None
    return json.dumps(to_dict(architecture), indent=indent, separators=separators)


def key(architecture: Architecture) -> str:
    """Sixteen hexadecimal digits that are equal for equal networks and for no others.

    What a dataclass normalises (the kind of an absent branch) cannot make two keys of one network.
    """
    return hashlib.sha256(to_json(architecture).encode()).hexdigest()[:KEY_LENGTH]


def inference_key(architecture: Architecture) -> str:
    """The key of the network as it is used: without auxiliary heads and dropout."""
    return key(replace(architecture, auxiliary=(), dropout=0.0))


def from_json(text: str) -> Architecture:
    """Read an architecture from JSON text.

    Raises:
        ArchitectureError: text that is not JSON, another schema, an unknown or missing field,
            or a part that cannot exist.
    """
    try:
        data = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise ArchitectureError(f"an architecture must be JSON, but the text does not parse: {error}.") from error
    return from_dict(data)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if name in fields:
            raise ArchitectureError(f"a field must be given once, but {name!r} is given twice.")
        fields[name] = value
    return fields


def load(path: Path) -> Architecture:
    """Read an architecture from a JSON file.

    Raises:
        ArchitectureError: a file that cannot be read, or that holds no architecture.
    """
    try:
        return from_json(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise ArchitectureError(f"an architecture file must be readable text, but got {path}: {error}.") from error
    except ArchitectureError as error:
        raise ArchitectureError(f"{str(error).rstrip('.')}, in {path}.") from error


def from_dict(data: object) -> Architecture:
    """Read an architecture from plain data; errors as in :func:`from_json`."""
    if not isinstance(data, Mapping):
        raise ArchitectureError(f"an architecture must be a JSON object, but got {type(data).__name__}.")
    if type(data.get("schema")) is not int or data["schema"] != SCHEMA:
        raise ArchitectureError(f"schema of an architecture must be {SCHEMA}, but got schema={data.get('schema')!r}.")
    rest = {name: value for name, value in data.items() if name != "schema"}
    values = _checked(Architecture, rest, "the architecture")
    values["stem"] = Stem(**_checked(Stem, values.get("stem"), "the stem"))
    values["stages"] = tuple(
        tuple(Cell(**_checked(Cell, cell, f"stages[{i}][{j}]")) for j, cell in enumerate(_list(stage, f"stages[{i}]")))
        for i, stage in enumerate(_list(values.get("stages"), "stages"))
    )
    for name, kind in (("reductions", Reduction), ("auxiliary", AuxiliaryHead)):
        items = _list(values.get(name, ()), name)
        values[name] = tuple(kind(**_checked(kind, item, f"{name}[{i}]")) for i, item in enumerate(items))
    return Architecture(**values)


def _list(value: object, owner: str) -> list[object]:
    if not isinstance(value, list | tuple):
        raise ArchitectureError(f"{owner} must be a list, but got {owner}={value!r}.")
    return list(value)


def _checked(kind: type, data: object, owner: str) -> dict[str, Any]:
    if not isinstance(data, Mapping):
        raise ArchitectureError(f"{owner} must be a JSON object, but got {data!r}.")
    allowed = {field.name: field for field in fields(kind)}
    unknown = sorted(set(map(str, data)) - set(allowed))
    if unknown:
        raise ArchitectureError(f"{owner} has no field {unknown[0]!r}; its fields are {', '.join(allowed)}.")
    required = [name for name, field in allowed.items() if _has_no_default(field)]
    missing = [name for name in required if name not in data]
    if missing:
        raise ArchitectureError(f"{owner} lacks the field {missing[0]!r}; it must have {', '.join(required)}.")
    return dict(data)


def _has_no_default(field: Any) -> bool:
    return field.default is MISSING and field.default_factory is MISSING
