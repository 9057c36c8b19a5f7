"""Near-duplicates: found when planted, found all of them, and cached."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from nas.data import duplicates
from nas.data.cache import cache_folder
from nas.data.duplicates import THRESHOLD, group_near_duplicates, near_pairs


def noise_images(count: int, *, seed: int, channels: int = 1, side: int = 28) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(30, 200, (count, channels, side, side)).astype(np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side", [8, 28])
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda image, rng: image, id="same"),
        pytest.param(lambda image, rng: image + 25.0, id="brighter"),
        pytest.param(lambda image, rng: image * 0.6 + 10.0, id="less contrast"),
        pytest.param(lambda image, rng: image + rng.normal(0, 3, image.shape), id="noise"),
        pytest.param(lambda image, rng: image * 1.1 + rng.normal(0, 2, image.shape) - 9, id="all"),
    ],
)
def test_planted_copies_are_found_and_nothing_else(channels: int, side: int, change: object, request: object) -> None:
    assert callable(change)
    rng = np.random.default_rng(5)
    images = noise_images(300, seed=side, channels=channels, side=side)
    images[200:220] = np.clip(np.rint(change(images[:20].astype(np.float64), rng)), 0, 255).astype(np.uint8)
    groups = group_near_duplicates(images, cached=False)
    expected = np.arange(300)
    expected[200:220] = np.arange(20)
    assert np.array_equal(groups, expected)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.integers(2, 700))
def test_no_pair_is_missed(seed: int, count: int) -> None:
    """Against all pairs compared by numpy, on images that lie close together."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(0, 1, (max(count // 4, 1), 1, 8, 8))
    spread = rng.uniform(0.02, 0.12, (count, 1, 1, 1))
    images = centres[rng.integers(0, len(centres), count)] + spread * rng.normal(0, 1, (count, 1, 8, 8))
    images = np.clip(images * 40 + 128, 0, 255).astype(np.uint8)
    correlation = np.corrcoef(images.reshape(count, -1).astype(np.float64))
    first, second = np.nonzero(np.triu(correlation >= THRESHOLD, 1))
    clear = np.abs(correlation[first, second] - THRESHOLD) > 1e-6
    found = {tuple(sorted(pair)) for pair in near_pairs(images).tolist()}
    assert {(int(a), int(b)) for a, b in zip(first[clear], second[clear], strict=True)} <= found
    assert len(found) <= len(first) + 1


@pytest.mark.parametrize("rows", [1, 64])
def test_no_pair_is_missed_along_the_axis_that_prunes(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A family with one parameter: images differ along the first principal component, by which pairs are pruned."""
    monkeypatch.setattr(duplicates, "_BLOCK_ROWS", rows)
    base, direction = np.random.default_rng(4).normal(0, 40, (2, 1, 1, 8, 8))
    steps = np.random.default_rng(6).permutation(np.linspace(-1, 1, 200)).reshape(-1, 1, 1, 1)
    images = np.clip(np.rint(128 + base + steps * direction), 0, 255).astype(np.uint8)
    correlation = np.corrcoef(images.reshape(200, -1).astype(np.float64))
    expected = {(int(a), int(b)) for a, b in np.argwhere(np.triu(correlation >= THRESHOLD, 1))}
    found = [tuple(sorted(pair)) for pair in near_pairs(images).tolist()]
    assert len(found) == len(set(found)), "a pair twice"
    assert set(found) == expected
    assert len(expected) > 500


def test_chains_are_one_group() -> None:
    """A near B and B near C puts C with A, though A and C are further apart."""
    step = np.random.default_rng(0).normal(0, 1, (3, 1, 8, 8))
    base = step[0] * 40
    across = step[1] * 40 * 0.08
    images = np.stack([128 + base, 128 + base + across, 128 + base + 2 * across]).clip(0, 255).astype(np.uint8)
    assert near_pairs(images).tolist() in ([[0, 1], [1, 2]], [[1, 0], [1, 2]], [[1, 2], [0, 1]], [[2, 1], [1, 0]])
    assert group_near_duplicates(images, cached=False).tolist() == [0, 0, 0]


def test_flat_images_are_one_group() -> None:
    images = noise_images(6, seed=1)
    for index, value in ((1, 0), (3, 255), (4, 7)):
        images[index] = value
    assert group_near_duplicates(images, cached=False).tolist() == [0, 1, 2, 1, 1, 5]
    assert group_near_duplicates(np.zeros((1, 1, 8, 8), dtype=np.uint8), cached=False).tolist() == [0]


def test_real_digits_are_mostly_alone() -> None:
    digits = (load_digits().images[:, None] * 15).astype(np.uint8)
    groups = group_near_duplicates(digits, cached=False)
    assert len(np.unique(groups)) > 0.95 * len(digits)


def test_cache_is_used_and_survives_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    images = noise_images(20, seed=2)
    images[7] = images[3]
    first = group_near_duplicates(images)
    (path,) = cache_folder().iterdir()
    assert np.array_equal(np.load(path, allow_pickle=False), first)
    marked = first.copy()
    marked[0] = 19
    np.save(path, marked)
    assert np.array_equal(group_near_duplicates(images), marked), "not read from the cache"
    for damage in (path.read_bytes()[:50], b""):
        path.write_bytes(damage)
        assert np.array_equal(group_near_duplicates(images), first)
        assert "is unreadable" in caplog.text
        assert np.array_equal(np.load(path, allow_pickle=False), first), "not mended"
    np.save(path, first[:5])
    assert np.array_equal(group_near_duplicates(images), first)
    assert [entry.suffix for entry in cache_folder().iterdir()] == [".npy"], "temporary files are left"


def test_a_cache_that_cannot_be_written_only_warns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert group_near_duplicates(noise_images(3, seed=3)).tolist() == [0, 1, 2]
    assert "cannot be written" in caplog.text
