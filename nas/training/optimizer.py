"""Optimisers: which parameters they decay, and their state as named tensors."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from nas.training.config import TrainingConfig
from nas.training.device import pick_dtype
from nas.training.muon import Muon

ADAMW_BETA2 = 0.999
PLAIN_SCALE = 5.0
"""In ``muon``: the rate of parameters that are not orthogonalised, relative to that of those that are."""


def groups(network: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """(weights of convolutions and linear layers, all else): only the former decay.

    Biases, scales and shifts have one dimension.
    """
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    return [p for p in parameters if p.ndim > 1], [p for p in parameters if p.ndim <= 1]


def make_optimizer(network: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    """The optimiser of a recipe; sgd and adamw in their fused form, which is one pass over the memory."""
    weights, rest = groups(network)
    if config.optimizer == "muon":
        return _muon(network, weights, rest, config)
    parts = [{"params": weights, "weight_decay": config.weight_decay}, {"params": rest, "weight_decay": 0.0}]
    if config.optimizer == "adamw":
        return torch.optim.AdamW(parts, lr=config.learning_rate, betas=(config.momentum, ADAMW_BETA2), fused=True)
    return torch.optim.SGD(
        parts, lr=config.learning_rate, momentum=config.momentum, nesterov=config.nesterov, fused=True
    )


def _muon(
    network: nn.Module, weights: list[nn.Parameter], rest: list[nn.Parameter], config: TrainingConfig
) -> torch.optim.Optimizer:
    # The classifier's rows are classes, not features, and a depthwise kernel has a single input: plain steps there. The
    # few linear layers of heads and gates go with the classifier.
    matrices = {
        module.weight
        for module in network.modules()
        if isinstance(module, nn.Conv1d | nn.Conv2d) and module.groups == 1
    }
    decay = {"weight_decay": config.weight_decay}
    parts = [
        {"params": [weight for weight in weights if weight in matrices], "orthogonal": True, **decay},
        {"params": [weight for weight in weights if weight not in matrices], "scale": PLAIN_SCALE, **decay},
        {"params": rest, "scale": PLAIN_SCALE},
    ]
    device = weights[0].device
    return Muon(
        [part for part in parts if part["params"]],
        lr=config.learning_rate,
        momentum=config.momentum,
        dtype=pick_dtype(config.precision, device),
    )


def optimizer_state(optimizer: torch.optim.Optimizer, network: nn.Module) -> dict[str, Tensor]:
    """Its tensors, named ``kind/parameter``."""
    names: dict[Tensor, str] = {parameter: name for name, parameter in network.named_parameters()}
    return {
        f"{kind}/{names[parameter]}": value
        for parameter, values in optimizer.state.items()
        for kind, value in values.items()
        if isinstance(value, Tensor)
    }


def load_optimizer_state(optimizer: torch.optim.Optimizer, network: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Put back what :func:`optimizer_state` gave, in the memory format of the parameters."""
    parameters = dict(network.named_parameters())
    optimizer.state.clear()
    for key, value in state.items():
        kind, _, name = key.partition("/")
        parameter = parameters[name]
        # On the parameter's device even where it is a scalar: a fused AdamW counts its steps there.
        like = parameter if value.shape == parameter.shape else torch.empty_like(value, device=parameter.device)
        optimizer.state[parameter][kind] = torch.empty_like(like).detach().copy_(value)
