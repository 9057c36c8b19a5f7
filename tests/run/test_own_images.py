"""A run goes on with its own images only: of an image folder others would come in without a word."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_search import RAY_WARNINGS, write_recipe
from toys import SPACE

from nas.data.config import DataConfig
from nas.errors import NasError, RecipeError, RunError
from nas.journal import Journal
from nas.run.chosen import Chosen
from nas.run.engine import Listener
from nas.run.plan import make_plan
from nas.run.recipe import StopConfig
from nas.run.recipe_file import read_recipe
from nas.run.search import resume, start
from nas.run.train import train
from nas.run.training_task import TrainingTask
from nas.training.config import TRAININGS

SMALL = Chosen(label="small", architecture=SPACE.decode({"stem": 8, "width3": 8, "width4": 8, "wide": 0}))


def add_images(root: Path, name: str, prefix: str = "") -> None:
    noise = np.random.default_rng(list((prefix + name).encode()))
    (root / "train" / name).mkdir(parents=True, exist_ok=True)
    for index in range(12):
        pixels = noise.integers(0, 256, (16, 16, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(root / "train" / name / f"{prefix}{index}.png")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("cat", "dog"):
        add_images(tmp_path / "pets", name)
    return tmp_path / "pets"


def told(root: Path, **config: float) -> str:
    data = DataConfig(name="folder", root=str(root), resolution=16, **config)  # type: ignore[arg-type]
    return TrainingTask(data, TRAININGS["modern"]).images


def test_a_folder_that_moved_holds_the_same_images_and_one_that_grew_does_not(root: Path, tmp_path: Path) -> None:
    before = told(root)
    assert "of 2 classes in training" in before
    assert told(Path(shutil.copytree(root, tmp_path / "elsewhere"))) == before
    assert told(root, validation_share=0.2) != before
    (root / "train" / "cat").rename(root / "train" / "car")
    assert told(root) != before
    (root / "train" / "car").rename(root / "train" / "cat")
    assert told(root) == before
    add_images(root, "cat", "new")
    assert told(root) != before


def test_a_training_does_not_go_on_with_other_images(root: Path, tmp_path: Path) -> None:
    data = {"name": "folder", "root": str(root), "resolution": 16}
    training = {"recipe": "modern", "epochs": 1, "batch_size": 8, "warmup_epochs": 0}

    def run(seeds: int) -> None:
        plan = make_plan({"data": data, "training": training, "seeds": seeds}, {})
        train((SMALL,), plan, tmp_path / "model", Listener(), in_process=True)

    run(1)
    before = (tmp_path / "model" / "metrics.json").read_bytes()
    add_images(root, "zebra")
    with pytest.raises(RunError, match=r"images must be that of the training in .*model, '.* of 2 .*but got '.* of 3"):
        run(2)
    assert (tmp_path / "model" / "metrics.json").read_bytes() == before
    shutil.rmtree(root / "train" / "zebra")
    run(2)


@pytest.mark.usefixtures("one_ray")
class TestSearch:
    pytestmark = RAY_WARNINGS

    def test_a_search_does_not_go_on_with_other_images(self, root: Path, tmp_path: Path) -> None:
        sections = {
            "data": {"name": "folder", "root": str(root), "resolution": 16},
            "budget": {"macs": 4_000_000, "resolution": 16, "classes": 2},
            "training": {"recipe": "modern", "epochs": 1, "batch_size": 8, "warmup_epochs": 0},
            "stop": {"trials": 1},
        }
        recipe, run = read_recipe(write_recipe(tmp_path, **sections)), tmp_path / "run"
        assert start(recipe, run, Listener()).finished

        def refused(kind: type[NasError], said: str) -> None:
            with pytest.raises(kind, match=said):
                resume(run, Listener(), stop=StopConfig(trials=2))
            assert len(Journal.open(run / "journal.log", read_only=True).trials()) == 1

        add_images(root, "zebra")
        refused(RecipeError, r"budget\.classes=2 where folder has 3")
        shutil.rmtree(root / "train" / "zebra")
        add_images(root, "cat", "new")
        refused(RunError, r"images must be that of the run in .*, '.* but got '")
        for file in (root / "train" / "cat").glob("new*"):
            file.unlink()
        assert resume(run, Listener(), stop=StopConfig(trials=2)).finished
