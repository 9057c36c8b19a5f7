"""What one epoch came to, as plain data; no torch."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochRecord:
    """What one epoch came to. Times are of the wall, in seconds."""

    epoch: int
    """Epochs trained so far, from 1."""
    train_loss: float
    """Mean over the epoch's images, with smoothing and auxiliary losses."""
    validation_loss: float
    """On split A, without either."""
    accuracy: float
    """On split A, of the averaged weights where the recipe averages."""
    learning_rate: float
    """Of the last step."""
    images: int
    """Trained on."""
    seconds: float
    """Of the epoch and its validation, together."""
    data_seconds: float
    """Of which: waiting for batches."""
    train_seconds: float
    """Of which: forward, backward, optimiser, average."""
    validate_seconds: float
    """Of which: validation."""
