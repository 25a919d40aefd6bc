"""The input planes of convolutional networks: a position from the perspective of the player to move.

| plane | at each point |
| --- | --- |
| 0 | 1 if there is an own stone |
| 1 | 1 if there is an enemy stone |
| 2 | 1 on every point of the board (so that convolutions can find its edge) |
| 3 | 1 if the opening rule forbids the point now |
| 4 | stones captured by the player to move / stones that win (0 everywhere in gomoku) |
| 5 | the same of the enemy |
| 6 | 1 if the player to move wins at once there (five, or last capture) |
| 7 | 1 if the enemy, if it were to move, would win at once there |
| 8 | stones that the player to move would capture there / 4 |
| 9 | stones that the enemy would capture there / 4 |
| 10 | 1 if an own stone there makes four of five with the fifth point empty: a threat to win |
| 11 | the same of the enemy |
"""

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import kernel
from alphapente.rules.bitboards import FIRST_CELL, GUARD, WORDS, lowest_bit, next_cell, point_of
from alphapente.rules.position import CAPTURES_TO_WIN, GOMOKU, KERYO, POSITION, Position, Positions
from alphapente.rules.tactics import (
    ENEMY,
    ENEMY_CAPTURES,
    ENEMY_FOURS,
    ENEMY_WINS,
    LEGAL,
    OWN,
    OWN_CAPTURES,
    OWN_FOURS,
    OWN_WINS,
    Bitboards,
    capture_size,
    find_tactics,
    new_bitboards,
)

NUM_PLANES = 12
Planes = NDArray[np.float32]
"""float32[B, NUM_PLANES, S, S]."""

_SOURCES = np.array([OWN, ENEMY, -1, -1, -1, -1, OWN_WINS, ENEMY_WINS, -1, -1, OWN_FOURS, ENEMY_FOURS], np.int64)
"""The bitboard of each plane; -1 if the plane is made in another way."""
_ALL = np.empty(0, np.int8)


@kernel
def _mark(bits: NDArray[np.uint64], plane: NDArray[np.float32], size: int) -> None:
    """Writes 1 to the points of the bitboard."""
    for word in range(GUARD, GUARD + WORDS):
        rest = bits[word]
        while rest != np.uint64(0):
            cell = FIRST_CELL + 64 * (word - GUARD) + lowest_bit(rest)
            plane[point_of(cell, size)] = np.float32(1.0)
            rest &= rest - np.uint64(1)


@kernel
def _mark_captures(position: Position, bits: NDArray[np.uint64], player: int, plane: NDArray[np.float32]) -> None:
    """Writes the number of stones that `player` would capture / 4 to each point of the captures `bits`."""
    size, triples = np.int64(position["size"]), position["variant"] == KERYO
    cell = next_cell(bits, 0)
    while cell >= 0:
        stones = capture_size(position["board"], cell, player, triples)
        plane[point_of(cell, size)] = np.float32(stones) * np.float32(0.25)
        cell = next_cell(bits, cell)


@kernel
def _encode(position: Position, bits: Bitboards, planes: NDArray[np.float32]) -> None:
    """Writes the planes of a position to `planes`, float32[NUM_PLANES, size*size]. `bits` holds its tactics."""
    size, player, variant = np.int64(position["size"]), np.int64(position["to_move"]), position["variant"]
    planes[:] = np.float32(0.0)
    for plane in range(NUM_PLANES):
        if _SOURCES[plane] >= 0:
            _mark(bits[_SOURCES[plane]], planes[plane], size)
    planes[2, :] = np.float32(1.0)
    if position["ply"] == 0 or position["ply"] == 2:
        _mark(bits[LEGAL], planes[3], size)
        for point in range(size * size):
            planes[3, point] = np.float32(1.0) - planes[3, point] - planes[0, point] - planes[1, point]
    if variant != GOMOKU:
        need = np.float32(CAPTURES_TO_WIN[variant])
        planes[4, :] = np.float32(position["captured"][player - 1]) / need
        planes[5, :] = np.float32(position["captured"][2 - player]) / need
        _mark_captures(position, bits[OWN_CAPTURES], player, planes[8])
        _mark_captures(position, bits[ENEMY_CAPTURES], 3 - player, planes[9])


@kernel
def _encode_all(
    positions: Positions, wanted: NDArray[np.int8], planes: NDArray[np.float32], bits: Bitboards, scratch: Positions
) -> None:
    """Fills `planes`. `wanted` is int8[n], or empty if all positions are wanted; `scratch` is one position."""
    for index in range(len(positions)):
        if len(wanted) == 0 or wanted[index]:
            find_tactics(positions[index], bits, scratch[0])
            _encode(positions[index], bits, planes[index])


def encode_batch(positions: Positions, planes: Planes | None = None, wanted: NDArray[np.int8] | None = None) -> Planes:
    """The planes of positions in play, of one board size: float32[B, NUM_PLANES, S, S].

    Writes to the first B rows of `planes` if given; rows where `wanted` int8[B] is 0 stay unchanged. The field `last`
    of a position has no effect.
    """
    size = int(positions["size"][0])
    if planes is None:
        planes = np.empty((len(positions), NUM_PLANES, size, size), np.float32)
    flat = planes.reshape(len(planes), NUM_PLANES, size * size)
    chosen = _ALL if wanted is None else wanted
    _encode_all(np.ascontiguousarray(positions), chosen, flat, new_bitboards(), np.zeros(1, POSITION))
    return planes
