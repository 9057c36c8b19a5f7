"""``nas train``, ``nas top`` and ``nas baseline`` as a user meets them, on real images."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import toys
from interrupting import interrupt
from PIL import Image
from torchvision.models import GoogLeNet

import nas as package
from nas import serialize
from nas.budget import Budget
from nas.cli.console import make_console
from nas.cli.models import weights_table
from nas.cost import cost
from nas.data.config import DataConfig
from nas.journal import Journal
from nas.presets import TORCHVISION
from nas.published import published
from nas.record import Candidate
from nas.run.folder import RunFolder
from nas.run.recipe import Recipe, StopConfig
from nas.run.recipe_file import read_recipe, to_yaml
from nas.training.config import TRAININGS

POINTS = [{"stem": 8, "width3": width, "width4": width, "wide": 0} for width in (8, 16)]
QUICK = ["--epochs", "2", "--set", "training.batch_size=32", "--set", "training.learning_rate=0.05"]
BUDGET = Budget(macs=4_000_000, resolution=8, classes=10)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        yield


def command(*arguments: object, timeout: int = 280) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "nas", *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, timeout=timeout, check=False)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with two complete trials, without the time to train them."""
    recipe = Recipe(
        name="toy",
        space=f"{toys.__file__}:SPACE",
        data=DataConfig(name="digits", resolution=8),
        budget=BUDGET,
        training=TRAININGS["modern"],
        stop=StopConfig(trials=2),
    )
    folder = RunFolder.create(tmp_path_factory.mktemp("runs") / "toy", recipe)
    journal = Journal.create(folder.journal, name="toy", objectives=("accuracy",), attributes={})
    for point, accuracy in zip(POINTS, (0.7, 0.9), strict=True):
        architecture = toys.SPACE.decode(point)
        candidate = Candidate(
            architecture=architecture,
            key=serialize.key(architecture),
            point=None,
            cost=BUDGET.cost(architecture),
            seed=0,
        )
        journal.complete(journal.add(candidate), accuracy=accuracy, epochs=3, seconds=1.0)
    return folder.path


def test_top_shows_the_best(run: Path, nas: Any) -> None:
    status, out, _ = nas("top", run, "-k", "1")
    assert status == 0 and "90.00%" in out and "70.00%" not in out
    assert serialize.key(toys.SPACE.decode(POINTS[1])) in out
    assert [path.name for path in run.parent.iterdir()] == ["toy"], "nothing is trained or written"


def test_a_run_is_called_by_its_folder(run: Path, nas: Any, tmp_path: Path) -> None:
    status, out, _ = nas("top", shutil.copytree(run, tmp_path / "renamed"))
    assert status == 0 and "renamed: the best 2 by split A" in out


@pytest.mark.slow
def test_top_trains_chooses_and_delivers(run: Path) -> None:
    folder = run.parent / "toy-top2"
    ordered = command("top", run, "-k", "2", "--train", "--rank", "--seeds", "1", *QUICK)
    assert ordered.returncode == 0, ordered.stderr
    assert "chosen by the mean on split A" in ordered.stdout and "ours, test" not in ordered.stdout
    assert not (folder / "model.safetensors").exists()
    done = command("top", run, "-k", "2", "--train", "--seeds", "1", *QUICK)
    assert done.returncode == 0, done.stderr
    assert "chosen by the mean on split A" in done.stdout and "ours, test" in done.stdout
    metrics = json.loads((folder / "metrics.json").read_text())
    assert len(metrics["readings"]) == 2 and sum("test" in entry for entry in metrics["readings"]) == 1
    assert metrics["seeds"] == [1], "not the seed of the search"
    assert metrics["network"]["label"].startswith("trial ") and metrics["network"]["resolution"] == 8
    assert package.load_model(folder)(torch.zeros(1, 3, 8, 8)).shape == (1, 10)


@pytest.mark.slow
def test_train_a_trial_interrupted_and_gone_on_with(run: Path, tmp_path: Path) -> None:
    arguments = ["train", f"{run}:0", "--seeds", "2", "--concurrency", "1", *QUICK, "--out", tmp_path / "model"]
    arguments += ["--set", "training.epochs=8"]
    curve = tmp_path / "model" / "training" / "curves" / "0000.jsonl"
    out = interrupt([sys.executable, "-m", "nas", *map(str, arguments)], curve, seconds=200)
    assert "Go on by the same command" in out
    assert not (tmp_path / "model" / "metrics.json").exists(), "no split is read before the end"
    again = command(*arguments)
    assert again.returncode == 0, again.stderr
    for seed in (0, 1):
        lines = (tmp_path / "model" / "curves" / f"seed-{seed}.jsonl").read_text().splitlines()
        assert [json.loads(line)["epoch"] for line in lines] == list(range(1, 9)), "no epoch is trained twice"
    before = (tmp_path / "model" / "metrics.json").read_text()
    third = command(*arguments)
    assert third.returncode == 0 and "epoch" not in third.stdout.split("ours")[0].replace("8 epochs", "")
    assert (tmp_path / "model" / "metrics.json").read_text() == before, "the test split is read once"


