"""What probabilities come to: accuracy with its interval, accuracy by class, who is taken for whom."""

from dataclasses import dataclass

import torch
from torch import Tensor

from nas.errors import ModelError


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """``right`` of ``of``, with a 95% interval."""

    right: int
    of: int

    @property
    def value(self) -> float:
        """The share itself."""
        return self.right / self.of

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's score interval (1927), for images drawn at random."""
        from scipy.stats import binomtest

        low, high = binomtest(self.right, self.of).proportion_ci(0.95, method="wilson")
        return float(low), float(high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How probabilities fit labels.

    Attributes:
        top1: images whose label is the most probable class.
        top5: images whose label is among the five most probable; None with five classes or fewer.
        confusion: images by label (rows) and most probable class (columns).
    """

    top1: Share
    top5: Share | None
    confusion: tuple[tuple[int, ...], ...]

    @property
    def by_class(self) -> tuple[Share | None, ...]:
        """Accuracy on the images of each class; None where there are none."""
        return tuple(
            Share(right=row[label], of=sum(row)) if sum(row) else None for label, row in enumerate(self.confusion)
        )


def judge(probabilities: Tensor, labels: Tensor) -> Verdict:
    """Hold probabilities [N, classes] to labels [N].

    Raises:
        ModelError: a probability that is no finite number, as of broken weights.
    """
    if not bool(probabilities.isfinite().all()):
        raise ModelError("every probability must be a finite number, but some are not: the weights are broken.")
    count, classes = probabilities.shape
    best = probabilities.argmax(dim=1)
    table = torch.bincount(labels * classes + best, minlength=classes * classes).view(classes, classes)
    top5 = None
    if classes > 5:
        among = (probabilities.topk(5, dim=1).indices == labels.unsqueeze(1)).any(dim=1)
        top5 = Share(right=int(among.sum()), of=count)
    return Verdict(
        top1=Share(right=int((best == labels).sum()), of=count),
        top5=top5,
        confusion=tuple(tuple(row) for row in table.tolist()),
    )
