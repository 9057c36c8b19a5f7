"""A delivered network as a detector's trunk: maps, channels, gradients, and a detector that learns."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from model_folders import NETWORK, make
from torch import Tensor
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator

import nas
from nas.data.config import DataConfig
from nas.errors import ModelError

DATA = DataConfig(name="digits", resolution=32)
NAMES = tuple("0123456789")
SIDE = 32


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    network = replace(NETWORK, stem=replace(NETWORK.stem, kind="dense7x7"))
    return make(tmp_path_factory.mktemp("models") / "digits", DATA, NAMES, resolution=32, architecture=network)


def test_maps(folder: Path) -> None:
    body = nas.backbone(folder, out_channels=16).eval()
    images = torch.randn(2, 3, 64, 48, generator=torch.Generator().manual_seed(0))
    trunk = body.body(images)
    assert {name: tuple(maps.shape) for name, maps in trunk.items()} == {"3": (2, 20, 8, 6), "4": (2, 20, 4, 3)}
    for mine, whole in zip(trunk.values(), nas.load_model(folder).features(images), strict=True):
        assert torch.allclose(mine, whole, atol=1e-5)
    maps = body(images)
    assert [(name, tuple(each.shape)) for name, each in maps.items()] == [
        ("3", (2, 16, 8, 6)),
        ("4", (2, 16, 4, 3)),
        ("pool", (2, 16, 2, 2)),
    ]
    assert body.out_channels == 16 and body.mean == [0.3, 0.3, 0.3]


def test_every_parameter_gets_a_gradient(folder: Path) -> None:
    body = nas.backbone(folder, out_channels=8).train()
    sum(each.square().sum() for each in body(torch.randn(1, 3, SIDE, SIDE)).values()).backward()  # type: ignore[union-attr]
    assert all(parameter.grad is not None for parameter in body.parameters())
    assert not any("norm" in name for name, _ in body.body.named_parameters())


def scenes(count: int) -> tuple[list[Tensor], list[dict[str, Tensor]]]:
    """Dark noise with one bright square each, and its box."""
    generator = torch.Generator().manual_seed(3)
    images, targets = [], []
    for _ in range(count):
        image = 0.2 * torch.rand(3, SIDE, SIDE, generator=generator)
        left, top = (int(each) for each in torch.randint(2, 14, (2,), generator=generator))
        image[:, top : top + 14, left : left + 14] += 0.7
        images.append(image)
        box = torch.tensor([[left, top, left + 14, top + 14]], dtype=torch.float32)
        targets.append({"boxes": box, "labels": torch.ones(1, dtype=torch.int64)})
    return images, targets


def test_a_detector_learns(folder: Path) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        body = nas.backbone(folder, out_channels=16)
        detector = FasterRCNN(
            body,
            num_classes=2,
            min_size=SIDE,
            max_size=SIDE,
            image_mean=body.mean,
            image_std=body.std,
            rpn_anchor_generator=AnchorGenerator(((8,), (16,), (24,)), ((1.0,),) * 3),
            rpn_pre_nms_top_n_train=50,
            rpn_post_nms_top_n_train=20,
            box_batch_size_per_image=16,
        ).train()
        optimizer = torch.optim.SGD(detector.parameters(), lr=0.02, momentum=0.9)
        images, targets = scenes(4)
        losses = []
        for _ in range(25):
            loss = sum(detector(images, targets).values())
            assert isinstance(loss, Tensor)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])


def test_series_are_refused(tmp_path: Path) -> None:
    folder = make(tmp_path / "series", DATA, NAMES, resolution=32, architecture=replace(NETWORK, dims=1))
    with pytest.raises(ModelError, match=r"must be of a network for images, but .* holds one for series"):
        nas.backbone(folder)
