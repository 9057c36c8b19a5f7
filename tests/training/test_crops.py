"""Crops: a case counted by hand, torchvision's, those that coincide, and their averages."""

import io
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torchvision.transforms.functional import ten_crop

from nas.data import bar
from nas.data.splits import FolderSplit, Split
from nas.errors import DataError
from nas.training.crops import cut, probabilities
from nas.training.geometry import Crop, crops_of


def test_by_hand() -> None:
    """An image of 300 x 600 pixels at 224: at the second scale it is 288 x 576 and its squares are 288 apart."""
    crops = crops_of(144, height=300, width=600, resolution=224)
    assert len(crops) == sum(crops.values()) == 144
    second = [crop for crop in crops if crop.height == 288]
    assert len(second) == 36 and {crop.width for crop in second} == {576}
    # Squares start at columns 0, 144 and 288; a crop of 224 in a square of 288 starts 0, 32 or 64 further.
    plain = [crop for crop in second if not crop.mirrored]
    centre_square = {(crop.top, crop.left, crop.side) for crop in plain if 144 <= crop.left < 288}
    by_hand = {(0, 144, 224), (0, 208, 224), (64, 144, 224), (64, 208, 224), (32, 176, 224), (0, 144, 288)}
    assert centre_square == by_hand
    assert Crop(height=288, width=576, top=0, left=288, side=288, mirrored=True) in crops
    assert {crop.height for crop in crops} == {256, 288, 320, 352}


def test_upright_images_have_squares_below_each_other() -> None:
    lying = crops_of(144, height=300, width=431, resolution=96)
    upright = crops_of(144, height=431, width=300, resolution=96)
    turned = {replace(crop, height=crop.width, width=crop.height, top=crop.left, left=crop.top) for crop in upright}
    assert turned == set(lying)
    # round(256 * 96 / 224) = 110 and so on.
    assert {crop.height for crop in lying} == {110, 123, 137, 151}


def test_crops_that_coincide_are_one() -> None:
    square = crops_of(144, height=500, width=500, resolution=224)
    assert len(square) == 48 and set(square.values()) == {3}
    # At a resolution of 3 all scales are 3, 4 or 5 pixels, and at 3 every crop of a square is the whole.
    tiny = crops_of(144, height=9, width=9, resolution=3)
    assert sum(tiny.values()) == 144
    whole = Crop(height=3, width=3, top=0, left=0, side=3, mirrored=False)
    assert tiny[whole] == 18


@pytest.mark.parametrize("size", [(40, 60), (60, 40), (44, 44)])
def test_as_torchvision(size: tuple[int, int]) -> None:
    images = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0)) * 255
    crops = crops_of(10, height=size[0], width=size[1], resolution=28)
    (shape,) = {(crop.height, crop.width) for crop in crops}
    assert min(shape) == 32
    resized = F.interpolate(images, size=shape, mode="bilinear", align_corners=False, antialias=True)
    mine = [crop for crop, _ in cut(images, crops, 28)]
    theirs = ten_crop(resized, [28, 28])
    # Torchvision mirrors first and cuts then, so its corners of the mirror image stand in another order. (Its centre
    # would lie one pixel to the side of ours there, if an odd number of pixels were cut off.)
    order = (0, 1, 2, 3, 4, 6, 5, 8, 7, 9)
    assert len(mine) == 10
    assert all(torch.equal(crop, theirs[place]) for crop, place in zip(mine, order, strict=True))


class Brightness(nn.Module):
    """Logits (0, mean of the left half, mean of the right half): they tell mirrored crops apart."""

    def forward(self, x: Tensor) -> Tensor:
        half = x.shape[3] // 2
        left, right = x[..., :half].mean(dim=(1, 2, 3)), x[..., half:].mean(dim=(1, 2, 3))
        return torch.stack([torch.zeros_like(left), left, right], dim=1)


def split_of(images: Tensor) -> Split:
    return Split(
        images=images, labels=torch.zeros(len(images), dtype=torch.int64), mean=(0.4,) * 3, std=(0.2, 0.3, 0.4)
    )


@pytest.mark.parametrize("crops", [10, 144])
def test_probabilities_are_the_mean_over_all_crops(crops: int) -> None:
    images = torch.randint(0, 256, (5, 1, 14, 14), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    split, network = split_of(images), Brightness()
    got = probabilities(network, split, crops=crops, batch_size=64)
    total = torch.zeros(5, 3, dtype=torch.float64)
    mean, std = (torch.tensor(each).view(1, 3, 1, 1) * 255 for each in (split.mean, split.std))
    for crop, count in cut(images, crops_of(crops, height=14, width=14, resolution=14), 14):
        total += count * network((crop.expand(-1, 3, -1, -1) - mean) / std).double().softmax(dim=1)
    assert torch.allclose(got, total / crops, atol=1e-6)
    assert torch.allclose(got.sum(dim=1), torch.ones(5, dtype=torch.float64))
    assert torch.allclose(got[:, 1], got[:, 2], atol=1e-6)  # Mirrored crops make left and right equal.
    alone = probabilities(network, split_of(images[3:4]), crops=crops)
    assert torch.allclose(alone, got[3:4], atol=1e-6)


def test_one_crop_is_the_image() -> None:
    images = torch.randint(0, 256, (5, 1, 14, 14), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    got = probabilities(Brightness(), split_of(images), crops=1)
    mean, std = (torch.tensor(each).view(1, 3, 1, 1) * 255 for each in ((0.4,) * 3, (0.2, 0.3, 0.4)))
    # Grey images are normalised by the first channel's figures.
    expected = Brightness()((images.expand(-1, 3, -1, -1) - mean) / std[:, :1]).double().softmax(dim=1)
    assert torch.allclose(got, expected, atol=1e-5)


def test_a_terminal_sees_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    written.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stderr", written)
    monkeypatch.setattr(bar, "_PATIENCE_SECONDS", 0.0)
    probabilities(Brightness(), split_of(torch.zeros(5, 1, 14, 14, dtype=torch.uint8)), crops=10, batch_size=20)
    assert "10 crops:   0%" in written.getvalue() and written.getvalue().endswith("\r")


def test_images_of_a_folder(tmp_path: Path) -> None:
    paths = []
    for place, size in enumerate([(30, 20), (17, 40)]):
        image = Image.effect_noise(size, 90).convert("RGB")
        paths.append(str(tmp_path / f"{place}.png"))
        image.save(paths[-1])
    split = FolderSplit(paths=tuple(paths), labels=torch.tensor([0, 1]), mean=(0.4,) * 3, std=(0.2,) * 3, resolution=14)
    got = probabilities(Brightness(), split, crops=144)
    assert got.shape == (2, 3) and torch.allclose(got[:, 1], got[:, 2], atol=1e-5)
    (tmp_path / "1.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"1\.png cannot be read"):
        probabilities(Brightness(), split, crops=144)


def test_what_is_refused() -> None:
    split = split_of(torch.zeros(1, 1, 8, 8, dtype=torch.uint8))
    with pytest.raises(DataError, match="`crops` must be one of 1, 10, 144, but got 12"):
        probabilities(Brightness(), split, crops=12)
