"""Caches the network's evaluations: a transposition, or the same position under a symmetry, needs no second one.

The network evaluates every position in its canonical form (see rules/canonical.py), so a cached evaluation is, number
by number, the one that the network would return. A newer entry replaces an older one in the same slot.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import inlined, kernel
from alphapente.search.layout import NOTHING


class Cache(NamedTuple):
    """N evaluations (N a power of two, or 0: nothing is cached) on a board of P points."""

    keys: NDArray[np.uint64]  # [N] see rules/canonical.py; 0 for an empty place
    values: NDArray[np.float32]  # [N] for the player to move
    priors: NDArray[np.uint16]  # [N, P] in the format of `Trees.priors`, by the points of the canonical position


def _places(positions: int) -> int:
    return 1 << (positions - 1).bit_length() if positions else 0


def cache_bytes(positions: int, points: int) -> int:
    """The memory in bytes of a cache for `positions` evaluations on a board of `points` points."""
    # of each entry: priors 2 bytes a point, key 8, value 4
    return _places(positions) * (2 * points + 12)


def new_cache(positions: int, points: int) -> Cache:
    """An empty cache for `positions` evaluations, rounded up to a power of two."""
    count = _places(positions)
    return Cache(np.zeros(count, np.uint64), np.zeros(count, np.float32), np.zeros((count, points), np.uint16))


@inlined
def place_of(cache: Cache, key: int) -> int:
    """The only slot that a key can use: its lowest bits, N being a power of two. The cache must not have size 0."""
    return np.int64(key & np.uint64(len(cache.keys) - 1))


@kernel
def find(cache: Cache, key: int) -> int:
    """The slot of a key's evaluation, or NOTHING. The cache must not have size 0."""
    place = place_of(cache, key)
    return place if cache.keys[place] == key else NOTHING


@kernel
def remember(cache: Cache, key: int, value: float, priors: NDArray[np.uint16], image: NDArray[np.int16]) -> None:
    """Stores an evaluation: priors uint16[P] by the board's points; `image[point]` is each one's canonical point."""
    place = place_of(cache, key)
    cache.keys[place] = key
    cache.values[place] = np.float32(value)
    row = cache.priors[place]
    for point in range(len(priors)):
        row[np.uint64(image[point])] = priors[point]


@kernel
def recall(cache: Cache, place: int, image: NDArray[np.int16], priors: NDArray[np.uint16]) -> None:
    """Writes the priors of the evaluation in a slot to `priors`, by the board's points."""
    row = cache.priors[place]
    for point in range(len(priors)):
        priors[point] = row[np.uint64(image[point])]
