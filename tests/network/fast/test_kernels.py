"""The compiled kernels against torch, on slices of channels, for widths on either side of a vector's."""

from collections.abc import Callable, Iterator

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from nas.files import cpuinfo
from nas.network.fast.compile import library
from nas.network.fast.kernels import Kernels, Map, kernels
from nas.network.layers import LRN_ALPHA, LRN_BETA, LRN_K, LRN_SIZE

pytestmark = pytest.mark.skipif(library() is None, reason="there is no C++ compiler to make the kernels with")

SHAPES = [(1, 1, 1, 1), (3, 5, 7, 9), (2, 16, 14, 14), (4, 40, 6, 5), (9, 130, 4, 8)]
DTYPES = [torch.float32, torch.bfloat16]
POOLS = [
    (shape, kernel, stride, padding)
    for shape in SHAPES
    for kernel, stride, padding in [(3, 1, 1), (3, 2, 0), (2, 2, 0), (3, 2, 1)]
    if shape[2] + 2 * padding >= kernel - 1  # On smaller maps there is no window.
]
Fast = Callable[[torch.dtype], Kernels]


def processors() -> Iterator[tuple[str, ...]]:
    """What to tell the compiler for this processor, and for those that know less: vectors have other sizes there."""
    yield ()
    known = (cpuinfo("flags") or "").split()
    for name in ("avx512f", "avx2"):
        if name in known:
            yield f"-mno-{name}", "-O1"


@pytest.fixture(params=list(processors()), ids=" ".join, scope="module")
def fast(request: pytest.FixtureRequest) -> Fast:
    found = library(*request.param)
    assert found is not None
    return lambda dtype: Kernels(found, dtype)


def part(shape: tuple[int, int, int, int], dtype: torch.dtype, seed: int, offset: float = 0.0) -> Map:
    """A slice in the middle of a wider random map."""
    batch, channels, height, width = shape
    generator = torch.Generator().manual_seed(seed)
    wide = torch.randn(batch, channels + 7, height, width, generator=generator) + offset
    return Map.of(wide.to(dtype)).slice(3, channels)


def close(got: Tensor, expected: Tensor, dtype: torch.dtype) -> None:
    tolerance = 2e-5 if dtype == torch.float32 else 2e-2
    torch.testing.assert_close(got.float(), expected.float(), rtol=tolerance, atol=tolerance)


def untouched(wide: Map, before: Tensor) -> None:
    """Nothing but the slice was written."""
    outside = [each for each in range(before.shape[1]) if not wide.start <= each < wide.start + wide.width]
    assert torch.equal(wide.whole[:, outside], before[:, outside])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES[1:])
