"""Batches: order, limits, formats, shares of ranks."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nas.data import AugmentConfig
from nas.data.batches import batch_count, batches, epoch_order
from nas.data.splits import Split
from nas.errors import DataError

AUGMENT = AugmentConfig(flip=True, shift_pixels=1, erase_probability=0.5)


def split(size: int = 50, channels: int = 1) -> Split:
    generator = torch.Generator().manual_seed(0)
    return Split(
        images=torch.randint(0, 256, (size, channels, 6, 6), dtype=torch.uint8, generator=generator),
        labels=torch.arange(size),
        mean=(0.2, 0.4, 0.6)[:channels] + (0.2,) * (3 - channels),
        std=(0.5, 0.3, 0.2)[:channels] + (0.5,) * (3 - channels),
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("channels", [1, 3])
def test_images_are_normalised(channels: int, dtype: torch.dtype) -> None:
    data = split(channels=channels)
    pairs = list(batches(data, batch_size=16, dtype=dtype))
    assert [len(labels) for _, labels in pairs] == [16, 16, 16, 2]
    images = torch.cat([images for images, _ in pairs])
    mean, std = torch.tensor(data.mean).view(3, 1, 1), torch.tensor(data.std).view(3, 1, 1)
    expected = (data.images.expand(-1, 3, -1, -1) / 255 - mean) / std
    assert images.dtype == dtype
    torch.testing.assert_close(images.float(), expected, rtol=1e-2 if dtype == torch.bfloat16 else 1e-5, atol=1e-5)
    assert all(each.is_contiguous(memory_format=torch.channels_last) for each, _ in pairs)
    assert torch.cat([labels for _, labels in pairs]).tolist() == list(range(50))


def test_batches_do_not_share_the_splits_memory() -> None:
    data = split(channels=3)
    before = data.images.clone()
    for images, labels in batches(data, batch_size=50):
        images.zero_()
        labels.zero_()
    assert torch.equal(data.images, before) and data.labels[-1] == 49


def test_seed_and_epoch_fix_everything_and_batch_size_changes_no_image() -> None:
    def content(batch_size: int, seed: int, epoch: int) -> dict[int, torch.Tensor]:
        drawn: dict[int, torch.Tensor] = {}
        pairs = batches(split(), batch_size=batch_size, seed=seed, epoch=epoch, augment=AUGMENT, shuffle=True)
        for images, labels in pairs:
            drawn |= dict(zip(labels.tolist(), images, strict=True))
        return drawn

    one, other = content(7, 1, 4), content(50, 1, 4)
    assert list(one) == list(other) != sorted(one), "the order must be random, and not depend on the batch size"
    assert all(torch.equal(one[label], other[label]) for label in range(50))
    assert list(content(7, 2, 4)) != list(one) and list(content(7, 1, 5)) != list(one)
    later = content(7, 1, 5)
    assert not all(torch.equal(one[label], later[label]) for label in range(50))


@given(st.integers(1, 60), st.integers(1, 70), st.integers(0, 3))
def test_limited_epochs_go_through_all_images_in_turn(size: int, limit: int, seed: int) -> None:
    count = min(size, limit)
    epochs = size // count
    for first in (0, epochs):
        orders = [
            epoch_order(size, seed=seed, epoch=first + epoch, shuffle=True, limit=limit) for epoch in range(epochs)
        ]
        assert all(len(order) == count for order in orders)
        seen = torch.cat(orders).tolist()
        assert len(set(seen)) == len(seen) == epochs * count and set(seen) <= set(range(size))
    still = epoch_order(size, seed=seed, epoch=3, shuffle=False, limit=limit).tolist()
    assert still == sorted(set(still)) and len(still) == count
    if count > 1:
        gaps = [later - earlier for earlier, later in pairwise(still)]
        assert max(gaps) - min(gaps) <= 1


@given(st.integers(0, 30), st.integers(1, 12), st.integers(1, 40), st.booleans())
def test_batch_count_is_what_comes(size: int, batch_size: int, limit: int, drop_last: bool) -> None:
    data = split(30)
    data = replace(data, images=data.images[:size], labels=data.labels[:size])
    pairs = list(batches(data, batch_size=batch_size, limit=limit, drop_last=drop_last))
    assert len(pairs) == batch_count(size, batch_size=batch_size, limit=limit, drop_last=drop_last)
    if drop_last:
        assert all(len(labels) == batch_size for _, labels in pairs)
    else:
        assert sum(len(labels) for _, labels in pairs) == min(size, limit)


def test_ranks_share_each_batch() -> None:
    def of(rank: int, world_size: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
        made = batches(split(), batch_size=12, seed=3, shuffle=True, augment=AUGMENT, rank=rank, world_size=world_size)
        return list(made)

    whole, shares = of(0, 1), [of(rank, 3) for rank in range(3)]
    for place, (images, labels) in enumerate(whole):
        assert torch.equal(torch.cat([share[place][0] for share in shares]), images)
        assert torch.equal(torch.cat([share[place][1] for share in shares]), labels)
    assert all(len(share[0][1]) == 4 for share in shares)
    assert [len(share[-1][1]) for share in shares] == [0, 1, 1], "two images are left for three"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"batch_size": 0}, "batch_size=0, rank=0, world_size=1."),
        ({"batch_size": 5, "world_size": 2}, "batch_size=5, rank=0, world_size=2."),
        ({"batch_size": 4, "world_size": 2, "rank": 2}, "batch_size=4, rank=2, world_size=2."),
        ({"batch_size": 4, "limit": 0}, "`limit` must be at least 1 image an epoch, but got 0."),
    ],
)
def test_wrong_arguments_are_refused_at_once(fields: dict[str, int], message: str) -> None:
    with pytest.raises(DataError) as caught:
        batches(split(), **fields)
    assert message in str(caught.value)


def to(data: Split, device: str) -> Split:
    return replace(data, images=data.images.to(device), labels=data.labels.to(device))


def test_data_on_a_device() -> None:
    moved = to(split(), "meta")
    images, labels = next(batches(moved, batch_size=4, device="meta"))
    assert images.device.type == labels.device.type == "meta"
    assert images.shape == (4, 3, 6, 6)


@pytest.mark.gpu
@pytest.mark.parametrize("moved", [False, True])
def test_gpu_batches_equal_those_of_the_cpu(moved: bool) -> None:
    data = split(channels=3)
    there = to(data, "cuda") if moved else data
    options = {"batch_size": 16, "seed": 1, "shuffle": True, "augment": AUGMENT}
    for ours, theirs in zip(batches(data, **options), batches(there, device="cuda", **options), strict=True):
        torch.testing.assert_close(ours[0], theirs[0].cpu())
        assert torch.equal(ours[1], theirs[1].cpu())


def test_mixed_labels_are_shares_of_the_classes() -> None:
    mixing = replace(AUGMENT, mixup_alpha=0.2)
    for images, targets in batches(split(), batch_size=20, augment=mixing, shuffle=True, classes=50):
        assert targets.shape == (len(images), 50) and targets.dtype == torch.float32
        torch.testing.assert_close(targets.sum(dim=1), torch.ones(len(images)))
    with pytest.raises(DataError, match="`classes` must be given where images are mixed, but got classes=0"):
        next(batches(split(), batch_size=20, augment=mixing))
