"""The networks to hold a search against."""

from dataclasses import replace

import pytest

from nas.cost import cost
from nas.errors import ArchitectureError
from nas.presets import PRESETS
from nas.run.baseline import BASELINES, baseline_network, preset_network, resolution_for
from nas.scaling import scaled, small_stem_googlenet


def test_all_recipes_but_the_papers_are_with_batch_norm() -> None:
    for recipe in ("modern", "a-later-one"):
        modern = baseline_network("googlenet", recipe, 10, 32)
        assert modern.architecture == replace(PRESETS["googlenet"], norm="batch")
        assert modern == preset_network("googlenet", recipe)
    paper = baseline_network("googlenet", "paper", 10, 32).architecture
    assert paper == PRESETS["googlenet"]
    assert (paper.norm, len(paper.auxiliary), paper.dropout) == ("lrn", 2, 0.4)
    torchvision = baseline_network("googlenet-torchvision", "modern", 10, 32)
    assert torchvision.architecture == PRESETS["googlenet-torchvision"]


@pytest.mark.parametrize("resolution", [28, 32])
def test_the_small_stem_is_scaled_to_googlenets_own_cost(resolution: int) -> None:
    network = baseline_network("small-stem", "modern", 10, resolution).architecture
    macs = cost(network, resolution=resolution, classes=10).macs
    assert 0.97 * 30_574_592 < macs <= 30_574_592
    wider = scaled(network, 1.03)
    assert cost(wider, resolution=resolution, classes=10).macs > 30_574_592
    shape = [len(stage) for stage in network.stages]
    assert shape == [len(stage) for stage in small_stem_googlenet().stages] == [2, 5, 2]


def test_resolutions() -> None:
    assert resolution_for("googlenet", "fashion-mnist") == 32
    assert resolution_for("small-stem", "fashion-mnist") is None
    assert resolution_for("googlenet", "folder") is None


def test_unknown_names() -> None:
    with pytest.raises(ArchitectureError, match=f"one of {', '.join(BASELINES)}, but got 'vgg'"):
        baseline_network("vgg", "modern", 10, 32)
