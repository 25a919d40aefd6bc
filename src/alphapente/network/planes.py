"""What the network sees: a position as planes of numbers, as the player to move sees it.

| plane | at each point |
| --- | --- |
| 0 | 1 where an own stone stands |
| 1 | 1 where an enemy stone stands |
| 2 | 1 on every point of the board (convolutions see by it where the board ends) |
| 3 | 1 where the opening rule forbids to play now |
| 4 | stones captured by the player to move / stones that win (0 everywhere where nothing is captured) |
| 5 | the same of the enemy |
| 6 | 1 where the player to move wins at once (five, or last capture) |
| 7 | 1 where the enemy would win at once if it were his move |
| 8 | stones that the player to move would capture there / 4 |
| 9 | stones that the enemy would capture there / 4 |
| 10 | 1 where an own stone makes four of five with the fifth point free: a threat to win |
| 11 | the same of the enemy |
"""

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import kernel
from alphapente.rules.position import CAPTURES_TO_WIN, GOMOKU, KERYO, ORIGIN, POSITION, STRIDE, Position, Positions
from alphapente.rules.symmetry import IMAGES
from alphapente.rules.tactics import (
    ENEMY,
    ENEMY_CAPTURES,
    ENEMY_FOURS,
    ENEMY_WINS,
    FIRST_CELL,
    GUARD,
    LEGAL,
    OWN,
    OWN_CAPTURES,
    OWN_FOURS,
    OWN_WINS,
    WORDS,
    Bitboards,
    capture_size,
    find_tactics,
    lowest_bit,
    new_bitboards,
    next_cell,
)

NUM_PLANES = 12

_SOURCES = np.array([OWN, ENEMY, -1, -1, -1, -1, OWN_WINS, ENEMY_WINS, -1, -1, OWN_FOURS, ENEMY_FOURS], np.int64)
"""The bitboard behind each plane; -1 where the plane is made in another way."""


@kernel
def bits_to_plane(bits: NDArray[np.uint64], plane: NDArray[np.float32], size: int) -> None:
    """Writes one bitboard as 0 and 1 by point to `plane`, float32[size * size]."""
    for row in range(size):
        first = ORIGIN - FIRST_CELL + row * STRIDE
        word, low = GUARD + (first >> 6), np.uint64(first & 63)
        line = bits[word] >> low
        if low != np.uint64(0):
            line |= bits[word + 1] << (np.uint64(64) - low)
        for column in range(size):
            plane[row * size + column] = np.float32((line >> np.uint64(column)) & np.uint64(1))


@kernel
def _mark(bits: NDArray[np.uint64], plane: NDArray[np.float32], size: int, symmetry: int) -> None:
    """Writes 1 where the bitboard has a bit, turned by the symmetry."""
    for word in range(GUARD, GUARD + WORDS):
        rest = bits[word]
        while rest != np.uint64(0):
            cell = FIRST_CELL + 64 * (word - GUARD) + lowest_bit(rest)
            plane[IMAGES[size, cell, symmetry]] = np.float32(1.0)
            rest &= rest - np.uint64(1)


@kernel
def _mark_captures(
    position: Position, bits: NDArray[np.uint64], player: int, plane: NDArray[np.float32], symmetry: int
) -> None:
    """Writes a quarter of the stones that `player` would capture on each point where he captures any."""
    size, triples = np.int64(position["size"]), position["variant"] == KERYO
    cell = next_cell(bits, 0)
    while cell >= 0:
        stones = capture_size(position["board"], cell, player, triples)
        plane[IMAGES[size, cell, symmetry]] = np.float32(stones) * np.float32(0.25)
        cell = next_cell(bits, cell)


@kernel
def encode(position: Position, bits: Bitboards, planes: NDArray[np.float32], symmetry: int) -> None:
    """Writes the planes of a position, turned by `symmetry` (0: as it is), to `planes`, float32[NUM_PLANES, size*size].

    `bits` holds the position's tactics.
    """
    size, player, variant = np.int64(position["size"]), np.int64(position["to_move"]), position["variant"]
    planes[:] = np.float32(0.0)
    for plane in range(NUM_PLANES):
        if _SOURCES[plane] >= 0:
            _mark(bits[_SOURCES[plane]], planes[plane], size, symmetry)
    planes[2, :] = np.float32(1.0)
    if position["ply"] == 0 or position["ply"] == 2:
        _mark(bits[LEGAL], planes[3], size, symmetry)
        for point in range(size * size):
            planes[3, point] = np.float32(1.0) - planes[3, point] - planes[0, point] - planes[1, point]
    if variant != GOMOKU:
        need = np.float32(CAPTURES_TO_WIN[variant])
        planes[4, :] = np.float32(position["captured"][player - 1]) / need
        planes[5, :] = np.float32(position["captured"][2 - player]) / need
        _mark_captures(position, bits[OWN_CAPTURES], player, planes[8], symmetry)
        _mark_captures(position, bits[ENEMY_CAPTURES], 3 - player, planes[9], symmetry)


@kernel
def _encode_all(positions: Positions, planes: NDArray[np.float32], bits: Bitboards, scratch: Position) -> None:
    for index in range(len(positions)):
        find_tactics(positions[index], bits, scratch)
        encode(positions[index], bits, planes[index], 0)


def encode_batch(positions: Positions, planes: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
    """The planes of positions of one board size, float32[B, NUM_PLANES, S, S]; written to `planes` when given."""
    size = int(positions["size"][0])
    if planes is None:
        planes = np.empty((len(positions), NUM_PLANES, size, size), np.float32)
    flat = planes.reshape(len(planes), NUM_PLANES, size * size)
    _encode_all(positions, flat, new_bitboards(), np.zeros(1, POSITION)[0])
    return planes
