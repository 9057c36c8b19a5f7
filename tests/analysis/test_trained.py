"""Trained networks side by side, from their folders' figures alone."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from analysis.plots.trained import trained_networks
from analysis.statistics import paired
from analysis.style import figure
from analysis.trained import METRICS, RECIPE, Split, read_trained, table_of
from analysis.write import draw_models
from nas.errors import ModelError, RunError
from nas.published import PUBLISHED

REFERENCE = Path(__file__).parents[2] / "runs" / "reference"
GOOGLENET = REFERENCE / "googlenet"


def model(
    folder: Path,
    *,
    label: str = "another",
    macs: int = 7_000_000,
    test: dict[int, float] | None = None,
    wrong: dict[int, set[int]] | None = None,
) -> Path:
    """The figures of GoogLeNet's folder with other ones in them; ``wrong`` by seed, of its 10,000 images."""
    folder.mkdir()
    shutil.copy(GOOGLENET / RECIPE, folder)
    metrics = json.loads((GOOGLENET / METRICS).read_text())
    metrics["network"] |= {"label": label, "macs": macs}
    if wrong is not None:
        test = {seed: 1 - len(places) / 10_000 for seed, places in wrong.items()}
    if test is not None:
        metrics["seeds"] = list(test)
        metrics["readings"] = [each for each in metrics["readings"] if each["seed"] in test]
        for each in metrics["readings"]:
            each["test"]["accuracy"] = test[each["seed"]]
            if wrong is not None:
                each["test"]["wrong"] = " ".join(map(str, sorted(wrong[each["seed"]])))
    (folder / METRICS).write_text(json.dumps(metrics))
    return folder


def test_figures_are_those_of_the_folder() -> None:
    (found,) = read_trained([GOOGLENET])
    metrics = json.loads((GOOGLENET / METRICS).read_text())
    summary = metrics["summary"]["test"]
    assert found.accuracy.value == pytest.approx(summary["mean"])
    assert (found.accuracy.low, found.accuracy.high) == pytest.approx((summary["low"], summary["high"]))
    assert (found.macs, found.data, found.resolution) == (30_574_592, "fashion-mnist", 32)
    assert found.core_hours == pytest.approx(metrics["training_seconds"] / 3600)
    assert read_trained([GOOGLENET], "b")[0].accuracy.value == pytest.approx(metrics["summary"]["b"]["mean"])


def test_a_gain_is_of_all_seeds_for_two_networks_of_one_seed_have_nothing_in_common(tmp_path: Path) -> None:
    first = model(tmp_path / "first", test={0: 0.90, 1: 0.92, 2: 0.94})
    second = model(tmp_path / "second", test={1: 0.93, 4: 0.97})
    one, two = read_trained([first, second])
    table = table_of([one, two])
    assert table["gain"].tolist() == pytest.approx([0.0, 3.0])
    assert table["accuracy"].tolist() == pytest.approx([0.92, 0.95])
    assert table["seeds"].tolist() == [3, 2]
    assert table.loc[0, ["gain", "gain_low", "gain_high", "p"]].tolist() == [0, 0, 0, 1], "over itself"
    gain = two.over(one)
    assert gain.n == 2 and gain.low < 0 < gain.value < gain.high


def test_a_gain_is_over_the_images_too_whatever_the_seeds(tmp_path: Path) -> None:
    shared = set(range(0, 9000, 15))
    first = model(tmp_path / "first", wrong={0: shared | {1, 2, 4}, 1: shared | {1, 2, 7}})
    second = model(tmp_path / "second", wrong={2: shared, 3: shared | {1}, 4: shared | {8}})
    old, theirs, mine = read_trained([GOOGLENET, first, second])
    gain = mine.over_images(theirs)
    assert gain is not None and gain.n == 10_000
    assert gain.value == pytest.approx(mine.accuracy.value - theirs.accuracy.value)
    # Image by image: 1 counts 1 - 1/3, 2 counts 1, 4 and 7 a half, 8 minus a third; all others are equal.
    alone = np.zeros(10_000)
    alone[[1, 2, 4, 7, 8]] = 2 / 3, 1, 1 / 2, 1 / 2, -1 / 3
    expected = paired(np.zeros(10_000), alone)
    assert (gain.low, gain.high, gain.p) == pytest.approx((expected.low, expected.high, expected.p))
    assert mine.over_images(old) is None and old.over_images(mine) is None
    table = table_of([theirs, mine, old])
    assert table["gain_on_images"].tolist()[:2] == pytest.approx([0, 100 * gain.value])
    assert table["gain_on_images"].isna().tolist() == [False, False, True]


