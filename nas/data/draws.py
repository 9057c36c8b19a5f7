"""Random numbers that are a function of what they are for, not of the order in which they are drawn.

Every draw is a hash of its keys (seed, epoch, index of the sample, number of the draw), by the finaliser of SplitMix64
(Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014, as in Vigna's splitmix64.c). So an
image is augmented in the same way whatever the batch size, the number of workers or the device.

Torch has no unsigned 64-bit arithmetic; int64 wraps around in the same way, and the arithmetic right shift is masked.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

_GAMMA = 0x9E3779B97F4A7C15
_FIRST = 0xBF58476D1CE4E5B9
_SECOND = 0x94D049BB133111EB


def _signed(value: int) -> int:
    """The int64 with the same 64 bits as `value`."""
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >= 1 << 63 else value


def _shift_right(z: Tensor, bits: int) -> Tensor:
    """Logical right shift of int64 by 1 to 63 bits."""
    return (z >> bits).bitwise_and_((1 << (64 - bits)) - 1)


def mix(z: Tensor) -> Tensor:
    """SplitMix64's finaliser, element by element, int64 to int64; a bijection of the 64-bit words."""
    z = (z ^ _shift_right(z, 30)).mul_(_signed(_FIRST))
    z = (z ^ _shift_right(z, 27)).mul_(_signed(_SECOND))
    return z ^ _shift_right(z, 31)


def keys(*parts: int | Tensor) -> Tensor:
    """One 64-bit key for each combination of integers, which broadcast against each other; int64.

    The order matters: `keys(1, 2)` differs from `keys(2, 1)`.
    """
    state = torch.zeros((), dtype=torch.int64)
    for part in parts:
        word = part if isinstance(part, Tensor) else torch.tensor(_signed(part), dtype=torch.int64)
        state = mix(state.to(word.device) + word + _signed(_GAMMA))
    return state


def uniform(key: Tensor, draws: int | Sequence[int]) -> Tensor:
    """Uniform float32 in [0, 1), in steps of 2^-24.

    Args:
        key: int64 of any shape, from `keys`.
        draws: the numbers of the draws, or how many from 0 on.

    Returns:
        The shape of `key` with one more dimension at the end: the draws.
    """
    numbers = range(draws) if isinstance(draws, int) else draws
    steps = torch.tensor([_signed((number + 1) * _GAMMA) for number in numbers], dtype=torch.int64, device=key.device)
    return _shift_right(mix(key.unsqueeze(-1) + steps), 40).to(torch.float32).mul_(2.0**-24)


def permutation(size: int, *parts: int) -> Tensor:
    """A random order of `range(size)`, int64 on the CPU: the same on every machine for the same integers."""
    return torch.argsort(keys(*parts, torch.arange(size)), stable=True)
