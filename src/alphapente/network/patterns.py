"""Line patterns: the content of the line through a point within RADIUS points, as indices of a table's rows.

Each point of the line is empty, has an own or an enemy stone (of the player to move, or of the opponent), or is beyond
the edge of the board. A pattern and its mirror image are one row. These are the inputs of `mixnet`: see
network/mixnet.py.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import inlined, kernel
from alphapente.network.inputs import Arrays, InputForm
from alphapente.rules.position import MAX_SIZE, ORIGIN, STRIDE, Position, Positions

RADIUS = 4
LENGTH = 2 * RADIUS + 1
OUTSIDE = 3
"""The code of a point beyond the edge; 0 is empty, 1 own, 2 enemy."""
MAX_CAPTURED = 15
"""The limit of counted captured stones: more make no difference, since 15 win in keryo and 10 elsewhere."""
NEAR, NEAR_EARLY, EARLY = 2, 4, 6
"""A point within NEAR rows and columns of a stone is near: only near points have features and a policy of their own.

With fewer than EARLY stones on the board the distance is NEAR_EARLY: openings are wider, and boards with few stones
cost little. In games of self-play 0.5% of the search's visits are on points that are not near; with 3, always, 0.4%.
"""

_CODES = 4**LENGTH
_MASK = np.uint64(_CODES - 1)
_DIAGONALS = 2 * MAX_SIZE - 1
_NUM_LINES = 2 * MAX_SIZE + 2 * _DIAGONALS


def _digits(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """int64[n, LENGTH]: the points of each line, from the highest two bits of the code to the lowest."""
    return codes[:, None] >> np.arange(2 * LENGTH - 2, -1, -2) & 3


def _possible(digits: NDArray[np.int64]) -> NDArray[np.bool_]:
    """bool[n]: whether a line can occur: its centre is on the board, and only its ends are outside."""
    outside = digits == OUTSIDE
    before, after = outside[:, :RADIUS], outside[:, RADIUS + 1 :]
    falling = (np.diff(before.astype(np.int8), axis=1) <= 0).all(1)
    rising = (np.diff(after.astype(np.int8), axis=1) >= 0).all(1)
    found: NDArray[np.bool_] = ~outside[:, RADIUS] & falling & rising
    return found


def _code(digits: NDArray[np.int64]) -> NDArray[np.int64]:
    """int64[n]: the code of lines int64[n, length]; a line and its mirror image have the same code."""
    powers = 4 ** np.arange(digits.shape[1] - 1, -1, -1)
    found: NDArray[np.int64] = np.minimum(digits @ powers, digits[:, ::-1] @ powers)
    return found


def _number() -> tuple[NDArray[np.int16], NDArray[np.int64]]:
    """ROW_OF_CODE, and the points of each row's pattern, int64[NUM_PATTERNS, LENGTH]."""
    codes = np.arange(_CODES)
    digits = _digits(codes)
    possible = np.flatnonzero(_possible(digits))
    first, numbers = np.unique(_code(digits[possible]), return_inverse=True)
    rows = np.zeros(_CODES, np.int16)
    rows[possible] = numbers
    return rows, _digits(first)


ROW_OF_CODE, _LINES = _number()
"""int16[4 ** LENGTH]: the row of each line, coded in two bits a point; 0 for lines that cannot occur."""
NUM_PATTERNS = len(_LINES)
"""Rows of a table: 22,143."""


def centre_rows(radius: int) -> tuple[NDArray[np.int64], int]:
    """For each row the index of its centre of radius `radius`, int64[NUM_PATTERNS], and the number of such centres."""
    middle = _code(_LINES[:, RADIUS - radius : RADIUS + radius + 1])
    found, numbers = np.unique(middle, return_inverse=True)
    return numbers.astype(np.int64), len(found)


class LineInputs(NamedTuple):
    """The inputs of `mixnet` for B positions on a board of P points."""

    patterns: NDArray[np.int16]  # [B, P, 4] the row of each line through a near point: row, column, both diagonals
    captured: NDArray[np.uint8]  # [B, 2] stones captured by the player to move and by the opponent
    near: NDArray[np.uint8]  # [B, P] 1 where a point is near a stone (see NEAR); everywhere on an empty board


class PatternScratch(NamedTuple):
    """Scratch of `find_patterns` for boards of one size; see `new_pattern_scratch`.

    Each line of the board is a word with two bits a point. The point at index i of a line (its column in a row, else
    its row) has the bits 2 * (MAX_SIZE - 1 + RADIUS - i) and the next one. So a pattern's code is the bits of LENGTH
    contiguous points: one shift and one mask.
    """

    row_of_code: NDArray[np.int16]  # ROW_OF_CODE
    empty_lines: NDArray[np.uint64]  # [_NUM_LINES] the lines of an empty board
    lines: NDArray[np.uint64]  # [_NUM_LINES]
    occupied: NDArray[np.uint32]  # [MAX_SIZE + 2 * NEAR_EARLY] stones by row, bits by column
    near: NDArray[np.int64]  # [P] the near points
    places: NDArray[np.int64]  # [P] the same on a board with a border of one point: see `place`


def new_pattern_scratch(size: int) -> PatternScratch:
    """Scratch for boards of `size` x `size` points."""
    return PatternScratch(
        ROW_OF_CODE,
        _empty_lines(size),
        np.zeros(_NUM_LINES, np.uint64),
        np.zeros(MAX_SIZE + 2 * NEAR_EARLY, np.uint32),
        np.zeros(size * size, np.int64),
        np.zeros(size * size, np.int64),
    )


def _empty_lines(size: int) -> NDArray[np.uint64]:
    lines = np.full(_NUM_LINES, 4 ** (MAX_SIZE + 2 * RADIUS) - 1, np.uint64)
    for row in range(size):
        for column in range(size):
            for direction in range(4):
                lines[_line(direction, row, column)] ^= np.uint64(OUTSIDE) << np.uint64(_shift(direction, row, column))
    return lines


