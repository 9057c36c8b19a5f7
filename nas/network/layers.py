"""One module for each kind of operation of the lowering, on tensors (batch, channels, size[, size])."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nas import operations as ops

BATCH_NORM_EPS = 1e-3
"""As in TensorFlow's Inception and torchvision's GoogLeNet."""
BATCH_NORM_MOMENTUM = 0.1
LRN_SIZE, LRN_ALPHA, LRN_BETA, LRN_K = 5, 1e-4, 0.75, 1.0
"""As in Caffe's GoogLeNet (alpha is divided by the size, there and in torch)."""


class Convolution(nn.Module):
    """A convolution, its batch-norm where there is one, and its ReLU where there is one."""

    norm: nn.BatchNorm1d | nn.BatchNorm2d | None

    def __init__(self, operation: ops.Conv, *, dims: int) -> None:
        super().__init__()
        conv: type[nn.Conv1d] | type[nn.Conv2d] = nn.Conv1d if dims == 1 else nn.Conv2d
        # `skip_init` leaves the parameters uninitialised: nothing may draw from the global generator.
        self.conv = nn.utils.skip_init(
            conv,
            operation.in_channels,
            operation.out_channels,
            operation.kernel,
            stride=operation.stride,
            padding=operation.kernel // 2,
            groups=operation.groups,
            bias=operation.bias,
            device=torch.get_default_device(),  # `skip_init` would take the CPU, also within `with torch.device(...)`.
        )
        if operation.batch_norm:
            norm = nn.BatchNorm1d if dims == 1 else nn.BatchNorm2d
            self.norm = norm(operation.out_channels, eps=BATCH_NORM_EPS, momentum=BATCH_NORM_MOMENTUM)
        else:
            self.norm = None
        self.relu = operation.relu

    def forward(self, x: Tensor) -> Tensor:
        """Convolve, normalise, rectify."""
        y: Tensor = self.conv(x)
        if self.norm is not None:
            y = self.norm(y)
        return F.relu(y, inplace=True) if self.relu else y


class Linear(nn.Module):
    """A linear layer on the flattened input: (batch, ...) to (batch, features)."""

    def __init__(self, operation: ops.Linear, *, dims: int) -> None:
        super().__init__()
        features = operation.in_channels * operation.in_size**dims
        self.linear = nn.utils.skip_init(nn.Linear, features, operation.out_channels, device=torch.get_default_device())
        self.relu = operation.relu

    def forward(self, x: Tensor) -> Tensor:
        """Flatten, multiply, rectify."""
        y: Tensor = self.linear(x.flatten(1))
        return F.relu(y, inplace=True) if self.relu else y


class MeanPool(nn.Module):
    """Mean over windows, or adaptively to a size."""

    def __init__(self, operation: ops.MeanPool, *, dims: int) -> None:
        super().__init__()
        self.dims = dims
        self.kernel, self.stride, self.size = operation.kernel, operation.stride, operation.out_size

    def forward(self, x: Tensor) -> Tensor:
        """Pool."""
        if self.kernel:
            pool = F.avg_pool1d if self.dims == 1 else F.avg_pool2d
            return pool(x, self.kernel, self.stride)
        if self.size == 1:
            return x.mean(dim=(2, 3) if self.dims == 2 else (2,), keepdim=True)
        return F.adaptive_avg_pool1d(x, self.size) if self.dims == 1 else F.adaptive_avg_pool2d(x, self.size)


class Concat(nn.Module):
    """Concatenation along channels."""

    def forward(self, *xs: Tensor) -> Tensor:
        """Concatenate."""
        return torch.cat(xs, dim=1)


class Gate(nn.Module):
    """The input times the sigmoid of one logit a channel."""

    def forward(self, x: Tensor, logits: Tensor) -> Tensor:
        """Gate; ``logits`` are (batch, channels)."""
        return x * torch.sigmoid(logits).view(*logits.shape, *(1,) * (x.dim() - 2))


class Add(nn.Module):
    """ReLU of a sum."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Add and rectify."""
        return F.relu(x + y, inplace=True)


def layer(operation: ops.Operation, *, dims: int) -> nn.Module:
    """The module of an operation; its parameters, if any, are not initialised."""
    match operation:
        case ops.Conv():
            return Convolution(operation, dims=dims)
        case ops.Linear():
            return Linear(operation, dims=dims)
        case ops.MaxPool():
            padding = operation.kernel // 2 if operation.padded else 0
            pool = nn.MaxPool1d if dims == 1 else nn.MaxPool2d
            return pool(operation.kernel, operation.stride, padding, ceil_mode=padding == 0)
        case ops.MeanPool():
            return MeanPool(operation, dims=dims)
        case ops.LocalResponseNorm():
            return nn.LocalResponseNorm(LRN_SIZE, LRN_ALPHA, LRN_BETA, LRN_K)
        case ops.Dropout():
            return nn.Dropout(operation.probability)
        case ops.Concat():
            return Concat()
        case ops.Gate():
            return Gate()
        case ops.Add():
            return Add()
    raise TypeError(f"no layer for the operation {operation!r}")
