"""Muon: momentum whose update is orthogonalised, for the weights of convolutions.

Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024); a convolution's weight is the matrix of
(out channels) x (in channels * kernel). Torch's own Muon takes matrices only, and one at a time; here matrices of one
shape are orthogonalised together. Linear layers, grouped convolutions and parameters with one dimension get plain
Nesterov SGD (`nas.training.optimizer` says which).
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, overload

import torch
from torch import Tensor

COEFFICIENTS: Final = (3.4445, -4.7750, 2.0315)
"""Of the quintic iteration; they drive singular values into about 0.7 to 1.2 fast, not to 1."""
ITERATIONS: Final = 5


def orthogonalise(matrices: Tensor) -> Tensor:
    """Matrices [B, rows, columns] with their singular values set to about one; in their own dtype."""
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    a, b, c = COEFFICIENTS
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised for groups with ``orthogonal``, Nesterov SGD for the others.

    The update of an orthogonal group has the norm sqrt(rows / columns) a singular value (at least 1), as in modular
    norm theory (Bernstein and Newhouse, arXiv 2410.21265), and weight decay is decoupled.

    Args:
        groups: dicts with ``params``, and ``orthogonal``, ``weight_decay``, ``scale`` (of the rate).
        lr: rate of all groups, times their ``scale``.
        momentum: of all groups.
        dtype: of the iteration.
    """

    def __init__(self, groups: Iterable[dict[str, Any]], *, lr: float, momentum: float, dtype: torch.dtype) -> None:
        self._dtype = dtype
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": 0.0, "orthogonal": False, "scale": 1.0}
        super().__init__(groups, defaults)

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], float]) -> float: ...
    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """One step; ``closure`` is not supported and must be None."""
        if closure is not None:
            raise TypeError("Muon takes no closure")
        for group in self.param_groups:
            parameters = [parameter for parameter in group["params"] if parameter.grad is not None]
            if not parameters:
                continue
            rate = group["lr"] * group["scale"]
            updates = self._nesterov(parameters, group["momentum"])
            if group["orthogonal"]:
                updates = self._orthogonal(updates)
            if group["weight_decay"]:
                torch._foreach_mul_(parameters, 1.0 - group["lr"] * group["weight_decay"])
            torch._foreach_add_(parameters, updates, alpha=-rate)
        return None

    def _nesterov(self, parameters: Sequence[Tensor], momentum: float) -> list[Tensor]:
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        buffers = []
        for parameter in parameters:
            state = self.state[parameter]
            if "momentum_buffer" not in state:
                state["momentum_buffer"] = torch.zeros_like(parameter)
            buffers.append(state["momentum_buffer"])
        torch._foreach_mul_(buffers, momentum)
        torch._foreach_add_(buffers, gradients)
        return list(torch._foreach_add(gradients, buffers, alpha=momentum))

    def _orthogonal(self, updates: list[Tensor]) -> list[Tensor]:
        shapes: dict[tuple[int, int], list[int]] = {}
        for index, update in enumerate(updates):
            shapes.setdefault((len(update), update[0].numel()), []).append(index)
        done = list(updates)
        for (rows, columns), members in shapes.items():
            matrices = torch.stack([updates[index].reshape(rows, columns) for index in members]).to(self._dtype)
            scale = max(1.0, rows / columns) ** 0.5
            for index, matrix in zip(members, orthogonalise(matrices).float(), strict=True):
                done[index] = (matrix * scale).reshape(updates[index].shape)
        return done
