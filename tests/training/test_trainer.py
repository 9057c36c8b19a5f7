"""The trainer: it learns, it is repeatable, it resumes exactly, it says what went wrong."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nas.architecture import Architecture, Cell
from nas.data import AugmentConfig
from nas.data.batches import batches
from nas.data.splits import Data
from nas.errors import ModelError, TrialError
from nas.network.build import build
from nas.presets import PRESETS
from nas.training import TRAININGS, TrainingConfig
from nas.training.device import pick_device
from nas.training.evaluate import evaluate
from nas.training.team import ALONE, Team
from nas.training.trainer import EpochRecord, Trainer

CONFIG = TrainingConfig(
    epochs=4,
    batch_size=20,
    learning_rate=0.05,
    warmup_epochs=1.0,
    ema_decay=0.9,
    auxiliary_weight=0.3,
    label_smoothing=0.1,
    augment=AugmentConfig(flip=True, shift_pixels=1),
)


def facts(record: EpochRecord) -> tuple[float, ...]:
    losses = (record.train_loss, record.validation_loss)
    return (record.epoch, *losses, record.accuracy, record.learning_rate, record.images)


def trained(architecture: Architecture, data: Data, config: TrainingConfig, *, seed: int = 0) -> Trainer:
    trainer = Trainer(architecture, data, config, seed=seed)
    while not trainer.done:
        trainer.train_epoch()
    return trainer


@pytest.mark.parametrize("optimizer", ["sgd", "muon"])
def test_learns_digits(tiny: Architecture, digits: Data, optimizer: str) -> None:
    config = TrainingConfig(
        epochs=8,
        batch_size=32,
        optimizer=optimizer,  # type: ignore[arg-type]
        learning_rate=0.2 if optimizer == "sgd" else 0.02,
        warmup_epochs=1.0,
        ema_decay=0.95,
        augment=AugmentConfig(shift_pixels=1),
    )
    trainer = trained(tiny, digits, config)
    assert trainer.curve[-1].accuracy > 0.9
    assert trainer.curve[-1].train_loss < trainer.curve[0].train_loss


def test_records_add_up(tiny: Architecture, noise: Data) -> None:
    trainer = Trainer(tiny, noise, CONFIG, seed=0)
    assert trainer.epoch == 0 and not trainer.done
    record = trainer.train_epoch()
    assert record.epoch == trainer.epoch == 1
    assert record.images == 80  # four whole batches of 96
    assert record.seconds == pytest.approx(record.data_seconds + record.train_seconds + record.validate_seconds)
    assert min(record.data_seconds, record.train_seconds, record.validate_seconds) > 0
    assert record.learning_rate == pytest.approx(0.05 * 3.5 / 4)  # the middle of the last of four steps of warm-up
    assert trainer.curve == (record,)


def test_fewer_images_than_a_batch_are_one_batch(tiny: Architecture, noise: Data) -> None:
    trainer = Trainer(tiny, noise, replace(CONFIG, batch_size=512), seed=0)
    assert trainer.train_epoch().images == 96


def test_a_subset_an_epoch(tiny: Architecture, noise: Data) -> None:
    assert Trainer(tiny, noise, replace(CONFIG, images_per_epoch=40), seed=0).train_epoch().images == 40


def test_same_seed_same_curve(tiny: Architecture, noise: Data) -> None:
    state = torch.random.get_rng_state()
    first = trained(tiny, noise, CONFIG)
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.rand(7)  # the state of torch's own generator must not matter
    second = trained(tiny, noise, CONFIG)
    assert [facts(record) for record in first.curve] == [facts(record) for record in second.curve]
    assert all(torch.equal(value, second.weights()[name]) for name, value in first.weights().items())
    other = trained(tiny, noise, CONFIG, seed=1)
    assert facts(other.curve[0]) != facts(first.curve[0])


class Unconnected(Team):
    """One of a team, without the others."""

    def trained(self, network: nn.Module) -> nn.Module:
        return network

    def sum(self, value: torch.Tensor) -> torch.Tensor:
        return value

    def agree(self, network: nn.Module) -> None:
        pass


def test_each_of_a_team_draws_its_own_dropout_and_settles_as_the_others(tiny: Architecture, noise: Data) -> None:
    def seeds(team: Team) -> list[int]:
        """Of torch's generator in every forward pass of training mode, the last of them for the statistics."""
        trainer = Trainer(tiny, noise, CONFIG, seed=0, team=team)
        seen: list[int] = []
        trainer.network.register_forward_pre_hook(
            lambda network, _: seen.append(torch.initial_seed()) if network.training else None
        )
        trainer.train_epoch()
        return seen

    alone, first, second = seeds(ALONE), seeds(Unconnected(rank=0, size=2)), seeds(Unconnected(rank=1, size=2))
    assert first[0] == alone[0] != second[0]
    assert first[-1] == second[-1]
    assert len(set(alone)) == 1, "nothing changes for one process"


