"""Generated series: noisy waves of eight shapes, the same on every machine. For work on series without a download."""

import numpy as np
from numpy.typing import NDArray

CLASSES = ("sine", "square", "triangle", "sawtooth", "chirp up", "chirp down", "beats", "pulses")
DEFAULT_STEPS = 128
COUNTS = {"train": 2400, "test": 800}
"""Series of each portion, classes in turn."""
NOISE = 0.35
"""Standard deviation of the noise, where a wave swings from -1 to 1."""
_SEEDS = {"train": 0x5E71E5, "test": 0x7E57}
_FULL_SCALE = 2.5
"""What 0 and 255 stand for, up to the sign; beyond it a series is clipped."""


def waves(portion: str, steps: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """One portion of the data set.

    Every series has its own frequency (3 to 8 periods), phase and loudness (0.6 to 1.4), and white noise.

    Args:
        portion: "train" or "test".
        steps: length of a series.

    Returns:
        Series as 8-bit samples [N, 1, steps], 127.5 is silence; labels [N].
    """
    count = COUNTS[portion]
    rng = np.random.default_rng([_SEEDS[portion], steps])
    labels = np.arange(count, dtype=np.int64) % len(CLASSES)
    frequency, phase, loudness = rng.uniform([[3.0], [0.0], [0.6]], [[8.0], [1.0], [1.4]], (3, count))
    time = np.arange(steps) / steps
    turns = frequency[:, None] * time + phase[:, None]
    shapes = _shapes(turns, time, frequency[:, None], phase[:, None])
    clean = shapes[labels, np.arange(count)] * loudness[:, None]
    noisy = clean + rng.normal(0.0, NOISE, (count, steps))
    samples = np.rint(127.5 * (1.0 + noisy / _FULL_SCALE)).clip(0, 255).astype(np.uint8)
    return samples[:, None], labels


def _shapes(
    turns: NDArray[np.float64], time: NDArray[np.float64], frequency: NDArray[np.float64], phase: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Every shape of every series, in the order of ``CLASSES``: [8, N, steps]."""
    part = turns % 1.0
    bend = frequency * time * (0.5 + time)  # From half the frequency to two and a half times of it.
    back = frequency * time * (2.5 - time)
    return np.stack(
        [
            np.sin(2 * np.pi * turns),
            np.where(part < 0.5, 1.0, -1.0),
            4.0 * np.abs(part - 0.5) - 1.0,
            2.0 * part - 1.0,
            np.sin(2 * np.pi * (bend + phase)),
            np.sin(2 * np.pi * (back + phase)),
            np.sin(2 * np.pi * 2.0 * turns) * np.sin(2 * np.pi * (time * 1.5 + phase)),
            np.where(part < 0.15, 1.0, -0.2),
        ]
    )
