"""Points as vectors for a model: ordered choices by rank, categories one by one, and what the network costs."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from nas.budget import Budget
from nas.cost import Cost
from nas.space import Choice, Point, Scalar, Space

Matrix = npt.NDArray[np.float64]
Vector = npt.NDArray[np.float64]


class Features:
    """Encodes the points of a space; every feature is in [0, 1]."""

    def __init__(self, space: Space, budget: Budget) -> None:
        self._choices = [_Column(choice) for choice in space.choices if len(choice.values) > 1]
        self._metrics = tuple(budget.limits)

    def points(self, points: Sequence[Point]) -> Matrix:
        """Choices as features, [points, features]; a rank by itself, or one feature for each category."""
        blocks = [column.encode([point[column.name] for point in points]) for column in self._choices]
        return np.concatenate([*blocks, np.empty((len(points), 0))], axis=1)

    def costs(self, costs: Sequence[Cost]) -> Matrix:
        """Logarithms of the costs that the budget limits, [points, metrics], not yet scaled."""
        rows = [[getattr(cost, metric) for metric in self._metrics] for cost in costs]
        return np.log(np.array(rows, dtype=np.float64).reshape(len(rows), len(self._metrics)))


class _Column:
    """The features of one choice."""

    def __init__(self, choice: Choice) -> None:
        self.name = choice.name
        count = len(choice.values)
        self._index: dict[Scalar, int] = {value: index for index, value in enumerate(choice.values)}
        self._table = np.arange(count)[:, None] / (count - 1) if choice.ordered else np.eye(count)

    def encode(self, values: Sequence[Scalar]) -> Matrix:
        return np.asarray(self._table[[self._index[value] for value in values]], dtype=np.float64)
