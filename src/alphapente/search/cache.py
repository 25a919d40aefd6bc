"""Remembers what the network said: a position that comes again, turned or by other moves, costs no second look.

Every position is shown to the network turned the way that stands for its kind (see rules/canonical.py), so an answer
from memory is, number by number, the one that the network would give. A newer entry takes the place of an older one.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import inlined, kernel

MISSING = -1
"""The answer of `find` for a position that is not there."""


class Cache(NamedTuple):
    """N answers (N a power of two, or 0: nothing is remembered) on a board of P points."""

    keys: NDArray[np.uint64]  # [N] see rules/canonical.py; 0 for an empty place
    values: NDArray[np.float32]  # [N] as the player to move sees it
    priors: NDArray[np.uint16]  # [N, P] as `Trees.priors` keeps them, turned as the network saw the position


def _places(positions: int) -> int:
    return 1 << (positions - 1).bit_length() if positions else 0


def cache_bytes(positions: int, points: int) -> int:
    """The memory of a cache with room for `positions` answers on a board of `points` points."""
    return _places(positions) * (2 * points + 12)


def new_cache(positions: int, points: int) -> Cache:
    """Room for `positions` answers, rounded up to a power of two."""
    count = _places(positions)
    return Cache(np.zeros(count, np.uint64), np.zeros(count, np.float32), np.zeros((count, points), np.uint16))


@inlined
def place_of(cache: Cache, key: int) -> int:
    """The one place where the answer for a key may be; the cache must have room."""
    return np.int64(key & np.uint64(len(cache.keys) - 1))


@kernel
def find(cache: Cache, key: int) -> int:
    """The place of a key's answer, or MISSING."""
    if len(cache.keys) == 0:
        return MISSING
    place = place_of(cache, key)
    return place if cache.keys[place] == key else MISSING


@kernel
def remember(cache: Cache, key: int, value: float, priors: NDArray[np.uint16], image: NDArray[np.int16]) -> None:
    """Keeps an answer: priors uint16[P] by the board's points; `image[point]` is where the network saw each."""
    place = place_of(cache, key)
    cache.keys[place] = key
    cache.values[place] = np.float32(value)
    row = cache.priors[place]
    for point in range(len(priors)):
        row[np.uint64(image[point])] = priors[point]


@kernel
def recall(cache: Cache, place: int, image: NDArray[np.int16], priors: NDArray[np.uint16]) -> None:
    """Writes the priors of the answer at a place to `priors`, by the board's points."""
    row = cache.priors[place]
    for point in range(len(priors)):
        priors[point] = row[np.uint64(image[point])]
