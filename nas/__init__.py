"""Architecture search for Inception-style networks under a budget of multiply-adds."""

from typing import TYPE_CHECKING

from nas.architecture import Architecture, AuxiliaryHead, Cell, Reduction, Stem
from nas.budget import Budget
from nas.cost import Cost, cost
from nas.errors import NasError
from nas.presets import PRESETS
from nas.space import Choice, Point, Space

if TYPE_CHECKING:
    from nas.training.backbone import backbone as backbone
    from nas.training.model_folder import load_model as load_model
    from nas.training.preprocess import preprocess as preprocess

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
    "backbone",
    "cost",
    "load_model",
    "preprocess",
]


def __getattr__(name: str) -> object:
    """Load what needs torch when it is asked for, and not before."""
    if name == "load_model":
        from nas.training.model_folder import load_model

        return load_model
    if name == "backbone":
        from nas.training.backbone import backbone

        return backbone
    if name == "preprocess":
        from nas.training.preprocess import preprocess

        return preprocess
    raise AttributeError(f"module 'nas' has no attribute {name!r}")
