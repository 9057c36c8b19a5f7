"""Shares, their intervals, and tables of who is taken for whom."""

import pytest
import torch

from nas.errors import ModelError
from nas.training.verdict import Share, judge


@pytest.mark.parametrize(
    ("right", "of", "interval"), [(0, 7, (0.0, 0.35433)), (7, 7, (0.64567, 1.0)), (1, 3, (0.06149, 0.79234))]
)
def test_interval_is_wilsons(right: int, of: int, interval: tuple[float, float]) -> None:
    assert Share(right=right, of=of).interval == pytest.approx(interval, abs=1e-5)


def test_broken_weights_have_no_accuracy() -> None:
    with pytest.raises(ModelError, match="must be a finite number"):
        judge(torch.tensor([[0.5, 0.5], [float("nan"), 0.5]]), torch.tensor([0, 1]))


def test_tables() -> None:
    told = torch.zeros(4, 7)
    told[0, 2] = told[1, 2] = told[2, 6] = told[3, 0] = 1.0
    told[1, 1] = 0.5
    told[3, 3] = told[3, 4] = told[3, 5] = told[3, 6] = 0.1
    verdict = judge(told, torch.tensor([2, 1, 6, 1]))
    assert (verdict.top1.right, verdict.top1.of) == (2, 4)
    assert verdict.top5 is not None and verdict.top5.right == 3
    assert verdict.confusion[1] == (1, 0, 1, 0, 0, 0, 0)
    assert verdict.by_class[1] == Share(right=0, of=2) and verdict.by_class[2] == Share(right=1, of=1)
    assert verdict.by_class[0] is None
    assert judge(told[:, :5], torch.tensor([2, 1, 0, 1])).top5 is None