def test_images_are_paired_only_where_they_are_the_same(tmp_path: Path) -> None:
    wrong: dict[int, set[int]] = {0: {1, 2}, 1: {3}}
    first = model(tmp_path / "first", wrong=wrong)
    other = model(tmp_path / "other", wrong=wrong)
    recipe = other / RECIPE
    recipe.write_text(recipe.read_text().replace("split_seed: 0", "split_seed: 1"))
    for folder in (first, other):
        metrics = json.loads((folder / METRICS).read_text())
        for each in metrics["readings"]:
            each["a"] = each["test"]
        (folder / METRICS).write_text(json.dumps(metrics))
    here, there = read_trained([first, other])
    assert here.over_images(there) is not None, "the test split is the same, however validation is cut"
    (here,), (there,) = (read_trained([each], "a") for each in (first, other))
    assert here.over_images(there) is None and here.over_images(here) is not None


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("split_seed: 0", "split_seed: 1", "data.split_seed` is 0 in {} and 1 in {}."),
        ("validation_share: 0.05", "validation_share: 0.2", "data.validation_share` is 0.05 in {} and 0.2 in {}."),
    ],
)
def test_validation_splits_of_other_images_are_not_compared(before: str, after: str, said: str, tmp_path: Path) -> None:
    first, other = (model(tmp_path / name) for name in ("first", "other"))
    assert len(read_trained([first, other], "b")) == 2
    text = (other / RECIPE).read_text()
    assert before in text
    (other / RECIPE).write_text(text.replace(before, after))
    splits: tuple[Split, ...] = ("a", "b")
    for split in splits:
        with pytest.raises(ModelError) as refused:
            read_trained([first, other], split)
        where = f"trained networks are compared on the same images of split {split}, but `"
        assert str(refused.value) == where + said.format(first, other)
    assert len(read_trained([first, other], "test")) == 2


@pytest.mark.parametrize("told", ["99999", "-1", "1 2", "one", ""])
def test_wrong_images_that_cannot_be_are_damage(told: str, tmp_path: Path) -> None:
    folder = model(tmp_path / "model", wrong={0: {5}})
    metrics = json.loads((folder / METRICS).read_text())
    metrics["readings"][0]["test"]["wrong"] = told
    (folder / METRICS).write_text(json.dumps(metrics))
    with pytest.raises(ModelError, match="must be readable, but they are damaged"):
        read_trained([folder])


def test_networks_are_drawn_with_their_intervals_and_the_trials_behind_them(tmp_path: Path) -> None:
    folders = [GOOGLENET, model(tmp_path / "small", test={0: 0.951})]
    png, svg, csv = draw_models(read_trained(folders), tmp_path / "out", runs=[REFERENCE / "fashion_mnist"])
    assert png.stat().st_size > 10_000 and svg.stat().st_size > 10_000
    assert pd.read_csv(csv)["network"].tolist() == ["googlenet with batch-norm", "another"]
    _, (axes,) = figure()
    trained_networks(read_trained(folders), axes, published=[each for each in PUBLISHED if each.who == "MobileNet"])
    words = [text.get_text() for text in axes.get_legend().get_texts()]  # type: ignore[union-attr]
    assert words == [
        "MobileNet 95.0% (reported, cost unknown)",
        f"googlenet with batch-norm {read_trained([GOOGLENET])[0].accuracy.text(100)}",
        "another 95.10, n=1",
    ]
    low, high = axes.get_xlim()
    assert low < 7_000_000 and high > 30_574_592


def test_trials_of_another_data_set_are_not_drawn_behind_networks(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"of one data set .* what is trained is of fashion-mnist and demo of digits"):
        draw_models(read_trained([GOOGLENET]), tmp_path, runs=[REFERENCE / "demo"])


