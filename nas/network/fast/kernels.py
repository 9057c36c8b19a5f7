"""Typed calls of the compiled kernels, on maps of pixels in channels-last order."""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from nas.network.fast.compile import library
from nas.network.layers import LRN_ALPHA, LRN_K, LRN_SIZE

_LONG, _INT, _FLOAT, _POINTER = ctypes.c_long, ctypes.c_int, ctypes.c_float, ctypes.c_void_p
_MAP = (_POINTER, _LONG)
_LRN = LRN_ALPHA / LRN_SIZE, LRN_K
"""What the kernel is told; five neighbours and the power of 3/4 are written into it."""
_SIGNATURES: dict[str, tuple[type, ...]] = {
    "affine": (*_MAP, *_MAP, _LONG, _LONG, _POINTER, _POINTER, _INT, _INT),
    "norm_forward": (*_MAP, *_MAP, _LONG, _LONG, *(_POINTER,) * 4, _FLOAT, _FLOAT, _POINTER, _INT, _INT),
    "norm_backward": (*_MAP, *_MAP, *_MAP, _LONG, _LONG, *(_POINTER,) * 5, _INT, _INT, _INT),
    "pool_forward": (*_MAP, *_MAP, _POINTER, *(_LONG,) * 6, *(_INT,) * 4),
    "pool_backward": (*_MAP, *_MAP, _POINTER, *(_LONG,) * 6, *(_INT,) * 5),
    "depthwise_weights": (*_MAP, *_MAP, _POINTER, *(_LONG,) * 4, *(_INT,) * 2),
    "mean_forward": (*_MAP, _POINTER, *(_LONG,) * 3, _INT),
    "mean_backward": (_POINTER, *_MAP, *(_LONG,) * 3, *(_INT,) * 2),
    "gate_forward": (*_MAP, *_MAP, _POINTER, *(_LONG,) * 3, _INT),
    "gate_backward": (*_MAP, *_MAP, *_MAP, *(_POINTER,) * 2, *(_LONG,) * 3, _INT),
    "lrn_forward": (*_MAP, *_MAP, _LONG, _LONG, _FLOAT, _FLOAT, _INT),
    "lrn_backward": (*_MAP, *_MAP, *_MAP, _LONG, _LONG, _FLOAT, _FLOAT, _INT),
    "merge": (*_MAP, *_MAP, _LONG, _LONG, _INT),
    "join_forward": (*_MAP, *_MAP, *_MAP, _LONG, _LONG, _INT),
    "join_backward": (*_MAP, *_MAP, *_MAP, *_MAP, _LONG, _LONG, _INT),
}


