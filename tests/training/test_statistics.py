"""Statistics of batch-norm that belong to the averaged weights."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import nn

from nas.architecture import Architecture
from nas.data.batches import batches
from nas.data.splits import Data, Split
from nas.network.build import build
from nas.training import TrainingConfig
from nas.training.statistics import IMAGES, PASSING, estimate_statistics, images_for
from nas.training.trainer import Trainer

CPU = torch.device("cpu")


def norms_of(network: nn.Module) -> dict[str, nn.BatchNorm2d]:
    return {name: module for name, module in network.named_modules() if isinstance(module, nn.BatchNorm2d)}


def test_they_are_those_of_the_images(tiny: Architecture, make_data: Callable[..., Data]) -> None:
    data = make_data(300, resolution=12)
    network = build(tiny, classes=4, resolution=12, generator=torch.Generator().manual_seed(1)).eval()
    norm = norms_of(network)["conv1.norm"]
    norm.running_mean.fill_(3.0)  # type: ignore[union-attr]
    estimate_statistics(network, data.split("train"), images=10_000, device=CPU, dtype=torch.float32)
    read = batches(data.split("train"), batch_size=256, shuffle=True)
    parts = [network.get_submodule("conv1.conv")(images) for images, _ in read]
    means = torch.stack([part.mean(dim=(0, 2, 3)) for part in parts])
    variances = torch.stack([part.var(dim=(0, 2, 3)) for part in parts])
    weights = torch.tensor([len(part) for part in parts]) / 300
    assert norm.running_mean is not None and norm.running_var is not None
    assert torch.allclose(norm.running_mean, weights @ means, atol=1e-4)
    assert torch.allclose(norm.running_var, weights @ variances, rtol=1e-3)
    assert not network.training
    assert {each.momentum for each in norms_of(network).values()} == {0.1}


def test_images_that_stand_class_by_class_as_in_a_folder_are_mixed() -> None:
    """The variance within batches of one class or two is a small part of that of all images."""
    labels = torch.arange(2048) // 256
    noise = torch.randint(0, 16, (2048, 1, 4, 4), generator=torch.Generator().manual_seed(0))
    images = (labels[:, None, None, None] * 30 + noise).to(torch.uint8)
    split = Split(images=images, labels=labels, mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))
    network = nn.Sequential(nn.BatchNorm2d(3))
    estimate_statistics(network, split, images=1024, device=CPU, dtype=torch.float32)
    (norm,) = network
    assert isinstance(norm, nn.BatchNorm2d) and norm.running_var is not None
    whole = (images.double() / 255 / 0.25).var().item()
    assert norm.running_var.tolist() == pytest.approx([whole] * 3, rel=0.1)


def test_no_batch_is_of_one_image(make_data: Callable[..., Data]) -> None:
    """Batch-norm of maps of one pixel refuses it."""
    network = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(3))
    split = make_data(257, resolution=4).split("train")
    estimate_statistics(network, split, images=257, device=CPU, dtype=torch.float32)


@pytest.mark.parametrize(("epochs", "images"), [(1, 600), (2, 27_000), (36, 54_000), (60, 1_280_000)])
def test_the_last_epoch_is_given_more_images_within_a_hundredth_of_the_training(epochs: int, images: int) -> None:
    counts = [images_for(epoch, epochs=epochs, images=images) for epoch in range(1, epochs + 1)]
    assert set(counts[:-1]) <= {min(PASSING, images // 4)}
    assert counts[-1] >= counts[0]
    read = min(max(counts[-1], IMAGES[0]), IMAGES[1])
    assert read <= max(images // 2, images * epochs / 33)  # a forward pass is a third of a step


def test_networks_without_batch_norm_are_left_alone(tiny: Architecture, noise: Data) -> None:
    network = build(replace(tiny, norm="none"), classes=4, resolution=12, generator=torch.Generator())
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state = torch.random.get_rng_state()
    estimate_statistics(network, noise.split("train"), images=1, device=CPU, dtype=torch.float32)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), state)


def test_only_the_averaged_weights_get_them(tiny: Architecture, digits: Data) -> None:
    """An average that has hardly moved is judged well all the same."""
    config = TrainingConfig(
        epochs=4, batch_size=32, learning_rate=0.1, warmup_epochs=1.0, ema_decay=0.9, precision="float32"
    )
    trainer = Trainer(tiny, digits, config, seed=0)
    record = trainer.train_epoch()
    live = {name: norm.running_mean.clone() for name, norm in norms_of(trainer.network).items()}  # type: ignore[union-attr]
    delivered = trainer.weights()
    assert all(not torch.allclose(delivered[f"{name}.running_mean"], mean, rtol=1e-3) for name, mean in live.items())
    right = build(tiny, classes=10, resolution=8, generator=torch.Generator())
    right.load_state_dict(delivered)
    estimate_statistics(right, digits.split("train"), images=record.images // 4, device=CPU, dtype=trainer.dtype)
    for name, norm in norms_of(right).items():
        assert norm.running_mean is not None
        assert torch.allclose(norm.running_mean, delivered[f"{name}.running_mean"], atol=1e-3), name
