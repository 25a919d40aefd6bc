"""Winograd transforms: exact in exact arithmetic, and the kernels equal the formulas."""

import numba
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from alphapente.training import tiles
from alphapente.training.tiles import BF16, FLOAT32, Form

needs_kernels = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="written as LLVM vectors: not in Python")
both_forms = pytest.mark.parametrize("form", [BF16, FLOAT32], ids=["F(4x4)", "F(5x5)"])

ROUNDING = {torch.bfloat16: 2**-8, torch.float32: 2**-18}


def numbers(*shape: int, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=shape)


def matrix(sums: object, inputs: int) -> NDArray[np.float64]:
    """The matrix of a linear function of `inputs` numbers."""
    return np.array(sums(*np.eye(inputs))).astype(np.float64)  # type: ignore[operator]


def array(tensor: torch.Tensor) -> tiles.Numbers:
    plain: tiles.Numbers = (tensor.view(torch.uint16) if tensor.dtype == torch.bfloat16 else tensor).numpy()
    return plain


def test_the_forms_are_those_of_their_names() -> None:
    assert (BF16.side, BF16.window, BF16.cells) == (4, 6, 36)
    assert (FLOAT32.side, FLOAT32.window, FLOAT32.cells) == (5, 7, 49)
    assert [tiles.num_tiles(FLOAT32, size) for size in (7, 9, 13, 15, 19)] == [4, 4, 9, 9, 16]


@both_forms
def test_the_sums_make_a_convolution(form: Form) -> None:
    line, three = numbers(form.window), numbers(3, seed=1)
    expected = [line[first : first + 3] @ three for first in range(form.side)]
    products = np.array(form.input_sums(*line)) * (form.filter.astype(np.float64) @ three)
    np.testing.assert_allclose(form.output_sums(*products), expected, rtol=1e-5)


@both_forms
def test_the_gradient_goes_back_by_the_transposed_sums(form: Form) -> None:
    forward, backward = matrix(form.output_sums, form.window), matrix(form.gradient_sums, form.side)
    np.testing.assert_allclose(backward, forward.T)


@both_forms
@pytest.mark.parametrize("size", [7, 8, 9, 10, 19])
def test_tiles_cover_every_point_of_a_board_once(form: Form, size: int) -> None:
    offsets = tiles.output_offsets(form, size, 128)
    assert offsets.shape == (tiles.num_tiles(form, size), form.side**2)
    assert sorted(offsets[offsets >= 0]) == [point * 128 for point in range(size * size)]
    windows = tiles.input_offsets(form, size, 128).reshape(-1, form.window, form.window)
    inner = windows[:, 1:-1, 1:-1].reshape(offsets.shape)
    np.testing.assert_array_equal(inner, offsets)
    assert (windows[0, 0] == -1).all()


@needs_kernels
@pytest.mark.parametrize(("form", "dtype"), [(BF16, torch.bfloat16), (FLOAT32, torch.float32)])
@pytest.mark.parametrize(("size", "channels"), [(7, 32), (9, 64), (19, 96)])
def test_the_kernels_make_the_tiles_that_the_sums_say(form: Form, dtype: torch.dtype, size: int, channels: int) -> None:
    boards = torch.from_numpy(numbers(2, size * size, channels)).to(dtype)
    padded = np.zeros((2, size + 8, size + 8, channels))
    padded[:, 1 : size + 1, 1 : size + 1] = boards.double().numpy().reshape(2, size, size, channels)
    nowhere = np.zeros(tiles.LANES, array(boards).dtype)
    point = channels * boards.itemsize
    for kernel, sums, side, start, offsets in (
        (tiles.input_to_tiles, form.input_sums, form.window, 0, tiles.input_offsets(form, size, point)),
        (tiles.gradient_to_tiles, form.gradient_sums, form.side, 1, tiles.output_offsets(form, size, point)),
    ):
        found = torch.empty((form.cells, 2 * tiles.num_tiles(form, size), channels), dtype=dtype)
        kernel(array(boards), array(found), offsets, tiles.cell_offsets(array(found)), nowhere)
        corners = [
            (row, column) for row in range(start, start + size, form.side) for column in range(0, size, form.side)
        ]
        pieces = np.array(
            [
                padded[board, row : row + side, column + start : column + start + side]
                for board in range(2)
                for row, column in corners
            ]
        )  # [count, side, side, C]
        linear = matrix(sums, side)
        expected = np.einsum("ia,tabc,jb->ijtc", linear, pieces, linear).reshape(found.shape)
        np.testing.assert_allclose(found.double().numpy(), expected, rtol=ROUNDING[dtype], atol=1e-4)


@needs_kernels
@pytest.mark.parametrize(("form", "dtype"), [(BF16, torch.bfloat16), (FLOAT32, torch.float32)])
@pytest.mark.parametrize(("size", "channels"), [(7, 32), (9, 64), (19, 96)])
def test_the_kernel_puts_together_what_the_sums_say(form: Form, dtype: torch.dtype, size: int, channels: int) -> None:
    count, across = 2 * tiles.num_tiles(form, size), -(-size // form.side)
    products = torch.from_numpy(numbers(form.cells, count, channels)).to(dtype)
    out = torch.full((2, size * size, channels), torch.nan, dtype=dtype)
    offsets = tiles.output_offsets(form, size, channels * out.itemsize)
    anywhere = np.zeros(tiles.LANES, array(out).dtype)
    tiles.tiles_to_output(array(products), array(out), offsets, tiles.cell_offsets(array(products)), anywhere)
    linear = matrix(form.output_sums, form.window)
    grid = products.double().numpy().reshape(form.window, form.window, 2, across, across, channels)
    whole = np.einsum("ia,abnyxc,jb->nyixjc", linear, grid, linear)
    whole = whole.reshape(2, across * form.side, across * form.side, channels)[:, :size, :size]
    found = out.double().numpy().reshape(2, size, size, channels)
    np.testing.assert_allclose(found, whole, rtol=ROUNDING[dtype], atol=2e-4)
