"""Model folders: what is written comes back, and what does not fit is refused in one sentence."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

import nas
from nas import serialize
from nas.architecture import Architecture
from nas.data.splits import Data
from nas.errors import ModelError
from nas.network.build import build
from nas.training.checkpoint import read_checkpoint, write_checkpoint
from nas.training.finals import digest, figures, read_split
from nas.training.model_folder import (
    ARCHITECTURE,
    WEIGHTS,
    facts_of,
    load_model,
    load_weights,
    normalised,
    read_architecture,
    read_facts,
    seed_weights,
    write_weights,
)


def state(architecture: Architecture, data: Data, seed: int) -> dict[str, Tensor]:
    """Of a network with its auxiliary heads, as training leaves it."""
    generator = torch.Generator().manual_seed(seed)
    network = build(architecture, classes=data.classes, resolution=data.resolution, generator=generator, auxiliary=True)
    return network.state_dict()


@pytest.fixture
def folder(tmp_path: Path, tiny: Architecture, noise: Data) -> Path:
    (tmp_path / ARCHITECTURE).write_text(serialize.to_json(tiny))
    for seed, path in ((3, tmp_path / WEIGHTS), (4, seed_weights(tmp_path, 4))):
        write_weights(path, state(tiny, noise, seed), tiny, facts_of(tiny, noise, seed=seed, epochs=7))
    return tmp_path


def test_one_line_gives_the_network_back(folder: Path, tiny: Architecture, noise: Data) -> None:
    network = nas.load_model(folder)
    assert not network.training and all(each.requires_grad for each in network.parameters())
    expected = state(tiny, noise, 3)
    left_out = expected.keys() - network.state_dict().keys()
    assert left_out and all(name.startswith("aux") for name in left_out)
    assert all(torch.equal(value, expected[name]) for name, value in network.state_dict().items())
    assert network(torch.zeros(2, 3, 12, 12)).shape == (2, 4)
    other = load_model(str(folder), seed=4)
    assert not torch.equal(other.state_dict()["linear.linear.weight"], expected["linear.linear.weight"])


def test_facts(folder: Path, tiny: Architecture, noise: Data) -> None:
    facts = read_facts(folder)
    assert facts == facts_of(tiny, noise, seed=3, epochs=7)
    assert (facts.classes, facts.resolution, facts.mean) == (4, 12, noise.mean)
    assert read_architecture(folder) == tiny


def test_a_reading_is_that_of_the_network(folder: Path, tiny: Architecture, noise: Data) -> None:
    reading = read_split(folder / WEIGHTS, tiny, noise, "a", device="cpu")
    split = noise.split("a")
    images = (split.images.float().expand(-1, 3, -1, -1) / 255 - 0.5) / 0.25  # type: ignore[union-attr]
    with torch.no_grad():
        logits = load_model(folder)(images)
    assert reading.images == 24
    assert reading.accuracy == pytest.approx(float((logits.argmax(1) == split.labels).float().mean()))
    assert reading.loss == pytest.approx(float(torch.nn.functional.cross_entropy(logits, split.labels)), rel=1e-4)
    missed = (logits.argmax(1) != split.labels).tolist()
    assert reading.wrong == tuple(place for place, wrong in enumerate(missed) if wrong)
    assert "top5" not in figures(reading)
    assert figures(reading)["wrong"].split() == [str(place) for place in reading.wrong]
    assert digest(folder / WEIGHTS) != digest(seed_weights(folder, 4))


def test_images_are_normalised_as_the_weights_want_them(folder: Path, tiny: Architecture, noise: Data) -> None:
    odd = replace(read_facts(folder), mean=(0.1, 0.2, 0.3), std=(1.0, 1.0, 1.0))
    changed = normalised(noise, odd)
    assert changed.mean == changed.split("a").mean == (0.1, 0.2, 0.3)
    assert changed.split("a").labels is noise.split("a").labels
    as_wanted = read_split(folder / WEIGHTS, tiny, noise, "a", device="cpu")
    assert read_split(folder / WEIGHTS, tiny, changed, "a", device="cpu") == as_wanted


def test_five_best_with_many_classes(tmp_path: Path, tiny: Architecture, noise: Data) -> None:
    names = tuple(f"kind {index}" for index in range(120))
    many = replace(noise, classes=120, class_names=names)
    write_weights(tmp_path / WEIGHTS, state(tiny, many, 0), tiny, facts_of(tiny, many, seed=0, epochs=1))
    reading = read_split(tmp_path / WEIGHTS, tiny, many, "a", device="cpu")
    assert reading.top5 is not None and reading.accuracy <= reading.top5 < 1.0


def test_import_nas_and_the_attribute_load_no_torch_too_early() -> None:
    code = "import nas, sys; assert 'load_model' in nas.__all__; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    with pytest.raises(AttributeError, match="'load_modell'"):
        nas.load_modell  # type: ignore[attr-defined]  # noqa: B018


def test_a_checkpoint_of_another_architecture(folder: Path, tiny: Architecture) -> None:
    other = replace(tiny, stem=replace(tiny.stem, width=12))
    (folder / ARCHITECTURE).write_text(serialize.to_json(other))
    with pytest.raises(ModelError, match=r"must have architecture='[0-9a-f]{16}', but got architecture='[0-9a-f]{16}'"):
        load_model(folder)


def test_a_truncated_file(folder: Path) -> None:
    content = (folder / WEIGHTS).read_bytes()
    for length in (0, 4, 100, len(content) - 1):
        (folder / WEIGHTS).write_bytes(content[:length])
        with pytest.raises(ModelError, match="must be a whole checkpoint") as caught:
            load_model(folder)
        assert len(str(caught.value).splitlines()) == 1


def test_missing_left_over_and_misshapen_tensors(folder: Path) -> None:
    tensors, header = read_checkpoint(folder / WEIGHTS)
    name = "linear.linear.weight"
    for changed, words in (
        ({key: value for key, value in tensors.items() if key != name}, f"lacks '{name}'"),
        ({**tensors, "more": torch.zeros(1)}, "beyond them 'more'"),
        ({**tensors, name: tensors[name][:2]}, rf"'{name}' in .* must have the shape \(4, "),
    ):
        write_checkpoint(folder / WEIGHTS, changed, header)
        with pytest.raises(ModelError, match=words):
            load_model(folder)


def test_half_precision_is_converted(folder: Path, tiny: Architecture, noise: Data) -> None:
    tensors, header = read_checkpoint(folder / WEIGHTS)
    halves = {name: each.half() for name, each in tensors.items()}
    write_checkpoint(folder / WEIGHTS, halves, header)
    network = load_model(folder)
    assert network(torch.zeros(2, 3, 12, 12)).dtype == torch.float32
    for name, value in network.state_dict().items():
        assert torch.equal(value, halves[name].to(value.dtype)), name
    write_checkpoint(folder / WEIGHTS, {name: each.to(torch.int8) for name, each in tensors.items()}, header)
    with pytest.raises(ModelError, match=r"must be of the type torch\.float32, but got torch\.int8"):
        load_model(folder)


def test_classes_that_do_not_match(folder: Path, tiny: Architecture, noise: Data) -> None:
    names = ("kind 0", "kind 1", "kind 2", "another")
    with pytest.raises(ModelError, match=r"those of noise, 4 \(kind 0, kind 1, kind 2, \.\.\.\), but got 4 \(kind 0"):
        load_weights(folder / WEIGHTS, tiny, replace(noise, class_names=names))
    with pytest.raises(ModelError, match=r"those of noise, 2 \(x, y\), but got 4"):
        load_weights(folder / WEIGHTS, tiny, replace(noise, classes=2, class_names=("x", "y")))


def test_no_model_folder(tmp_path: Path, folder: Path, tiny: Architecture) -> None:
    with pytest.raises(ModelError, match=r"must hold architecture\.json"):
        load_model(tmp_path / "nowhere")
    with pytest.raises(ModelError, match=r"seed-9\.safetensors must exist"):
        load_model(folder, seed=9)
    (folder / ARCHITECTURE).write_text("{}")
    with pytest.raises(ModelError, match=r"^schema of an architecture must be 1, .* in .*architecture\.json"):
        load_model(folder)


def test_a_checkpoint_of_a_training_is_no_model(folder: Path, tiny: Architecture) -> None:
    tensors, header = read_checkpoint(folder / WEIGHTS)
    write_checkpoint(folder / WEIGHTS, tensors, header | {"mean": 0.5})
    with pytest.raises(ModelError, match="its header is broken: 'float' object is not iterable"):
        load_model(folder)
    del header["class_names"]
    write_checkpoint(folder / WEIGHTS, tensors, header)
    with pytest.raises(ModelError, match="its header lacks 'class_names'"):
        load_model(folder)
