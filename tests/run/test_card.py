"""The model card: how much was trained, in words that fit the numbers."""

from dataclasses import replace
from pathlib import Path

import pytest
from model_folders import make
from PIL import Image
from toys import SPACE

from nas.budget import Budget
from nas.data.config import DataConfig
from nas.data.preparation import told
from nas.record import Candidate, TrialRecord
from nas.run.card import card
from nas.run.chosen import Chosen, Timed
from nas.run.plan import make_plan
from nas.run.readings import Retrained
from nas.run.train import Delivered
from nas.training.model_folder import Facts

NETWORK = Chosen(label="small", architecture=SPACE.decode({"stem": 8, "width3": 8, "width4": 8, "wide": 0}))
BUDGET = Budget(macs=4_000_000, resolution=8, classes=10)
COST = BUDGET.cost(NETWORK.architecture)
CANDIDATE = Candidate(architecture=NETWORK.architecture, key=NETWORK.key, point=None, cost=COST, seed=0)
READING = {split: {"images": 359, "accuracy": 0.5, "loss": 1.0} for split in ("a", "b", "test")}


def delivered_on(data: str, *, epochs: int = 1, core_seconds: float = 60.0) -> tuple[Delivered, Facts]:
    training = {"recipe": "modern", "epochs": epochs, "warmup_epochs": 0}
    plan = make_plan({"data": {"name": data}, "training": training, "seeds": 1}, {})
    record = TrialRecord(number=0, candidate=CANDIDATE, state="complete", seconds=60.0)
    delivered = Delivered(
        folder=Path("out"),
        plan=plan,
        winner=Retrained(network=NETWORK, records=(record,), readings=(READING,), core_seconds=core_seconds),
        others=(),
        budget=BUDGET,
        failed=(),
    )
    facts = Facts(
        architecture=NETWORK.key,
        data=data,
        classes=10,
        class_names=tuple("0123456789"),
        resolution=8,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        seed=0,
        epochs=epochs,
    )
    return delivered, facts


@pytest.mark.parametrize(
    ("epochs", "core_seconds", "said"),
    [
        (1, 60.0, ("\n1 epoch, ", "Training took 1.0 core-minutes")),
        (30, 405.0, ("\n30 epochs, ", "Training took 6.8 core-minutes")),
    ],
)
def test_epochs_and_core_minutes(epochs: int, core_seconds: float, said: tuple[str, ...]) -> None:
    delivered, facts = delivered_on("cifar10", epochs=epochs, core_seconds=core_seconds)
    plan = delivered.plan
    text = card(delivered, facts, COST)
    assert all(words in text for words in said), text
    # Split B is free of the choice, unless a search cut the same data otherwise, wherever they stood.
    recut = replace(plan.data, validation_share=0.05)
    other = replace(recut, name="fashion-mnist")
    cuts = ((None, True), (plan.data, True), (other, True), (recut, False), (replace(recut, root="a/copy"), False))
    for searched, blind in cuts:
        winner = replace(delivered.winner, network=replace(NETWORK, searched=searched))
        text = card(replace(delivered, winner=winner), facts, COST)
        assert ("validation B, read once after the choice" in text) is blind
        assert ("may have seen images of it" in text) is not blind
    assert "latency" not in text
    timed = Timed(latency_seconds=0.01234, batch=1, threads=1, runtime="torch", limit_seconds=None)
    winner = replace(delivered.winner, network=replace(NETWORK, timed=timed))
    row = "| latency where the search was driven from, on the CPU (batch 1, 1 thread of torch) | 12.3 ms |"
    assert row in card(replace(delivered, winner=winner), facts, COST)


def test_the_example_of_the_card_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    delivered, facts = delivered_on("digits")
    text = card(delivered, facts, COST)
    assert told("digits", 8) == "Grey pictures of 8 x 8 pixels are taken as they are."
    assert f"{told('digits', 8)} `nas.preprocess` does so." in text
    folder = make(tmp_path / "model", DataConfig(name="digits", resolution=8), facts.class_names)
    Image.new("L", (8, 8), 90).save(tmp_path / "picture.png")
    monkeypatch.chdir(tmp_path)
    (code,) = (block.split("```")[0] for block in text.split("```python\n")[1:])
    exec(code.replace("path/to/this/folder", str(folder)), {})
    assert capsys.readouterr().out.strip() in facts.class_names


def test_a_card_of_series_shows_no_picture() -> None:
    delivered, facts = delivered_on("waves")
    text = card(delivered, facts, COST)
    assert "preprocess" not in text and "nas.load_model(folder)" in text
