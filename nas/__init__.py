"""Architecture search for Inception-style networks under a budget of multiply-adds."""

from nas.architecture import Architecture, AuxiliaryHead, Cell, Reduction, Stem
from nas.budget import Budget
from nas.cost import Cost, cost
from nas.errors import NasError
from nas.presets import PRESETS
from nas.space import Choice, Point, Space

__version__ = "0.1.0"

__all__ = [
    "PRESETS",
    "Architecture",
    "AuxiliaryHead",
    "Budget",
    "Cell",
    "Choice",
    "Cost",
    "NasError",
    "Point",
    "Reduction",
    "Space",
    "Stem",
    "cost",
]
