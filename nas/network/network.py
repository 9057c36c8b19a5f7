"""A network that executes the operations of the lowering."""

from typing import Literal

from torch import Tensor, nn

from nas.errors import ModelError
from nas.network.fast.function import Built, evaluate, run, suitable
from nas.network.fast.plan import plan as fast_plan
from nas.network.layers import MeanPool, layer
from nas.operations import Lowered
from nas.schedule import Step, schedule

PlanName = Literal["plain", "fast"]


def module_name(operation: str) -> str:
    """The name of an operation's module: ``3a.b1x1`` is held as ``3a_b1x1`` (a dot nests modules)."""
    return operation.replace(".", "_")


class Network(nn.Module):
    """A network at a number of classes; use :func:`nas.network.build.build` to make one.

    The trunk works at any resolution that its pools allow; auxiliary heads that pool by a fixed
    kernel work only at the one they were lowered at.

    Attributes:
        lowered: the operations it executes.
        built: what the fast plan takes for granted; where it no longer holds, ``fast`` executes as ``plain``.
        plan: ``plain`` executes module by module; ``fast`` does the same on the CPU by kernels of its own where it
            can (see ``nas.network.fast``), and otherwise as ``plain``. Modules, parameters and checkpoints are the
            same; where a module has hooks, or torch traces, exports or transforms, ``fast`` executes as ``plain``.
    """

    def __init__(self, lowered: Lowered, *, plan: PlanName = "plain") -> None:
        super().__init__()
        self.lowered = lowered
        self.plan = plan
        for operation in lowered.operations:
            self.add_module(module_name(operation.name), layer(operation, dims=lowered.dims))
        outputs = lowered.outputs
        self._logits = outputs.logits.name
        self._heads = tuple(value.name for value in outputs.auxiliary)
        self._stages = tuple(value.name for value in outputs.stages)
        self._fast_inference = fast_plan(lowered, (self._logits,))
        self._fast_training = fast_plan(lowered, (self._logits, *self._heads))
        self._inference = schedule(lowered.operations, (self._logits,))
        self._training = schedule(lowered.operations, (self._logits, *self._heads))
        self._backbone = schedule(lowered.operations, self._stages)
        self._fixed_resolution = any(isinstance(module, MeanPool) and module.kernel > 0 for module in self.children())
        self.built = Built.of(self)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, tuple[Tensor, ...]]:
        """Logits of images (batch, 3, height, width), or of series (batch, 3, steps).

        In training, a network with auxiliary heads returns (logits, logits of each head).

        Raises:
            ModelError: training with auxiliary heads at a resolution they were not built for.
        """
        fast = suitable(self, x) if self.plan == "fast" else None
        if not self.training:
            if fast is not None:
                return evaluate(self._fast_inference, self._module, (self._logits,), fast, x)[0]
            return self._run(x, self._inference)[self._logits]
        if self._heads:
            self._check(x)
        names = (self._logits, *self._heads)
        if fast is None:
            values = self._run(x, self._training)
            logits, *heads = (values[name] for name in names)
        else:
            logits, *heads = run(self._fast_training, self._module, names, fast, x, self)
        return (logits, tuple(heads)) if self._heads else logits

    def _module(self, operation: str) -> nn.Module:
        module = self._modules[module_name(operation)]
        assert module is not None
        return module

    def _check(self, x: Tensor) -> None:
        if self._fixed_resolution and any(size != self.lowered.resolution for size in x.shape[2:]):
            raise ModelError(
                f"auxiliary heads train at the resolution they were built for, {self.lowered.resolution}, "
                f"but got resolution={tuple(x.shape[2:])}."
            )

    def features(self, x: Tensor) -> tuple[Tensor, ...]:
        """The output of each stage, for use as a backbone."""
        values = self._run(x, self._backbone)
        return tuple(values[name] for name in self._stages)

    def _run(self, x: Tensor, steps: tuple[Step, ...]) -> dict[str, Tensor]:
        values = {"input": x}
        for step in steps:
            operation = step.operation
            values[operation.name] = self._module(operation.name)(*[values[name] for name in operation.inputs])
            for name in step.dead:
                del values[name]
        return values
