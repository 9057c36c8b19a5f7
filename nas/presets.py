"""The three networks that are called GoogLeNet, by name (see README, "Which GoogLeNet?").

``googlenet`` is the paper's table (arXiv 1409.4842, Table 1): separable first convolution, LRN.
``googlenet-bvlc`` is the Caffe release: dense first convolution, hence above 1.5 billion MACs.
``googlenet-torchvision`` is torchvision's: batch-norm, and 3x3 where the paper has 5x5.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from nas.architecture import WIDTHS, Architecture, AuxiliaryHead, Cell, Reduction, Stem

_TABLE_1: Final = (
    ((64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64)),
    (
        (192, 96, 208, 16, 48, 64),
        (160, 112, 224, 24, 64, 64),
        (128, 128, 256, 24, 64, 64),
        (112, 144, 288, 32, 64, 64),
        (256, 160, 320, 32, 128, 128),
    ),
    ((256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128)),
)
"""Per stage and cell: #1x1, #3x3 reduce, #3x3, #5x5 reduce, #5x5, pool proj."""


GOOGLENET: Final = Architecture(
    stem=Stem(kind="separable7x7", width=64, conv2_reduce=64, conv2=192),
    stages=tuple(
        tuple(Cell(**dict(zip(WIDTHS, widths, strict=True))) for widths in stage)  # type: ignore[arg-type]
        for stage in _TABLE_1
    ),
    reductions=(Reduction(), Reduction()),
    norm="lrn",
    auxiliary=(AuxiliaryHead(stage=1, cell=0), AuxiliaryHead(stage=1, cell=3)),
    dropout=0.4,
)

BVLC: Final = replace(GOOGLENET, stem=replace(GOOGLENET.stem, kind="dense7x7"))

TORCHVISION: Final = replace(
    BVLC,
    stages=tuple(tuple(replace(cell, wide="3x3") for cell in stage) for stage in BVLC.stages),
    reductions=(Reduction(), Reduction(kernel=2)),
    norm="batch",
    auxiliary=tuple(replace(head, pool="adaptive") for head in BVLC.auxiliary),
    dropout=0.2,
)

PRESETS: Final[Mapping[str, Architecture]] = MappingProxyType(
    {"googlenet": GOOGLENET, "googlenet-bvlc": BVLC, "googlenet-torchvision": TORCHVISION}
)
