"""Several workers of Ray Train share a training: the same curve as one, on a tree of JPEGs, too."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_search import RAY_WARNINGS
from toys import SPACE

import nas
from nas.architecture import Architecture, Stem
from nas.data.config import DataConfig
from nas.errors import RunError, TrialError
from nas.journal import Journal
from nas.record import Candidate
from nas.run.chosen import Chosen
from nas.run.curves import Curves
from nas.run.engine import Listener
from nas.run.job import Job
from nas.run.plan import Plan, make_plan
from nas.run.recipe import ResourcesConfig
from nas.run.train import Delivered, train
from nas.training.team import ALONE, Team

pytestmark = [pytest.mark.usefixtures("one_ray"), *RAY_WARNINGS]

SMALL = replace(SPACE.decode({"stem": 8, "width3": 16, "width4": 16, "wide": 8}), norm="none", dropout=0.0)
LRN = replace(SMALL, norm="lrn", stem=Stem(kind="separable7x7", width=8, conv2_reduce=8, conv2=8))
AUGMENT = {
    "flip": True, "shift_pixels": 1, "erase_probability": 0.5, "mixup_alpha": 0.2, "cutmix_alpha": 1.0
}  # fmt: skip
VALUES = {
    "data": {"name": "digits", "resolution": 8},
    "training": {
        "recipe": "modern", "epochs": 3, "batch_size": 64, "optimizer": "sgd", "learning_rate": 0.05,
        "weight_decay": 5e-4, "ema_decay": 0.5, "precision": "float32", "augment": AUGMENT,
    },
    "seeds": 1,
}  # fmt: skip


def curve(folder: Path) -> list[dict[str, float]]:
    return Curves(folder / "training" / "curves").read(0)


def run(folder: Path, architecture: Architecture, plan: Plan) -> Delivered:
    network = Chosen(label="small", architecture=architecture)
    delivered = train((network,), plan, folder, Listener(), in_process=True)
    assert delivered is not None
    return delivered


class Interrupting(Listener):
    """Ctrl-C after the first epoch."""

    def epoch(self, number: int, metrics: Any) -> None:
        raise KeyboardInterrupt


@pytest.mark.slow
def test_two_workers_go_on_from_one_and_have_its_curve(tmp_path: Path) -> None:
    plan = make_plan(VALUES, {})
    one = run(tmp_path / "one", SMALL, plan)
    network = Chosen(label="small", architecture=SMALL)
    assert train((network,), plan, tmp_path / "two", Interrupting(), in_process=True) is None
    assert len(curve(tmp_path / "two")) == 1
    two = run(tmp_path / "two", SMALL, replace(plan, workers=2))
    assert_same_curve(one, two)
    mine, theirs = (nas.load_model(each.folder).state_dict() for each in (one, two))
    assert all(torch.allclose(mine[name], theirs[name], rtol=1e-2, atol=1e-3) for name in mine)
    assert not (two.folder / "training" / "checkpoints" / "ray-train").exists()
    assert not list((two.folder / "training" / "checkpoints").glob("*.ckpt"))


def assert_same_curve(one: Delivered, two: Delivered) -> None:
    for alone, shared in zip(curve(one.folder), curve(two.folder), strict=True):
        for name in ("train_loss", "validation_loss"):
            assert shared[name] == pytest.approx(alone[name], rel=1e-4), name
        for name in ("epoch", "images", "learning_rate"):
            assert shared[name] == alone[name], name
        assert shared["accuracy"] == pytest.approx(alone["accuracy"], abs=0.01)


@pytest.mark.slow
def test_a_training_that_fails_tells_why(tmp_path: Path) -> None:
    once = ResourcesConfig(max_failures=0)
    plan = replace(make_plan({**VALUES, "workers": 2}, {"training.images_per_epoch": "32"}), resources=once)
    with pytest.raises(TrialError, match=r"multiple of the number of workers .* batch_size=64, workers=2, images=32"):
        run(tmp_path, SMALL, plan)
    (record,) = Journal.open(tmp_path / "training" / "journal.log", read_only=True).trials()
    assert record.state == "failed"


@pytest.mark.slow
def test_a_fault_of_the_drivers_own_does_not_wait_for_the_workers(tmp_path: Path) -> None:
    """They know nothing of it, and would train to the end."""

    class Spoiling(Listener):
        def started(self, job: Job, candidate: Candidate) -> None:
            (tmp_path / "training" / "curves" / "0000.jsonl").mkdir(parents=True)

    plan = make_plan({**VALUES, "workers": 2, "training": {**VALUES["training"], "epochs": 400}}, {})
    with pytest.raises(RunError, match="cannot be written"):
        train((Chosen(label="small", architecture=SMALL),), plan, tmp_path, Spoiling(), in_process=True)
    (metrics,) = (tmp_path / "training" / "checkpoints").glob("*.json")
    assert json.loads(metrics.read_text())["epoch"] < 400


def test_workers_that_do_not_fit(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="64 workers need cpu=64, but Ray has cpu=4"):
        run(tmp_path, SMALL, make_plan({**VALUES, "workers": 64, "training": {"recipe": "modern"}}, {}))


def test_a_team_of_one_changes_nothing() -> None:
    layer = torch.nn.Linear(2, 2)
    assert ALONE.prepare(layer) is layer and ALONE.trained(layer) is layer
    value = torch.ones(2)
    assert ALONE.sum(value) is value
    with pytest.raises(TrialError, match="images=10"):
        Team(rank=0, size=2).check(make_plan(VALUES, {}).training, 10)


@pytest.fixture(scope="module")
def imagenet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1,000 class folders of tiny JPEGs: three a class for training, and one under val."""
    root = tmp_path_factory.mktemp("imagenet")
    rng = np.random.default_rng(0)
    for label in range(1000):
        for part, count in (("train", 3), ("val", 1)):
            folder = root / part / f"n{label:08d}"
            folder.mkdir(parents=True)
            for index in range(count):
                pixels = rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{index}.JPEG")
    return root


@pytest.mark.slow
def test_image_folder_of_a_thousand_classes(imagenet: Path, tmp_path: Path) -> None:
    data = DataConfig(name="folder", root=str(imagenet), resolution=16, validation_share=0.3)
    augment = {"flip": True, "shift_pixels": 0, "erase_probability": 0.0, "resized_crop": True}
    values = {**VALUES, "training": {**VALUES["training"], "epochs": 2, "augment": augment}}  # type: ignore[dict-item]
    plan = replace(make_plan(values, {}), data=data)
    one = run(tmp_path / "one", LRN, plan)
    shared, network = replace(plan, workers=2), Chosen(label="small", architecture=LRN)
    assert train((network,), shared, tmp_path / "two", Interrupting(), in_process=True) is None
    assert len(curve(tmp_path / "two")) == 1
    two = run(tmp_path / "two", LRN, shared)
    assert_same_curve(one, two)
    assert curve(two.folder)[-1]["images"] > 900
    reading = two.winner.readings[0]["test"]
    assert reading["images"] == 1000 and reading["accuracy"] <= reading["top5"] < 0.1
    assert nas.load_model(two.folder)(torch.zeros(1, 3, 16, 16)).shape == (1, 1000)
