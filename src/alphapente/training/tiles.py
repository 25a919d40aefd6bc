"""Winograd transforms: the sums that transform a board to tiles, in which a 3x3 convolution is a matrix product.

A convolution F(4x4, 3x3) computes 4x4 points from 6x6 points of its input: y = A^T [(G g G^T) * (B^T d B)] A, with 36
products instead of 144 (Lavin & Gray 2016, "Fast algorithms for convolutional neural networks", section 4). F(5x5, 3x3)
needs 49 instead of 225, and its tiles extend less beyond the edge of boards of 9, 13, 15 and 19: 784 products on 19x19
where F(4x4) needs 900, and 196 where it needs 324 on 9x9. In float32 its rounding error is negligible beside a batch's
noise; in bf16 it would be too large.

Numbers are bf16 (for NumPy: uint16) with F(4x4) or float32 with F(5x5), channels last, and each kernel is compiled for
the type of its arguments. In bf16, two adjacent channels are one 32-bit word, so that one shift or mask converts the
low or the high half to float32. The loops are written as LLVM vectors: numba's own vectorizer fails on them.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from alphapente.compiled import kernel

LANES = 32
"""Channels that one step processes; the number of channels is a multiple of it."""

Numbers = NDArray[np.uint16] | NDArray[np.float32]
"""An array of bf16, stored as uint16, or of float32."""


@dataclass(frozen=True)
class Form:
    """F(side x side, 3x3) by Toom-Cook, with the points +-x for each x of `pairs`, 0 if `zero`, and infinity.

    Its sums are linear functions of numbers, arrays or vectors, in this order of points: 0, then each x and -x, then
    infinity.
    """

    pairs: tuple[float, ...]
    zero: bool

    @property
    def window(self) -> int:
        """Points of the input along one side of a tile."""
        return 2 * len(self.pairs) + self.zero + 1

    @property
    def side(self) -> int:
        """Points of the result along one side of a tile."""
        return self.window - 2

    @property
    def cells(self) -> int:
        """Products in a tile, each a matrix product over channels."""
        return self.window**2

    @cached_property
    def filter(self) -> NDArray[np.float32]:
        """G, float32[window, 3]: the transform of filters, G g G^T."""
        rows = [[1 / _polynomial(self.pairs)[0], 0, 0]] if self.zero else []
        for x, others in self._each():
            scale = 2 * x ** (1 + self.zero) * math.prod(x**2 - other**2 for other in others)
            rows += [[x**k / scale for k in range(3)], [(-1) ** (k + 1 + self.zero) * x**k / scale for k in range(3)]]
        return np.array([*rows, [0, 0, 1]], np.float32)

    def input_sums(self, *points: Any) -> list[Any]:
        """B^T d: from the input's numbers to one for each product."""
        whole = _polynomial(self.pairs)
        results = [_weighted(whole, points[::2])] if self.zero else []
        for x, others in self._each():
            part = _polynomial(others)
            even, odd = (_weighted(part, points[first + self.zero :: 2]) for first in range(2))
            shifted = even * x if x != 1 else even
            results += [odd + shifted, odd - shifted]
        return [*results, _weighted(whole, points[self.zero :: 2])]

    def output_sums(self, *products: Any) -> list[Any]:
        """A^T m: from products to numbers of the result."""
        pairs = products[self.zero : -1]
        sums = [plus + minus for plus, minus in zip(pairs[::2], pairs[1::2], strict=True)]
        differences = [plus - minus for plus, minus in zip(pairs[::2], pairs[1::2], strict=True)]
        powers = [[x**k for x in self.pairs] for k in range(self.side)]
        results = [_weighted(row, differences if k % 2 else sums) for k, row in enumerate(powers)]
        if self.zero:
            results[0] = results[0] + products[0]
        results[-1] = results[-1] + products[-1]
        return results

    def gradient_sums(self, *results: Any) -> list[Any]:
        """A y: from the gradient of the result to that of the products."""
        found = [results[0]] if self.zero else []
        for x in self.pairs:
            even, odd = (_weighted([x**k for k in range(first, self.side, 2)], results[first::2]) for first in range(2))
            found += [even + odd, even - odd]
        return [*found, results[-1]]

    def _each(self) -> list[tuple[float, tuple[float, ...]]]:
        return [(x, self.pairs[:index] + self.pairs[index + 1 :]) for index, x in enumerate(self.pairs)]


