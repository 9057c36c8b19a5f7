"""``nas evaluate`` and ``nas export`` on a model folder, and what they refuse."""

import csv
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from model_folders import make
from PIL import Image

from nas.data.batches import batches
from nas.data.config import DataConfig
from nas.data.load import load_data
from nas.serialize import load
from nas.training import crops, finals
from nas.training.geometry import crops_of
from nas.training.model_folder import load_model

Run = Callable[..., tuple[int, str, str]]
DIGITS = DataConfig(name="digits", resolution=8)
NAMES = tuple("0123456789")


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    train = load_data(DIGITS, splits=("train",)).split("train")
    images, _ = next(batches(train, batch_size=256))
    return make(tmp_path_factory.mktemp("models") / "digits", DIGITS, NAMES, seeds=2, images=images.contiguous())


def accuracy(folder: Path, *, seeds: tuple[int, ...]) -> float:
    part = load_data(DIGITS, splits=("b",)).split("b")
    images, labels = next(batches(part, batch_size=len(part)))
    with torch.no_grad():
        told = sum(load_model(folder, seed=seed)(images).softmax(dim=1) for seed in seeds)
    assert isinstance(told, torch.Tensor)
    return float((told.argmax(dim=1) == labels).float().mean())


def test_one_model_one_crop(nas: Run, folder: Path, tmp_path: Path) -> None:
    status, out, err = nas("evaluate", folder, "--split", "b", "--out", tmp_path / "told")
    assert status == 0, err
    content = json.loads((tmp_path / "told" / "evaluation.json").read_text())
    assert content["top1"]["value"] == pytest.approx(accuracy(folder, seeds=(0,)))
    assert content["top1"]["low"] < content["top1"]["value"] < content["top1"]["high"]
    assert content["top5"]["value"] > content["top1"]["value"]
    assert (content["crops"], content["split"], content["data"]) == (1, "b", "digits")
    assert f"top-1: {content['top1']['value']:.2%} (95% interval" in out
    rows = list(csv.reader((tmp_path / "told" / "confusion.csv").read_text().splitlines()))
    table = np.array([[int(each) for each in row[1:]] for row in rows[1:]])
    assert (table.sum(axis=0) > 0).sum() > 3
    assert table.shape == (10, 10) and table.sum() == content["images"] and np.trace(table) == content["top1"]["right"]
    classes = list(csv.DictReader((tmp_path / "told" / "classes.csv").read_text().splitlines()))
    assert [row["class"] for row in classes] == list(NAMES)
    assert [int(row["images"]) for row in classes] == table.sum(axis=1).tolist()
    for name in ("confusion.png", "classes.png"):
        with Image.open(tmp_path / "told" / name) as image:
            assert image.size[0] > 300


def test_an_ensemble_of_seeds_and_many_crops(nas: Run, folder: Path, tmp_path: Path) -> None:
    assert nas("evaluate", folder, "--every-seed", "--split", "b", "--out", tmp_path)[0] == 0
    content = json.loads((tmp_path / "evaluation.json").read_text())
    assert content["top1"]["value"] == pytest.approx(accuracy(folder, seeds=(0, 1)))
    assert len(content["models"]) == 2
    status, out, _ = nas("evaluate", folder, folder, "--split", "a", "--crops", 10)
    assert status == 0 and "2 models, 10 crops" in out
    (told,) = folder.glob(f"evaluation-a-10-with-{folder.name}-????????")
    assert (told / "evaluation.json").is_file()
    assert nas("evaluate", folder, "--every-seed", "--split", "a", "--crops", 10)[0] == 0
    assert (folder / "evaluation-a-10-every-seed" / "evaluation.json").is_file()
    assert len(crops_of(10, height=8, width=8, resolution=8)) < 10


def test_each_place_of_the_data_has_an_evaluation_of_its_own(nas: Run, folder: Path, tmp_path: Path) -> None:
    for place in ("one", "two"):
        for name in NAMES:
            (tmp_path / place / "test" / name).mkdir(parents=True)
            (tmp_path / place / "train" / name).mkdir(parents=True)
            for part in ("train", "test"):
                Image.new("L", (8, 8), 25 * int(name)).save(tmp_path / place / part / name / "1.png")
        status, _, err = nas("evaluate", folder, "--data", "folder", "--root", tmp_path / place)
        assert status == 0, err
    assert len(list(folder.glob("evaluation-test-1-folder-*/evaluation.json"))) == 2


def switches() -> tuple[bool, bool]:
    return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32


@pytest.fixture
def rounded() -> Iterator[None]:
    """TF32 on GPUs, as a training leaves it."""
    before = switches()
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    yield
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


@pytest.mark.usefixtures("rounded")
def test_readings_are_in_whole_float32_on_a_gpu(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nas: Run
) -> None:
    """What needs a GPU to be seen is held by its switches."""
    seen = []

    def noting(function: Callable[..., object]) -> Callable[..., object]:
        def noted(*args: object, **options: object) -> object:
            seen.append(switches())
            return function(*args, **options)

        return noted

    monkeypatch.setattr(finals, "evaluate", noting(finals.evaluate))
    monkeypatch.setattr(crops, "probabilities", noting(crops.probabilities))
    data = load_data(DIGITS, splits=("b",))
    finals.read_split(folder / "model.safetensors", load(folder / "architecture.json"), data, "b")
    assert nas("evaluate", folder, "--split", "b", "--out", tmp_path)[0] == 0
    assert seen == [(False, False)] * 2
    assert switches() == (True, True), "as they were"


