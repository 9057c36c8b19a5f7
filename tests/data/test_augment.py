"""Augmentation: what each change does, and that it depends on the sample alone."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from nas.data import AugmentConfig
from nas.data import augment as augment_module
from nas.data.augment import augment, crop_boxes, sample_keys
from nas.errors import DataError

EVERYTHING = AugmentConfig(
    flip=True,
    shift_pixels=3,
    shift_padding="reflect",
    erase_probability=0.5,
    erase_fill="noise",
    resized_crop=True,
    photometric=True,
)
EACH = (
    AugmentConfig(flip=True),
    AugmentConfig(shift_pixels=2),
    AugmentConfig(shift_pixels=2, shift_padding="reflect"),
    AugmentConfig(erase_probability=0.5),
    AugmentConfig(erase_probability=0.5, erase_fill="noise"),
    AugmentConfig(resized_crop=True),
    AugmentConfig(photometric=True),
    EVERYTHING,
)


def batch(size: int, channels: int = 3, rows: int = 12, columns: int = 12) -> Tensor:
    generator = torch.Generator().manual_seed(size)
    return torch.randint(1, 256, (size, channels, rows, columns), dtype=torch.uint8, generator=generator)


def run(images: Tensor, config: AugmentConfig, seed: int = 0, epoch: int = 0, first: int = 0) -> Tensor:
    return augment(images, config, seed=seed, epoch=epoch, indices=torch.arange(first, first + len(images)))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("config", EACH)
def test_a_sample_does_not_depend_on_its_batch(config: AugmentConfig, channels: int) -> None:
    images = batch(40, channels)
    untouched = images.clone()
    whole = run(images, config, seed=5, epoch=2)
    order = torch.randperm(40, generator=torch.Generator().manual_seed(1))
    shuffled = augment(images[order], config, seed=5, epoch=2, indices=order)
    alone = torch.cat([run(images[index : index + 1], config, 5, 2, first=index) for index in range(40)])
    assert torch.equal(images, untouched), "the input was written to"
    torch.testing.assert_close(shuffled, whole[order], rtol=0, atol=1e-4)
    torch.testing.assert_close(alone, whole, rtol=0, atol=1e-4)
    for other in (run(images, config, seed=6, epoch=2), run(images, config, seed=5, epoch=3)):
        assert not torch.equal(other, whole)
    assert whole.shape == images.shape
    assert whole.min() >= 0 and whole.max() <= 255
    assert whole.dtype == (torch.float32 if config.resized_crop or config.photometric else torch.uint8)


def test_nothing_is_the_default() -> None:
    images = batch(4)
    assert run(images, AugmentConfig()) is images


def test_flips_half() -> None:
    images = batch(1000, 1, 2, 5)
    flipped = run(images, AugmentConfig(flip=True))
    mirrored = (flipped == images.flip(-1)).flatten(1).all(1)
    same = (flipped == images).flatten(1).all(1)
    assert (mirrored | same).all()
    assert 430 < int(mirrored.sum()) < 570


@pytest.mark.parametrize("padding", ["zero", "reflect"])
@pytest.mark.parametrize("flip", [False, True])
def test_shifts_are_crops_of_the_padded_image(padding: str, flip: bool) -> None:
    images = batch(600, 2, 5, 7)  # any number of channels, and oblong, to tell rows from columns
    config = AugmentConfig(shift_pixels=1, shift_padding="zero" if padding == "zero" else "reflect", flip=flip)
    shifted = run(images, config)
    padded = torch.nn.functional.pad(
        images.float(), (1, 1, 1, 1), mode="constant" if padding == "zero" else "reflect"
    ).byte()
    seen: dict[tuple[int, int, bool], int] = {}
    for source, result in zip(padded, shifted, strict=True):
        matches = [
            (dy, dx, mirrored)
            for dy in range(3)
            for dx in range(3)
            for mirrored in ((False, True) if flip else (False,))
            if torch.equal(source[:, dy : dy + 5, dx : dx + 7], result.flip(-1) if mirrored else result)
        ]
        assert len(matches) == 1
        seen[matches[0]] = seen.get(matches[0], 0) + 1
    assert len(seen) == (18 if flip else 9), "some shift never happened"
    assert max(seen.values()) < 3 * min(seen.values())


def test_a_shift_must_fit() -> None:
    with pytest.raises(DataError, match=r"^`shift_pixels` must be below the image's side, 12, but got 12\.$"):
        run(batch(2), AugmentConfig(shift_pixels=12))


def test_erases_rectangles_of_the_asked_area() -> None:
    images = batch(2000, 1, 30, 30)
    config = AugmentConfig(erase_probability=0.25, erase_area=(0.1, 0.2))
    erased = augment(images, config, seed=0, epoch=0, indices=torch.arange(2000), mean=(0.0, 0.0, 0.0))
    holes = (erased == 0).squeeze(1)
    assert torch.equal(erased[~holes.unsqueeze(1)], images[~holes.unsqueeze(1)])
    hit = holes.flatten(1).any(1)
    assert 420 < int(hit.sum()) < 580
    rows, columns = holes.any(2).sum(1), holes.any(1).sum(1)
    assert torch.equal(holes.flatten(1).sum(1), rows * columns), "not a rectangle"
    share = (rows * columns)[hit].double() / 900
    assert share.min() > 0.08 and share.max() < 0.22
    assert abs(share.mean() - 0.15) < 0.01
    aspect = rows[hit] / columns[hit]
    assert aspect.min() < 0.4 and aspect.max() > 2.5 and aspect.min() > 0.25 and aspect.max() < 4
    assert holes.any(0).all(), "some place is never erased"


@pytest.mark.parametrize("channels", [1, 3])
def test_erasing_fills_with_the_mean_or_with_noise(channels: int) -> None:
    images = torch.zeros(300, channels, 20, 20, dtype=torch.uint8)
    everywhere = AugmentConfig(erase_probability=1.0, erase_area=(0.3, 0.3))
    filled = augment(images, everywhere, seed=0, epoch=0, indices=torch.arange(300), mean=(0.2, 0.4, 0.6))
    for channel, value in enumerate((51, 102, 153)[:channels]):
        assert filled[:, channel].unique().tolist() == [0, value]
    noisy = AugmentConfig(erase_probability=1.0, erase_area=(0.3, 0.3), erase_fill="noise")
    values = run(images, noisy)
    values = values[(filled > 0).expand_as(values)].double()
    assert abs(values.mean() - 127.5) < 1.5 and abs(values.std() - 73.9) < 1.5
    assert torch.unique(values).numel() == 256


def test_a_rectangle_that_does_not_fit_is_cut() -> None:
    images = batch(200, 1, 4, 40)
    config = AugmentConfig(erase_probability=1.0, erase_area=(0.9, 1.0))
    erased = augment(images, config, seed=0, epoch=0, indices=torch.arange(200), mean=(0.0,))
    holes = (erased == 0).squeeze(1)
    assert holes.any(2).all(), "all 4 rows"


@pytest.mark.parametrize(("height", "width"), [(32, 32), (40, 60), (90, 30)])
def test_crops_have_the_papers_areas_and_aspects(height: int, width: int) -> None:
    config = AugmentConfig(resized_crop=True)
    key = sample_keys(0, 0, torch.arange(4000))
    heights, widths = torch.full((4000,), float(height)), torch.full((4000,), float(width))
    top, left, tall, wide = crop_boxes(config, key, heights, widths)
    assert (top >= 0).all() and (top + tall <= height + 1e-3).all()
    assert (left >= 0).all() and (left + wide <= width + 1e-3).all()
    share, aspect = tall * wide / (height * width), wide / tall
    fits = (tall < height - 1e-3) & (wide < width - 1e-3)
    assert share.min() >= 0.08 * 0.999 and share.min() < 0.09
    *_, high, broad = crop_boxes(config, key, widths, widths)
    torch.testing.assert_close(share, high * broad / width**2, msg="the share of the area is drawn for any shape")
    assert (aspect[fits] > 0.7499).all() and (aspect[fits] < 1.3334).all()
    if height == width:
        assert abs(share.mean() - 0.54) < 0.015 and share.max() > 0.99
        assert (aspect > 0.7499).all() and (aspect < 1.3334).all()
        small = share < 0.5  # there the box fits with any aspect, whose logarithm must be uniform
        assert abs(torch.log(aspect[small]).mean()) < 0.02
        assert abs(torch.log(aspect[small]).std() - 2 * math.log(4 / 3) / math.sqrt(12)) < 0.01


class Waits(TorchFunctionMode):
    """Notes what comes to a device from this side otherwise than by ``send``."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        places = [each for each in (*args[1:], kwargs.get("device")) if isinstance(each, torch.device)]
        if function in (torch.tensor, torch.as_tensor, Tensor.to) and any(place.type == "meta" for place in places):
            self.seen.append(function.__name__)
        return function(*args, **kwargs)


