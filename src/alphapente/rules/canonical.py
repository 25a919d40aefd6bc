"""The canonical position: one for all positions that are equal up to symmetry and exchanged colours.

Zobrist hashing (Zobrist 1970): a random number for each stone on each point, combined by exclusive or, once for each of
the eight symmetries. The symmetry of the smallest hash transforms a position into the canonical one.
"""

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import kernel
from alphapente.rules.bitboards import FIRST_CELL, GUARD, MIXER, WORDS, lowest_bit
from alphapente.rules.position import CELLS, MAX_POINTS, Position
from alphapente.rules.symmetry import IMAGES, NUM_SYMMETRIES
from alphapente.rules.tactics import ENEMY, OWN, Bitboards

_NUMBERS: NDArray[np.uint64] = np.random.default_rng(19).integers(1, 2**64, (2, MAX_POINTS), np.uint64)
"""The Zobrist table, uint64[2, MAX_POINTS]: for an own and for an enemy stone on each point. Any seed would do."""
_ONE = np.uint64(1)


def stone_numbers(size: int) -> NDArray[np.uint64]:
    """The Zobrist table of a board size, uint64[2, CELLS, 8], by own or enemy stone, cell and symmetry."""
    numbers: NDArray[np.uint64] = _NUMBERS[:, IMAGES[size]]
    assert numbers.shape == (2, CELLS, NUM_SYMMETRIES)
    return np.ascontiguousarray(numbers)


@kernel
def _add_stones(bits: NDArray[np.uint64], numbers: NDArray[np.uint64], hashes: NDArray[np.uint64]) -> None:
    for word in range(GUARD, GUARD + WORDS):
        rest = bits[word]
        while rest != np.uint64(0):
            cell = FIRST_CELL + 64 * (word - GUARD) + lowest_bit(rest)
            for symmetry in range(NUM_SYMMETRIES):
                hashes[symmetry] ^= numbers[cell, symmetry]
            rest &= rest - _ONE


@kernel
def canonical_symmetry(
    position: Position, bits: Bitboards, numbers: NDArray[np.uint64], hashes: NDArray[np.uint64]
) -> int:
    """Returns the symmetry that transforms a position into its canonical position; writes the key to hashes[0].

    `bits` holds the position's tactics, `numbers` comes from `stone_numbers`; hashes is uint64[8], scratch. Positions
    of one board size have the same key if they are equal up to symmetry and the players' colours. The centre of an even
    board is not its middle, so the opening rule is not symmetric there: while it applies, the symmetry is 0 (none).
    """
    size, player = np.int64(position["size"]), np.int64(position["to_move"])
    hashes[:] = np.uint64(0)
    _add_stones(bits[OWN], numbers[0], hashes)
    _add_stones(bits[ENEMY], numbers[1], hashes)
    opening = np.int64(position["ply"] == 0 or position["ply"] == 2)
    best = 0
    if size % 2 == 1 or not opening:
        for symmetry in range(1, NUM_SYMMETRIES):
            if hashes[symmetry] < hashes[best]:
                best = symmetry
    # captures have less than 16 bits, the variant 3, the others one: each gets bits of its own
    rest = np.int64(position["captured"][player - 1]) << 32 | np.int64(position["captured"][2 - player]) << 16
    rest |= np.int64(position["variant"]) << 8 | np.int64(position["pending"]) << 1 | opening
    mixed = (hashes[best] ^ (np.uint64(rest) * MIXER)) * MIXER
    # a product is mixed best in its upper bits: the shift brings them to the lowest ones, the index in the cache
    hashes[0] = mixed ^ (mixed >> np.uint64(29))
    return best
