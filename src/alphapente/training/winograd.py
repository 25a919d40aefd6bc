"""3x3 convolutions by Winograd tiles, in bf16 on a CPU without AMX and in float32 on one with AVX2.

In bf16, 64 channels on 19x19, one core of a Zen 4: 13 instead of 28 ms forward, 28 instead of 66 ms backward for 256
positions. The cost is rounding: an error of 1.1% of the result where plain bf16 has 0.2%, without bias, and so small
beside the noise of a batch's gradient. In float32 the error is 2e-6 where the plain sum has 3e-7. docs/training.md has
the speed of whole steps.
"""

import threading
from collections.abc import Iterator
from typing import Any

import numba
import numpy as np
import torch
from torch import Tensor, nn

from alphapente.training import tiles

TILES_AT_ONCE = {torch.bfloat16: 400, torch.float32: 64}
"""The approximate number of tiles made at once, measured: fewer need more calls, more do not fit the caches."""

_FORMS = {torch.bfloat16: tiles.BF16, torch.float32: tiles.FLOAT32}
_FILTERS = {dtype: torch.from_numpy(np.kron(form.filter, form.filter)) for dtype, form in _FORMS.items()}  # [cells, 9]


def pays(device: str, precision: str) -> bool:
    """Whether tiles are faster on this processor: in fp32 with AVX2, in bf16 with AVX512_BF16 and without AMX.

    A processor with AMX does not need tiles, and without a compiler (NUMBA_DISABLE_JIT) the sums cannot run.
    """
    if device != "cpu" or numba.config.DISABLE_JIT or not hasattr(torch.cpu, "get_capabilities"):
        return False
    capabilities = torch.cpu.get_capabilities()
    if precision == "fp32":
        return bool(capabilities.get("avx2"))
    return precision == "bf16" and bool(capabilities.get("avx512_bf16")) and not capabilities.get("amx_bf16")


def use_winograd(model: nn.Module) -> int:
    """Makes each fitting convolution of a model compute by tiles; names and weights stay. Returns their number."""
    fitting = [module for module in model.modules() if type(module) is nn.Conv2d and _fits(module)]
    for module in fitting:
        module.__class__ = WinogradConv2d
    return len(fitting)


def _fits(conv: nn.Conv2d) -> bool:
    plain = conv.stride == (1, 1) and conv.dilation == (1, 1) and conv.groups == 1 and conv.bias is None
    same = conv.kernel_size == (3, 3) and conv.padding == (1, 1) and conv.padding_mode == "zeros"
    return plain and same and conv.in_channels % tiles.LANES == 0 and conv.out_channels % tiles.LANES == 0


class WinogradConv2d(nn.Conv2d):
    """A 3x3 convolution without bias that keeps the board's size; its channels are multiples of tiles.LANES."""

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, S, S] to [B, K, S, S], channels last: bf16 for bf16 and in autocast, else float32."""
        result: Tensor = _Winograd.apply(x, self.weight)  # type: ignore[no-untyped-call]
        return result


class _Winograd(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        bf16 = x.dtype == torch.bfloat16 or torch.is_autocast_enabled("cpu")
        boards = _boards(x, torch.bfloat16 if bf16 else torch.float32)
        ctx.save_for_backward(boards, weight)
        return _planes(_convolve(boards, weight.permute(2, 3, 1, 0)))

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor | None, Tensor]:
        boards, weight = ctx.saved_tensors
        gradient = _boards(gradients[0], boards.dtype)
        found = _weight_gradient(boards, gradient)
        if not ctx.needs_input_grad[0]:
            return None, found
        return _planes(_convolve(gradient, weight.flip(2, 3).permute(2, 3, 0, 1))), found


def _boards(x: Tensor, dtype: torch.dtype) -> Tensor:
    """[B, C, S, S] as [B, S, S, C] of a type, contiguous."""
    return x.to(dtype).permute(0, 2, 3, 1).contiguous()


def _planes(boards: Tensor) -> Tensor:
    return boards.permute(0, 3, 1, 2)


def _array(tensor: Tensor) -> tiles.Numbers:
    """The memory of a tensor as an array, bf16 as uint16, the middle axes as one: [n, points, C]."""
    plain = tensor.detach()
    array: tiles.Numbers = (plain.view(torch.uint16) if plain.dtype == torch.bfloat16 else plain).numpy()
    return array.reshape(len(array), -1, array.shape[-1])


class _Space(threading.local):
    """Memory for tiles, which each thread keeps for its next call."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, int, int, torch.dtype], tuple[Tensor, tiles.Numbers]] = {}

    def tiles(self, use: str, count: int, channels: int, dtype: torch.dtype) -> tuple[Tensor, tiles.Numbers]:
        """[cells, count or one more, channels], uninitialised, as a tensor and as an array over the same memory.

        In float32 the number is odd: cells an even number of tiles apart would map to the same few sets of the cache.
        """
        key = use, count, channels, dtype
        if key not in self._kept:
            rows = count | 1 if dtype == torch.float32 else count
            tensor = torch.zeros((_FORMS[dtype].cells, rows, channels), dtype=dtype)
            self._kept[key] = tensor, _array(tensor)
        return self._kept[key]