def _polynomial(pairs: Sequence[float]) -> list[float]:
    """The coefficients of the product of (t - x^2) over x in `pairs`, the constant first."""
    return [round(float(number), 12) for number in np.poly([x**2 for x in pairs])[::-1]]


def _weighted(factors: Sequence[float], terms: Sequence[Any]) -> Any:
    """The sum of terms times their factors; terms beyond the last factor are ignored."""
    total = None
    for factor, term in zip(factors, terms, strict=False):
        scaled = term if factor == 1 else term * factor
        total = scaled if total is None else total + scaled
    return total


BF16 = Form((2 / 3, 3 / 2), zero=True)
"""F(4x4, 3x3): with these points the measured error in bf16 is half of that with the usual +-1, +-2 (Barabasz et al.
2020, "Error analysis and improving the accuracy of Winograd convolution for deep neural networks")."""
FLOAT32 = Form((1 / 2, 1, 2), zero=False)
"""F(5x5, 3x3); products with these points are exact in floating point."""


_INT, _FLOAT = ir.IntType(32), ir.FloatType()


class _Vector:
    """A vector of float32 with the arithmetic that the sums need."""

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder, self.value = builder, value

    def __add__(self, other: "_Vector") -> "_Vector":
        return _Vector(self.builder, self.builder.fadd(self.value, other.value, flags=("contract",)))

    def __sub__(self, other: "_Vector") -> "_Vector":
        return _Vector(self.builder, self.builder.fsub(self.value, other.value, flags=("contract",)))

    def __mul__(self, factor: float) -> "_Vector":
        constant = ir.Constant(self.value.type, [float(np.float32(factor))] * self.value.type.count)
        return _Vector(self.builder, self.builder.fmul(self.value, constant, flags=("contract",)))


class _Float32:
    """How LANES float32 numbers are read and written: one vector of AVX2 per turn."""

    FORM = FLOAT32
    WORDS = FLOATS = ir.VectorType(_FLOAT, 8)
    TURNS, VECTORS = LANES // 8, 1

    @staticmethod
    def widen(builder: Any, words: Any) -> list[_Vector]:
        return [_Vector(builder, words)]

    @staticmethod
    def narrow(_builder: Any, vectors: list[_Vector]) -> Any:
        return vectors[0].value


