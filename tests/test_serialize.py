"""JSON of architectures: round trips, keys that are equal for equal networks, strict reading."""

import json
import re
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.architecture import WIDTHS, Architecture
from nas.errors import ArchitectureError
from nas.presets import GOOGLENET, PRESETS
from nas.serialize import from_dict, from_json, inference_key, key, load, to_dict, to_json
from strategies import architectures, random_architecture


@given(architectures())
def test_round_trip(architecture: Architecture) -> None:
    text = to_json(architecture)
    back = from_json(text)
    assert back == architecture
    assert hash(back) == hash(architecture)
    assert to_json(back) == text
    assert from_json(to_json(architecture, indent=2)) == architecture
    assert from_dict(json.loads(text)) == architecture


@given(architectures())
def test_the_key_does_not_depend_on_the_order_of_fields(architecture: Architecture) -> None:
    data = to_dict(architecture)
    turned = {name: data[name] for name in reversed(data)}
    turned["stages"] = [[dict(reversed(cell.items())) for cell in stage] for stage in data["stages"]]
    assert key(from_dict(turned)) == key(architecture)
    assert re.fullmatch("[0-9a-f]{16}", key(architecture))


@given(architectures(), architectures())
def test_keys_are_equal_for_equal_networks_only(one: Architecture, other: Architecture) -> None:
    assert (key(one) == key(other)) == (one == other)


def test_keys_of_a_thousand_networks() -> None:
    networks = {random_architecture(Random(seed)) for seed in range(1000)}
    assert len(networks) > 990
    assert len({key(network) for network in networks}) == len(networks)


@given(architectures(), st.randoms(use_true_random=False))
def test_any_changed_field_changes_the_key(architecture: Architecture, random: Random) -> None:
    data = to_dict(architecture)
    cell = random.choice(random.choice(data["stages"]))
    name = random.choice([name for name in WIDTHS if cell[name]])
    cell[name] += 1
    changed = from_dict(data)
    assert key(changed) != key(architecture)
    assert inference_key(changed) != inference_key(architecture)


def test_the_kind_of_an_absent_branch_is_no_second_key() -> None:
    cell = replace(GOOGLENET.stages[0][0], b5x5=0, b5x5_reduce=0)
    keys = {
        key(replace(GOOGLENET, stages=((replace(cell, wide=wide),), *GOOGLENET.stages[1:])))  # type: ignore[arg-type]
        for wide in ("5x5", "3x3", "dw5")
    }
    assert len(keys) == 1


def test_keys_of_the_presets_differ() -> None:
    assert len({key(preset) for preset in PRESETS.values()}) == 3
    bare = replace(GOOGLENET, auxiliary=(), dropout=0.0)
    assert key(bare) != key(GOOGLENET)
    assert inference_key(bare) == inference_key(GOOGLENET) == key(bare)


def test_the_key_of_the_paper_network_never_changes() -> None:
    """Run folders refer to networks by key; a change of the text needs another schema number."""
    assert key(GOOGLENET) == "e61fe7dabc21419d"


def damaged(path: str, value: Any) -> dict[str, Any]:
    """GoogLeNet's data with the field at ``path`` set, or deleted where ``value`` is ``...``."""
    data = deepcopy(json.loads(to_json(GOOGLENET)))
    place: Any = data
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for part in parents:
        place = place[part]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return data  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        ("schema", True, "schema of an architecture must be 1, but got schema=True."),
        ("schema", 2, "schema of an architecture must be 1, but got schema=2."),
        ("schema", ..., "schema of an architecture must be 1, but got schema=None."),
        (
            "depth",
            22,
            "the architecture has no field 'depth'; its fields are stem, stages, reductions, norm, auxiliary, dropout, "
            "dims.",
        ),
        ("stem", ..., "the architecture lacks the field 'stem'; it must have stem, stages, reductions."),
        ("stem", 3, "the stem must be a JSON object, but got 3."),
        ("stem.width", ..., "the stem lacks the field 'width'; it must have kind, width."),
        ("stages", {}, "stages must be a list, but got stages={}."),
        ("stages.1", None, "stages[1] must be a list, but got stages[1]=None."),
        ("stages.1.2", [], "stages[1][2] must be a JSON object, but got []."),
        (
            "stages.1.2.b7x7",
            8,
            "stages[1][2] has no field 'b7x7'; its fields are b1x1, b3x3_reduce, b3x3, b5x5_reduce, b5x5, pool_proj, "
            "wide, shortcut, se.",
        ),
        (
            "stages.0.0.pool_proj",
            ...,
            "stages[0][0] lacks the field 'pool_proj'; it must have b1x1, b3x3_reduce, b3x3, b5x5_reduce, b5x5, "
            "pool_proj.",
        ),
        ("stages.0.0.b3x3", 0, "`b3x3_reduce == 0` must hold where b3x3=0, but got b3x3_reduce=96."),
        ("reductions.1.size", 2, "reductions[1] has no field 'size'; its fields are kind, kernel, width, reduce."),
        ("auxiliary", 1, "auxiliary must be a list, but got auxiliary=1."),
        ("auxiliary.0.stage", ..., "auxiliary[0] lacks the field 'stage'; it must have stage, cell."),
        ("norm", "none ", "norm of an architecture must be one of 'batch', 'none', 'lrn', but got norm='none '."),
    ],
)
def test_reading_is_strict(path: str, value: Any, sentence: str) -> None:
    with pytest.raises(ArchitectureError) as caught:
        from_dict(damaged(path, value))
    assert str(caught.value) == sentence


def test_optional_fields_may_be_left_out() -> None:
    data = {"schema": 1, "stem": {"kind": "conv3x3", "width": 8}, "reductions": []}
    cell = {"b1x1": 1, "b3x3_reduce": 0, "b3x3": 2, "b5x5_reduce": 0, "b5x5": 0, "pool_proj": 0}
    network = from_dict(data | {"stages": [[cell]]})
    assert (network.norm, network.dropout, network.auxiliary, network.dims) == ("batch", 0.4, (), 2)


@pytest.mark.parametrize("text", ["", "{", "nothing", "[" * 100_000])
def test_text_that_is_no_json(text: str) -> None:
    with pytest.raises(ArchitectureError, match=r"^an architecture must be JSON, but the text does not parse: .+\.$"):
        from_json(text)


def test_a_field_that_is_given_twice_is_refused() -> None:
    text = to_json(GOOGLENET)
    with pytest.raises(ArchitectureError, match=r"given once, but 'norm' is given twice\."):
        from_json(text[:-1] + ', "norm": "batch"}')


@pytest.mark.parametrize(("text", "kind"), [("[]", "list"), ("3", "int"), ("null", "NoneType")])
def test_json_that_is_no_object(text: str, kind: str) -> None:
    with pytest.raises(ArchitectureError, match=rf"^an architecture must be a JSON object, but got {kind}\.$"):
        from_json(text)


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "network.json"
    path.write_text(to_json(GOOGLENET, indent=1))
    assert load(path) == GOOGLENET
    with pytest.raises(
        ArchitectureError, match=r"^an architecture file must be readable text, but got .*absent\.json: "
    ):
        load(tmp_path / "absent.json")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ArchitectureError, match=r"^an architecture file must be readable text"):
        load(path)