@dataclass(frozen=True, slots=True)
class Map:
    """Some channels of a tensor (batch, channels, height, width) that is dense in channels-last order."""

    whole: Tensor
    start: int
    width: int

    @staticmethod
    def of(tensor: Tensor) -> "Map":
        """All channels of a tensor, which is copied where it is not dense in channels-last order."""
        return Map(tensor.contiguous(memory_format=torch.channels_last), 0, tensor.shape[1])

    @staticmethod
    def empty(batch: int, channels: int, height: int, width: int, dtype: torch.dtype) -> "Map":
        """All channels of a new tensor."""
        # Not by `memory_format=`: an image of one pixel would come out in either order.
        return Map(torch.empty(batch, height, width, channels, dtype=dtype).permute(0, 3, 1, 2), 0, channels)

    def slice(self, start: int, width: int) -> "Map":
        """Some of its channels."""
        return Map(self.whole, self.start + start, width)

    def like(self) -> "Map":
        """A new dense map of the same shape and type."""
        batch, _, height, width = self.whole.shape
        return Map.empty(batch, self.width, height, width, self.whole.dtype)

    @property
    def tensor(self) -> Tensor:
        """The tensor (batch, width, height, width); a view."""
        return self.whole if self.width == self.whole.shape[1] else self.whole.narrow(1, self.start, self.width)

    @property
    def rows(self) -> int:
        """Pixels."""
        batch, _, height, width = self.whole.shape
        return batch * height * width

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Images, pixels of each, channels."""
        return len(self.whole), self.rows // len(self.whole), self.width

    @property
    def place(self) -> tuple[int, int]:
        """Address of the first value, and values from one pixel to the next."""
        return self.whole.data_ptr() + self.start * self.whole.element_size(), self.whole.shape[1]


class Kernels:
    """The kernels for one type of values, on a number of threads."""

    def __init__(self, library: ctypes.CDLL, dtype: torch.dtype) -> None:
        suffix = {torch.float32: "float32", torch.bfloat16: "bfloat16"}[dtype]
        self.dtype = dtype
        self._call: dict[str, Callable[..., None]] = {}
        for name, types in _SIGNATURES.items():
            function = getattr(library, f"{name}_{suffix}")
            function.argtypes, function.restype = types, None
            self._call[name] = function

    def affine(self, x: Map, y: Map, scale: Tensor, shift: Tensor, *, relu: bool) -> None:
        """Y = x * scale + shift, a channel each, rectified or not."""
        self._call["affine"](
            *x.place, *y.place, x.rows, x.width, scale.data_ptr(), shift.data_ptr(), relu, torch.get_num_threads()
        )

    def norm_forward(self, x: Map, y: Map, norm: torch.nn.BatchNorm2d, *, relu: bool) -> Tensor:
        """Batch-norm in training, and ReLU; returns what the way back needs: mean and 1 / deviation a channel."""
        if x.rows == 1:  # As torch has it: one value alone has no variance.
            raise ValueError(f"Expected more than 1 value per channel when training, got input size {x.tensor.shape}")
        saved = torch.empty(2 * x.width)
        pointers = [_float_pointer(each) for each in (norm.weight, norm.bias, norm.running_mean, norm.running_var)]
        momentum = norm.momentum
        assert momentum is not None
        self._call["norm_forward"](
            *x.place, *y.place, x.rows, x.width, *pointers, momentum, norm.eps, saved.data_ptr(), relu,
            torch.get_num_threads(),
        )  # fmt: skip
        return saved

    def norm_backward(
        self, x: Map, g: Map, dx: Map, gamma: Tensor, beta: Tensor, saved: Tensor, *, relu: bool, still: bool
    ) -> tuple[Tensor, Tensor]:
        """Writes the gradient of x, and returns those of scale and shift; ``still`` statistics are constants."""
        dgamma, dbeta = torch.empty(x.width), torch.empty(x.width)
        pointers = [_float_pointer(each) for each in (gamma, beta, saved, dgamma, dbeta)]
        self._call["norm_backward"](
            *x.place, *g.place, *dx.place, x.rows, x.width, *pointers, relu, still, torch.get_num_threads()
        )
        return dgamma, dbeta

    def pool_forward(self, x: Map, y: Map, kernel: int, stride: int, padding: int) -> Tensor:
        """Maximum over windows; returns which pixel of each window won."""
        batch, _, height, width = x.whole.shape
        out_height, out_width = y.whole.shape[2:]
        winners = torch.empty(y.rows * x.width, dtype=torch.uint8)
        self._call["pool_forward"](
            *x.place, *y.place, winners.data_ptr(), batch, height, width, x.width, out_height, out_width,
            kernel, stride, padding, torch.get_num_threads(),
        )  # fmt: skip
        return winners

    def pool_backward(
        self, g: Map, dx: Map, winners: Tensor, kernel: int, stride: int, padding: int, *, add: bool
    ) -> None:
        """Writes the gradient of x, or adds it to what is there."""
        batch, _, height, width = dx.whole.shape
        out_height, out_width = g.whole.shape[2:]
        self._call["pool_backward"](
            *g.place, *dx.place, winners.data_ptr(), batch, height, width, dx.width, out_height, out_width,
            kernel, stride, padding, add, torch.get_num_threads(),
        )  # fmt: skip

    def depthwise_weights(self, x: Map, g: Map, kernel: int) -> Tensor:
        """Gradient of the weight (channels, 1, kernel, kernel) of a depthwise convolution; kernel is 5 or 7."""
        batch, _, height, width = x.whole.shape
        dweight = torch.empty(x.width, 1, kernel, kernel)
        self._call["depthwise_weights"](
            *x.place, *g.place, dweight.data_ptr(), batch, height, width, x.width, kernel, torch.get_num_threads()
        )
        return dweight

    def mean_forward(self, x: Map) -> Tensor:
        """The mean over each image's pixels: float32 (batch, channels)."""
        mean = torch.empty(len(x.whole), x.width)
        self._call["mean_forward"](*x.place, mean.data_ptr(), *x.sizes, torch.get_num_threads())
        return mean

    def mean_backward(self, g: Tensor, dx: Map, *, add: bool) -> None:
        """Writes the gradient of x, or adds it to what is there; g is float32 (batch, channels)."""
        self._call["mean_backward"](_float_pointer(g), *dx.place, *dx.sizes, add, torch.get_num_threads())

    def gate_forward(self, x: Map, y: Map, factor: Tensor) -> None:
        """Y = x * factor, float32 (batch, channels)."""
        self._call["gate_forward"](*x.place, *y.place, _float_pointer(factor), *x.sizes, torch.get_num_threads())

    def gate_backward(self, x: Map, g: Map, dx: Map, factor: Tensor) -> Tensor:
        """Writes the gradient of x, and returns that of the factor."""
        dfactor = torch.empty_like(factor)
        pointers = _float_pointer(factor), dfactor.data_ptr()
        self._call["gate_backward"](*x.place, *g.place, *dx.place, *pointers, *x.sizes, torch.get_num_threads())
        return dfactor

    def lrn_forward(self, x: Map, y: Map) -> None:
        """Local response normalisation, as ``nas.network.layers`` has it."""
        self._call["lrn_forward"](*x.place, *y.place, x.rows, x.width, *_LRN, torch.get_num_threads())

    def lrn_backward(self, x: Map, g: Map, dx: Map) -> None:
        """Writes the gradient of x."""
        self._call["lrn_backward"](*x.place, *g.place, *dx.place, x.rows, x.width, *_LRN, torch.get_num_threads())

    def merge(self, x: Map, y: Map) -> None:
        """Y += x."""
        self._call["merge"](*x.place, *y.place, x.rows, x.width, torch.get_num_threads())

    def join_forward(self, x: Map, y: Map, z: Map) -> None:
        """Z = relu(x + y)."""
        self._call["join_forward"](*x.place, *y.place, *z.place, x.rows, x.width, torch.get_num_threads())

    def join_backward(self, z: Map, g: Map, dx: Map, dy: Map) -> None:
        """Dx = dy = g where z > 0."""
        threads = torch.get_num_threads()
        self._call["join_backward"](*z.place, *g.place, *dx.place, *dy.place, z.rows, z.width, threads)


def _float_pointer(tensor: Tensor | None) -> int:
    assert tensor is not None and tensor.dtype == torch.float32 and tensor.is_contiguous()
    return tensor.data_ptr()


@cache
def kernels(dtype: torch.dtype) -> Kernels | None:
    """The kernels for a type of values, or None where there are none."""
    found = library()
    return Kernels(found, dtype) if found is not None and dtype in (torch.float32, torch.bfloat16) else None