@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "muon"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_resume_is_exact(tiny: Architecture, noise: Data, tmp_path: Path, optimizer: str, precision: str) -> None:
    changes: dict[str, Any] = {"optimizer": optimizer, "precision": precision, "learning_rate": 0.01}
    config = replace(CONFIG, images_per_epoch=60, **changes)
    undisturbed = trained(tiny, noise, config)
    path = tmp_path / "trial.safetensors"
    first = Trainer(tiny, noise, config, seed=0)
    first.train_epoch()
    first.train_epoch()
    first.save(path)
    second = Trainer(tiny, noise, config, seed=0)
    second.load(path)
    assert second.curve == first.curve
    while not second.done:
        second.train_epoch()
    assert [facts(record) for record in second.curve] == [facts(record) for record in undisturbed.curve]
    assert all(torch.equal(value, undisturbed.weights()[name]) for name, value in second.weights().items())


def test_resume_is_exact_where_memory_ran_out(tiny: Architecture, noise: Data, tmp_path: Path) -> None:
    """The batch stays cut in two, though the process that goes on may have the memory."""

    def begun() -> Trainer:
        trainer = Trainer(tiny, noise, CONFIG, seed=0)
        shortage = iter([True])

        def run_out(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            if next(shortage, False):
                raise torch.OutOfMemoryError

        trainer.network.register_forward_pre_hook(run_out)
        trainer.train_epoch()
        return trainer

    undisturbed, first, second = begun(), begun(), Trainer(tiny, noise, CONFIG, seed=0)
    first.save(tmp_path / "trial.safetensors")
    second.load(tmp_path / "trial.safetensors")
    for trainer in (undisturbed, second):
        trainer.train_epoch()
    assert [record.micro_batches for record in second.curve] == [2, 2]
    assert [facts(record) for record in second.curve] == [facts(record) for record in undisturbed.curve]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"seed": 1}, r"must have seed=1, but got seed=0\."),
        ({"config": replace(CONFIG, epochs=5)}, "must have training="),
        ({"dropout": 0.3}, "must have architecture="),
    ],
)
def test_a_checkpoint_of_another_trial_is_refused(
    tiny: Architecture, noise: Data, make_data: Callable[..., Data], tmp_path: Path, change: dict[str, Any], told: str
) -> None:
    path = tmp_path / "trial.safetensors"
    Trainer(tiny, noise, CONFIG, seed=0).save(path)
    architecture = replace(tiny, dropout=change.pop("dropout", tiny.dropout))
    arguments: dict[str, Any] = {"architecture": architecture, "config": CONFIG, "seed": 0} | change
    with pytest.raises(ModelError, match=told):
        Trainer(data=noise, **arguments).load(path)
    with pytest.raises(ModelError, match=r"must have train_images=50, but got train_images=96\."):
        Trainer(tiny, make_data(50, resolution=12), CONFIG, seed=0).load(path)
    with pytest.raises(ModelError, match=r"must have classes=3, but got classes=4\."):
        Trainer(tiny, make_data(96, resolution=12, classes=3), CONFIG, seed=0).load(path)


def test_a_truncated_checkpoint_is_refused(tiny: Architecture, noise: Data, tmp_path: Path) -> None:
    path = tmp_path / "trial.safetensors"
    trainer = Trainer(tiny, noise, CONFIG, seed=0)
    trainer.save(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelError, match="must be a whole checkpoint"):
        trainer.load(path)


def test_a_loss_that_is_no_number_fails_the_trial(tiny: Architecture, make_data: Callable[..., Data]) -> None:
    trainer = Trainer(tiny, make_data(96, resolution=12), CONFIG, seed=0)
    trainer.train_epoch()
    with torch.no_grad():
        trainer.network.get_parameter("linear.linear.bias").fill_(float("nan"))
    with pytest.raises(TrialError, match=r"^the loss became nan in epoch 2\.$"):
        trainer.train_epoch()


