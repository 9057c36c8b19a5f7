"""Mixing: images and labels alike, in pairs, whatever the piece of the batch."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from nas.data import AugmentConfig
from nas.data.mixing import mixed

MIXUP = AugmentConfig(mixup_alpha=0.4)
CUTMIX = AugmentConfig(cutmix_alpha=1.0)
BOTH = AugmentConfig(mixup_alpha=0.4, cutmix_alpha=1.0)
CLASSES = 5000


def batch(size: int, channels: int = 1, side: int = 12) -> Tensor:
    """Images of one value each, their number: whatever is left of each can be read from the pixels."""
    return torch.arange(size).view(-1, 1, 1, 1).expand(size, channels, side, side).to(torch.float32)


def run(images: Tensor, config: AugmentConfig, *, epoch: int = 0, first: int = 0) -> tuple[Tensor, Tensor]:
    indices = torch.arange(first, first + len(images))
    return mixed(images, indices, config, seed=3, epoch=epoch, indices=indices, classes=CLASSES)


@given(size=st.integers(1, 40), epoch=st.integers(0, 3), config=st.sampled_from([MIXUP, CUTMIX, BOTH]))
def test_a_label_is_shared_as_the_image_is(size: int, epoch: int, config: AugmentConfig) -> None:
    images = batch(size, channels=3)
    before = images.clone()
    found, targets = run(images, config, epoch=epoch)
    assert torch.equal(images, before), "the input was written to"
    torch.testing.assert_close(targets.sum(dim=1), torch.ones(size))
    for index in range(size):
        partner = min(index ^ 1, size - 1) if index ^ 1 < size else index
        shares = targets[index, index] * index + (targets[index, partner] * partner if partner != index else 0.0)
        assert found[index].mean().item() == pytest.approx(shares.item(), abs=1e-3)


@pytest.mark.parametrize("config", [MIXUP, CUTMIX, BOTH])
def test_pieces_of_even_length_are_mixed_as_the_whole(config: AugmentConfig) -> None:
    whole, targets = run(batch(40), config)
    pieces = [run(batch(40)[start : start + 10], config, first=start) for start in range(0, 40, 10)]
    assert torch.equal(torch.cat([images for images, _ in pieces]), whole)
    assert torch.equal(torch.cat([each for _, each in pieces]), targets)
    again, _ = run(batch(40), config, epoch=1)
    assert not torch.equal(again, whole)


def test_shares_are_drawn_from_beta() -> None:
    _, targets = run(batch(4000, side=1), MIXUP)
    kept = targets.diagonal()
    assert kept.mean().item() == pytest.approx(0.5, abs=0.03)
    assert kept.var().item() == pytest.approx(1 / (4 * (2 * 0.4 + 1)), rel=0.05)  # of Beta(a, a)


def test_cutmix_takes_one_box_of_whole_pixels() -> None:
    found, targets = run(torch.arange(60).view(-1, 1, 1, 1).expand(-1, 3, 12, 12).to(torch.uint8), CUTMIX)
    assert found.dtype == torch.uint8
    for index, image in enumerate(found):
        other = image[0] != index
        assert set(image.unique().tolist()) <= {index, index ^ 1}
        rows, columns = other.any(dim=1), other.any(dim=0)
        assert torch.equal(other, rows[:, None] & columns[None, :])
        assert targets[index, index].item() == pytest.approx(1 - other.float().mean().item(), abs=1e-6)
    areas = 1 - targets.diagonal()
    assert areas.min() < 0.1 and areas.max() > 0.5


def test_with_both_an_image_is_mixed_in_one_way() -> None:
    found, _ = run(batch(400), BOTH)
    cut = torch.tensor([set(image.unique().tolist()) <= {index, index ^ 1} for index, image in enumerate(found)])
    blended = torch.tensor([len(image.unique()) == 1 for image in found])
    assert bool((cut | blended).all())
    assert 120 < int((cut & ~blended).sum()) < 240  # a box that is too small for a pixel cuts nothing


def test_a_pair_of_one_class_keeps_it_whole() -> None:
    images = batch(8)
    labels = torch.tensor([4, 4, 1, 1, 2, 2, 0, 0])
    _, targets = mixed(images, labels, BOTH, seed=0, epoch=0, indices=torch.arange(8), classes=5)
    torch.testing.assert_close(targets, torch.nn.functional.one_hot(labels, 5).float())


def test_series_are_mixed_along_time() -> None:
    series = batch(10).flatten(2)
    found, targets = run(series, MIXUP)
    assert found.shape == series.shape
    expected = targets[:, :10] @ torch.arange(10.0)
    torch.testing.assert_close(found.mean(dim=(1, 2)), expected)
