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
    """Of which: waiting for batches; on a GPU, which works on meanwhile, by the host's clock."""
    train_seconds: float
    """Of which: forward, backward, optimiser, average."""
    validate_seconds: float
    """Of which: validation."""
    micro_batches: int = 1
    """Parts of a batch from the end of this epoch on, each normalised by itself: 2 once memory ran out."""