@pytest.mark.slow
def test_baseline_of_a_preset(tmp_path: Path) -> None:
    short = ["--epochs", "1", "--seeds", "1", "--set", "data.limit=64", "--set", "training.batch_size=32"]
    done = command("baseline", "--preset", "googlenet", "--data", "digits", *short, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "ours, test" in done.stdout and "googlenet with batch-norm on digits at 32 x 32" in done.stdout
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["network"]["macs"] == 30_574_592


@pytest.mark.parametrize(
    ("options", "norm"),
    [([], "batch"), (["--recipe", "paper"], "lrn"), (["--set", "training.recipe=paper"], "lrn")],
)
def test_a_preset_is_trained_as_its_recipe_can(
    options: list[str], norm: str, nas: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen: list[str] = []

    def no_training(networks: Any, *_: Any) -> None:
        seen.extend(network.architecture.norm for network in networks)

    monkeypatch.setattr("nas.run.train.train", no_training)
    for words in (["train", "googlenet"], ["baseline", "--preset", "googlenet"]):
        nas(*words, "--data", "digits", "--out", tmp_path / "out", *options)
    assert seen == [norm, norm]


def test_published_figures_stand_beside_ours(capsys: pytest.CaptureFixture[str]) -> None:
    figures = {"images": 10, "accuracy": 0.9, "interval": (0.596, 0.982), "macs": 1_234_567, "params": 890_123}
    table = weights_table("ours", "fashion-mnist", figures, published("fashion-mnist", 10))
    make_console().print(table)
    out = capsys.readouterr().out
    assert "90.00% (95% interval 59.60 to" in out and "98.20)" in out and "1,234,567" in out and "890,123" in out
    assert "ResNet-20 at 28x28" in out and "95.18% +- 0.04" in out and "30.80M" in out


def test_a_data_set_that_is_set_has_its_own_resolution(
    nas: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """GoogLeNet trains at 32 pixels on Fashion-MNIST, which says nothing of other data."""
    seen: list[int | None] = []
    for label in ("cat", "dog"):
        (tmp_path / "train" / label).mkdir(parents=True)
        for index in range(10):
            Image.effect_noise((12, 12), 20.0 + 9 * index).convert("RGB").save(tmp_path / f"train/{label}/{index}.png")

    def no_training(networks: Any, plan: Any, *_: Any) -> None:
        seen.append(plan.data.resolution)

    monkeypatch.setattr("nas.run.train.train", no_training)
    for words in (["train", "googlenet"], ["baseline", "--preset", "googlenet"]):
        nas(*words, "--out", tmp_path / "out")
        nas(*words, "--set", "data.name=folder", "--set", f"data.root={tmp_path}", "--out", tmp_path / "out")
    assert seen == [32, None] * 2


def test_baseline_of_torchvisions_weights(nas: Any, tmp_path: Path) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        theirs = GoogLeNet(num_classes=10, aux_logits=True, init_weights=False)
    torch.save(theirs.state_dict(), tmp_path / "theirs.pth")
    arguments = ["baseline", "--preset", "googlenet-torchvision", "--data", "digits", "--out", tmp_path / "out"]
    status, out, err = nas(*arguments, "--weights", tmp_path / "theirs.pth")
    assert status == 0, err
    assert "359 images of the test split" in out and "(95% interval" in out
    costs = cost(TORCHVISION, resolution=32, classes=10)
    assert f"{costs.macs:,}" in out and f"{costs.params:,}" in out
    priced = nas("cost", tmp_path / "out")
    assert priced[0] == 0 and f"{costs.macs:,}" in priced[1], "at the pixels and classes of the weights"
    status, _, err = nas("models", tmp_path / "out")
    assert status == 2 and "its weights came from a file" in err
    ours = package.load_model(tmp_path / "out")
    assert torch.equal(ours.state_dict()["linear.linear.weight"], theirs.fc.weight)
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pth")
    status, _, err = nas(*arguments, "--weights", tmp_path / "other.pth")
    assert status == 2 and len(err.splitlines()) == 1 and "torchvision's state must have" in err

    torch.save({name: value + 0 for name, value in theirs.state_dict().items()} | {"fc.bias": theirs.fc.bias + 1},
               tmp_path / "more.pth")  # fmt: skip
    before = (tmp_path / "out" / "model.safetensors").read_bytes()
    for changed, said in (
        (["--weights", tmp_path / "more.pth"], "have changed"),
        (["--weights", tmp_path / "theirs.pth", "--resolution", "40"], "choose another --out"),
    ):
        status, _, err = nas(*arguments, *changed)
        assert status == 2 and len(err.splitlines()) == 1 and said in err
    assert (tmp_path / "out" / "model.safetensors").read_bytes() == before


def test_a_trial_has_the_cores_of_its_run(run: Path, nas: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Images in files are decoded by them; several workers share those of the machine."""
    recipe = read_recipe(run / "recipe.yaml")
    eight = Path(shutil.copytree(run, tmp_path / "eight"))
    changed = replace(recipe, resources=replace(recipe.resources, cpu=8))
    (eight / "recipe.yaml").write_text(to_yaml(changed))
    seen: list[float] = []

    def no_training(networks: Any, plan: Any, *_: Any) -> None:
        seen.append(plan.resources.cpu)

    monkeypatch.setattr("nas.run.train.train", no_training)
    monkeypatch.setattr(os, "cpu_count", lambda: 12)
    for words in (
        [f"{run}:0"],
        [f"{eight}:0"],
        [f"{eight}:0", "--workers", 2],
        [f"{eight}:0", "--cpu", 1],
        ["googlenet"],
    ):
        nas("train", *words, "--out", tmp_path / "out")
    assert seen == [1, 8, 6, 1, 1]


def test_the_data_of_the_run_may_be_named(run: Path, nas: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They stay cut and sized as the run had them."""
    seen: list[DataConfig] = []

    def no_training(networks: Any, plan: Any, *_: Any) -> None:
        seen.append(plan.data)

    monkeypatch.setattr("nas.run.train.train", no_training)
    for words in ([], ["--data", "digits"], ["--data", "fashion-mnist"]):
        nas("train", f"{run}:0", *words, "--out", tmp_path / "out")
    assert seen == [DataConfig(name="digits", resolution=8)] * 2 + [DataConfig(name="fashion-mnist")]


def test_bad_arguments_end_with_one_sentence(run: Path, nas: Any, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "letter.txt").write_text("mine")
    tiny = tmp_path / "tiny.json"
    tiny.write_text(serialize.to_json(toys.SPACE.decode(POINTS[0])))
    for arguments, word in (
        (["train", "vgg"], "'vgg'"),
        (["train", run], f"{run}:7"),
        (["train", f"{run}:9"], "but got 9"),
        (["train", run, "--trial", "9"], "but got 9"),
        (["train", run, "--trial", "-1"], "counted from 0, but got -1"),
        (["train", tmp_path / "nowhere", "--trial", "0"], "recipe.yaml"),
        (["train", tiny, "--data", "digits", "--out", tiny], "is a file"),
        (["train", tiny, "--data", "digits", "--set", "training.epochs={"], "YAML value, but got '{'"),
        (["train", tiny, "--data", "digit"], '"digits"'),
        (["train", tiny, "--data", "digits", "--recipe", "modem"], "'modem'"),
        (["train", tiny, "--data", "digits", "--seeds", "0"], "seeds=0"),
        (["train", tiny, "--data", "digits", "--epochs", "0"], "epochs=0"),
        (["train", tiny, "--data", "digits", "--set", "training.frob=1"], "training.frob"),
        (["train", tiny, "--data", "digits", "--out", tmp_path / "taken"], "something else"),
        (["train", "googlenet", "--data", "digits", "--resolution", "16"], "size=1"),
        (
            ["train", tiny, "--data", "waves", "--set", "training.augment.erase_probability=0"],
            "`dims` of a network must be 1 for waves",
        ),
        (["top", run, "-k", "0"], "k=0"),
        (["top", run, "--rank"], "--rank must come with --train"),
        (["top", run, "--seeds", "4"], "--seeds must come with --train"),
        (["top", run, "--gpu", "0"], "--gpu must come with --train"),
        (["top", run, "--epochs", "0"], "--epochs must come with --train"),
        (["top", run, "--train", "--workers", "0"], "workers=0"),
        (["train", run, "--trial", "1", "--workers", "0"], "workers=0"),
        (["train", tiny, "--data", "digits", "--out", run], "holds a search; choose another --out"),
        (["top", tmp_path], "recipe.yaml"),
        (["baseline", "--preset", "vgg", "--data", "digits"], "small-stem"),
        (["baseline", "--data", "digits", "--weights", tmp_path / "none.pth"], "googlenet-torchvision"),
    ):
        status, _, err = nas(*arguments)
        assert status == 2 and word in err and len(err.splitlines()) == 1, (arguments, err)
    assert os.listdir(tmp_path / "taken") == ["letter.txt"]
