"""Counter-based random numbers."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nas.data.draws import keys, mix, permutation, uniform

MASK = (1 << 64) - 1


def mix_by_python(z: int) -> int:
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


@given(st.integers(0, MASK))
def test_mix_is_splitmix64s(word: int) -> None:
    signed = word - (1 << 64) if word >> 63 else word
    assert mix(torch.tensor([signed])).item() & MASK == mix_by_python(word)


def test_published_stream() -> None:
    """The first outputs of Vigna's splitmix64.c from state 1234567, as its ports test them."""
    published = (6457827717110365317, 3203168211198807973, 9817491932198370423)
    steps = [(1234567 + (draw + 1) * 0x9E3779B97F4A7C15) & MASK for draw in range(3)]
    assert tuple(mix_by_python(step) for step in steps) == published
    drawn = uniform(torch.tensor([1234567]), 3)[0].tolist()
    assert drawn == [(word >> 40) / 2**24 for word in published]


def test_a_draw_depends_on_its_keys_alone() -> None:
    whole = uniform(keys(7, 3, torch.arange(1000)), 5)
    some = torch.tensor([999, 0, 17])
    assert torch.equal(uniform(keys(7, 3, some), (4, 1)), whole[some][:, [4, 1]])
    assert not torch.equal(keys(7, 3, some), keys(3, 7, some))


def test_draws_are_uniform_and_independent() -> None:
    drawn = uniform(keys(0, torch.arange(50), torch.arange(2000).unsqueeze(1)), 2).double().reshape(-1, 2)
    assert 0.0 <= drawn.min() and drawn.max() < 1.0
    counts = torch.histc(drawn, bins=20, min=0, max=1) / drawn.numel()
    assert (counts - 0.05).abs().max() < 0.002  # four standard deviations are 0.0019
    assert torch.corrcoef(drawn.T)[0, 1].abs() < 0.015


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_permutation(size: int) -> None:
    order = permutation(size, 1, 2)
    assert torch.equal(order.sort().values, torch.arange(size))
    assert torch.equal(order, permutation(size, 1, 2))
    if size == 1000:
        assert not torch.equal(order, permutation(size, 1, 3))
        assert not torch.equal(order, permutation(size, 2, 2))