_space = _Space()


def _portions(count: int, positions: int) -> Iterator[slice]:
    for first in range(0, count, positions):
        yield slice(first, min(first + positions, count))


def _convolve(boards: Tensor, filters: Tensor) -> Tensor:
    """[B, S, S, C] by filters [3, 3, C, K] to [B, S, S, K]."""
    count, size, _, inputs = boards.shape
    outputs, dtype = filters.shape[3], boards.dtype
    form = _FORMS[dtype]
    matrices = (_FILTERS[dtype] @ filters.reshape(9, -1)).view(form.cells, inputs, outputs).to(dtype)
    result = boards.new_empty((count, size, size, outputs))
    source, target = _array(boards), _array(result)
    reads = tiles.input_offsets(form, size, inputs * boards.itemsize)
    writes = tiles.output_offsets(form, size, outputs * boards.itemsize)
    nowhere, anywhere = np.zeros((2, tiles.LANES), source.dtype)
    for some in _portions(count, max(1, TILES_AT_ONCE[dtype] // len(reads))):
        num_tiles = (some.stop - some.start) * len(reads)
        before, before_array = _space.tiles("before", num_tiles, inputs, dtype)
        after, after_array = _space.tiles("after", num_tiles, outputs, dtype)
        tiles.input_to_tiles(source[some], before_array, reads, tiles.cell_offsets(before_array), nowhere)
        torch.bmm(before, matrices, out=after)
        tiles.tiles_to_output(after_array, target[some], writes, tiles.cell_offsets(after_array), anywhere)
    return result


def _weight_gradient(boards: Tensor, gradient: Tensor) -> Tensor:
    """float32[K, C, 3, 3] from the input [B, S, S, C] and the result's gradient [B, S, S, K]."""
    count, size, _, inputs = boards.shape
    outputs, dtype = gradient.shape[3], boards.dtype
    form = _FORMS[dtype]
    source, source_gradient = _array(boards), _array(gradient)
    reads = tiles.input_offsets(form, size, inputs * boards.itemsize)
    reads_gradient = tiles.output_offsets(form, size, outputs * boards.itemsize)
    nowhere = np.zeros(tiles.LANES, source.dtype)
    total = torch.zeros((form.cells, inputs, outputs))
    for some in _portions(count, max(1, TILES_AT_ONCE[dtype] // len(reads))):
        num_tiles = (some.stop - some.start) * len(reads)
        before, before_array = _space.tiles("before", num_tiles, inputs, dtype)
        after, after_array = _space.tiles("after", num_tiles, outputs, dtype)
        tiles.input_to_tiles(source[some], before_array, reads, tiles.cell_offsets(before_array), nowhere)
        tiles.gradient_to_tiles(
            source_gradient[some], after_array, reads_gradient, tiles.cell_offsets(after_array), nowhere
        )
        before, after = before[:, :num_tiles].transpose(1, 2), after[:, :num_tiles]
        if dtype == total.dtype:
            total.baddbmm_(before, after)
        else:
            total += torch.bmm(before, after)
    return (_FILTERS[dtype].T @ total.view(form.cells, -1)).view(3, 3, inputs, outputs).permute(3, 2, 0, 1)
