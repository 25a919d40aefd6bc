"""The points near the stones: as a list, for random openings, and as bitboards, for players without a network."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import kernel
from alphapente.rules.bitboards import GUARD, ROW, WORDS, Bitboard, add_bits, map_of, next_cell, point_of
from alphapente.rules.kernels import legal_points
from alphapente.rules.position import CELL_OF, MAX_SIZE, Position, stones
from alphapente.rules.tactics import ENEMY, OWN, REPLIES, UNDECIDED, Bitboards

NEAR = 2
"""Maximum distance of a near point from a stone, in rows and columns."""

_ZERO = np.uint64(0)


def near_points(position: Position) -> list[int]:
    """Legal points within NEAR of a stone (of the centre on an empty board); if there are none, the nearest ones."""
    size = int(position["size"])
    out = np.zeros(size * size, np.int16)
    legal = out[: legal_points(position, out)].astype(int)
    occupied = np.flatnonzero(stones(position)) if position["ply"] else np.array([size // 2 * (size + 1)])
    down = np.abs(legal[:, None] // size - occupied[None, :] // size)
    right = np.abs(legal[:, None] % size - occupied[None, :] % size)
    distance = np.maximum(down, right).min(axis=1)
    return [int(point) for point in legal[distance <= max(NEAR, distance.min())]]


@lru_cache(maxsize=MAX_SIZE)
def near_maps(size: int) -> NDArray[np.uint64]:
    """uint64[P, ROW]: for each point of a board the points at most NEAR away, as a bitboard."""
    maps = np.zeros((size * size, ROW), np.uint64)
    cells = CELL_OF[size, : size * size].reshape(size, size)
    for point in range(size * size):
        row, column = divmod(point, size)
        rows, columns = slice(max(0, row - NEAR), row + NEAR + 1), slice(max(0, column - NEAR), column + NEAR + 1)
        maps[point] = map_of(cells[rows, columns].ravel())
    return maps


@kernel
def near_stones(bits: Bitboards, maps: NDArray[np.uint64], size: int, out: Bitboard) -> None:
    """Writes the points near the stones OWN and ENEMY of `bits` to `out`; `maps` come from `near_maps`."""
    out[:] = _ZERO
    for player in (OWN, ENEMY):
        cell = next_cell(bits[player], 0)
        while cell >= 0:
            add_bits(maps[point_of(cell, size)], out)
            cell = next_cell(bits[player], cell)


@kernel
def keep_near(bits: Bitboards, near: Bitboard, verdict: int) -> None:
    """Removes points far from all stones from REPLIES, unless tactics restrict the moves or no legal point is near."""
    if verdict != UNDECIDED:
        return
    found = _ZERO
    for word in range(GUARD, GUARD + WORDS):
        found |= bits[REPLIES, word] & near[word]
    if found != _ZERO:
        for word in range(GUARD, GUARD + WORDS):
            bits[REPLIES, word] &= near[word]
