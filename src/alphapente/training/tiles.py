"""Winograd's tiles: the sums that turn pieces of a board into tiles, where a 3x3 convolution is a product of matrices.

A convolution F(4x4, 3x3) computes 4x4 points from 6x6 points of its input: y = A^T [(G g G^T) * (B^T d B)] A, with 36
products where the plain sum takes 144 (Lavin & Gray 2016, "Fast algorithms for convolutional neural networks",
section 4). The formulas below are Toom and Cook's for the points 0, +-2/3, +-3/2 and infinity: measured, the error in
bf16 is half of what the usual 0, +-1, +-2 give (Barabasz et al. 2020, "Error analysis and improving the accuracy of
Winograd convolution for deep neural networks").

Numbers are bf16, channels last, and two neighbouring channels make one 32-bit word, so that the low and the high half
become float32 by one shift or mask. The loops are written as LLVM vectors: numba's own vectorizer gives up on them.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from alphapente.compiled import kernel

SIDE = 4
"""Points of the result along one side of a tile."""
WINDOW = SIDE + 2
"""Points of the input that it takes."""
CELLS = WINDOW * WINDOW
"""Products in a tile, each a matrix product over channels."""
LANES = 32
"""Channels that one step works on: the number of channels is a multiple."""

_A, _B = 2 / 3, 3 / 2
_A2, _B2 = _A**2, _B**2
_SUM = _A2 + _B2

FILTER = np.array(
    [
        [1, 0, 0],
        *([x**k / (2 * x**2 * (x**2 - other**2)) for k in range(3)] for x, other in ((_A, _B), (-_A, _B))),
        *([x**k / (2 * x**2 * (x**2 - other**2)) for k in range(3)] for x, other in ((_B, _A), (-_B, _A))),
        [0, 0, 1],
    ],
    np.float32,
)
"""G, float32[6, 3]: what filters are multiplied by from both sides."""


def input_sums(d0: Any, d1: Any, d2: Any, d3: Any, d4: Any, d5: Any) -> list[Any]:
    """B^T d: six numbers of the input to six; for numbers, arrays or vectors."""
    even, odd = d4 - d2 * _B2, (d3 - d1 * _B2) * _A
    even_b, odd_b = d4 - d2 * _A2, (d3 - d1 * _A2) * _B
    return [d4 - d2 * _SUM + d0, even + odd, even - odd, even_b + odd_b, even_b - odd_b, d5 - d3 * _SUM + d1]


def output_sums(m0: Any, m1: Any, m2: Any, m3: Any, m4: Any, m5: Any) -> list[Any]:
    """A^T m: six products to four numbers of the result."""
    even, odd, even_b, odd_b = m1 + m2, m1 - m2, m3 + m4, m3 - m4
    return [
        m0 + even + even_b,
        odd * _A + odd_b * _B,
        even * _A2 + even_b * _B2,
        odd * _A**3 + odd_b * _B**3 + m5,
    ]


def gradient_sums(y0: Any, y1: Any, y2: Any, y3: Any) -> list[Any]:
    """A y: the gradient of four numbers of the result to that of six products."""
    even, odd = y0 + y2 * _A2, y1 * _A + y3 * _A**3
    even_b, odd_b = y0 + y2 * _B2, y1 * _B + y3 * _B**3
    return [y0, even + odd, even - odd, even_b + odd_b, even_b - odd_b, y3]


def both_ways(sums: Callable[..., list[Any]], cells: list[list[Any]]) -> list[list[Any]]:
    """The sums down the columns of a tile, then along its rows."""
    columns = [sums(*column) for column in zip(*cells, strict=True)]
    return [sums(*row) for row in zip(*columns, strict=True)]


_INT = ir.IntType(32)
_INTS, _FLOATS = ir.VectorType(_INT, LANES // 2), ir.VectorType(ir.FloatType(), LANES // 2)


class _Vector:
    """Sixteen float32 numbers in a register, with the arithmetic that the sums need."""

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder, self.value = builder, value

    def __add__(self, other: "_Vector") -> "_Vector":
        return _Vector(self.builder, self.builder.fadd(self.value, other.value, flags=("contract",)))

    def __sub__(self, other: "_Vector") -> "_Vector":
        return _Vector(self.builder, self.builder.fsub(self.value, other.value, flags=("contract",)))

    def __mul__(self, factor: float) -> "_Vector":
        constant = ir.Constant(_FLOATS, [float(np.float32(factor))] * (LANES // 2))
        return _Vector(self.builder, self.builder.fmul(self.value, constant, flags=("contract",)))


def _same(number: int) -> Any:
    return ir.Constant(_INTS, [number] * (LANES // 2))


def _widen(builder: Any, words: Any) -> tuple[_Vector, _Vector]:
    """Words of two bf16 numbers as float32: the low halves, the high halves."""
    low, high = builder.shl(words, _same(16)), builder.and_(words, _same(0xFFFF0000))
    return _Vector(builder, builder.bitcast(low, _FLOATS)), _Vector(builder, builder.bitcast(high, _FLOATS))


def _narrow(builder: Any, low: _Vector, high: _Vector) -> Any:
    """The opposite, rounded to the nearest."""
    low_bits, high_bits = (builder.add(builder.bitcast(vector.value, _INTS), _same(0x8000)) for vector in (low, high))
    return builder.or_(builder.lshr(low_bits, _same(16)), builder.and_(high_bits, _same(0xFFFF0000)))


def _mover(sums: Callable[..., list[Any]], reads: int, writes: int) -> Callable[..., Any]:
    """A function for kernels that reads reads*reads vectors, sums them both ways and writes writes*writes of them.

    It takes addresses: of the source, of int64[reads * reads] offsets in it, of the target, of int64[writes * writes]
    offsets in that, and the address of LANES numbers that stand for every point off the board (offset below 0).
    """

    def pointers(builder: Any, base: Any, offsets: Any, nowhere: Any, count: int) -> list[Any]:
        word = ir.IntType(64)
        table = builder.inttoptr(offsets, word.as_pointer())
        found = []
        for index in range(count):
            offset = builder.load(builder.gep(table, [ir.Constant(word, index)]))
            on_board = builder.icmp_signed(">=", offset, ir.Constant(word, 0))
            address = builder.select(on_board, builder.add(base, offset), nowhere)
            found.append(builder.inttoptr(address, _INTS.as_pointer()))
        return found

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        source, source_offsets, target, target_offsets, nowhere = arguments
        places = pointers(builder, source, source_offsets, nowhere, reads * reads)
        halves = [_widen(builder, builder.load(place, align=4)) for place in places]
        results = []
        for half in range(2):
            rows = [[halves[row * reads + column][half] for column in range(reads)] for row in range(reads)]
            results.append([vector for line in both_ways(sums, rows) for vector in line])
        places = pointers(builder, target, target_offsets, nowhere, writes * writes)
        for place, low, high in zip(places, *results, strict=True):
            builder.store(_narrow(builder, low, high), place, align=4)
        return context.get_dummy_value()

    def move(
        _context: Any, _source: Any, _source_offsets: Any, _target: Any, _target_offsets: Any, _nowhere: Any
    ) -> Any:
        return types.void(*[types.intp] * 5), generate

    return intrinsic(move)  # type: ignore[no-any-return]


_move_input = _mover(input_sums, WINDOW, WINDOW)
_move_output = _mover(output_sums, WINDOW, SIDE)
_move_gradient = _mover(gradient_sums, SIDE, WINDOW)


def num_tiles(size: int) -> int:
    """Tiles on a board of size * size points."""
    return (-(-size // SIDE)) ** 2


def board_offsets(size: int, side: int, margin: int, channels: int) -> NDArray[np.int64]:
    """int64[tiles, side * side]: bytes from a board's start to each point of each tile, -1 where it is off the board.

    Tiles lie SIDE points apart; the first begins `margin` points above and left of the board.
    """
    starts = np.arange(-(-size // SIDE)) * SIDE - margin
    lines = starts[:, None] + np.arange(side)  # [tiles in a row, side]
    rows, columns = lines[:, None, :, None], lines[None, :, None, :]
    on_board = (rows >= 0) & (rows < size) & (columns >= 0) & (columns < size)
    offsets = np.where(on_board, (rows * size + columns) * channels * 2, -1)
    return offsets.reshape(num_tiles(size), side * side).astype(np.int64)


def cell_offsets(tiles: NDArray[np.uint16]) -> NDArray[np.int64]:
    """int64[CELLS]: bytes from the start of tiles [CELLS, n, C] to each cell of the first tile."""
    return np.arange(CELLS) * tiles.strides[0]


@kernel
def input_to_tiles(
    boards: NDArray[np.uint16],
    tiles: NDArray[np.uint16],
    offsets: NDArray[np.int64],
    cells: NDArray[np.int64],
    nowhere: NDArray[np.uint16],
) -> None:
    """B^T d B: boards [n, S * S, C] to tiles [CELLS, n * num_tiles, C]; `offsets` of WINDOW and margin 1."""
    num_boards, points, channels = boards.shape
    source, target = boards.ctypes.data, tiles.ctypes.data
    for _ in range(num_boards):
        for tile in range(len(offsets)):
            for block in range(0, channels * 2, LANES * 2):
                place = offsets.ctypes.data + 8 * offsets.shape[1] * tile
                _move_input(source + block, place, target + block, cells.ctypes.data, nowhere.ctypes.data)
            target += channels * 2
        source += points * channels * 2


@kernel
def gradient_to_tiles(
    boards: NDArray[np.uint16],
    tiles: NDArray[np.uint16],
    offsets: NDArray[np.int64],
    cells: NDArray[np.int64],
    nowhere: NDArray[np.uint16],
) -> None:
    """A dy A^T: boards [n, S * S, C] to tiles [CELLS, n * num_tiles, C]; `offsets` of SIDE and margin 0."""
    num_boards, points, channels = boards.shape
    source, target = boards.ctypes.data, tiles.ctypes.data
    for _ in range(num_boards):
        for tile in range(len(offsets)):
            for block in range(0, channels * 2, LANES * 2):
                place = offsets.ctypes.data + 8 * offsets.shape[1] * tile
                _move_gradient(source + block, place, target + block, cells.ctypes.data, nowhere.ctypes.data)
            target += channels * 2
        source += points * channels * 2


@kernel
def tiles_to_output(
    tiles: NDArray[np.uint16],
    boards: NDArray[np.uint16],
    offsets: NDArray[np.int64],
    cells: NDArray[np.int64],
    nowhere: NDArray[np.uint16],
) -> None:
    """A^T m A: tiles [CELLS, n * num_tiles, C] to boards [n, S * S, C]; `offsets` of SIDE and margin 0."""
    num_boards, points, channels = boards.shape
    source, target = tiles.ctypes.data, boards.ctypes.data
    for _ in range(num_boards):
        for tile in range(len(offsets)):
            for block in range(0, channels * 2, LANES * 2):
                place = offsets.ctypes.data + 8 * offsets.shape[1] * tile
                _move_output(source + block, cells.ctypes.data, target + block, place, nowhere.ctypes.data)
            source += channels * 2
        target += points * channels * 2