@inlined
def _line(direction: int, row: int, column: int) -> int:
    """The index of the line through a point: rows, then columns, diagonals and antidiagonals."""
    if direction == 0:
        return row
    if direction == 1:
        return MAX_SIZE + column
    if direction == 2:
        return 2 * MAX_SIZE + row - column + MAX_SIZE - 1
    return 2 * MAX_SIZE + _DIAGONALS + row + column


@inlined
def _shift(direction: int, row: int, column: int) -> int:
    """The position of a point's lowest bit in the word of its line."""
    return 2 * (MAX_SIZE - 1 + RADIUS - (column if direction == 0 else row))


@kernel
def _read_stones(position: Position, scratch: PatternScratch) -> int:
    """Fills `scratch.lines` and `scratch.occupied` from a position; returns the number of stones."""
    size, own, count = np.int64(position["size"]), position["to_move"], 0
    board, lines = position["board"], scratch.lines
    for line in range(_NUM_LINES):
        lines[line] = scratch.empty_lines[line]
    for row in range(size):
        bits = np.uint32(0)
        for column in range(size):
            bits |= np.uint32(board[ORIGIN + row * STRIDE + column] != 0) << np.uint32(column)
        scratch.occupied[row + NEAR_EARLY] = bits
        column = 0
        while bits != np.uint32(0):
            if bits & np.uint32(1):
                count += 1
                value = np.uint64(1) if board[ORIGIN + row * STRIDE + column] == own else np.uint64(2)
                for direction in range(4):
                    lines[_line(direction, row, column)] |= value << np.uint64(_shift(direction, row, column))
            bits >>= np.uint32(1)
            column += 1
    for row in range(size + NEAR_EARLY, MAX_SIZE + 2 * NEAR_EARLY):
        scratch.occupied[row] = np.uint32(0)
    return count


@inlined
def place(row: int, column: int, size: int) -> int:
    """The index of a point on a board with a border of one point."""
    return (row + 1) * (size + 2) + column + 1


@inlined
def _list_near(stones: int, size: int, scratch: PatternScratch) -> int:
    """Writes the near points to `scratch`, all of them on a board without stones; returns their number."""
    count, distance = np.uint64(0), NEAR_EARLY if stones < EARLY else NEAR
    for row in range(size):
        columns = np.uint32(0)
        for other in range(row + NEAR_EARLY - distance, row + NEAR_EARLY + distance + 1):
            columns |= scratch.occupied[other]
        for _ in range(distance):  # each step adds one column on both sides
            columns |= columns << np.uint32(1) | columns >> np.uint32(1)
        if stones == 0:
            columns = ~np.uint32(0)
        for column in range(size):  # without a branch: a point that is not near is overwritten by the next
            scratch.near[count] = row * size + column
            scratch.places[count] = place(row, column, size)
            count += np.uint64(columns >> np.uint32(column) & np.uint32(1))
    return np.int64(count)


@kernel
def find_patterns(position: Position, scratch: PatternScratch, patterns: NDArray[np.int16]) -> int:
    """Writes the row of each near point's line in each direction to `patterns`, int16[P, 4].

    Writes the near points to `scratch.near` and `scratch.places`; returns their number.
    """
    size, lines, rows = np.int64(position["size"]), scratch.lines, scratch.row_of_code
    count = _list_near(_read_stones(position, scratch), size, scratch)
    for which in range(count):
        point = scratch.near[np.uint64(which)]
        row, column = point // size, point % size
        down = np.uint64(_shift(1, row, 0) - 2 * RADIUS)
        patterns[point, 0] = rows[lines[row] >> np.uint64(_shift(0, row, column) - 2 * RADIUS) & _MASK]
        for direction in range(1, 4):
            patterns[point, direction] = rows[lines[_line(direction, row, column)] >> down & _MASK]
    return count


@inlined
def captured_by(position: Position, to_move: bool) -> int:
    """The stones captured by the player to move, or else by the opponent; at most MAX_CAPTURED."""
    player = np.int64(position["to_move"]) - 1
    return min(np.int64(position["captured"][player if to_move else 1 - player]), MAX_CAPTURED)


@kernel
def _encode_all(positions: Positions, wanted: NDArray[np.int8], inputs: LineInputs, scratch: PatternScratch) -> None:
    """Fills `inputs`; the patterns of points that are not near are 0.

    `wanted` is int8[n], or empty if all positions are wanted.
    """
    for index in range(len(positions)):
        if len(wanted) > 0 and not wanted[index]:
            continue
        position = positions[index]
        inputs.patterns[index] = 0
        inputs.near[index] = 0
        count = find_patterns(position, scratch, inputs.patterns[index])
        for which in range(count):
            inputs.near[index, scratch.near[which]] = 1
        inputs.captured[index, 0] = captured_by(position, True)
        inputs.captured[index, 1] = captured_by(position, False)


_ALL = np.zeros(0, np.int8)


class _Lines:
    """The input of line patterns: the arrays of LineInputs."""

    def new_arrays(self, count: int, size: int) -> LineInputs:
        points = size * size
        return LineInputs(
            np.zeros((count, points, 4), np.int16), np.zeros((count, 2), np.uint8), np.zeros((count, points), np.uint8)
        )

    def encode(self, positions: Positions, arrays: Arrays, wanted: NDArray[np.int8] | None = None) -> None:
        scratch = new_pattern_scratch(int(positions["size"][0]))
        _encode_all(np.ascontiguousarray(positions), _ALL if wanted is None else wanted, LineInputs(*arrays), scratch)


LINES: InputForm = _Lines()
