"""Accuracies that others report, to stand beside ours. Shares, not percent; None where it is not told."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One reported figure.

    Attributes:
        data: name of the data set, as in ``DataConfig``, or ``imagenet``.
        who: network and author.
        top1: share of the test images that are right.
        top5: with the label among the five best.
        spread: standard deviation over seeds, where it is told.
        params: as its author or we count them.
        macs: of one inference.
        source: where it stands.
        note: with what care it is to be read.
    """

    data: str
    who: str
    top1: float | None
    top5: float | None = None
    spread: float | None = None
    params: float | None = None
    macs: float | None = None
    source: str
    note: str = ""


_FASHION_README: Final = "README of zalandoresearch/fashion-mnist"

PUBLISHED: Final[tuple[Published, ...]] = (
    Published(
        data="imagenet",
        who="GoogLeNet, 1 model, 1 crop (the paper)",
        top1=None,
        top5=0.8993,
        params=6.98e6,
        macs=1.498677248e9,
        source="Szegedy et al., arXiv 1409.4842, Table 3",
        note="error 10.07%, ILSVRC 2014 validation",
    ),
    Published(
        data="imagenet",
        who="GoogLeNet (torchvision, IMAGENET1K_V1)",
        top1=0.69778,
        top5=0.89530,
        params=6_624_904,
        macs=1_498_376_192,
        source="torchvision, GoogLeNet_Weights",
    ),
    Published(
        data="imagenet",
        who="GoogLeNet (BVLC, quick solver, 60 epochs)",
        top1=0.687,
        top5=0.889,
        params=6_998_552,
        macs=1_582_671_872,
        source="BVLC/caffe, models/bvlc_googlenet",
        note="centre crop",
    ),
    Published(
        data="cifar10",
        who="small GoogLeNet (UvA deep-learning tutorials)",
        top1=0.8970,
        params=260_650,
        macs=79_643_904,
        source="UvA deep-learning tutorials, tutorial 5",
    ),
    Published(
        data="cifar10",
        who="GoogLeNet with a CIFAR stem (huyvnphan)",
        top1=0.9285,
        params=5.49e6,
        macs=1.337e9,
        source="huyvnphan/PyTorch_CIFAR10",
    ),
    Published(
        data="cifar10",
        who="GoogLeNet with a CIFAR stem (icpm)",
        top1=0.9257,
        params=6.17e6,
        macs=1.522e9,
        source="icpm/pytorch-cifar10",
    ),
    Published(
        data="cifar100",
        who="GoogLeNet with a CIFAR stem (weiaicunzai)",
        top1=0.7803,
        params=6.2e6,
        macs=1.522e9,
        source="weiaicunzai/pytorch-cifar100",
    ),
    Published(
        data="fashion-mnist",
        who="GoogleNet with cross-entropy loss",
        top1=0.937,
        source=_FASHION_README,
        note="an embedding with a linear SVM (zalandoresearch/fashion-mnist#33): a landmark",
    ),
    Published(
        data="fashion-mnist",
        who="Google AutoML, 24 compute hours",
        top1=0.939,
        source=_FASHION_README,
    ),
    Published(data="fashion-mnist", who="MobileNet", top1=0.950, source=_FASHION_README),
    Published(data="fashion-mnist", who="ResNet18", top1=0.949, source=_FASHION_README),
    Published(data="fashion-mnist", who="DENSER, evolutionary search", top1=0.953, source=_FASHION_README),
    Published(
        data="fashion-mnist",
        who="ResNet-20 at 28x28, 300 epochs",
        top1=0.9518,
        spread=0.0004,
        macs=30.8e6,
        source="zhunzhong07/Random-Erasing#10",
        note="a rerun on the corrected data; published on the old: 95.61",
    ),
    Published(
        data="fashion-mnist",
        who="ResNet-20 at 28x28, 300 epochs, random erasing",
        top1=0.9555,
        spread=0.0004,
        macs=30.8e6,
        source="zhunzhong07/Random-Erasing#10",
        note="a rerun on the corrected data; published on the old: 95.98",
    ),
    Published(
        data="fashion-mnist", who="DARTS, a rerun", top1=0.9574, source="a rerun by others", note="no limit on cost"
    ),
    Published(
        data="fashion-mnist", who="ENAS, a rerun", top1=0.9553, source="a rerun by others", note="no limit on cost"
    ),
    Published(
        data="fashion-mnist", who="Fine-Tuning DARTS", top1=0.9691, source="arXiv 2006.09042", note="no limit on cost"
    ),
    Published(
        data="fashion-mnist",
        who="DenseNet-BC 768K",
        top1=0.954,
        source=_FASHION_README,
        note="before the data were corrected: about 0.4 too high",
    ),
    Published(
        data="fashion-mnist",
        who="WRN-40-4",
        top1=0.9607,
        source=_FASHION_README,
        note="printed as 96.7; before the data were corrected: about 0.4 too high",
    ),
)
"""By data set. Fashion-MNIST was corrected on 31 August 2017; test and training images overlapped before."""


def published(data: str, classes: int) -> tuple[Published, ...]:
    """What is reported on a data set; an image folder of 1,000 classes is taken for ImageNet."""
    name = "imagenet" if (data, classes) == ("folder", 1000) else data
    return tuple(figure for figure in PUBLISHED if figure.data == name)
