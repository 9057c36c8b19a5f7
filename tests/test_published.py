"""Published figures are found by data set, and each says where it stands."""

from nas.cost import cost
from nas.data.config import DATASETS
from nas.presets import PRESETS
from nas.published import PUBLISHED, published


def test_every_figure_is_a_share_with_a_source() -> None:
    for figure in PUBLISHED:
        assert figure.data in (*DATASETS, "imagenet")
        assert figure.source and figure.who
        told = [value for value in (figure.top1, figure.top5) if value is not None]
        assert told and all(0.5 < value < 1.0 for value in told)
        assert figure.top1 is None or figure.top5 is None or figure.top1 < figure.top5


def test_by_data_set() -> None:
    assert len(published("fashion-mnist", 10)) == 12
    assert {figure.data for figure in published("cifar100", 100)} == {"cifar100"}
    assert published("folder", 10) == () == published("digits", 10)


def test_imagenet_is_a_folder_of_a_thousand_classes() -> None:
    figures = published("folder", 1000)
    assert len(figures) == 3
    for name in PRESETS:
        counted = cost(PRESETS[name], resolution=224, classes=1000)
        assert sum(figure.macs == counted.macs for figure in figures) == 1, "the costs beside them are ours, exactly"
