"""The threat solver for callers in Python: a position and a budget, a forced win or nothing."""

from typing import NamedTuple

import numpy as np

from alphapente.rules.kernels import copy_position, play
from alphapente.rules.position import IN_PLAY, POSITION, Position
from alphapente.rules.tactics import LOSES, OWN_WINS, REPLIES, WINS, find_tactics, new_bitboards, next_cell, point_of
from alphapente.search.proof import MAX_DEPTH, USED
from alphapente.search.threats import THREES, is_solvable, line_of, new_threats, prove

_SHORTEST = 3
"""The plies of the shortest win that tactics do not see."""


class Solution(NamedTuple):
    """What the solver found about a position's player to move."""

    won: bool
    """True: he wins by force, whatever the enemy does. False: no forced win was found; there may be one."""
    line: tuple[int, ...]
    """The points of a forced win, his first, with the enemy's replies that hold out longest; () if none."""
    plies: int
    """Within so many plies, his own included, he has won; 0 if no win was found."""
    positions: int
    """Positions looked at."""


class Solver:
    """Asks one question after another with the memory of one; one thread at a time."""

    def __init__(self, budget: int) -> None:
        """`budget`: positions, 1 or more, that may be looked at for each question."""
        self.budget = budget
        self._threats = new_threats(budget)
        self._cells = np.zeros(MAX_DEPTH + 1, np.int64)
        self._bits = new_bitboards()
        self._board = np.zeros(1, POSITION)[0]

    def solve(self, position: Position) -> Solution:
        """Looks for a forced win of the player to move by fours, open threes and captures, and then for a shorter one.

        The position must be in play. In poof and boat, and in the opening, only a win at once is found.
        """
        assert position["winner"] == IN_PLAY, "a finished game has no next move"
        outer, size = self._threats.outer, int(position["size"])
        if find_tactics(position, self._bits, outer.scratch) == WINS:
            return Solution(True, (point_of(next_cell(self._bits[OWN_WINS], 0), size),), 1, 1)
        if not is_solvable(position):
            return Solution(False, (), 0, 1)
        found, used, plies = Solution(False, (), 0, 0), 0, MAX_DEPTH
        while plies >= _SHORTEST and used < self.budget:
            won = prove(self._threats, position, plies, self.budget - used, THREES)
            used += int(outer.counts[USED])
            if not won:
                break
            length = line_of(outer, self._cells)
            line = [int(point_of(int(cell), size)) for cell in self._cells[:length]]
            plies = int(outer.nodes[0]["length"])
            found = Solution(True, self._to_the_end(position, line), plies, used)
            plies -= 1
        return found._replace(positions=used)

    def _to_the_end(self, position: Position, line: list[int]) -> tuple[int, ...]:
        """The line with the last moves, which the tactics know and the tree does not."""
        board, scratch = self._board, self._threats.outer.scratch
        copy_position(board, position)
        for point in line:
            play(board, point)
        while board["winner"] == IN_PLAY and find_tactics(board, self._bits, scratch) in (WINS, LOSES):
            line.append(int(point_of(next_cell(self._bits[REPLIES], 0), int(board["size"]))))
            play(board, line[-1])
        return tuple(line)


def solve(position: Position, budget: int = 10_000) -> Solution:
    """A forced win of the player to move, if one is found among at most about `budget` positions.

    A win claimed is a win; where none is found there may still be one. Search by `Solver` when asking often.
    """
    return Solver(budget).solve(position)
