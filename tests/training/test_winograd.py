"""Convolutions by tiles give what plain convolutions give, forward and backward, within the rounding of bf16."""

import copy

import numba
import pytest
import torch
from torch import Tensor, nn

from alphapente.config import Config
from alphapente.network.models import build_model
from alphapente.training.winograd import POSITIONS_AT_ONCE, WinogradConv2d, use_winograd

needs_kernels = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="written as LLVM vectors: not in Python")


def error(found: Tensor, expected: Tensor) -> float:
    found, expected = found.detach().float(), expected.detach()
    return float((found - expected).norm() / expected.norm())


@needs_kernels
@pytest.mark.parametrize(("size", "inputs", "outputs"), [(19, 64, 64), (9, 32, 64), (8, 96, 32)])
def test_values_and_gradients_are_those_of_the_plain_convolution(size: int, inputs: int, outputs: int) -> None:
    torch.manual_seed(1)
    plain = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    tiled = copy.deepcopy(plain)
    assert use_winograd(nn.Sequential(tiled)) == 1
    x = torch.randn(POSITIONS_AT_ONCE + 3, inputs, size, size).bfloat16().float()
    gradient = torch.randn(len(x), outputs, size, size).bfloat16().float()
    theirs = x.clone().requires_grad_()
    expected = plain(theirs)
    expected.backward(gradient)
    ours = x.bfloat16().contiguous(memory_format=torch.channels_last).requires_grad_()
    found = tiled(ours)
    found.backward(gradient.bfloat16())
    assert found.dtype == torch.bfloat16
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert error(found, expected) < 0.02
    assert ours.grad is not None
    assert theirs.grad is not None
    assert error(ours.grad, theirs.grad) < 0.02
    assert tiled.weight.grad is not None
    assert plain.weight.grad is not None
    assert tiled.weight.grad.dtype == torch.float32
    assert error(tiled.weight.grad, plain.weight.grad) < 0.02


@needs_kernels
def test_the_error_has_no_direction() -> None:
    """What is lost by rounding is lost to both sides: the mean over many positions comes out far better than each."""
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
    assert use_winograd(model) == 12  # all but the first, which has 12 channels, and the heads' own
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
