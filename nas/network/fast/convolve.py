"""Convolutions and their gradients, each by the way that was fastest for its sizes (see benchmarks/README.md).

torch's convolutions (oneDNN) are good on large maps. For what is small, the preparation of the weights weighs more
than the work, and matrix products are faster: of pixels, where the kernel is 1x1 or the map has one pixel, and of
gathered windows on maps of a few pixels. All tensors are in channels-last order.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

POINTWISE_LEAST_WEIGHTS = 2048
POINTWISE_MOST_PIXELS = 64
"""A 1x1 convolution with as many weights, or on maps as small, is a matrix product."""
GATHER_LEAST_WEIGHTS = 1024
"""Channels read times channels written from which gathering windows pays."""
GATHER_MOST_PIXELS = 4
GATHER_MOST_PIXELS_FOR_WEIGHTS = 16
"""Map sizes up to which windows are gathered: for outputs and inputs' gradients, and for weights' gradients."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Convolver:
    """One convolution, padded to "same", without bias: kernel, stride and groups."""

    kernel: int
    stride: int
    groups: int

    def forward(self, x: Tensor, weight: Tensor) -> Tensor:
        """Convolve (batch, in, height, width) with (out, in / groups, kernel, kernel)."""
        if self._product(x, weight):
            return _maps(_pixels(x) @ self._centre(weight).t(), x)
        if self._gathers(x, weight, GATHER_MOST_PIXELS):
            return _maps(self._windows(x) @ _flat(weight).t(), x)
        return torch.ops.aten.convolution(x, weight, None, *self._geometry)

    def inputs_gradient(self, g: Tensor, x: Tensor, weight: Tensor) -> Tensor:
        """Of x, from the gradient of the output."""
        if self._product(x, weight):
            return _maps(_pixels(g) @ self._centre(weight), x)
        if self._gathers(x, weight, GATHER_MOST_PIXELS):
            turned = weight.flip(2, 3).permute(2, 3, 0, 1).reshape(-1, weight.shape[1])
            return _maps(self._windows(g) @ turned, x)
        return torch.ops.aten.convolution_backward(g, x, weight, None, *self._geometry, (True, False, False))[0]

    def weights_gradient(self, g: Tensor, x: Tensor, weight: Tensor) -> Tensor:
        """Of the weight, float32."""
        if self._product(x, weight):
            centre = (_pixels(g).t() @ _pixels(x)).float()
            if self.kernel == 1:
                return centre.view(weight.shape)
            # On a map of one pixel all other weights meet padding only.
            whole = torch.zeros(weight.shape)
            whole[:, :, self.kernel // 2, self.kernel // 2] = centre
            return whole
        if self._gathers(x, weight, GATHER_MOST_PIXELS_FOR_WEIGHTS):
            out, read, *_ = weight.shape
            flat = _pixels(g).t() @ self._windows(x)
            return flat.float().view(out, self.kernel, self.kernel, read).permute(0, 3, 1, 2)
        return torch.ops.aten.convolution_backward(g, x, weight, None, *self._geometry, (False, True, False))[1].float()

    def broad(self, weight: Tensor) -> bool:
        """Whether it is depthwise, 5x5 or 7x7: torch is slow at the gradient of such weights, and a kernel does it."""
        return self.groups == len(weight) > 1 and self.stride == 1 and self.kernel in (5, 7)

    @property
    def _geometry(self) -> tuple[object, ...]:
        padding = self.kernel // 2
        return (self.stride, self.stride), (padding, padding), (1, 1), False, (0, 0), self.groups

    def _product(self, x: Tensor, weight: Tensor) -> bool:
        pixels = x.shape[2] * x.shape[3]
        if self.groups > 1:
            return False
        if pixels == 1:
            return True
        return (self.kernel, self.stride) == (1, 1) and (
            pixels <= POINTWISE_MOST_PIXELS or weight.shape[0] * weight.shape[1] >= POINTWISE_LEAST_WEIGHTS
        )

    def _gathers(self, x: Tensor, weight: Tensor, most_pixels: int) -> bool:
        heavy = weight.shape[0] * weight.shape[1] >= GATHER_LEAST_WEIGHTS
        return self.groups == self.stride == 1 and heavy and x.shape[2] * x.shape[3] <= most_pixels

    def _centre(self, weight: Tensor) -> Tensor:
        return weight[:, :, self.kernel // 2, self.kernel // 2]

    def _windows(self, x: Tensor) -> Tensor:
        """The padded window around each pixel: (pixels, kernel * kernel * channels)."""
        batch, channels, height, width = x.shape
        kernel, padding = self.kernel, self.kernel // 2
        padded = x.new_zeros(batch, height + 2 * padding, width + 2 * padding, channels)
        padded[:, padding : padding + height, padding : padding + width] = x.permute(0, 2, 3, 1)
        image, row, pixel, one = padded.stride()
        windows = padded.as_strided(
            (batch, height, width, kernel, kernel, channels), (image, row, pixel, row, pixel, one)
        )
        return windows.reshape(-1, kernel * kernel * channels)


def _pixels(x: Tensor) -> Tensor:
    """A row a pixel: (pixels, channels), a view."""
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])


def _maps(pixels: Tensor, like: Tensor) -> Tensor:
    """Rows of pixels as maps of the size of ``like``, a view."""
    batch, _, height, width = like.shape
    return pixels.view(batch, height, width, -1).permute(0, 3, 1, 2)


def _flat(weight: Tensor) -> Tensor:
    """A row an output channel: (out, kernel * kernel * in)."""
    return weight.permute(0, 2, 3, 1).reshape(weight.shape[0], -1)