def test_what_is_no_model_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=rf"must hold {METRICS}, but .*nothing does not"):
        read_trained([tmp_path / "nothing"])
    bare = model(tmp_path / "bare")
    (bare / RECIPE).unlink()
    with pytest.raises(ModelError, match=rf"must hold {RECIPE}"):
        read_trained([bare])
    ranking = model(tmp_path / "ranking")
    metrics = json.loads((ranking / METRICS).read_text())
    (ranking / METRICS).write_text(json.dumps({"readings": metrics["readings"]}))
    with pytest.raises(ModelError, match=r"must hold a delivered network, but it holds readings only: .*--rank"):
        read_trained([ranking])


@pytest.mark.parametrize("text", ["{", "[]", '{"network": {}}'])
def test_damaged_figures_are_one_sentence(text: str, tmp_path: Path) -> None:
    folder = model(tmp_path / "model")
    (folder / METRICS).write_text(text)
    with pytest.raises(ModelError, match=r"must be readable, but they are damaged: .*\.$"):
        read_trained([folder])


def test_an_accuracy_in_percent_is_damage(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"damaged: `accuracy` must be shares in \[0, 1\], .* but got 95"):
        read_trained([model(tmp_path / "model", test={0: 95.0})])


def test_a_split_that_was_not_read_is_refused(tmp_path: Path) -> None:
    folder = model(tmp_path / "model")
    metrics = json.loads((folder / METRICS).read_text())
    del metrics["readings"][2]["test"]
    (folder / METRICS).write_text(json.dumps(metrics))
    with pytest.raises(ModelError, match="split test of every seed must have been read"):
        read_trained([folder])
    assert read_trained([folder], "a")


def test_networks_of_different_data_are_not_compared(tmp_path: Path) -> None:
    other = model(tmp_path / "other")
    (other / RECIPE).write_text((other / RECIPE).read_text().replace("fashion-mnist", "cifar10"))
    with pytest.raises(ModelError, match="one data set, but got cifar10 and fashion-mnist"):
        read_trained([GOOGLENET, other])


def test_image_folders_are_told_apart_by_their_own_names(tmp_path: Path) -> None:
    folders = [model(tmp_path / name) for name in ("one", "two")]
    for folder, root in zip(folders, ("/data/flowers", "/data/cars"), strict=True):
        plan = yaml.safe_load((folder / RECIPE).read_text())
        plan["data"] |= {"name": "folder", "root": root}
        (folder / RECIPE).write_text(yaml.safe_dump(plan))
    with pytest.raises(ModelError, match="but got folder cars and folder flowers"):
        read_trained(folders)
    assert read_trained(folders[:1])[0].data == "folder"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda metrics: metrics["network"].update(classes=11), "fashion-mnist of 10 classes and fashion-mnist of 11"),
        (lambda metrics: [each["test"].update(images=9) for each in metrics["readings"]], "with 10,000 images of test"),
    ],
)
def test_folders_of_one_name_may_hold_other_images(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    other = model(tmp_path / "other")
    metrics = json.loads((other / METRICS).read_text())
    change(metrics)
    (other / METRICS).write_text(json.dumps(metrics))
    with pytest.raises(ModelError, match=said):
        read_trained([GOOGLENET, other])


def test_an_interval_of_an_accuracy_ends_at_one(tmp_path: Path) -> None:
    estimate = read_trained([model(tmp_path / "model", test={0: 0.99, 1: 0.90})])[0].accuracy
    assert estimate.high == 1.0 and 0 < estimate.low < 0.9
    assert np.isnan(read_trained([model(tmp_path / "alone", test={0: 0.99})])[0].accuracy.high)


def test_image_folders_of_imagenet_stand_beside_what_is_reported_of_it(tmp_path: Path) -> None:
    (found,) = read_trained([model(tmp_path / "one")])
    draw_models([replace(found, data="folder", classes=1000, accuracies=((0, 0.7),))], tmp_path)
    assert "GoogLeNet (torchvision, IMAGENET1K_V1)" in (tmp_path / "models.svg").read_text()
