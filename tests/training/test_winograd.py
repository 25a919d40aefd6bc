"""Convolutions by tiles equal plain convolutions, forward and backward, within the rounding of their type."""

import copy
from concurrent.futures import ThreadPoolExecutor

import numba
import pytest
import torch
from torch import Tensor, nn

from alphapente.config import Config
from alphapente.network.models import build_model
from alphapente.training.threads import torch_threads
from alphapente.training.winograd import WinogradConv2d, pays, use_winograd

needs_kernels = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="written as LLVM vectors: not in Python")


def error(found: Tensor, expected: Tensor) -> float:
    found, expected = found.detach().double(), expected.detach()
    return float((found - expected).norm() / expected.norm())


Pass = tuple[Tensor, Tensor, Tensor]
"""The output of a convolution, the gradient of its input, and that of its weight."""


def passed(conv: nn.Module, x: Tensor, gradient: Tensor) -> Pass:
    """A pass forward and backward with an input as in the learner: channels last."""
    conv.zero_grad()
    given = x.contiguous(memory_format=torch.channels_last).requires_grad_()
    found = conv(given)
    found.backward(gradient)
    assert given.grad is not None
    weight_gradient = conv.get_parameter("weight").grad
    assert weight_gradient is not None
    return found.detach(), given.grad, weight_gradient


def pair(inputs: int, outputs: int) -> tuple[nn.Conv2d, nn.Conv2d]:
    """A plain convolution and the same one by tiles."""
    torch.manual_seed(1)
    plain = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    tiled = copy.deepcopy(plain)
    assert use_winograd(nn.Sequential(tiled)) == 1
    return plain, tiled


@needs_kernels
@pytest.mark.parametrize(("dtype", "bound"), [(torch.bfloat16, 0.02), (torch.float32, 5e-6)])
@pytest.mark.parametrize(
    ("count", "size", "inputs", "outputs"), [(29, 19, 64, 64), (41, 9, 32, 64), (105, 8, 96, 32), (1, 13, 32, 32)]
)
def test_values_and_gradients_are_those_of_the_plain_convolution_in_float64(
    dtype: torch.dtype, bound: float, count: int, size: int, inputs: int, outputs: int
) -> None:
    plain, tiled = pair(inputs, outputs)
    x = torch.randn(count, inputs, size, size).to(dtype)
    gradient = torch.randn(count, outputs, size, size).to(dtype)
    expected = passed(plain.double(), x.double(), gradient.double())
    found = passed(tiled, x, gradient)
    for ours, theirs in zip(found, expected, strict=True):
        assert error(ours, theirs) < bound
    values, _, weight_gradient = found
    assert values.dtype == dtype
    assert values.is_contiguous(memory_format=torch.channels_last)
    assert weight_gradient.dtype == torch.float32


@needs_kernels
@pytest.mark.parametrize("size", [9, 19])
def test_sums_stay_small_in_float32_where_the_inputs_all_agree(size: int) -> None:
    """Inputs after ReLU, filters of one sign: errors do not cancel; the largest of all points counts."""
    plain, tiled = pair(32, 32)
    with torch.no_grad():
        plain.weight.abs_()
        tiled.weight.copy_(plain.weight)
        x = torch.rand(16, 32, size, size) + 1
        expected = plain.double()(x.double())
        found = tiled(x.contiguous(memory_format=torch.channels_last))
    assert float(((found - expected).abs() / expected).max()) < 2e-5


@needs_kernels
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_the_same_input_gives_the_same_bits_on_one_thread_and_on_several_at_once(dtype: torch.dtype) -> None:
    """Each thread has its own tiles: concurrent convolutions of several sizes do not disturb each other."""
    _, tiled = pair(32, 64)
    inputs = [(torch.randn(n, 32, size, size).to(dtype), torch.randn(n, 64, size, size).to(dtype))
              for n, size in ((40, 9), (9, 19), (33, 9), (12, 13))]  # fmt: skip
    with torch_threads(1):
        expected = [passed(copy.deepcopy(tiled), *some) for some in inputs]
        with ThreadPoolExecutor(4, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            order = [index for _ in range(6) for index in range(4)]
            found = list(pool.map(lambda index: passed(copy.deepcopy(tiled), *inputs[index]), order))
    for index, ours in zip(order, found, strict=True):
        for mine, its in zip(ours, expected[index], strict=True):
            assert torch.equal(mine, its)


@needs_kernels
def test_the_error_has_no_direction() -> None:
    """Rounding errors have both signs: the mean over many positions is far more accurate than each of them."""
    torch.manual_seed(2)
    plain = nn.Conv2d(64, 64, 3, padding=1, bias=False)
    tiled = copy.deepcopy(plain)
    use_winograd(nn.Sequential(tiled))
    x = torch.relu(torch.randn(128, 64, 9, 9)).bfloat16()
    with torch.no_grad():
        wrong = tiled(x.contiguous(memory_format=torch.channels_last)).float() - plain(x.float())
    assert float(wrong.mean(0).square().mean()) < 0.05 * float(wrong.square().mean())


def test_only_what_fits_is_changed_and_the_names_of_weights_stay() -> None:
    model = build_model(Config(), "resnet")
    names = list(model.state_dict())
    assert use_winograd(model) == 12  # all except the first, which has 12 channels, and those of the heads
    assert list(model.state_dict()) == names
    odd = nn.Sequential(
        nn.Conv2d(64, 64, 3, padding=1),
        nn.Conv2d(64, 64, 5, padding=2, bias=False),
        nn.Conv2d(64, 64, 3, padding=1, stride=2, bias=False),
        nn.Conv2d(64, 64, 3, padding=1, groups=2, bias=False),
        nn.Conv2d(64, 40, 3, padding=1, bias=False),
        nn.Conv2d(64, 64, 3, padding=1, bias=False, padding_mode="circular"),
        nn.Conv2d(64, 64, 3, bias=False),
    )
    assert use_winograd(odd) == 0
    assert not any(isinstance(module, WinogradConv2d) for module in odd)


def test_it_pays_by_what_the_processor_can(monkeypatch: pytest.MonkeyPatch) -> None:
    def on(*able: str) -> list[str]:
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: dict.fromkeys(able, True), raising=False)
        return [precision for precision in ("fp32", "bf16") if pays("cpu", precision)]

    monkeypatch.setattr(numba.config, "DISABLE_JIT", 0)
    assert on() == []
    assert on("avx2") == ["fp32"]
    assert on("avx2", "avx512_f", "avx512_bf16") == ["fp32", "bf16"]
    assert on("avx2", "avx512_f", "avx512_bf16", "amx_bf16") == ["fp32"]
    assert not pays("cuda", "fp32")
    monkeypatch.setattr(numba.config, "DISABLE_JIT", 1)
    assert on("avx2", "avx512_bf16") == []
