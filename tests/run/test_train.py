"""Full trainings: what a model folder holds, that it goes on, and that the test split is read once."""

import json
import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from toys import SPACE

import nas
from nas.cost import cost
from nas.data.config import DataConfig
from nas.data.load import load_data
from nas.errors import RunError, TrialError
from nas.journal import Journal
from nas.run import train as train_module
from nas.run.chosen import Chosen
from nas.run.delivered import searched_of
from nas.run.engine import Listener
from nas.run.folder import RunFolder
from nas.run.plan import Plan, make_plan, read_plan
from nas.run.train import Delivered, rank, train
from nas.serialize import load
from nas.training import finals
from nas.training.evaluate import evaluate

WIDE_POINT = {"stem": 16, "width3": 32, "width4": 32, "wide": 16}
WIDE = Chosen(label="wide", architecture=SPACE.decode(WIDE_POINT), searched=DataConfig(name="digits"))
NARROW = Chosen(label="narrow", architecture=SPACE.decode({"stem": 8, "width3": 8, "width4": 8, "wide": 0}))
VALUES = {
    "data": {"name": "digits", "resolution": 8},
    "training": {
        "recipe": "modern", "epochs": 2, "batch_size": 32, "learning_rate": 0.05, "ema_decay": 0.5,
        "precision": "float32", "augment": {"flip": False, "shift_pixels": 1, "erase_probability": 0.0},
    },
}  # fmt: skip


def plan(seeds: int = 2, **changes: Any) -> Plan:
    return make_plan({**VALUES, "seeds": seeds, **changes}, {})


def run(folder: Path, *networks: Chosen, how: Plan | None = None, listener: Any = None) -> Delivered:
    delivered = train(networks or (WIDE,), how or plan(), folder, listener or Listener(), in_process=True)
    assert delivered is not None
    return delivered


def readings(folder: Path) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads((folder / "metrics.json").read_text())["readings"]
    return entries


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Delivered:
    return run(tmp_path_factory.mktemp("model") / "wide")


def test_a_model_folder_is_whole(delivered: Delivered) -> None:
    folder = delivered.folder
    assert {path.name for path in folder.iterdir()} == {
        "README.md", "architecture.json", "curves", "metrics.json", "model.safetensors", "recipe.yaml", "training",
        "versions.json", "weights",
    }  # fmt: skip
    assert load(folder / "architecture.json") == WIDE.architecture
    assert read_plan(folder / "recipe.yaml") == plan()
    for seed in (0, 1):
        lines = (folder / "curves" / f"seed-{seed}.jsonl").read_text().splitlines()
        assert [json.loads(line)["epoch"] for line in lines] == [1, 2]
        assert (folder / "weights" / f"seed-{seed}.safetensors").is_file()
    assert json.loads((folder / "versions.json").read_text())[0]["packages"]["torch"]
    assert not list((folder / "training" / "checkpoints").glob("*"))


def test_metrics_hold_every_seed_and_their_summary(delivered: Delivered) -> None:
    metrics = json.loads((delivered.folder / "metrics.json").read_text())
    assert [entry["seed"] for entry in metrics["readings"]] == [0, 1]
    tests = [entry["test"]["accuracy"] for entry in metrics["readings"]]
    assert metrics["summary"]["test"]["mean"] == pytest.approx(sum(tests) / 2)
    assert metrics["readings"][0]["test"]["images"] == 359
    best = max((0, 1), key=lambda seed: metrics["readings"][seed]["a"]["accuracy"])
    assert metrics["delivered_seed"] == best
    assert searched_of(delivered.folder) == WIDE.searched, "its card tells by it what B is worth"
    assert metrics["network"]["macs"] == cost(WIDE.architecture, resolution=8, classes=10).macs


def test_the_loaded_network_has_the_accuracy_that_is_told(delivered: Delivered) -> None:
    network = nas.load_model(delivered.folder)
    for split in ("a", "test"):
        data = load_data(delivered.plan.data, splits=(split,))
        figures = delivered.winner.readings[delivered.winner.best][split]
        assert evaluate(network, data.split(split)).accuracy == figures["accuracy"]
    record = delivered.winner.records[delivered.winner.best]
    assert figures["accuracy"] > 0.3, "it has learned"
    assert record.accuracy == pytest.approx(
        delivered.winner.readings[delivered.winner.best]["a"]["accuracy"], abs=0.01
    ), "the averaged weights, which training evaluated, are those that were kept"


