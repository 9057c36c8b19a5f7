"""Small Inception networks whose cells are residual: two 3x3 with a shortcut, beside them a 1x1 and a pooled branch.

The part of ``search_spaces.inception_small`` in which the best networks of two searches and of 20 random
ones at GoogLeNet's own cost lay (``runs/reference/fashion_mnist_flagship``). Such cells also train fast.
"""

from typing import Final

from nas.space import Space
from search_spaces import inception_small

SPACE: Final[Space] = inception_small.SPACE.narrowed(
    "inception_residual", wide_share8=(8,), wide=("3x3x2",), b3x3_ratio8=(2,), shortcut=(True,), se=(False,)
)
