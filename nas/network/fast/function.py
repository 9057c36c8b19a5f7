"""The fast plan as one node of torch's autograd."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.jit._trace import is_tracing
from torch.nn.modules.module import _has_any_global_hook

from nas.network.fast.kernels import Kernels, kernels
from nas.network.fast.plan import Plan
from nas.network.fast.tape import Module, Tape
from nas.network.layers import Convolution

if TYPE_CHECKING:
    from nas.network.network import Network


@dataclass(frozen=True, slots=True)
class Built:
    """What the fast plan takes for granted of a network: its very modules, and the geometry of its convolutions.

    Equal only where the modules are the same objects. Made anew at every pass, so it reads as little as it can.
    """

    modules: tuple[nn.Module, ...]
    geometries: tuple[tuple[object, ...], ...]

    @classmethod
    def of(cls, network: nn.Module) -> "Built":
        """Of a network as it is now."""
        modules = tuple(network.modules())[1:]
        convolutions = (module for module in modules if type(module) is nn.Conv2d)
        return cls(modules, tuple(_geometry(conv) for conv in convolutions))


def _geometry(conv: nn.Conv2d) -> tuple[object, ...]:
    weight = conv._parameters.get("weight")  # None where something else makes the weight
    return weight is not None and weight.shape, conv.stride, conv.padding, conv.dilation


def suitable(network: "Network", images: Tensor) -> Kernels | None:
    """The kernels to execute this network with on these images, or None where the plain plan has to do it.

    That is: images on the CPU, float32 or autocast to bfloat16, and a C++ compiler to make the kernels with.
    The layers are as they were built (:class:`Built`): none in another's place, none wrapped, pruned or dilated.
    In training, batch-norm trains everywhere and nothing is frozen; in evaluation, gradients are off.
    Nobody looks on: neither torch's tracers and transforms nor hooks, for they would not see the kernels.
    """
    # First, because torch.compile takes it for a constant and looks at nothing behind it.
    if torch.compiler.is_compiling() or is_tracing():
        return None
    if images.device.type != "cpu" or images.dim() != 4 or images.dtype not in (torch.float32, torch.bfloat16):
        return None
    if _observed(network, images):
        return None
    if images.numel() == 0:
        return None  # The kernels look at a first pixel.
    mixed = torch.is_autocast_enabled("cpu")
    if not mixed and images.dtype != torch.float32:
        return None
    if torch.get_default_dtype() != torch.float32 or torch.get_default_device().type != "cpu":
        return None  # What the kernels write to is made by them.
    if network.built != Built.of(network):
        return None
    if not (_trains(network) if network.training else _evaluates(network)):
        return None
    return kernels(torch.get_autocast_dtype("cpu") if mixed else torch.float32)


def _observed(network: nn.Module, images: Tensor) -> bool:
    if type(images) not in (Tensor, nn.Parameter):
        return True
    if torch._C._are_functorch_transforms_active() or torch._C._len_torch_dispatch_stack() > 0:
        return True
    # The network's own hooks are called by either plan.
    return _has_any_global_hook() or any(_hooked(module) for module in network.modules() if module is not network)


def _hooked(module: nn.Module) -> bool:
    return bool(
        module._forward_hooks or module._forward_pre_hooks or module._backward_hooks or module._backward_pre_hooks
    )


def _trains(network: nn.Module) -> bool:
    for module in network.children():
        norm = module.norm if isinstance(module, Convolution) else None
        if norm is not None and not (norm.training and norm.track_running_stats and norm.momentum is not None):
            return False
    return all(each.requires_grad and each.dtype == torch.float32 and each.is_cpu for each in network.parameters())


def _evaluates(network: nn.Module) -> bool:
    still = not torch.is_grad_enabled() and not any(module.training for module in network.modules())
    return still and all(each.dtype == torch.float32 and each.is_cpu for each in network.parameters())


def evaluate(plan: Plan, module: Module, names: tuple[str, ...], fast: Kernels, images: Tensor) -> tuple[Tensor, ...]:
    """The values called ``names``, as the modules' modes have it, without a way back."""
    return Tape(plan, module, fast, images, back=False).outputs(names)


def run(
    plan: Plan, module: Module, names: tuple[str, ...], fast: Kernels, images: Tensor, network: nn.Module
) -> tuple[Tensor, ...]:
    """The values called ``names`` in training; where gradients are on, differentiable once."""
    counts = [
        child.norm.num_batches_tracked
        for child in network.children()
        if isinstance(child, Convolution) and child.norm is not None and child.norm.num_batches_tracked is not None
    ]
    if counts:
        torch._foreach_add_(counts, 1)
    if not torch.is_grad_enabled():  # Batch-norm's statistics only: nothing is kept for a way back.
        return evaluate(plan, module, names, fast, images)
    parameters = tuple(network.parameters())
    return _Fast.apply(plan, module, names, fast, images, *parameters)


class _Fast(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, plan: Plan, module: Module, names: tuple[str, ...], fast: Kernels, images: Tensor, *ps: nn.Parameter
    ) -> tuple[Tensor, ...]:
        tape = Tape(plan, module, fast, images, images_need_gradient=ctx.needs_input_grad[4])
        ctx.tape, ctx.names, ctx.parameters, ctx.dtype = tape, names, ps, images.dtype
        # For torch's check that nothing was changed in place before the way back; a copy of the images cannot be.
        ctx.save_for_backward(*([images] if images.dtype == fast.dtype else []), *ps)
        ctx.set_materialize_grads(False)
        return tape.outputs(names)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        if ctx.tape is None:
            raise RuntimeError("the fast plan goes back once a step; build with plan='plain' to keep a graph")
        _ = ctx.saved_tensors
        tape: Tape = ctx.tape
        ctx.tape = None
        with torch.autocast("cpu", enabled=False):  # The types are those of the way forwards.
            tape.back({name: grad for name, grad in zip(ctx.names, grads, strict=True) if grad is not None})
        images = tape.grads.get("input") if ctx.needs_input_grad[4] else None
        found = images.tensor.to(ctx.dtype) if images is not None and not isinstance(images, Tensor) else images
        return (None, None, None, None, found, *(tape.parameter_grads.get(each) for each in ctx.parameters))