@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize("offset", [0.0, 30.0])
def test_norm(shape: tuple[int, int, int, int], dtype: torch.dtype, relu: bool, offset: float, fast: Fast) -> None:
    x, g, y, dx = (part(shape, dtype, seed, offset if seed == 1 else 0.0) for seed in (1, 2, 3, 4))
    ours = torch.nn.BatchNorm2d(shape[1], eps=1e-3)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        ours.weight.uniform_(0.5, 1.5, generator=generator)
        ours.bias.normal_(generator=generator)
    theirs = torch.nn.BatchNorm2d(shape[1], eps=1e-3)
    theirs.load_state_dict(ours.state_dict())
    before, before_dx = y.whole.clone(), dx.whole.clone()
    saved = fast(dtype).norm_forward(x, y, ours, relu=relu)
    leaf = x.tensor.detach().float().requires_grad_()
    expected = theirs(leaf).relu() if relu else theirs(leaf)
    close(y.tensor, expected.detach(), dtype)
    untouched(y, before)
    close(ours.running_mean, theirs.running_mean, torch.float32)
    close(ours.running_var, theirs.running_var, torch.float32)
    expected.backward(g.tensor.float())
    dgamma, dbeta = fast(dtype).norm_backward(x, g, dx, ours.weight, ours.bias, saved, relu=relu, still=False)
    assert leaf.grad is not None
    close(dx.tensor, leaf.grad, dtype)
    untouched(dx, before_dx)
    torch.testing.assert_close(dgamma, theirs.weight.grad, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(dbeta, theirs.bias.grad, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("shape", "kernel", "stride", "padding"), POOLS)
def test_pool(
    shape: tuple[int, int, int, int], dtype: torch.dtype, kernel: int, stride: int, padding: int, fast: Fast
) -> None:
    x = part(shape, dtype, 1)
    x.whole.round_()  # With ties, of which the first wins.
    leaf = x.tensor.detach().float().requires_grad_()  # Torch would sum gradients in bfloat16.
    expected = F.max_pool2d(leaf, kernel, stride, padding, ceil_mode=padding == 0)
    y, g = part(expected.shape, dtype, 2), part(expected.shape, dtype, 3)  # type: ignore[arg-type]
    before = y.whole.clone()
    winners = fast(dtype).pool_forward(x, y, kernel, stride, padding)
    assert torch.equal(y.tensor.float(), expected.detach())
    untouched(y, before)
    expected.backward(g.tensor.float())
    assert leaf.grad is not None
    dx = part(shape, dtype, 4)
    start, before = dx.tensor.clone(), dx.whole.clone()
    fast(dtype).pool_backward(g, dx, winners, kernel, stride, padding, add=True)
    close(dx.tensor, start + leaf.grad, dtype)
    fast(dtype).pool_backward(g, dx, winners, kernel, stride, padding, add=False)
    close(dx.tensor, leaf.grad, dtype)
    untouched(dx, before)


@pytest.mark.parametrize("dtype", DTYPES)
def test_pool_of_what_is_not_finite(dtype: torch.dtype, fast: Fast) -> None:
    x = part((2, 40, 5, 4), dtype, 1)
    x.whole[0, 5, 2, 2], x.whole[0, 20, 1, 3] = float("nan"), -float("nan")
    x.whole[1, 30, :, :], x.whole[1, 31, 0, 0] = -float("inf"), float("inf")
    x.whole[1, 33] = torch.tensor([-0.0, 0.0], dtype=dtype).repeat(10).view(5, 4)
    y = part((2, 40, 5, 4), dtype, 2)
    winners = fast(dtype).pool_forward(x, y, 3, 1, 1).view(2, 5, 4, 40).permute(0, 3, 1, 2)
    expected = F.max_pool2d(x.tensor.float(), 3, 1, 1)
    torch.testing.assert_close(y.tensor.float(), expected, rtol=0, atol=0, equal_nan=True)
    # Of zeros, whatever their signs, the first one wins; windows at the border begin inside.
    assert winners[1, 30, 1:-1, 1:-1].unique().tolist() == [0]
    assert winners[1, 30, 0, 0] == 4


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kernel", [5, 7])
@pytest.mark.parametrize("threads", [1, 2])
def test_depthwise_weights(
    shape: tuple[int, int, int, int], dtype: torch.dtype, kernel: int, threads: int, fast: Fast
) -> None:
    x, g = part(shape, dtype, 1), part(shape, dtype, 2)
    channels = shape[1]
    weight = torch.zeros(channels, 1, kernel, kernel, dtype=torch.float64, requires_grad=True)
    y = F.conv2d(x.tensor.double(), weight, padding=kernel // 2, groups=channels)
    y.backward(g.tensor.double())
    assert weight.grad is not None
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        found = fast(dtype).depthwise_weights(x, g, kernel)
    finally:
        torch.set_num_threads(before)
    # Products of bfloat16 are exact in float32, so that one bound holds for both.
    torch.testing.assert_close(found, weight.grad.float(), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_mean(shape: tuple[int, int, int, int], dtype: torch.dtype, fast: Fast) -> None:
    x, dx = part(shape, dtype, 1, offset=3.0), part(shape, dtype, 2)
    torch.testing.assert_close(fast(dtype).mean_forward(x), x.tensor.float().mean(dim=(2, 3)), rtol=1e-5, atol=1e-5)
    g = torch.randn(shape[:2], generator=torch.Generator().manual_seed(3))
    each = (g / (shape[2] * shape[3]))[:, :, None, None].expand(shape)
    start, before = dx.tensor.float().clone(), dx.whole.clone()
    fast(dtype).mean_backward(g, dx, add=True)
    close(dx.tensor, start + each, dtype)
    fast(dtype).mean_backward(g, dx, add=False)
    close(dx.tensor, each, dtype)
    untouched(dx, before)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_gate(shape: tuple[int, int, int, int], dtype: torch.dtype, fast: Fast) -> None:
    x, g, y, dx = (part(shape, dtype, seed) for seed in (1, 2, 3, 4))
    factor = torch.rand(shape[:2], generator=torch.Generator().manual_seed(5)).requires_grad_()
    leaf = x.tensor.detach().float().requires_grad_()
    expected = leaf * factor[:, :, None, None]
    before, before_dx = y.whole.clone(), dx.whole.clone()
    fast(dtype).gate_forward(x, y, factor.detach())
    close(y.tensor, expected.detach(), dtype)
    untouched(y, before)
    expected.backward(g.tensor.float())
    dfactor = fast(dtype).gate_backward(x, g, dx, factor.detach())
    assert leaf.grad is not None and factor.grad is not None
    close(dx.tensor, leaf.grad, dtype)
    untouched(dx, before_dx)
    torch.testing.assert_close(dfactor, factor.grad, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", [1.0, 100.0])  # With the latter the neighbours count.
def test_lrn(shape: tuple[int, int, int, int], dtype: torch.dtype, scale: float, fast: Fast) -> None:
    x, g, y, dx = (part(shape, dtype, seed) for seed in (1, 2, 3, 4))
    x.whole.mul_(scale)
    leaf = x.tensor.detach().double().requires_grad_()
    expected = F.local_response_norm(leaf, LRN_SIZE, LRN_ALPHA, LRN_BETA, LRN_K)
    before, before_dx = y.whole.clone(), dx.whole.clone()
    fast(dtype).lrn_forward(x, y)
    close(y.tensor, expected.detach(), dtype)
    untouched(y, before)
    expected.backward(g.tensor.double())
    fast(dtype).lrn_backward(x, g, dx)
    assert leaf.grad is not None
    close(dx.tensor, leaf.grad, dtype)
    untouched(dx, before_dx)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_sums_and_lines(shape: tuple[int, int, int, int], dtype: torch.dtype, fast: Fast) -> None:
    x, y, z, dx, dy = (part(shape, dtype, seed) for seed in range(5))
    wanted = F.relu(x.tensor + y.tensor)
    fast(dtype).join_forward(x, y, z)
    close(z.tensor, wanted, dtype)
    fast(dtype).join_backward(z, x, dx, dy)
    assert torch.equal(dx.tensor, torch.where(z.tensor > 0, x.tensor, 0.0))
    assert torch.equal(dx.tensor, dy.tensor)
    wanted = y.tensor + x.tensor
    fast(dtype).merge(x, y)
    close(y.tensor, wanted, dtype)
    scale, shift = torch.randn(x.width), torch.randn(x.width)
    for relu in (True, False):
        wanted = x.tensor.float() * scale[:, None, None] + shift[:, None, None]
        fast(dtype).affine(x, y, scale, shift, relu=relu)
        close(y.tensor, F.relu(wanted) if relu else wanted, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_not_a_number_stays_visible(dtype: torch.dtype, fast: Fast) -> None:
    """A trial that diverges must be seen to."""
    x = Map.of(torch.zeros(1, 20, 4, 4, dtype=dtype))
    x.whole[0, 3, 1, 1] = float("nan")
    y = x.like()
    fast(dtype).affine(x, y, torch.ones(20), torch.zeros(20), relu=True)
    assert y.tensor[0, 3, 1, 1].isnan()
    fast(dtype).pool_forward(x, y, 3, 1, 1)
    assert y.tensor[0, 3, :3, :3].isnan().all()
    assert y.tensor.isnan().sum() == 9
    fast(dtype).norm_forward(x, y, torch.nn.BatchNorm2d(20), relu=True)
    assert y.tensor[0, 3].isnan().all()
    fast(dtype).lrn_forward(x, y)
    assert y.tensor[0, 1:6, 1, 1].isnan().all() and y.tensor.isnan().sum() == 5


def test_threads_change_nothing_but_rounding(fast: Fast) -> None:
    x = part((40, 24, 9, 9), torch.float32, 1)
    found = []
    before = torch.get_num_threads()
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        y, norm = x.like(), torch.nn.BatchNorm2d(24)
        fast(torch.float32).norm_forward(x, y, norm, relu=True)
        found.append(y.tensor)
    torch.set_num_threads(before)
    torch.testing.assert_close(found[1], found[0], rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(found[2], found[0], rtol=1e-6, atol=1e-6)


def test_no_kernels_for_other_types() -> None:
    assert kernels(torch.float16) is None
