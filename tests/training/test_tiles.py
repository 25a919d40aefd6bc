"""Winograd's sums: exact in exact arithmetic, and the kernels move what the formulas say."""

import numba
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from alphapente.training import tiles

needs_kernels = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="written as LLVM vectors: not in Python")


def numbers(*shape: int, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=shape)


def matrix(sums: object, inputs: int) -> NDArray[np.float64]:
    """The matrix of a linear function of so many numbers."""
    return np.array(sums(*np.eye(inputs))).astype(np.float64)  # type: ignore[operator]


def test_the_sums_make_a_convolution() -> None:
    line, three = numbers(tiles.WINDOW), numbers(3, seed=1)
    expected = [line[first : first + 3] @ three for first in range(tiles.SIDE)]
    products = np.array(tiles.input_sums(*line)) * (tiles.FILTER.astype(np.float64) @ three)
    np.testing.assert_allclose(tiles.output_sums(*products), expected, rtol=1e-5)


def test_the_gradient_goes_back_by_the_transposed_sums() -> None:
    forward, backward = matrix(tiles.output_sums, tiles.WINDOW), matrix(tiles.gradient_sums, tiles.SIDE)
    np.testing.assert_allclose(backward, forward.T)


@pytest.mark.parametrize("size", [7, 8, 9, 19])
def test_tiles_cover_every_point_of_a_board_once(size: int) -> None:
    offsets = tiles.board_offsets(size, tiles.SIDE, 0, 64)
    assert offsets.shape == (tiles.num_tiles(size), tiles.SIDE**2)
    assert sorted(offsets[offsets >= 0]) == [point * 128 for point in range(size * size)]
    windows = tiles.board_offsets(size, tiles.WINDOW, 1, 64).reshape(-1, tiles.WINDOW, tiles.WINDOW)
    inner = windows[:, 1:-1, 1:-1].reshape(offsets.shape)
    np.testing.assert_array_equal(inner, offsets)
    assert (windows[0, 0] == -1).all()


@needs_kernels
@pytest.mark.parametrize(("size", "channels"), [(7, 32), (9, 64), (19, 96)])
def test_the_kernels_move_what_the_sums_say(size: int, channels: int) -> None:
    def array(tensor: torch.Tensor) -> NDArray[np.uint16]:
        return tensor.view(torch.uint16).numpy()

    count = 2 * tiles.num_tiles(size)
    boards = torch.from_numpy(numbers(2, size * size, channels)).bfloat16()
    nowhere = np.zeros(tiles.LANES, np.uint16)
    padded = np.zeros((2, size + 8, size + 8, channels))
    padded[:, 1 : size + 1, 1 : size + 1] = boards.double().numpy().reshape(2, size, size, channels)
    across = range(0, size, tiles.SIDE)
    for kernel, sums, side, margin in (
        (tiles.input_to_tiles, tiles.input_sums, tiles.WINDOW, 1),
        (tiles.gradient_to_tiles, tiles.gradient_sums, tiles.SIDE, 0),
    ):
        found = torch.empty((tiles.CELLS, count, channels), dtype=torch.bfloat16)
        offsets = tiles.board_offsets(size, side, margin, channels)
        kernel(array(boards), array(found), offsets, tiles.cell_offsets(array(found)), nowhere)
        start = 1 - margin
        pieces = np.array(
            [
                padded[board, row + start : row + start + side, column + start : column + start + side]
                for board in range(2)
                for row in across
                for column in across
            ]
        )  # [count, side, side, C]
        linear = matrix(sums, side)
        expected = np.einsum("ia,tabc,jb->ijtc", linear, pieces, linear).reshape(found.shape)
        np.testing.assert_allclose(found.double().numpy(), expected, rtol=2**-8, atol=1e-4)
    products = torch.from_numpy(numbers(tiles.CELLS, count, channels)).bfloat16()
    out = torch.empty_like(boards)
    offsets = tiles.board_offsets(size, tiles.SIDE, 0, channels)
    cells = tiles.cell_offsets(array(products))
    tiles.tiles_to_output(array(products), array(out), offsets, cells, np.zeros(tiles.LANES, np.uint16))
    linear = matrix(tiles.output_sums, tiles.WINDOW)
    grid = products.double().numpy().reshape(tiles.WINDOW, tiles.WINDOW, 2, len(across), len(across), channels)
    whole = np.einsum("ia,abnyxc,jb->nyixjc", linear, grid, linear)
    whole = whole.reshape(2, len(across) * tiles.SIDE, len(across) * tiles.SIDE, channels)[:, :size, :size]
    np.testing.assert_allclose(out.double().numpy().reshape(2, size, size, channels), whole, rtol=2**-8, atol=1e-4)
