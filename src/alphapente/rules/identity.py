"""Which positions are one and the same to the player to move: turned, mirrored, or with the colours exchanged.

Zobrist hashing (1970): a random number for each stone, combined by exclusive or, once for each of the eight
symmetries. The symmetry of the smallest hash turns a position into the one of its kind that stands for all of them.
"""

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import kernel
from alphapente.rules.position import MAX_POINTS, Position
from alphapente.rules.symmetry import IMAGES, NUM_SYMMETRIES
from alphapente.rules.tactics import ENEMY, OWN, Bitboards, next_cell

_NUMBERS: NDArray[np.uint64] = np.random.default_rng(19).integers(1, 2**64, (2, MAX_POINTS), np.uint64)
"""uint64[2, MAX_POINTS]: of an own and of an enemy stone on each point."""
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


@kernel
def _add_stones(bits: NDArray[np.uint64], numbers: NDArray[np.uint64], size: int, hashes: NDArray[np.uint64]) -> None:
    cell = next_cell(bits, 0)
    while cell >= 0:
        for symmetry in range(NUM_SYMMETRIES):
            hashes[symmetry] ^= numbers[IMAGES[size, cell, symmetry]]
        cell = next_cell(bits, cell)


@kernel
def identify(position: Position, bits: Bitboards, hashes: NDArray[np.uint64]) -> int:
    """The symmetry that turns a position into the one that stands for its kind; the kind's key goes to hashes[0].

    `bits` holds the position's tactics; hashes is uint64[8], scratch. Positions of one board size have the same key
    when they are the same but for turning, mirroring and the players' colours. The opening rule of an even board has
    no middle point to turn about: as long as it matters, nothing is turned there.
    """
    size, player = np.int64(position["size"]), np.int64(position["to_move"])
    hashes[:] = np.uint64(0)
    _add_stones(bits[OWN], _NUMBERS[0], size, hashes)
    _add_stones(bits[ENEMY], _NUMBERS[1], size, hashes)
    opening = np.int64(position["ply"] == 0 or position["ply"] == 2)
    best = 0
    if size % 2 == 1 or not opening:
        for symmetry in range(1, NUM_SYMMETRIES):
            if hashes[symmetry] < hashes[best]:
                best = symmetry
    rest = np.int64(position["captured"][player - 1]) << 32 | np.int64(position["captured"][2 - player]) << 16
    rest |= np.int64(position["variant"]) << 8 | np.int64(position["pending"]) << 1 | opening
    mixed = (hashes[best] ^ (np.uint64(rest) * _SPREAD)) * _SPREAD
    hashes[0] = mixed ^ (mixed >> np.uint64(29))
    return best
