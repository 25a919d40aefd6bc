"""The eight symmetries of the board (rotations and reflections, which do not change the game) as tables of points.

Symmetry `k` first swaps rows and columns (if ``k & 4``), then top and bottom (``k & 2``), then left and right
(``k & 1``); 0 is the identity. On boards of odd size all opening rules are symmetric. On even sizes there is no middle
point, and a symmetry moves the centre of the opening rule: a transformed game continues in the same way, but the first
two stones of player 1 need not be legal in it.
"""

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import kernel
from alphapente.errors import RequestError
from alphapente.rules.bitboards import FIRST_CELL, GUARD, WORDS, lowest_bit
from alphapente.rules.kernels import copy_position
from alphapente.rules.position import CELL_OF, CELLS, EMPTY, MAX_POINTS, MAX_SIZE, MIN_SIZE, Position, Positions
from alphapente.rules.tactics import ENEMY, OWN, Bitboards

NUM_SYMMETRIES = 8
_ZERO, _ONE = np.uint64(0), np.uint64(1)


def _table(size: int) -> NDArray[np.int16]:
    table = np.empty((NUM_SYMMETRIES, size * size), np.int16)
    for symmetry in range(NUM_SYMMETRIES):
        row, column = np.divmod(np.arange(size * size), size)
        if symmetry & 4:
            row, column = column, row
        if symmetry & 2:
            row = size - 1 - row
        if symmetry & 1:
            column = size - 1 - column
        table[symmetry] = row * size + column
    return table


def _compositions() -> NDArray[np.int8]:
    table = _table(MIN_SIZE)  # compositions are the same for all sizes
    both = table[np.arange(NUM_SYMMETRIES)[None, :, None], table[:, None, :]]
    equal = (both[:, :, None, :] == table[None, None, :, :]).all(axis=3)
    composition: NDArray[np.int8] = equal.argmax(axis=2).astype(np.int8)
    return composition


SYMMETRIES: dict[int, NDArray[np.int16]] = {size: _table(size) for size in range(MIN_SIZE, MAX_SIZE + 1)}
"""By board size: int16[8, size * size], where ``[k, point]`` is the image of `point` under symmetry k."""

SYMMETRY_TABLES = np.zeros((MAX_SIZE + 1, NUM_SYMMETRIES, MAX_POINTS), np.int16)
"""The same as one array for kernels: ``SYMMETRY_TABLES[size, k, point]``; zero beyond a board's points."""
for _size, _points in SYMMETRIES.items():
    SYMMETRY_TABLES[_size, :, : _size * _size] = _points

IMAGES = np.zeros((MAX_SIZE + 1, CELLS, NUM_SYMMETRIES), np.int16)
"""``IMAGES[size, cell]``: the image of this cell (of the board with its border) under each symmetry, as a point."""
for _size, _points in SYMMETRIES.items():
    IMAGES[_size, CELL_OF[_size, : _size * _size]] = _points.T

COMPOSITION: NDArray[np.int8] = _compositions()
"""int8[8, 8]: ``COMPOSITION[first, then]`` is the symmetry that equals `first` followed by `then`."""
INVERSE: NDArray[np.int8] = (COMPOSITION == 0).argmax(axis=1).astype(np.int8)
"""int8[8]: the inverse of each symmetry."""


def transform_positions(positions: Positions, symmetry: int) -> Positions:
    """Copies of the `positions`, each transformed by `symmetry` (0..7).

    Sizes may be mixed. Raises RequestError for a symmetry that does not exist.
    """
    if not 0 <= symmetry < NUM_SYMMETRIES:
        raise RequestError(f"no symmetry {symmetry}: choose 0 to {NUM_SYMMETRIES - 1}")
    transformed = positions.copy()
    for size in np.unique(positions["size"]):
        chosen = np.flatnonzero(positions["size"] == size)
        landing = SYMMETRIES[int(size)][symmetry]
        cells = CELL_OF[size, : len(landing)]
        boards = positions["board"][chosen]
        boards[:, CELL_OF[size, landing]] = boards[:, cells]
        transformed["board"][chosen] = boards
        last = positions["last"][chosen]
        transformed["last"][chosen] = np.where(last >= 0, landing[np.maximum(last, 0)], last)
    return transformed


@kernel
def copy_turned(target: Position, source: Position, bits: Bitboards, symmetry: int) -> None:
    """Overwrites `target` with `source` transformed by `symmetry` (0..7), as `transform_positions` does.

    `bits` holds the stones of `source`, see `tactics.find_tactics`. The work grows with the stones, not with the board:
    first all stones are removed, then they are set on their images.
    """
    copy_position(target, source)
    if symmetry == 0:
        return
    board, size, player = target["board"], np.int64(source["size"]), np.int64(source["to_move"])
    for word in range(GUARD, GUARD + WORDS):
        rest = bits[OWN, word] | bits[ENEMY, word]
        while rest != _ZERO:
            board[FIRST_CELL + 64 * (word - GUARD) + lowest_bit(rest)] = EMPTY
            rest &= rest - _ONE  # clears the lowest bit set
    _set_stones(board, bits[OWN], size, symmetry, player)
    _set_stones(board, bits[ENEMY], size, symmetry, 3 - player)
    if source["last"] >= 0:
        target["last"] = SYMMETRY_TABLES[size, symmetry, source["last"]]


@kernel
def _set_stones(board: NDArray[np.int8], bits: NDArray[np.uint64], size: int, symmetry: int, player: int) -> None:
    """Sets stones of `player` on the images of the bitboard's cells."""
    for word in range(GUARD, GUARD + WORDS):
        rest = bits[word]
        while rest != _ZERO:
            cell = FIRST_CELL + 64 * (word - GUARD) + lowest_bit(rest)
            board[CELL_OF[size, IMAGES[size, cell, symmetry]]] = player
            rest &= rest - _ONE
