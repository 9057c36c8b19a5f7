"""What trials that were stopped early would have reached, told from those that went on.

An accuracy after few epochs is far below one at the end, whatever the network: taken as they are, a model would learn
above all how long each was trained.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from nas.record import TrialRecord

SLOPE: Final = 0.3
"""Points at the end that a point at a rung is worth, before anything is known: networks come closer as they learn."""
WEIGHT: Final = 1.0
"""Trials that this is worth."""


def at_the_end(observed: Sequence[TrialRecord]) -> npt.NDArray[np.float64]:
    """Accuracies at the end, [trials]: those of complete trials as they are, those of stopped ones as expected.

    For each epoch at which trials were stopped, the last first, a line is fitted to the trials that went on: from their
    accuracy then to that at the end. Its slope is between 0 and 1, so that ranks at a rung stay as they are.
    Where no trial went on, the accuracy stays as it was.
    """
    ends = np.array([record.accuracy for record in observed], dtype=np.float64)
    known = {row for row, record in enumerate(observed) if record.state == "complete"}
    for epoch in sorted({record.epochs for row, record in enumerate(observed) if row not in known}, reverse=True):
        stopped = [row for row, record in enumerate(observed) if row not in known and record.epochs == epoch]
        seen = {row: observed[row].accuracies[epoch] for row in known if epoch in observed[row].accuracies}
        if seen:
            ends[stopped] = _line(np.array(list(seen.values())), ends[list(seen)], ends[stopped])
        known.update(stopped)
    return ends


def _line(
    seen: npt.NDArray[np.float64], ends: npt.NDArray[np.float64], others: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    apart = seen - seen.mean()
    spread = float((apart**2).sum())
    slope = float(np.clip((apart * ends).sum() / spread, 0.0, 1.0)) if spread > 0 else SLOPE
    slope = (len(seen) * slope + WEIGHT * SLOPE) / (len(seen) + WEIGHT)
    return np.asarray(ends.mean() + slope * (others - seen.mean()), dtype=np.float64)
