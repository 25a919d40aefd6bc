"""One bitboard: a bit for each cell of the board with its border, in words of 64.

A guard word of zeros before and behind the words makes shifts need no special case at the ends.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import inlined, kernel
from alphapente.rules.position import ORIGIN, STRIDE

GUARD = 1
"""Words of zeros at each end of a bitboard."""
WORDS = 8
"""Words of a bitboard without its guards: 512 bits, one AVX512 register or two of AVX2. The last two are always 0."""
ROW = WORDS + 2 * GUARD
FIRST_CELL = 80
"""The cell of the lowest bit after the guard word, before ORIGIN; a multiple of 8, since stones are read as words."""

Bitboard = NDArray[np.uint64]
"""uint64[ROW]"""

MIXER = np.uint64(0x9E3779B97F4A7C15)
"""2**64 / golden ratio: a product with it mixes the bits of a word upwards (Fibonacci hashing, Knuth)."""

_ONE = np.uint64(1)
_ZERO = np.uint64(0)
_BITS = np.uint64(64)  # of a word; elsewhere written as shifts: bit >> 6 is the word, bit & 63 the place in it


def map_of(cells: Iterable[int]) -> Bitboard:
    """A new bitboard with the bits of these cells, for tables made at import: compiles nothing."""
    found = np.zeros(ROW, np.uint64)
    for cell in cells:
        bit = int(cell) - FIRST_CELL
        found[GUARD + bit // 64] |= _ONE << np.uint64(bit % 64)
    return found


@inlined
def has(bits: Bitboard, cell: int) -> bool:
    """Whether the bit of `cell` is set in one bitboard uint64[ROW]."""
    bit = cell - FIRST_CELL
    return (bits[GUARD + (bit >> 6)] >> np.uint64(bit & 63)) & _ONE != _ZERO


@inlined
def set_bit(bits: Bitboard, cell: int) -> None:
    """Sets the bit of `cell` in one bitboard."""
    bit = cell - FIRST_CELL
    bits[GUARD + (bit >> 6)] |= _ONE << np.uint64(bit & 63)


@inlined
def clear_bit(bits: Bitboard, cell: int) -> None:
    """Clears the bit of `cell` in one bitboard."""
    bit = cell - FIRST_CELL
    bits[GUARD + (bit >> 6)] &= ~(_ONE << np.uint64(bit & 63))


@inlined
def look_ahead(bits: Bitboard, at: np.uint64, distance: np.uint64) -> np.uint64:
    """The word at index `at` of a bitboard shifted by `distance` cells (1..63) towards its start.

    Bit k of the result is the bit of the cell `distance` after cell k.
    """
    return (bits[at] >> distance) | (bits[at + _ONE] << (_BITS - distance))


@inlined
def look_behind(bits: Bitboard, at: np.uint64, distance: np.uint64) -> np.uint64:
    """The word at index `at` of a bitboard shifted by `distance` cells (1..63) towards its end.

    Bit k of the result is the bit of the cell `distance` before cell k.
    """
    return (bits[at] << distance) | (bits[at - _ONE] >> (_BITS - distance))


@inlined
def count_bits(bits: Bitboard) -> int:
    """The number of bits set in one bitboard."""
    total = 0
    for word in range(GUARD, GUARD + WORDS):
        rest = bits[word]
        while rest != _ZERO:
            rest &= rest - _ONE  # clears the lowest bit set
            total += 1
    return total


@inlined
def any_bit(bits: Bitboard) -> bool:
    """Whether any bit is set in one bitboard."""
    found = _ZERO
    for word in range(GUARD, GUARD + WORDS):
        found |= bits[word]
    return found != _ZERO


@inlined
def counts_of_five(
    x0: np.uint64, x1: np.uint64, x2: np.uint64, x3: np.uint64, x4: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64]:
    """Of 64 sets of five bits, those with exactly two, exactly three, and exactly four set: 64 counts at once."""
    # Full adders: x0 + x1 + x2 = parity + 2 carry, parity + x3 + x4 = ones + 2 carry_2. So the count is
    # ones + 2 (carry + carry_2): 2 is one carry without `ones`, 3 one carry with `ones`, 4 both carries without `ones`.
    parity = x0 ^ x1 ^ x2
    carry = (x0 & x1) | (x2 & (x0 ^ x1))
    ones = parity ^ x3 ^ x4
    carry_2 = (parity & x3) | (x4 & (parity ^ x3))
    one_carry = carry ^ carry_2
    return one_carry & ~ones, one_carry & ones, carry & carry_2 & ~ones


@inlined
def lowest_bit(bits: np.uint64) -> int:
    """The index of the lowest bit set in a word that is not 0: the exponent of that bit as a float64."""
    # x & -x has only the lowest bit of x, so as a float64 it is a power of two: its exponent, plus 1023, is above the
    # 52 bits of the mantissa, and its sign bit is 0.
    return (np.float64(bits & (~bits + _ONE)).view(np.int64) >> 52) - 1023


@inlined
def next_cell(bits: Bitboard, cell: int) -> int:
    """The first set cell after `cell` (start with 0), or -1 if there is none."""
    bit = cell + 1 - FIRST_CELL
    if bit < 0:
        bit = 0
    word = GUARD + (bit >> 6)
    if word >= GUARD + WORDS:
        return -1
    rest = bits[word] >> np.uint64(bit & 63)
    if rest != _ZERO:
        at = bit
    else:
        word += 1
        while word < GUARD + WORDS and bits[word] == _ZERO:
            word += 1
        if word == GUARD + WORDS:
            return -1
        rest = bits[word]
        at = (word - GUARD) << 6
    return at + lowest_bit(rest) + FIRST_CELL


@inlined
def point_of(cell: int, size: int) -> int:
    """The point (row * size + column) of a cell."""
    row = (cell - ORIGIN) // STRIDE
    return row * size + (cell - ORIGIN - row * STRIDE)


@kernel
def bits_to_plane(bits: Bitboard, plane: NDArray[np.float32], size: int) -> None:
    """Writes one bitboard as 0 and 1 by point to `plane`, float32[size * size]."""
    for row in range(size):
        first = ORIGIN - FIRST_CELL + row * STRIDE  # the row's first bit; a row may lie across two words
        word, low = GUARD + (first >> 6), np.uint64(first & 63)
        line = bits[word] >> low
        if low != _ZERO:  # a shift by 64 is undefined
            line |= bits[word + 1] << (_BITS - low)
        for column in range(size):
            plane[row * size + column] = np.float32((line >> np.uint64(column)) & _ONE)


@inlined
def add_bits(source: Bitboard, out: Bitboard) -> None:
    """out |= source, one bitboard each."""
    for word in range(GUARD, GUARD + WORDS):
        out[word] |= source[word]


@inlined
def keep_bits(source: Bitboard, out: Bitboard) -> None:
    """out &= source, one bitboard each."""
    for word in range(GUARD, GUARD + WORDS):
        out[word] &= source[word]
