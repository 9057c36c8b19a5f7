"""torchvision's GoogLeNet from a file, and files that are none."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import GoogLeNet

from nas.errors import ModelError
from nas.network.build import build
from nas.presets import TORCHVISION
from nas.training.foreign import HALF, read_torchvision


@pytest.fixture(scope="module")
def theirs() -> GoogLeNet:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return GoogLeNet(num_classes=10, aux_logits=True, transform_input=True, init_weights=False).eval()


@pytest.fixture
def file(theirs: GoogLeNet, tmp_path: Path) -> Path:
    path = tmp_path / "googlenet.pth"
    torch.save(theirs.state_dict(), path)
    return path


def test_same_logits_as_torchvision(theirs: GoogLeNet, file: Path) -> None:
    """Images normalised by ImageNet's figures there, by 0.5 here: `transform_input` is that change."""
    ours = build(TORCHVISION, classes=10, resolution=64, generator=torch.Generator().manual_seed(0)).eval()
    ours.load_state_dict(read_torchvision(file, TORCHVISION, classes=10, resolution=64))
    pixels = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    mean, std = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1), torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    with torch.no_grad():
        expected = theirs((pixels - mean) / std)
        got = ours((pixels - HALF[0]) / HALF[0])
    assert torch.allclose(got, expected, atol=1e-4, rtol=1e-4)


def test_half_precision_is_converted(theirs: GoogLeNet, file: Path, tmp_path: Path) -> None:
    exact = read_torchvision(file, TORCHVISION, classes=10, resolution=32)
    torch.save({name: each.half() for name, each in theirs.state_dict().items()}, tmp_path / "half.pth")
    for name, value in read_torchvision(tmp_path / "half.pth", TORCHVISION, classes=10, resolution=32).items():
        assert value.dtype == exact[name].dtype
        torch.testing.assert_close(value, exact[name], rtol=1e-3, atol=1e-4)


class Harmful:
    """What a file must not be able to do."""

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return print, ("executed",)


NONE = r"file\.pth must hold the weights of a network, but it is no state_dict saved by torch\.save\.$"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (Harmful(), NONE),
        (nn.Linear(1, 1), NONE),
        ([1, 2], NONE),
        ({"a": 1}, NONE),
        ({"state_dict": 1}, NONE),
        ({"conv1.conv.weight": torch.zeros(1)}, "must have '.*' for our '.*', but lacks it"),
    ],
)
def test_files_that_are_no_state(content: Any, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "file.pth"
    torch.save(content, path)
    with pytest.raises(ModelError, match=words) as caught:
        read_torchvision(path, TORCHVISION, classes=10, resolution=32)
    assert len(str(caught.value).splitlines()) == 1
    assert "executed" not in capsys.readouterr().out


@pytest.mark.parametrize("content", ["hello\nworld\n", "some weights", "", "\x80\x02]", "<html></html>", "[1, 2]"])
def test_files_of_another_kind(content: str, tmp_path: Path) -> None:
    (tmp_path / "file.pth").write_text(content)
    with pytest.raises(ModelError, match=NONE):
        read_torchvision(tmp_path / "file.pth", TORCHVISION, classes=10, resolution=32)
    with pytest.raises(ModelError, match=r"must be readable, but Is a directory\.$"):
        read_torchvision(tmp_path, TORCHVISION, classes=10, resolution=32)


def test_a_state_among_other_things(theirs: GoogLeNet, file: Path, tmp_path: Path) -> None:
    torch.save({"epoch": 3, "state_dict": theirs.state_dict()}, tmp_path / "wrapped.pth")
    alone, wrapped = (
        read_torchvision(path, TORCHVISION, classes=10, resolution=32) for path in (file, tmp_path / "wrapped.pth")
    )
    assert alone.keys() == wrapped.keys()
    assert all(torch.equal(value, wrapped[name]) for name, value in alone.items())


def test_other_classes_missing_and_truncated_files(file: Path, tmp_path: Path, theirs: GoogLeNet) -> None:
    with pytest.raises(ModelError, match="those of the data, 7, but got 10"):
        read_torchvision(file, TORCHVISION, classes=7, resolution=32)
    with pytest.raises(ModelError, match="there is no such file"):
        read_torchvision(tmp_path / "none.pth", TORCHVISION, classes=10, resolution=32)
    state: dict[str, Tensor] = dict(theirs.state_dict())
    state["conv1.conv.weight"] = torch.zeros(64, 1, 7, 7)
    torch.save(state, tmp_path / "shape.pth")
    with pytest.raises(ModelError, match=r"must have the shape \(64, 3, 7, 7\)"):
        read_torchvision(tmp_path / "shape.pth", TORCHVISION, classes=10, resolution=32)
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(ModelError, match="it is no state_dict"):
        read_torchvision(file, TORCHVISION, classes=10, resolution=32)