def test_a_gpu_waits_for_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the meta device, which takes what a GPU takes: all that is drawn is sent by the one way that does not wait."""
    sent = []

    def send(tensor: Tensor, device: torch.device) -> Tensor:
        sent.append(tensor.shape)
        return torch.empty_like(tensor, device=device)

    monkeypatch.setattr(augment_module, "send", send)
    images = torch.empty(5, 3, 12, 12, dtype=torch.uint8, device="meta")
    config = replace(EVERYTHING, erase_fill="mean", photometric=True)
    with Waits() as waits:
        changed = augment(images, config, seed=0, epoch=0, indices=torch.arange(5))
    assert changed.shape == images.shape and changed.device.type == "meta"
    assert len(sent) >= 5 and waits.seen == []


def test_crop_samples_the_box() -> None:
    """On a ramp, bilinear sampling is exact: the result is the ramp over the box."""
    rows, columns = 24, 32
    ramp = torch.arange(columns).view(1, 1, 1, -1) * 4.0 + torch.arange(rows).view(1, 1, -1, 1) * 2.0
    images = ramp.byte().expand(50, 1, rows, columns)
    config = AugmentConfig(resized_crop=True)
    cropped = run(images, config)
    key = sample_keys(0, 0, torch.arange(50))
    top, left, tall, wide = crop_boxes(config, key, torch.full((50,), 24.0), torch.full((50,), 32.0))
    x = left[:, None] + (torch.arange(columns) + 0.5) * wide[:, None] / columns - 0.5
    y = top[:, None] + (torch.arange(rows) + 0.5) * tall[:, None] / rows - 0.5
    expected = 4 * x.clamp(0, columns - 1)[:, None, :] + 2 * y.clamp(0, rows - 1)[:, :, None]
    torch.testing.assert_close(cropped[:, 0], expected, rtol=0, atol=1e-3)


def test_the_whole_image_is_a_crop_that_changes_nothing() -> None:
    images = batch(5)
    kept = run(images, AugmentConfig(resized_crop=True, crop_area=(1.0, 1.0)))
    torch.testing.assert_close(kept, images.float(), rtol=0, atol=1e-2)


def test_photometric_changes() -> None:
    images = torch.randint(100, 150, (500, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    config = AugmentConfig(photometric=True, photometric_strength=0.3)
    changed = run(images, config)
    brightness = changed.mean(dim=(1, 2, 3)) / images.float().mean(dim=(1, 2, 3))
    assert 0.69 < brightness.min() < 0.75 and 1.25 < brightness.max() < 1.31
    contrast = changed.std(dim=(1, 2, 3)) / images.float().std(dim=(1, 2, 3)) / brightness
    assert contrast.min() < 0.8 and contrast.max() > 1.2
    still = run(images, AugmentConfig(photometric=True, photometric_strength=0.0))
    torch.testing.assert_close(still, images.float(), rtol=0, atol=1e-3)
    grey = images[:, :1].expand(-1, 3, -1, -1)
    torch.testing.assert_close(run(grey, config)[:, :1], run(images[:, :1], config), rtol=0, atol=1e-3)


def test_photometric_changes_are_torchvisions_also_of_what_saturates(monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.transforms import functional

    images = torch.randint(150, 256, (200, 3, 6, 6), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    draws: list[Tensor] = []
    uniform = augment_module.uniform

    def drawn(*arguments: Any) -> Tensor:
        draws.append(uniform(*arguments))
        return draws[-1]

    monkeypatch.setattr(augment_module, "uniform", drawn)
    changed = run(images, AugmentConfig(photometric=True, photometric_strength=0.4))
    factors = (0.6 + 0.8 * draws[-1]).tolist()
    for image, got, (brightness, contrast, saturation) in zip(images, changed, factors, strict=True):
        expected = functional.adjust_brightness(image / 255, brightness)
        expected = functional.adjust_saturation(functional.adjust_contrast(expected, contrast), saturation)
        torch.testing.assert_close(got, expected * 255, rtol=0, atol=0.1)


def test_a_series_is_moved_into_its_rest_and_made_louder_about_it() -> None:
    """Silence is the mean of a series: byte 0 is its most negative value."""
    options: dict[str, Any] = {"seed": 0, "epoch": 0, "indices": torch.arange(50), "mean": (127 / 255,) * 3}
    silent = torch.full((50, 1, 32), 127, dtype=torch.uint8)
    assert augment(silent, AugmentConfig(shift_pixels=8), **options).eq(127).all()
    photometric = AugmentConfig(photometric=True, photometric_strength=0.5)
    assert augment(silent, photometric, **options).eq(127).all()
    wave = (127 + 60 * torch.sin(torch.arange(32) * 0.5)).round().expand(50, 1, 32)
    louder = augment(wave, photometric, **options)
    torch.testing.assert_close(louder.mean(dim=2), wave.mean(dim=2), rtol=0, atol=0.1)
    loudness = louder.std(dim=2) / wave.std(dim=2)
    assert loudness.min() < 0.6 and loudness.max() > 1.4


def test_one_change_leaves_the_others_draws_alone() -> None:
    images = batch(50, 1)
    flipped = run(images, AugmentConfig(flip=True))
    both = run(images, AugmentConfig(flip=True, erase_probability=1.0, erase_area=(0.1, 0.1)))
    assert ((both == flipped) | (both == 128)).all()  # the default mean, 0.5
