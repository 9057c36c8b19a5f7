"""Memory that runs out: what says so, and forward passes in smaller batches."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from nas.architecture import Architecture
from nas.data.splits import Data
from nas.errors import TrialError
from nas.network.build import build
from nas.network.network import Network
from nas.training.evaluate import evaluate
from nas.training.memory import out_of_memory, within_memory
from nas.training.statistics import estimate_statistics

CPU = torch.device("cpu")


def test_torch_says_that_memory_ran_out_as_expected() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert out_of_memory(caught.value)
    assert not out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


@pytest.mark.parametrize(
    "words",
    [
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "FIND was unable to find an engine to execute this computation",
        "GET was unable to find an engine to execute this computation",
    ],
)
def test_so_do_the_libraries_of_a_gpu(words: str) -> None:
    assert out_of_memory(RuntimeError(words))


def test_another_error_is_not_for_want_of_memory() -> None:
    def fails(size: int) -> None:
        raise RuntimeError(f"shapes cannot be multiplied with {size}")

    with pytest.raises(RuntimeError, match="multiplied with 256"):
        within_memory(fails, 256, what="evaluation")


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], list[int]]]:
    """Gives networks room for so many images, and what they were then called with."""
    forward = Network.forward

    def give(most: int) -> list[int]:
        sizes: list[int] = []

        def limited(self: Network, images: torch.Tensor) -> Any:
            sizes.append(len(images))
            if len(images) > most:
                raise torch.OutOfMemoryError("as if")
            return forward(self, images)

        monkeypatch.setattr(Network, "forward", limited)
        return sizes

    yield give


def test_an_evaluation_needs_no_more_room_than_there_is(
    tiny: Architecture, make_data: Callable[..., Data], room: Callable[[int], list[int]]
) -> None:
    split = make_data(300, resolution=12).split("train")
    network = build(tiny, classes=4, resolution=12, generator=torch.Generator().manual_seed(1))
    whole = evaluate(network, split, logits=True)
    sizes = room(64)
    parts = evaluate(network, split, logits=True)
    assert sizes == [256, 128, 64, 64, 64, 64, 44]
    assert (parts.accuracy, parts.images) == (whole.accuracy, whole.images)
    assert parts.loss == pytest.approx(whole.loss)
    assert whole.logits is not None and parts.logits is not None
    assert torch.allclose(parts.logits, whole.logits, atol=1e-5)
    assert network.training, "as it was"


def test_what_an_attempt_left_is_not_in_the_statistics(
    tiny: Architecture, make_data: Callable[..., Data], room: Callable[[int], list[int]]
) -> None:
    """Layers before the one that found no room have seen the batch; 257 images end in one alone at any size."""
    split = make_data(257, resolution=12).split("train")

    def statistics() -> dict[str, torch.Tensor]:
        network = build(tiny, classes=4, resolution=12, generator=torch.Generator().manual_seed(1))
        norm = network.get_submodule("conv1.norm")
        network.get_submodule("3a_b1x1").register_forward_pre_hook(lambda _, inputs: check(len(inputs[0])))
        estimate_statistics(network, split, images=1000, device=CPU, dtype=torch.float32)
        return {name: value for name, value in norm.state_dict().items() if name.startswith("running")}

    refused: list[int] = []

    def check(images: int) -> None:
        if images > most:
            refused.append(images)
            raise torch.OutOfMemoryError("as if")

    most = 64
    halved = statistics()
    assert refused == [256, 128]
    most = 256
    whole = statistics()
    assert torch.allclose(halved["running_mean"], whole["running_mean"], atol=1e-5)
    assert torch.allclose(halved["running_var"], whole["running_var"], rtol=0.05)


def test_no_room_at_all_is_one_sentence(
    tiny: Architecture, make_data: Callable[..., Data], room: Callable[[int], list[int]]
) -> None:
    split = make_data(20, resolution=12).split("train")
    network = build(tiny, classes=4, resolution=12, generator=torch.Generator().manual_seed(1))
    room(1)
    with pytest.raises(TrialError, match=r"^memory ran out in evaluation, with 2 images at a time\.$"):
        evaluate(network, split)
    with pytest.raises(TrialError, match=r"^memory ran out in taking batch-norm's statistics, with 2 images at a time"):
        estimate_statistics(network, split, images=10, device=CPU, dtype=torch.float32)
