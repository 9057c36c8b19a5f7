"""The learning rate as a function of the epochs trained so far; no torch.

All schedules rise linearly over ``warmup_epochs``, to the full rate. Then:

- ``one-cycle`` falls linearly to zero at the end (the triangle of Smith and Topin, arXiv 1708.07120);
- ``cosine`` falls to zero along half a cosine (Loshchilov and Hutter, arXiv 1608.03983, without restarts);
- ``constant-anneal`` stays until the last ``anneal_share`` of the epochs, and falls linearly to zero there. Before that
  an epoch's accuracy does not depend on how many were planned (with ``ema_decay``, it is close to an annealed one);
- ``step-decay`` is reduced by 4% every 8 epochs (Szegedy et al., arXiv 1409.4842, section 6).
"""

import math
from typing import Final

from nas.training.config import TrainingConfig

STEP_FACTOR: Final = 0.96
STEP_EPOCHS: Final = 8


def learning_rate(config: TrainingConfig, epochs: float) -> float:
    """The rate of a step that begins after ``epochs`` (a fraction counts the part of the current one)."""
    peak = config.learning_rate
    # A step in the middle of warm-up takes the mean of the ramp, so that the very first is not zero: the caller passes
    # the middle of the step.
    if epochs < config.warmup_epochs:
        return peak * epochs / config.warmup_epochs
    left = max(config.epochs - epochs, 0.0)
    falling = config.epochs - config.warmup_epochs
    match config.schedule:
        case "one-cycle":
            return peak * left / falling
        case "cosine":
            return peak * 0.5 * (1.0 - math.cos(math.pi * left / falling))
        case "constant-anneal":
            return peak * min(1.0, left / (config.anneal_share * config.epochs))
        case "step-decay":
            return peak * STEP_FACTOR ** (int(epochs) // STEP_EPOCHS)
