"""Perft: counts all move sequences of a given length, which checks the rules.

The term is from chess programming ("performance test"). Two programs with equal counts generate the same moves and
the same ends of games. A game that ends early has no further moves, so it adds nothing to deeper counts.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import kernel
from alphapente.errors import RequestError
from alphapente.rules.kernels import copy_position, is_legal, play
from alphapente.rules.position import BY_CAPTURES, BY_FIVE, POSITION, Position, Positions


class PerftCounts(NamedTuple):
    """Counts of move sequences, by the effect of their last move."""

    sequences: int
    """All sequences of legal moves of the given length."""
    captures: int
    """Those whose last move removed stones (captured or poofed)."""
    fives: int
    """Those whose last move ended the game by five."""
    capture_wins: int
    """Those whose last move ended the game by captures."""


@kernel
def _count(path: Positions, next_point: NDArray[np.int64], depth: int, counts: NDArray[np.int64]) -> None:
    """Walks the tree below path[0] depth first; path holds depth + 1 records, one for each ply of the walk."""
    size = np.int64(path[0]["size"])
    num_points = size * size
    level = 0
    next_point[0] = 0
    while level >= 0:
        point = next_point[level]
        if point == num_points:
            level -= 1
            continue
        next_point[level] = point + 1
        here, child = path[level], path[level + 1]
        if not is_legal(here, point):
            continue
        copy_position(child, here)
        play(child, point)
        if level + 1 < depth:
            level += 1
            next_point[level] = 0
            continue
        counts[0] += 1
        counts[1] += child["captured"][0] + child["captured"][1] != here["captured"][0] + here["captured"][1]
        counts[2] += child["won_by"] == BY_FIVE
        counts[3] += child["won_by"] == BY_CAPTURES


def perft(position: Position, depth: int) -> PerftCounts:
    """Counts the sequences of `depth` moves from a POSITION record, which does not change.

    Plays every move, including the last. Raises RequestError for a depth below 1.
    """
    if depth < 1:
        raise RequestError(f"perft depth {depth}: choose 1 or more")
    path = np.zeros(depth + 1, POSITION)
    path[0] = position
    counts = np.zeros(len(PerftCounts._fields), np.int64)
    _count(path, np.zeros(depth + 1, np.int64), depth, counts)
    return PerftCounts(*counts.tolist())