@pytest.mark.parametrize("kind", ["onnx", "torch"])
def test_export(nas: Run, folder: Path, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"model.{'onnx' if kind == 'onnx' else 'pt2'}"
    status, out, err = nas("export", folder, "--format", kind, "--out", path)
    assert status == 0, err
    difference = float(out.split("images: ")[1].split()[0])
    assert difference < 1e-4 and "64 images" in out and "latency, batch 1, 1 thread: " in out
    assert f"{path.stat().st_size / 1e6:.2f} MB" in out


def without(folder: Path, target: Path, name: str) -> Path:
    shutil.copytree(folder, target)
    (target / name).unlink()
    return target


def test_what_is_refused(nas: Run, folder: Path, tmp_path: Path) -> None:
    torn = Path(shutil.copytree(folder, tmp_path / "torn"))
    whole = (torn / "model.safetensors").read_bytes()
    (torn / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    other = make(tmp_path / "other", DataConfig(name="digits", resolution=8), ("cat", "dog"))
    elsewhere = make(tmp_path / "elsewhere", DataConfig(name="digits", resolution=8, split_seed=1), NAMES)
    foreign = Path(shutil.copytree(folder, tmp_path / "foreign"))
    text = (foreign / "architecture.json").read_text()
    (foreign / "architecture.json").write_text(text.replace('"b1x1":4', '"b1x1":8'))
    cases = (
        ((folder, "--split", "train"), "`split` must be one of a, b, test"),
        ((folder, "--crops", 12), "`crops` must be one of 1, 10, 144"),
        ((torn,), "must be a whole checkpoint"),
        ((foreign,), "must have architecture="),
        ((other, "--split", "a"), "classes"),
        ((folder, elsewhere, "--split", "a"), "must be of the same images"),
        ((without(folder, tmp_path / "no-recipe", "recipe.yaml"),), "must hold recipe.yaml"),
        ((without(folder, tmp_path / "no-network", "architecture.json"),), "must hold architecture.json"),
        ((folder, "--data", "fashion"), "`data.name` must be one of"),
        ((folder, "--data", "folder", "--root", tmp_path / "nowhere"), "but is not there"),
        ((folder, "--device", "tpu"), "`device` must be"),
        ((folder, "--workers", "-1"), "`workers >= 0` must hold, but got workers=-1."),
        ((folder, "--batch", "0"), "`--batch >= 1` must hold, but got 0."),
    )
    for arguments, expected in cases:
        status, _, err = nas("evaluate", *arguments)
        assert status == 2 and expected in err and err.count("\n") == 1, (arguments, err)
    status, _, err = nas("export", folder, "--format", "tflite")
    assert status == 2 and "`--format` must be onnx or torch, but got 'tflite'" in err
    status, _, err = nas("export", folder, "--format", "torch", "--out", tmp_path / "model.pt")
    assert status == 2 and "`--out` must end in .pt2 for the format torch, but got model.pt." in err


def test_bad_image_folders(nas: Run, folder: Path, tmp_path: Path) -> None:
    """An image folder with an empty class, and one with an image that cannot be read."""
    root = tmp_path / "images"
    for label in NAMES:
        (root / "train" / label).mkdir(parents=True)
        (root / "val" / label).mkdir(parents=True)
        for part, count in (("train", 4), ("val", 1)):
            for index in range(count):
                image = Image.effect_noise((12, 12), 20.0 + 9 * index).convert("RGB")
                image.save(root / part / label / f"{index}.png")
    arguments = ("evaluate", folder, "--data", "folder", "--root", root, "--out", tmp_path / "out")
    status, out, err = nas(*arguments)
    assert status == 0 and "10 images" in out, err
    bad = root / "val" / "3" / "0.png"
    bad.write_bytes(bad.read_bytes()[:40])
    status, _, err = nas(*arguments)
    assert status == 2 and "3/0.png cannot be read" in err and err.count("\n") == 1
    status, _, err = nas(*arguments, "--crops", 144)
    assert status == 2 and "3/0.png cannot be read" in err and err.count("\n") == 1
    bad.unlink()
    status, _, err = nas(*arguments)
    assert status == 2 and "val/3 has no images" in err and err.count("\n") == 1


def test_an_ensemble_is_of_the_same_files(nas: Run, tmp_path: Path) -> None:
    """Two cuts of an image folder have the same labels in the same order, but other images."""
    root = tmp_path / "images"
    for label in ("cat", "dog"):
        (root / "train" / label).mkdir(parents=True)
        for index in range(20):
            pixels = np.random.default_rng([index, ord(label[0])]).integers(0, 256, (12, 12, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(root / "train" / label / f"{index}.png")
    cuts = [DataConfig(name="folder", root=str(root), resolution=8, split_seed=seed) for seed in (0, 1)]
    made = (("one", cuts[0]), ("same", cuts[0]), ("other", cuts[1]))
    one, same, other = (make(tmp_path / name, cut, ("cat", "dog")) for name, cut in made)
    status, out, err = nas("evaluate", one, same, "--split", "a")
    assert status == 0 and "2 models" in out, err
    status, _, err = nas("evaluate", one, other, "--split", "a")
    assert status == 2 and "must be of the same images" in err