class _BFloat16:
    """How LANES bf16 numbers are read and written: all at once, as words of two."""

    FORM = BF16
    WORDS, FLOATS = ir.VectorType(_INT, LANES // 2), ir.VectorType(_FLOAT, LANES // 2)
    TURNS, VECTORS = 1, 2

    @classmethod
    def _same(cls, number: int) -> Any:
        return ir.Constant(cls.WORDS, [number] * (LANES // 2))

    @classmethod
    def widen(cls, builder: Any, words: Any) -> list[_Vector]:
        """The low halves of words as float32, and the high halves. A bf16 is the upper half of a float32."""
        halves = builder.shl(words, cls._same(16)), builder.and_(words, cls._same(0xFFFF0000))
        return [_Vector(builder, builder.bitcast(half, cls.FLOATS)) for half in halves]

    @classmethod
    def narrow(cls, builder: Any, vectors: list[_Vector]) -> Any:
        """The inverse, rounded to the nearest: 0x8000 is half of the last bit that is kept."""
        low, high = (builder.add(builder.bitcast(vector.value, cls.WORDS), cls._same(0x8000)) for vector in vectors)
        return builder.or_(builder.lshr(low, cls._same(16)), builder.and_(high, cls._same(0xFFFF0000)))


def _aligned(builder: Any, kind: Any) -> Any:
    """Memory on the stack at a multiple of 64 bytes, so that no vector in it crosses a cache line."""
    with builder.goto_entry_block():
        memory = builder.alloca(kind)
    memory.align = 64
    return memory


def _finish(builder: Any, memory: Any) -> None:
    """An empty assembler statement: LLVM must not move reads of `memory` before the writes, or remove them."""
    signature = ir.FunctionType(ir.VoidType(), [memory.type])
    builder.asm(signature, "", "r,~{memory}", [memory], side_effect=True)


def _mover(sums: Callable[..., list[Any]], reads: str, writes: str) -> Callable[..., Any]:
    """A function for kernels that reads a square of vectors, applies `sums` both ways and writes a square of vectors.

    `reads` and `writes` name the form's attributes with the squares' sides; columns are summed first, then rows. The
    arguments of the function are addresses: of the source, of int64[reads * reads] offsets in it, of the target, of
    int64[writes * writes] offsets in that; and an array of LANES numbers, which is read or written for each point off
    the board (offset below 0). The type of that array is the type of all numbers.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array_type = signature.args[-1]
        numbers = _Float32 if array_type.dtype == types.float32 else _BFloat16
        height, width = getattr(numbers.FORM, writes), getattr(numbers.FORM, reads)
        source, source_offsets, target, target_offsets, nowhere_array = arguments
        data = context.make_array(array_type)(context, builder, nowhere_array).data
        nowhere = builder.ptrtoint(data, ir.IntType(64))
        sources = _places(builder, source, source_offsets, nowhere, width**2)
        targets = _places(builder, target, target_offsets, nowhere, height**2)
        between = _aligned(builder, ir.ArrayType(numbers.FLOATS, numbers.VECTORS * height * width))

        def at(place: Any, turn: int) -> Any:
            return builder.gep(builder.inttoptr(place, numbers.WORDS.as_pointer()), [ir.Constant(_INT, turn)])

        def kept(vector: int, row: int, column: int) -> Any:
            index = (vector * height + row) * width + column
            return builder.gep(between, [ir.Constant(_INT, 0), ir.Constant(_INT, index)])

        for turn in range(numbers.TURNS):
            for column in range(width):
                cells = [
                    numbers.widen(builder, builder.load(at(place, turn), align=4)) for place in sources[column::width]
                ]
                for vector, terms in enumerate(zip(*cells, strict=True)):
                    for row, found in enumerate(sums(numbers.FORM, *terms)):
                        builder.store(found.value, kept(vector, row, column), align=64)
            _finish(builder, between)
            for row in range(height):
                results = []
                for vector in range(numbers.VECTORS):
                    values = [builder.load(kept(vector, row, column), align=64) for column in range(width)]
                    results.append(sums(numbers.FORM, *(_Vector(builder, value) for value in values)))
                for place, *vectors in zip(targets[row * height : (row + 1) * height], *results, strict=True):
                    builder.store(numbers.narrow(builder, vectors), at(place, turn), align=4)
        return context.get_dummy_value()

    def move(
        _context: Any, _source: Any, _source_offsets: Any, _target: Any, _target_offsets: Any, nowhere: Any
    ) -> Any:
        return types.void(*[types.intp] * 4, nowhere), generate

    return intrinsic(move)  # type: ignore[no-any-return]


def _places(builder: Any, base: Any, offsets: Any, nowhere: Any, count: int) -> list[Any]:
    """The addresses of `count` offsets from a base: `nowhere` for those below 0."""
    word = ir.IntType(64)
    table = builder.inttoptr(offsets, word.as_pointer())
    found = []
    for index in range(count):
        offset = builder.load(builder.gep(table, [ir.Constant(word, index)]))
        on_board = builder.icmp_signed(">=", offset, ir.Constant(word, 0))
        found.append(builder.select(on_board, builder.add(base, offset), nowhere))
    return found


_move_input = _mover(Form.input_sums, "window", "window")
_move_output = _mover(Form.output_sums, "window", "side")
_move_gradient = _mover(Form.gradient_sums, "side", "window")


def num_tiles(form: Form, size: int) -> int:
    """The number of tiles on a board of size * size points."""
    return (-(-size // form.side)) ** 2


def input_offsets(form: Form, size: int, point: int) -> NDArray[np.int64]:
    """int64[tiles, window * window]: the byte offset of each point that each tile reads in a board, -1 off the board.

    A point has `point` bytes.
    """
    return _offsets(size, point, form.side, np.arange(form.window) - 1)


def output_offsets(form: Form, size: int, point: int) -> NDArray[np.int64]:
    """int64[tiles, side * side]: the same for each point of the result that each tile computes."""
    return _offsets(size, point, form.side, np.arange(form.side))


def _offsets(size: int, point: int, step: int, reach: NDArray[np.int64]) -> NDArray[np.int64]:
    lines = np.arange(0, size, step)[:, None] + reach
    rows, columns = lines[:, None, :, None], lines[None, :, None, :]
    on_board = (rows >= 0) & (rows < size) & (columns >= 0) & (columns < size)
    offsets = np.where(on_board, (rows * size + columns) * point, -1)
    return offsets.reshape(len(lines) ** 2, len(reach) ** 2).astype(np.int64)


def cell_offsets(tiles: Numbers) -> NDArray[np.int64]:
    """int64[cells]: the byte offset of each cell of the first tile in tiles [cells, n, C]."""
    return np.arange(len(tiles)) * tiles.strides[0]


@kernel
def input_to_tiles(
    boards: Numbers,
    tiles: Numbers,
    offsets: NDArray[np.int64],
    cells: NDArray[np.int64],
    nowhere: Numbers,
) -> None:
    """B^T d B: boards [n, S * S, C] to tiles [cells, at least n * num_tiles, C], at `input_offsets`."""
    num_boards, points, channels = boards.shape
    source, target, width = np.intp(boards.ctypes.data), np.intp(tiles.ctypes.data), channels * boards.itemsize
    for _ in range(num_boards):
        for tile in range(len(offsets)):
            for block in range(0, width, LANES * boards.itemsize):
                place = offsets.ctypes.data + 8 * offsets.shape[1] * tile
                _move_input(source + block, place, target + block, cells.ctypes.data, nowhere)
            target += width
        source += points * width


@kernel
def gradient_to_tiles(
    boards: Numbers,
    tiles: Numbers,
    offsets: NDArray[np.int64],
    cells: NDArray[np.int64],
    nowhere: Numbers,
) -> None:
    """A dy A^T: boards [n, S * S, C] to tiles [cells, at least n * num_tiles, C], at `output_offsets`."""
    num_boards, points, channels = boards.shape
    source, target, width = np.intp(boards.ctypes.data), np.intp(tiles.ctypes.data), channels * boards.itemsize
    for _ in range(num_boards):
        for tile in range(len(offsets)):
            for block in range(0, width, LANES * boards.itemsize):
                place = offsets.ctypes.data + 8 * offsets.shape[1] * tile
                _move_gradient(source + block, place, target + block, cells.ctypes.data, nowhere)
            target += width
        source += points * width


@kernel
def tiles_to_output(
    tiles: Numbers,
    boards: Numbers,
    offsets: NDArray[np.int64],
    cells: NDArray[np.int64],
    nowhere: Numbers,
) -> None:
    """A^T m A: tiles [cells, at least n * num_tiles, C] to boards [n, S * S, C], at `output_offsets`."""
    num_boards, points, channels = boards.shape
    source, target, width = np.intp(tiles.ctypes.data), np.intp(boards.ctypes.data), channels * boards.itemsize
    for _ in range(num_boards):
        for tile in range(len(offsets)):
            for block in range(0, width, LANES * boards.itemsize):
                place = offsets.ctypes.data + 8 * offsets.shape[1] * tile
                _move_output(source + block, cells.ctypes.data, target + block, place, nowhere)
            source += width
        target += points * width
