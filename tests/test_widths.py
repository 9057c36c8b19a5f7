"""Rounding and sharing out, against their definitions."""

from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nas.widths import fine_then_geometric, ramp, round_half_up, scaled_width, split

counts = st.integers(1, 4000)


@given(numerator=st.integers(0, 4000), denominator=counts, multiple=st.integers(1, 32))
def test_rounding_is_half_up(numerator: int, denominator: int, multiple: int) -> None:
    expected = floor(Fraction(numerator, denominator * multiple) + Fraction(1, 2)) * multiple
    assert round_half_up(numerator, denominator, multiple) == expected


@pytest.mark.parametrize(("value", "rounded"), [(0, 8), (11, 8), (12, 16), (20, 24), (95, 96)])
def test_rounding_to_eight(value: int, rounded: int) -> None:
    assert round_half_up(value, 1, 8, 8) == rounded


@given(
    steps=st.integers(1, 100), b1x1=st.integers(0, 4), pool_proj=st.integers(0, 3), wide=st.integers(0, 8),
    multiple=st.sampled_from((1, 4, 8)),
)  # fmt: skip
def test_branches_add_up_to_the_width(steps: int, b1x1: int, pool_proj: int, wide: int, multiple: int) -> None:
    width = 4 * steps * multiple
    branches = split(width, b1x1=b1x1, pool_proj=pool_proj, wide=wide, of=8, multiple=multiple)
    assert sum(branches) == width
    assert all(branch >= 0 and branch % multiple == 0 for branch in branches)
    assert (wide == 0) <= (branches.b5x5 == 0)
    assert (wide == 8) <= (branches.b3x3 == 0)


def test_split_by_hand() -> None:
    assert split(256, b1x1=4, pool_proj=2, wide=4, of=16, multiple=8) == (64, 120, 40, 32)


def test_ramp_by_hand() -> None:
    assert list(ramp(256, 2, growth=15, of=8, multiple=8)) == [256, 480]
    assert list(ramp(64, 3, growth=16, of=8, multiple=4)) == [64, 96, 128]
    assert list(ramp(64, 1, growth=16, of=8, multiple=4)) == [64]


def test_scaled_widths() -> None:
    assert scaled_width(0, Fraction(3)) == 0
    assert scaled_width(3, Fraction(1, 2)) == 2
    assert scaled_width(64, Fraction(1, 1000)) == 1


def test_fine_then_geometric() -> None:
    assert fine_then_geometric(52, 256) == (52, 56, 60, 64, 76, 92, 108, 128, 152, 180, 216, 256)