def test_weights_that_the_very_last_step_breaks_fail_the_trial(tiny: Architecture, noise: Data) -> None:
    config = replace(CONFIG, epochs=1, batch_size=96, warmup_epochs=0.0, learning_rate=1e30)
    with pytest.raises(TrialError, match=r"^the loss on split A became nan in epoch 1\.$"):
        Trainer(tiny, noise, config, seed=0).train_epoch()


def test_done_means_done(tiny: Architecture, noise: Data) -> None:
    trainer = trained(tiny, noise, replace(CONFIG, epochs=1, warmup_epochs=0.0))
    with pytest.raises(TrialError, match=r"`epoch < 1` must hold to train on, but got epoch=1\."):
        trainer.train_epoch()


@pytest.mark.parametrize("name", ["tpu", "cuda:77:1"])
def test_unknown_devices_are_refused(tiny: Architecture, noise: Data, name: str) -> None:
    with pytest.raises(TrialError, match="`device` must be"):
        Trainer(tiny, noise, CONFIG, seed=0, device=name)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_an_absent_gpu_is_refused(tiny: Architecture, noise: Data) -> None:
    with pytest.raises(TrialError, match="torch finds no GPU here"):
        Trainer(tiny, noise, CONFIG, seed=0, device="cuda")


def test_a_gpu_beyond_those_that_are_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert pick_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(TrialError, match='"cuda:7" must be present, but torch finds 2 GPUs here'):
        pick_device("cuda:7")


def test_evaluation_is_of_the_averaged_weights(tiny: Architecture, noise: Data) -> None:
    trainer = trained(tiny, noise, replace(CONFIG, precision="float32"))
    fresh = build(tiny, classes=4, resolution=12, auxiliary=True, generator=torch.Generator())
    fresh.load_state_dict(trainer.weights())
    fresh.eval()
    images, labels = next(batches(noise.split("a"), batch_size=24))
    with torch.no_grad():
        logits = fresh(images)
    evaluation = trainer.evaluate("a", logits=True)
    assert evaluation.logits is not None
    assert torch.allclose(evaluation.logits, logits, atol=1e-4)
    assert evaluation.loss == pytest.approx(F.cross_entropy(logits, labels).item(), rel=1e-4)
    assert evaluation.accuracy == (logits.argmax(dim=1) == labels).double().mean().item()
    live = evaluate(trainer.network, noise.split("a"), logits=True)
    assert live.logits is not None and not torch.allclose(live.logits, logits, atol=1e-4)


def test_batch_size_of_evaluation_changes_nothing(tiny: Architecture, noise: Data) -> None:
    network = build(tiny, classes=4, resolution=12, generator=torch.Generator().manual_seed(2)).train()
    one, many = (evaluate(network, noise.split("a"), batch_size=size, logits=True) for size in (5, 24))
    assert one.logits is not None and many.logits is not None
    assert torch.allclose(one.logits, many.logits, atol=1e-5)
    assert (one.accuracy, one.images) == (many.accuracy, 24)
    assert network.training


def test_bfloat16_is_near_float32(tiny: Architecture, digits: Data) -> None:
    config = TrainingConfig(epochs=3, batch_size=32, learning_rate=0.1, warmup_epochs=1.0)
    exact, fast = (trained(tiny, digits, replace(config, precision=name)) for name in ("float32", "bfloat16"))
    assert abs(exact.curve[-1].accuracy - fast.curve[-1].accuracy) < 0.06
    assert {value.dtype for value in fast.network.parameters()} == {torch.float32}


@pytest.mark.parametrize("recipe", ["paper", "modern"])
def test_named_recipes_train_the_canonical_network(recipe: str, make_data: Callable[..., Data]) -> None:
    architecture = PRESETS["googlenet"] if recipe == "paper" else replace(PRESETS["googlenet"], norm="batch")
    config = replace(TRAININGS[recipe], batch_size=8, images_per_epoch=16)
    trainer = Trainer(architecture, make_data(16, resolution=32, classes=10), config, seed=0)
    record = trainer.train_epoch()
    assert record.images == 16
    assert 0.0 < record.train_loss < 20.0


def test_one_cell_networks_train(noise: Data) -> None:
    lone = Cell(b1x1=0, b3x3_reduce=0, b3x3=8, b5x5_reduce=0, b5x5=0, pool_proj=0)
    tiny = replace(PRESETS["googlenet"], norm="none", stages=((lone,),), reductions=(), auxiliary=())
    assert Trainer(tiny, noise, CONFIG, seed=0).train_epoch().images == 80