def test_the_card_tells_cost_accuracy_and_use(delivered: Delivered) -> None:
    text = (delivered.folder / "README.md").read_text()
    macs = cost(WIDE.architecture, resolution=8, classes=10).macs
    for words in (f"{macs:,}", "n = 2", "95% interval", "nas.load_model", "digits", "| 359 |", "[N, 3, 8, 8]"):
        assert words in text


def no_reading(*arguments: object, **options: object) -> None:
    raise AssertionError("a split was read again")


def test_run_again_it_trains_nothing_and_reads_nothing(delivered: Delivered, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finals, "read_split", no_reading)
    before = (delivered.folder / "training" / "journal.log").read_bytes()
    again = run(delivered.folder)
    assert again.winner.readings == delivered.winner.readings
    assert (delivered.folder / "training" / "journal.log").read_bytes() == before


def test_core_seconds_are_of_the_cores_that_each_epoch_had(delivered: Delivered, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(delivered.folder, folder)
    spent = delivered.winner.core_seconds
    assert spent == pytest.approx(sum(record.seconds for record in delivered.winner.records))
    more = run(folder, how=plan(seeds=3, resources={"cpu": 4}))
    third = more.winner.records[2].seconds
    assert more.winner.core_seconds == pytest.approx(spent + 4 * third)
    assert json.loads((folder / "metrics.json").read_text())["core_seconds"] == pytest.approx(spent + 4 * third)
    assert f"{(spent + 4 * third) / 60:.1f} core-minutes" in (folder / "README.md").read_text()


def test_more_seeds_train_and_read_only_those(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(tmp_path, how=plan(1))
    read: list[tuple[str, str]] = []
    original = finals.read_split

    def noted(path: Path, architecture: Any, data: Any, split: Any, **options: Any) -> finals.Reading:
        read.append((path.stem[-1], split))
        return original(path, architecture, data, split, **options)

    monkeypatch.setattr(finals, "read_split", noted)
    exported = [tmp_path / name for name in ("model.onnx", "model.pt2")]
    for path in exported:
        path.write_bytes(b"of seed 0")
    more = run(tmp_path, how=plan(2))
    assert [path.exists() for path in exported] == [more.winner.best == 0] * 2, "of other weights than the card's"
    assert read == [("1", "a"), ("1", "b"), ("1", "test")]
    assert [record.candidate.seed for record in more.winner.records] == [0, 1]
    assert more.winner.summary("test").n == 2


def test_held_out_images_of_a_folder_are_decoded_by_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    for part, count in (("train", 12), ("val", 2)):
        for label in "ab":
            folder = tmp_path / "images" / part / label
            folder.mkdir(parents=True)
            for index in range(count):
                Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(folder / f"{index}.png")
    used: list[int] = []
    devices: set[str | None] = set()

    def noted(*arguments: Any, workers: int = 0, device: str | None = None) -> finals.Reading:
        used.append(workers)
        devices.add(device)
        return finals.Reading(images=4, accuracy=0.5, loss=1.0, wrong=(1, 2))

    monkeypatch.setattr(finals, "read_split", noted)
    data = {"name": "folder", "root": str(tmp_path / "images"), "resolution": 8, "validation_share": 0.3}
    run(tmp_path / "out", NARROW, how=plan(1, data=data))
    assert used == [1, 1, 1]
    for cores, most in ((4, 3), (2, 2)):
        (tmp_path / "out" / "metrics.json").unlink()
        monkeypatch.setattr("os.cpu_count", lambda cores=cores: cores)
        run(tmp_path / "out", NARROW, how=plan(1, data=data, workers=2, resources={"cpu": 1.5}))
        assert used[-3:] == [most] * 3
    run(tmp_path / "memory", NARROW, how=plan(1))
    assert used[-3:] == [0, 0, 0], "nothing is to be decoded"
    assert devices == {None}, "the best there is"
    run(tmp_path / "processor", NARROW, how=plan(1, resources={"gpu": 0}))
    assert devices == {None, "cpu"}


def test_a_seed_whose_test_was_read_is_not_dropped(delivered: Delivered) -> None:
    before = {name: (delivered.folder / name).read_bytes() for name in ("README.md", "metrics.json", "recipe.yaml")}
    with pytest.raises(RunError, match=r"must include those .* 0, 1, but got 0;"):
        run(delivered.folder, how=plan(1))
    assert {name: (delivered.folder / name).read_bytes() for name in before} == before


class Interrupting(Listener):
    """Ctrl-C after the first epoch of the second seed."""

    def epoch(self, number: int, metrics: Mapping[str, float]) -> None:
        if number == 1:
            raise KeyboardInterrupt


def test_interrupted_it_goes_on_to_the_same_weights(delivered: Delivered, tmp_path: Path) -> None:
    folder = tmp_path / "wide"
    assert train((WIDE,), plan(), folder, Interrupting(), in_process=True) is None
    assert not (folder / "metrics.json").exists(), "no split is read before the end"
    records = Journal.open(folder / "training" / "journal.log", read_only=True).trials()
    assert [record.state for record in records] == ["complete", "running"]
    whole = run(folder)
    assert whole.winner.readings == delivered.winner.readings
    assert len((folder / "curves" / "seed-1.jsonl").read_text().splitlines()) == 2


def test_the_best_on_split_a_is_delivered_and_only_its_test_is_read(tmp_path: Path) -> None:
    ranked = rank((NARROW, WIDE), plan(1), tmp_path, Listener(), in_process=True)
    assert ranked is not None and not (tmp_path / "architecture.json").exists(), "ordered, and nothing delivered"
    assert all("test" not in entry and "b" not in entry for entry in readings(tmp_path))
    chosen = run(tmp_path, NARROW, WIDE, how=plan(1))
    assert [each.network for each in ranked.trained] == [each.network for each in (chosen.winner, *chosen.others)]
    means = {each.network.label: each.summary("a").mean for each in (chosen.winner, *chosen.others)}
    assert means.keys() == {"wide", "narrow"}
    assert chosen.winner.network.label == max(means, key=lambda label: means[label])
    for entry in readings(tmp_path):
        assert ("test" in entry) == ("b" in entry) == (entry["key"] == chosen.winner.network.key)
    assert load(tmp_path / "architecture.json") == chosen.winner.network.architecture
    assert "chosen among 2" in (tmp_path / "README.md").read_text()


def test_a_choice_is_made_once(tmp_path: Path) -> None:
    first = run(tmp_path, NARROW, WIDE, how=plan(1))
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    for entry in metrics["readings"]:
        entry["a"]["accuracy"] = 0.0 if entry["key"] == first.winner.network.key else 1.0
    (tmp_path / "metrics.json").write_text(json.dumps(metrics))
    again = run(tmp_path, NARROW, WIDE, how=plan(1))
    assert again.winner.network == first.winner.network, "its test was read: another choice would be a second look"


def test_other_networks_or_data_need_another_folder(delivered: Delivered) -> None:
    with pytest.raises(RunError, match=r"the networks must be those .* choose another --out"):
        run(delivered.folder, NARROW)
    other = plan(data={"name": "digits", "resolution": 16})
    with pytest.raises(RunError, match=r"data\.resolution"):
        run(delivered.folder, how=other)


def test_a_refused_training_leaves_the_recipe_as_it_was(delivered: Delivered) -> None:
    before = (delivered.folder / "recipe.yaml").read_bytes()
    with pytest.raises(RunError, match="the networks must be those"):
        run(delivered.folder, NARROW, how=plan(7))
    assert (delivered.folder / "recipe.yaml").read_bytes() == before


def test_a_training_that_has_just_begun_is_not_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, prepare = tmp_path / "out", train_module._prepare

    def quicker(*args: Any) -> RunFolder:
        made = prepare(*args)
        other.enter_context(RunFolder(folder / "training").locked())
        return made

    with ExitStack() as other:
        monkeypatch.setattr(train_module, "_prepare", quicker)
        with pytest.raises(RunError, match="another one is at"):
            run(folder)
    assert (folder / "training" / "journal.log").is_file()


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(RunError, match="holds something else"):
        run(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_changed_weights_are_no_new_reading(tmp_path: Path) -> None:
    run(tmp_path, NARROW, how=plan(1))
    (file,) = (tmp_path / "training" / "weights").iterdir()
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(RunError, match="they have changed"):
        run(tmp_path, NARROW, how=plan(1))
    file.unlink()
    with pytest.raises(RunError, match="there is no such file"):
        run(tmp_path, NARROW, how=plan(1))


def test_a_training_that_comes_to_nothing_tells_why_and_is_tried_again(tmp_path: Path) -> None:
    hot = plan(1, training={**VALUES["training"], "learning_rate": 1e30})
    for _ in range(2):
        with pytest.raises(TrialError, match="no training came to a result; the first failed so: the loss became"):
            run(tmp_path, NARROW, how=hot)
    records = Journal.open(tmp_path / "training" / "journal.log", read_only=True).trials()
    assert [record.state for record in records] == ["failed", "failed"]


def test_the_network_is_trained_as_the_plan_says(delivered: Delivered) -> None:
    record = delivered.winner.records[0]
    assert record.epochs == 2 and record.metrics["images"] == 1_148 // 32 * 32
    assert asdict(record.candidate.cost)["macs"] == delivered.budget.cost(WIDE.architecture).macs
