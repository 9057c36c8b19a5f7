"""Orthogonalisation, and Muon's step against its definition."""

import pytest
import torch
from torch import nn

from nas.training.muon import Muon, orthogonalise


@pytest.mark.parametrize("shape", [(3, 8, 24), (2, 24, 8), (1, 16, 16)])
def test_singular_values_come_near_one_and_directions_stay(shape: tuple[int, int, int]) -> None:
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    u, _, vh = torch.linalg.svd(matrices, full_matrices=False)
    done = orthogonalise(matrices)
    in_basis = u.mT @ done @ vh.mT
    values = torch.diagonal(in_basis, dim1=1, dim2=2)
    assert values.min() > 0.6 and values.max() < 1.3
    assert (in_basis - torch.diag_embed(values)).abs().max() < 1e-9


def test_step_is_as_defined() -> None:
    generator = torch.Generator().manual_seed(1)
    conv = nn.Parameter(torch.randn(8, 4, 3, 3, generator=generator).to(memory_format=torch.channels_last))
    twin = nn.Parameter(torch.randn(8, 4, 3, 3, generator=generator))
    bias = nn.Parameter(torch.randn(8, generator=generator))
    parts = [{"params": [conv, twin], "orthogonal": True, "weight_decay": 0.5}, {"params": [bias], "scale": 4.0}]
    optimizer = Muon(parts, lr=0.1, momentum=0.9, dtype=torch.float32)
    expected = {id(value): value.detach().clone() for value in (conv, twin, bias)}
    velocity = {id(value): torch.zeros_like(value) for value in (conv, twin, bias)}
    for _ in range(2):
        for value in (conv, twin, bias):
            value.grad = torch.randn(value.shape, generator=generator)
            velocity[id(value)] = 0.9 * velocity[id(value)] + value.grad
            update = value.grad + 0.9 * velocity[id(value)]
            if value is bias:
                expected[id(value)] -= 0.4 * update
            else:
                update = orthogonalise(update.reshape(1, 8, 36)).view(8, 4, 3, 3)
                expected[id(value)] = expected[id(value)] * (1 - 0.1 * 0.5) - 0.1 * update
        optimizer.step()
    for value in (conv, twin, bias):
        assert torch.allclose(value, expected[id(value)], atol=1e-5)
