"""Cutting into parts: stratified, groups whole."""

import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.data import DataConfig
from nas.data.cut import cut, cut_splits, spread, warn_of_lacking
from nas.errors import DataError


@given(st.data())
def test_parts_cover_everything_once_and_keep_groups(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 200))
    labels = np.array(data.draw(st.lists(st.integers(0, 4), min_size=size, max_size=size)))
    groups = np.array(data.draw(st.lists(st.integers(0, 300), min_size=size, max_size=size)))
    seed = data.draw(st.integers(0, 5))
    parts = cut(labels, groups, (0.1, 0.2), seed=seed)
    assert len(parts) == 3
    assert sorted(np.concatenate(parts).tolist()) == list(range(size))
    homes = [set(groups[part].tolist()) for part in parts]
    assert not homes[0] & homes[1] and not homes[0] & homes[2] and not homes[1] & homes[2]
    assert all(np.array_equal(*pair) for pair in zip(parts, cut(labels, groups, (0.1, 0.2), seed=seed), strict=True))


@given(st.lists(st.integers(1, 60), min_size=1, max_size=6), st.integers(0, 3))
def test_without_duplicates_every_class_is_shared_exactly(counts: list[int], seed: int) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    first, second, rest = cut(labels, np.arange(len(labels)), (0.1, 0.1), seed=seed)
    for label, count in enumerate(counts):
        shares = [int((labels[part] == label).sum()) for part in (first, second, rest)]
        wanted = max(1, int(0.1 * count + 0.5))
        assert shares == ([wanted, wanted, count - 2 * wanted] if count > 2 else [count - 1, 0, 1])


def test_a_group_counts_for_the_class_of_most_of_its_images() -> None:
    labels = np.array([0] * 40 + [1] * 40)
    groups = np.arange(80)
    groups[[0, 41, 42]] = 0  # one image of class 0 with two of class 1
    for seed in range(40):
        part, rest = cut(labels, groups, (0.1,), seed=seed)
        if 41 in part:
            assert 0 in part and 42 in part
            # Class 1 has 4 places, of which the group takes 3.
            assert (labels[part] == 1).sum() == 3 and (labels[part] == 0).sum() == 5
            return
        assert 0 in rest and 42 in rest
    pytest.fail("the group came into the small part in none of 40 cuts")


def test_a_group_too_large_for_the_parts_stays_in_the_remainder() -> None:
    labels = np.zeros(100, dtype=np.int64)
    groups = np.concatenate([np.zeros(50, dtype=np.int64), np.arange(1, 51)])
    first, second, rest = cut(labels, groups, (0.1, 0.1), seed=0)
    assert len(first) == len(second) == 10
    assert set(range(50)) <= set(rest.tolist())


def test_seeds_differ() -> None:
    labels, groups = np.zeros(100, dtype=np.int64), np.arange(100)
    assert not np.array_equal(cut(labels, groups, (0.1,), seed=0)[0], cut(labels, groups, (0.1,), seed=1)[0])


def test_too_few_images() -> None:
    labels = np.zeros(2, dtype=np.int64)
    with pytest.raises(DataError, match=r'^digits has too few images to cut .*: split "b" of 2 would be empty\.$'):
        cut_splits(labels, np.arange(2), DataConfig(name="digits"), own_test=True)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=80), st.integers(1, 100))
def test_spread_is_even_over_classes(labels: list[int], limit: int) -> None:
    array = np.array(labels)
    chosen = spread(array, limit)
    assert len(chosen) == len(set(chosen.tolist())) == min(limit, len(labels))
    assert np.array_equal(chosen, np.sort(chosen))
    for label in range(4):
        share = limit * (array == label).sum() / len(labels)
        if limit < len(labels):
            assert abs((array[chosen] == label).sum() - share) <= 1


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ((30, 30), None),
        (
            (30, 2),
            "1 of 2 classes has too few images for every split, with near-duplicates kept together, and the figures of "
            "those that lack a class say nothing of it: c1 (2 images, none in a and b).",
        ),
        ((30, 3), ": c1 (3 images, none in b)."),
        ((1, 30, 1, 1, 1), "4 of 5 classes have too few images for every split"),
        ((1, 30, 1, 1, 1), ": c0 (1 image, none in a, b and test), c2 (1 image, none in a, b and test), c3 (1"),
        ((1, 30, 1, 1, 1), "in a, b and test), ..."),
    ],
)
def test_a_class_that_a_split_lacks_is_told(
    counts: tuple[int, ...], said: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    chosen = cut_splits(labels, np.arange(len(labels)), DataConfig(name="digits"), own_test=False)
    with caplog.at_level(logging.WARNING):
        warn_of_lacking(labels, chosen, [f"c{label}" for label in range(len(counts))])
    assert len(caplog.messages) == (said is not None)
    assert said is None or said in caplog.messages[0]
