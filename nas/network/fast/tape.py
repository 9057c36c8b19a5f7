"""One pass of the fast plan forwards, and its way back, operation by operation and without torch's autograd."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from nas.network.fast.kernels import Kernels, Map
from nas.network.fast.plan import Group, Plan
from nas.network.layers import Convolution
from nas.operations import Add, Concat, Gate, LocalResponseNorm, MaxPool, MeanPool, Operation

Module = Callable[[str], nn.Module]
"""The module of an operation, by the operation's name."""
Kept = tuple[Tensor | None, list[nn.Parameter]]
"""Of what follows a convolution: mean and 1 / deviation, or None where nothing does, and scale and shift."""


class Tape:
    """Executes a plan on one batch, and keeps what the way back needs.

    Args:
        plan: what to execute.
        module: finds modules.
        kernels: for the type of the activations.
        images: (batch, channels, height, width).
        back: keep what the way back needs; otherwise values are forgotten after their last use.
        images_need_gradient: whether the way back ends at the images, or before the first convolution.
    """

    def __init__(
        self,
        plan: Plan,
        module: Module,
        kernels: Kernels,
        images: Tensor,
        *,
        back: bool = True,
        images_need_gradient: bool = False,
    ) -> None:
        self.plan, self.module, self.kernels, self.keep = plan, module, kernels, back
        self.images_need_gradient = images_need_gradient
        self.values: dict[str, Map | Tensor] = {"input": Map.of(images.to(kernels.dtype))}
        self.saved: list[tuple[Any, ...]] = []
        self.grads: dict[str, Map | Tensor] = {}
        self.parameter_grads: dict[nn.Parameter, Tensor] = {}
        for step, dead in zip(plan.steps, plan.dead, strict=True):
            saved = self._forward(step)
            if back:
                self.saved.append(saved)
            else:
                for name in dead:
                    del self.values[name]

    def outputs(self, names: tuple[str, ...]) -> tuple[Tensor, ...]:
        """Values as tensors; all others are forgotten but for what the way back needs."""
        found = tuple(_tensor(self.values[name]).detach() for name in names)
        self.values.clear()
        return found

    def back(self, grads: dict[str, Tensor]) -> None:
        """Fill ``parameter_grads`` (and ``grads["input"]``, if asked for) from gradients of outputs."""
        self.grads.update(grads)
        for step in reversed(self.plan.steps):
            saved = self.saved.pop()
            names = [member.name for member in step.members] if isinstance(step, Group) else [step.name]
            if all(name in self.grads for name in names):
                self._backward(step, saved)

    def _forward(self, step: Group | Operation) -> tuple[Any, ...]:
        match step:
            case Group():
                return self._convolve(step)
            case MaxPool():
                x = self._map(step.inputs[0])
                shape = (x.whole.shape[0], step.out_channels, *_pooled(x, step))
                y = self._place(step.name, shape)
                padding = step.kernel // 2 if step.padded else 0
                winners = self.kernels.pool_forward(x, y, step.kernel, step.stride, padding)
                return winners, padding, x.whole.shape
            case Concat():
                return ()
            case Add():
                x, y = (self._map(name) for name in step.inputs)
                z = self._place(step.name, tuple(x.tensor.shape))
                self.kernels.join_forward(x, y, z)
                return (z,)
            case MeanPool(kernel=0, out_size=1):
                x = self._map(step.inputs[0])
                self.values[step.name] = self.kernels.mean_forward(x).to(self.kernels.dtype)[:, :, None, None]
                return (x.whole.shape,)
            case Gate():
                x, logits = self._map(step.inputs[0]), _tensor(self.values[step.inputs[1]])
                factor = logits.float().sigmoid()
                self.kernels.gate_forward(x, self._place(step.name, tuple(x.tensor.shape)), factor)
                return x, factor
            case LocalResponseNorm():
                x = self._map(step.inputs[0])
                self.kernels.lrn_forward(x, self._place(step.name, tuple(x.tensor.shape)))
                return (x,)
        inputs = [_tensor(self.values[name]).detach() for name in step.inputs]
        if self.keep:
            inputs = [each.requires_grad_() for each in inputs]
        module = self.module(step.name)
        with torch.set_grad_enabled(self.keep), torch.autocast("cpu", torch.bfloat16, enabled=self._mixed):
            out = module(*inputs)
        self.values[step.name] = out.detach()
        return inputs, out, list(module.parameters())

    def _backward(self, step: Group | Operation, saved: tuple[Any, ...]) -> None:
        match step:
            case Group():
                self._convolve_back(step, *saved)
            case MaxPool():
                winners, padding, shape = saved
                g, name = self._grad(step.name), step.inputs[0]
                there = self._begun(name, (shape[0], g.width, *shape[2:]))
                self.kernels.pool_backward(
                    g, self._grad(name, keep=True), winners, step.kernel, step.stride, padding, add=there
                )
            case Concat():
                g = self._grad(step.name)
                for name in step.inputs:
                    self.grads[name] = g.slice(self.plan.slices[name][1], self._width(step, name))
            case Add():
                (z,) = saved
                g, dx, dy = self._grad(step.name), z.like(), z.like()
                self.kernels.join_backward(z, g, dx, dy)
                for name, grad in zip(step.inputs, (dx, dy), strict=True):
                    self._send(name, grad)
            case MeanPool(kernel=0, out_size=1):
                (shape,) = saved
                grad, name = _tensor(self.grads.pop(step.name)).float().flatten(1).contiguous(), step.inputs[0]
                there = self._begun(name, (shape[0], grad.shape[1], *shape[2:]))
                self.kernels.mean_backward(grad, self._grad(name, keep=True), add=there)
            case Gate():
                x, factor = saved
                dx = x.like()
                dfactor = self.kernels.gate_backward(x, self._grad(step.name), dx, factor)
                self._send(step.inputs[0], dx)
                self._send(step.inputs[1], dfactor * factor * (1 - factor))
            case LocalResponseNorm():
                (x,) = saved
                dx = x.like()
                self.kernels.lrn_backward(x, self._grad(step.name), dx)
                self._send(step.inputs[0], dx)
            case _:
                inputs, out, parameters = saved
                grad = _tensor(self.grads.pop(step.name)).to(out.dtype)
                found = torch.autograd.grad(out, [*inputs, *parameters], grad)
                for name, each in zip(step.inputs, found, strict=False):
                    self._send(name, each if each.dim() < 4 else Map.of(each.to(self.kernels.dtype)))
                self._learn(parameters, found[len(inputs) :])

    def _convolve(self, group: Group) -> tuple[Any, ...]:
        modules = [self._convolution(member.name) for member in group.members]
        x = self._map(group.reads).tensor.contiguous(memory_format=torch.channels_last)
        weight = self._weight([module.conv.weight for module in modules])
        y = group.convolver.forward(x, weight)
        whole, start = Map.of(y), 0
        # With the parameters that were used: `functional_call` puts others in their place, and takes them away again.
        saved: list[Kept] = []
        for member, module in zip(group.members, modules, strict=True):
            part = whole.slice(start, member.out_channels)
            start += member.out_channels
            if module.norm is None and module.conv.bias is None:
                self.values[member.name] = part
                saved.append((None, []))
                continue
            out = self._place(member.name, (y.shape[0], member.out_channels, *y.shape[2:]))
            if isinstance(module.norm, nn.BatchNorm2d) and module.norm.training:
                kept = self.kernels.norm_forward(part, out, module.norm, relu=module.relu)
                saved.append((kept, [module.norm.weight, module.norm.bias]))
                continue
            self.kernels.affine(part, out, *_line(module), relu=module.relu)
            # Zero mean and unit deviation make the way back of batch-norm that of a bias.
            line = torch.cat([torch.zeros(part.width), torch.ones(part.width)])
            saved.append((line, [] if module.conv.bias is None else [module.conv.bias]))
        return x, weight, whole, [module.conv.weight for module in modules], saved

    def _convolve_back(
        self, group: Group, x: Tensor, weight: Tensor, whole: Map, weights: list[nn.Parameter], saved: list[Kept]
    ) -> None:
        grads, start = whole.like(), 0
        for member, (kept, affine) in zip(group.members, saved, strict=True):
            g, part = self._grad(member.name), whole.slice(start, member.out_channels)
            if kept is None:
                grads = g if g.width == g.whole.shape[1] else Map.of(g.tensor)
            else:
                self._rectify_back(part, g, grads.slice(start, member.out_channels), kept, affine, relu=member.relu)
            start += member.out_channels
        if group.reads != "input" or self.images_need_gradient:
            self._send(group.reads, Map.of(group.convolver.inputs_gradient(grads.tensor, x, weight)))
        if group.convolver.broad(weight):
            dweight = self.kernels.depthwise_weights(Map.of(x), grads, group.convolver.kernel)
        else:
            dweight = group.convolver.weights_gradient(grads.tensor, x, weight)
        parts = dweight.split([member.out_channels for member in group.members])
        self._learn(weights, parts)

    def _rectify_back(self, x: Map, g: Map, dx: Map, saved: Tensor, affine: list[nn.Parameter], *, relu: bool) -> None:
        """Of a bias alone, or of scale and shift of batch-norm."""
        *scale, shift = affine
        gamma = scale[0] if scale else torch.ones(x.width)
        found = self.kernels.norm_backward(x, g, dx, gamma, shift, saved, relu=relu, still=not scale)
        self._learn(affine, found if scale else found[1:])

    def _learn(self, parameters: Sequence[nn.Parameter], grads: Sequence[Tensor]) -> None:
        for parameter, grad in zip(parameters, grads, strict=True):
            known = self.parameter_grads.get(parameter)
            self.parameter_grads[parameter] = grad if known is None else known + grad  # a parameter may be used twice

    def _weight(self, parameters: list[nn.Parameter]) -> Tensor:
        """One kernel from several, in the type of the activations."""
        if len(parameters) == 1:
            return parameters[0].detach().to(self.kernels.dtype)
        shape = (sum(each.shape[0] for each in parameters), *parameters[0].shape[1:])
        weight, start = torch.empty(shape, dtype=self.kernels.dtype), 0
        for each in parameters:
            weight[start : start + each.shape[0]] = each.detach()
            start += each.shape[0]
        return weight

    def _begun(self, name: str, shape: tuple[int, ...]) -> bool:
        """Whether a value has received a gradient; if not, it now has one that is to be written."""
        there = name in self.grads
        if not there:
            batch, channels, height, width = shape
            self.grads[name] = Map.empty(batch, channels, height, width, self.kernels.dtype)
        return there

    def _send(self, name: str, grad: Map | Tensor) -> None:
        """Add a gradient, which is the tape's own from now on, to what a value has received."""
        there = self.grads.get(name)
        if there is None:
            self.grads[name] = grad
        elif isinstance(there, Map) and isinstance(grad, Map):
            self.kernels.merge(grad, there)
        else:
            self.grads[name] = _tensor(there) + _tensor(grad)

    def _grad(self, name: str, *, keep: bool = False) -> Map:
        grad = self.grads[name] if keep else self.grads.pop(name)
        return grad if isinstance(grad, Map) else Map.of(grad.to(self.kernels.dtype))

    def _map(self, name: str) -> Map:
        value = self.values[name]
        return value if isinstance(value, Map) else Map.of(value.to(self.kernels.dtype))

    def _place(self, name: str, shape: tuple[int, ...]) -> Map:
        """Where a value goes: its slice of a concatenation, or a map of its own."""
        batch, channels, height, width = shape
        if name in self.plan.slices:
            whole, start = self.plan.slices[name]
            if whole not in self.values:
                self.values[whole] = Map.empty(batch, self.plan.widths[whole], height, width, self.kernels.dtype)
            value = self._map(whole).slice(start, channels)
        else:
            value = Map.empty(batch, channels, height, width, self.kernels.dtype)
        self.values[name] = value
        return value

    def _width(self, concat: Concat, name: str) -> int:
        starts = [self.plan.slices[each][1] for each in concat.inputs] + [concat.out_channels]
        return starts[concat.inputs.index(name) + 1] - self.plan.slices[name][1]

    def _convolution(self, name: str) -> Convolution:
        module = self.module(name)
        assert isinstance(module, Convolution)
        return module

    @property
    def _mixed(self) -> bool:
        return self.kernels.dtype == torch.bfloat16


def _tensor(value: Map | Tensor) -> Tensor:
    return value.tensor if isinstance(value, Map) else value


def _line(module: Convolution) -> tuple[Tensor, Tensor]:
    """Scale and shift that follow the convolution, where statistics are constants."""
    norm, bias = module.norm, module.conv.bias
    if norm is None:
        assert bias is not None
        return torch.ones_like(bias), bias
    assert norm.running_mean is not None and norm.running_var is not None
    scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
    return scale, norm.bias - norm.running_mean * scale


def _pooled(x: Map, pool: MaxPool) -> tuple[int, ...]:
    """Height and width after a pool, at any resolution."""
    padding = pool.kernel // 2 if pool.padded else 0
    spare = 0 if pool.padded else pool.stride - 1
    sizes = tuple((size + 2 * padding - pool.kernel + spare) // pool.stride + 1 for size in x.whole.shape[2:])
    if min(sizes) < 1:
        raise RuntimeError(f"images must be larger for this network, for a pool would give {sizes[0]} x {sizes[1]}.")
    return sizes
