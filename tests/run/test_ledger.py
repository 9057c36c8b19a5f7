"""Readings of held-out splits: each once, whatever is run again."""

import json
from pathlib import Path

import pytest

from nas.errors import RunError
from nas.run.ledger import Figures, Ledger


class Counted:
    def __init__(self) -> None:
        self.calls: list[str] = []

    def __call__(self, split: str) -> Figures:
        self.calls.append(split)
        return {"accuracy": 0.5 + 0.1 * len(self.calls)}


def test_a_second_reading_is_the_first(tmp_path: Path) -> None:
    path, evaluate = tmp_path / "metrics.json", Counted()
    first = Ledger.open(path).read("key", 0, "digest", "test", evaluate)
    again = Ledger.open(path).read("key", 0, "digest", "test", evaluate)
    assert first == again == {"accuracy": 0.6}
    assert evaluate.calls == ["test"]
    assert json.loads(path.read_text())["readings"] == [
        {"key": "key", "seed": 0, "weights": "digest", "test": {"accuracy": 0.6}}
    ]


def test_networks_seeds_and_splits_are_apart(tmp_path: Path) -> None:
    ledger, evaluate = Ledger.open(tmp_path / "metrics.json"), Counted()
    for key, seed, split in (("k", 0, "a"), ("k", 1, "a"), ("l", 0, "a"), ("k", 0, "test")):
        ledger.read(key, seed, f"{key}{seed}", split, evaluate)  # type: ignore[arg-type]
    assert len(evaluate.calls) == 4
    assert set(ledger.entry("k", 0) or {}) == {"key", "seed", "weights", "a", "test"}
    assert ledger.entry("m", 0) is None


def test_other_weights_of_the_same_training_are_refused(tmp_path: Path) -> None:
    ledger, evaluate = Ledger.open(tmp_path / "metrics.json"), Counted()
    ledger.read("key", 0, "digest", "test", evaluate)
    with pytest.raises(RunError, match="key with seed 0 must be those"):
        ledger.read("key", 0, "another", "test", evaluate)
    assert evaluate.calls == ["test"]


def test_seeds_whose_test_was_read_are_not_dropped(tmp_path: Path) -> None:
    ledger, evaluate = Ledger.open(tmp_path / "metrics.json"), Counted()
    ledger.check_seeds((0,))
    for seed, split in ((0, "test"), (1, "test"), (2, "a")):
        ledger.read("key", seed, "digest", split, evaluate)  # type: ignore[arg-type]
    ledger.check_seeds((0, 1))
    ledger.check_seeds((0, 1, 2, 3))
    for seeds in ((0,), (1, 2)):
        with pytest.raises(RunError, match=f"must include those .* 0, 1, but got {', '.join(map(str, seeds))};"):
            ledger.check_seeds(seeds)


def test_a_reading_is_on_disk_before_it_is_told(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path / "metrics.json")

    def fails(split: str) -> Figures:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ledger.read("key", 0, "digest", "test", fails)
    evaluate = Counted()
    assert Ledger.open(ledger.path).read("key", 0, "digest", "test", evaluate) == {"accuracy": 0.6}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"readings": 3}'])
def test_a_damaged_ledger_is_no_empty_one(text: str, tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    path.write_text(text)
    with pytest.raises(RunError, match=r"metrics\.json must hold the readings"):
        Ledger.open(path)
