"""Exported files: equal outputs at any batch, no batch-norm left, what the file says of itself."""

import json
import os
import signal
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
import torch

from nas.architecture import Architecture
from nas.errors import ModelError
from nas.network.build import build
from nas.network.layers import Convolution
from nas.network.network import Network
from nas.training import export as module
from nas.training import onnx_file
from nas.training.export import Format, export
from nas.training.interrupt import interrupted_as_usual
from nas.training.latency import Timing
from nas.training.model_folder import Facts

FACTS = Facts(
    architecture="0" * 16,
    data="noise",
    classes=4,
    class_names=("a", "b", "c", "d"),
    resolution=12,
    mean=(0.5, 0.5, 0.5),
    std=(0.2, 0.2, 0.2),
    seed=0,
    epochs=1,
)


@pytest.fixture(scope="module")
def trained(tiny: Architecture) -> Network:
    """A network whose batch-norm does something."""
    generator = torch.Generator().manual_seed(0)
    network = build(tiny, classes=4, resolution=12, generator=generator, plan="plain")
    with torch.no_grad():
        for part in network.modules():
            if isinstance(part, Convolution) and part.norm is not None:
                part.norm.running_mean.uniform_(-0.5, 0.5, generator=generator)  # type: ignore[union-attr]
                part.norm.running_var.uniform_(0.5, 2.0, generator=generator)  # type: ignore[union-attr]
    return network.eval()


@pytest.fixture(autouse=True)
def timed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def once(run: object) -> Timing:
        assert callable(run) and run().shape == (1, 4)
        return Timing(seconds=0.5, runs=1)

    def in_torch(network: Network, one: torch.Tensor) -> Timing:
        assert network(one).shape == (1, 4)
        return Timing(seconds=0.25, runs=1)

    monkeypatch.setattr(module, "median_time", once)
    monkeypatch.setattr(module, "network_time", in_torch)


def images(count: int) -> torch.Tensor:
    return torch.randn(count, 3, 12, 12, generator=torch.Generator().manual_seed(1))


def test_onnx(trained: Network, tmp_path: Path) -> None:
    made = export(trained, tmp_path / "new" / "tiny.onnx", kind="onnx", facts=FACTS, images=images(7))
    assert made.images == 7 and made.difference < 1e-5 and made.size == made.path.stat().st_size
    assert (made.seconds, made.torch_seconds) == (0.5, 0.25)
    model = onnx.load(made.path)
    assert "BatchNormalization" not in {node.op_type for node in model.graph.node}
    (read,) = model.graph.input
    assert [dim.dim_param or dim.dim_value for dim in read.type.tensor_type.shape.dim] == ["batch", 3, 12, 12]
    facts = {each.key: json.loads(each.value) for each in model.metadata_props if each.key in ("mean", "class_names")}
    assert facts == {"mean": [0.5, 0.5, 0.5], "class_names": ["a", "b", "c", "d"]}


def test_torch(trained: Network, tmp_path: Path) -> None:
    made = export(trained, tmp_path / "tiny.pt2", kind="torch", facts=FACTS, images=images(5))
    assert made.difference < 1e-5
    extra = {"facts.json": ""}
    program = torch.export.load(made.path, extra_files=extra)
    assert torch.allclose(program.module()(images(3)), trained(images(3)), atol=1e-5)
    assert json.loads(extra["facts.json"])["resolution"] == 12
    assert zipfile.is_zipfile(made.path)


def test_other_outputs_are_refused(trained: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_program", lambda *_: lambda images: trained(images) + 2e-4)
    (tmp_path / "tiny.pt2").write_bytes(b"a good one")
    with pytest.raises(ModelError, match=r"must differ .* by less than 0\.0001, but by up to 0\.0002 they do\."):
        export(trained, tmp_path / "tiny.pt2", kind="torch", facts=FACTS, images=images(2))
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [b"a good one"]


def test_a_difference_is_held_to_the_size_of_the_logits(tiny: Architecture, tmp_path: Path) -> None:
    network = build(tiny, classes=4, resolution=12, generator=torch.Generator().manual_seed(0), plan="plain").eval()
    with torch.no_grad():
        network.linear.linear.weight.mul_(1e5)  # type: ignore[union-attr]
    made = export(network, tmp_path / "large.pt2", kind="torch", facts=FACTS, images=images(3))
    assert 1e-4 < made.difference < 1e-5 * float(network(images(3)).detach().abs().max())


def test_missing_packages(trained: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_file, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"needs the package onnx, but .* `pip install 'inception-nas\[export\]'`"):
        export(trained, tmp_path / "tiny.onnx", kind="onnx", facts=FACTS, images=images(2))


@pytest.mark.parametrize(("data", "share", "border"), [("folder", 0.875, 0), ("fashion-mnist", 1.0, 2)])
def test_files_tell_how_a_picture_becomes_the_input(
    trained: Network, tmp_path: Path, data: str, share: float, border: int
) -> None:
    facts = replace(FACTS, data=data, resolution=32)
    made = export(trained, tmp_path / "tiny.onnx", kind="onnx", facts=facts, images=images(2))
    told = {each.key: json.loads(each.value) for each in onnx.load(made.path).metadata_props}
    interpolation = "none" if border else "bilinear"
    expected = {"crop_share": share, "border": border, "interpolation": interpolation, "resolution": 32, "data": data}
    assert expected.items() <= told.items()


def test_a_place_that_cannot_be_written_is_named(trained: Network, tmp_path: Path) -> None:
    taken = tmp_path / "taken.pt2"
    taken.mkdir()
    for path in (taken, Path("/proc/tiny.pt2")):
        with pytest.raises(OSError) as caught:
            export(trained, path, kind="torch", facts=FACTS, images=images(2))
        assert caught.value.filename == str(path)
    assert list(tmp_path.iterdir()) == [taken]


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C as usual, also where the tests run in the background of a script: shells let it be ignored there."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("kind", ["onnx", "torch"])
def test_an_interruption_is_told_as_one(
    trained: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Format
) -> None:
    """Torch's exporters catch it, and raise an error of their own."""

    def swallowing(*arguments: object, **options: object) -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(60)
        except KeyboardInterrupt as error:
            raise RuntimeError("Failed to export the model.") from error

    monkeypatch.setattr(torch.onnx if kind == "onnx" else torch.export, "export", swallowing)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        export(trained, tmp_path / f"tiny{module.SUFFIXES[kind]}", kind=kind, facts=FACTS, images=images(2))
    assert signal.getsignal(signal.SIGINT) is before and list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("interruptible")
def test_an_interruption_that_was_passed_over_is_told_in_the_end() -> None:
    with pytest.raises(KeyboardInterrupt), interrupted_as_usual(), suppress(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(60)


def test_errors_and_other_threads_are_as_ever() -> None:
    with pytest.raises(RuntimeError, match="mine"), interrupted_as_usual():
        raise RuntimeError("mine")
    seen = []

    def elsewhere() -> None:
        with interrupted_as_usual():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGINT)]
