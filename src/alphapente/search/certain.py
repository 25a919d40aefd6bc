"""What is certain about a root before its search: its tactics, a forced win, and the moves that may stop one."""

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import kernel
from alphapente.rules.position import Positions
from alphapente.rules.tactics import LOSES, REPLIES, UNDECIDED, WINS, find_tactics, next_cell, point_of
from alphapente.search.solver import SolverMemory, find_stops, find_win
from alphapente.search.threats import THREES, is_solvable

ALL_REPLIES, FORCED_WIN, STOPS = range(3)
"""What `look_at_root` found: the replies of the tactics, a forced win, or the moves that may stop the enemy's."""


@kernel
def look_at_root(
    roots: Positions, tree: int, memory: SolverMemory, budget: int, points: NDArray[np.int64]
) -> tuple[int, int, int]:
    """(verdict of the tactics, what was found, how many points it has); writes them to `points`.

    FORCED_WIN: the points are its line. STOPS: the enemy wins by force if nothing is done, and all other moves lose.
    The solver looks at about `budget` positions at most, at none where it is 0.
    """
    position = roots[tree]
    verdict = find_tactics(position, memory.bits, memory.threats.outer.scratch[0])
    if verdict != WINS and verdict != LOSES and budget > 0 and is_solvable(position):
        length, _plies, _positions = find_win(memory, position, budget, np.int64(THREES), points)
        if length > 0:
            return verdict, FORCED_WIN, length
        stops = find_stops(memory, position, budget, points) if verdict == UNDECIDED else -1
        if stops >= 0:
            return verdict, STOPS, stops
    count, size = 0, np.int64(position["size"])
    cell = next_cell(memory.bits[REPLIES], 0)
    while cell >= 0:
        points[count] = point_of(cell, size)
        count += 1
        cell = next_cell(memory.bits[REPLIES], cell)
    return verdict, ALL_REPLIES, count
