"""The threat solver for callers in Python: a position and a budget, a forced win or nothing."""

from typing import NamedTuple

import numpy as np

from alphapente.rules.kernels import copy_position, play
from alphapente.rules.position import IN_PLAY, POSITION, Position
from alphapente.rules.tactics import (
    LEGAL,
    LOSES,
    OWN_CAPTURES,
    OWN_WINS,
    REPLIES,
    UNDECIDED,
    WINS,
    find_tactics,
    new_bitboards,
    next_cell,
    point_of,
)
from alphapente.search.defences import find_defences
from alphapente.search.proof import AREA, MAX_DEPTH, USED
from alphapente.search.threats import (
    FOURS,
    FOURS_POSITIONS,
    THREAT_POSITIONS,
    THREES,
    is_solvable,
    line_of,
    new_threats,
    prove,
)

_SHORTEST = 3
"""The plies of the shortest win that tactics do not see."""


class Solution(NamedTuple):
    """What the solver found about a position's player to move."""

    won: bool
    """True: he wins by force, whatever the enemy does. False: no forced win was found; there may be one."""
    line: tuple[int, ...]
    """The points of a forced win, his first, with replies of the enemy's that hold out long; () if none."""
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

    def solve(self, position: Position, budget: int | None = None, level: int = THREES) -> Solution:
        """Looks for a forced win of the player to move by fours, open threes and captures, and then for a shorter one.

        `budget` may be smaller than the solver's own; at `level` FOURS it looks for fours and captures only. The
        position must be in play. In poof and boat, and in the opening, only a win at once is found.
        """
        assert position["winner"] == IN_PLAY, "a finished game has no next move"
        outer, size = self._threats.outer, int(position["size"])
        if find_tactics(position, self._bits, outer.scratch) == WINS:
            return Solution(True, (point_of(next_cell(self._bits[OWN_WINS], 0), size),), 1, 1)
        if not is_solvable(position):
            return Solution(False, (), 0, 1)
        budget = self.budget if budget is None else min(budget, self.budget)
        stages = iter(((FOURS, _SHORTEST), (level, _SHORTEST + 2), (level, MAX_DEPTH)))
        stage, plies = next(stages)  # short wins first: in three plies they are by fours, and none is missed
        found, used = Solution(False, (), 0, 0), 0
        while plies >= _SHORTEST and budget > 0:
            won = prove(self._threats, position, plies, budget, stage)
            looked_at = int(outer.counts[USED])
            used += looked_at
            if won:
                won_in = int(outer.nodes[0]["length"])
                found = Solution(True, self._line(position, plies), won_in, used)
                plies = won_in - 1
            elif found.won or plies == MAX_DEPTH:
                break
            else:
                budget -= looked_at
                stage, plies = next(stages)
        return found._replace(positions=used)

    def defences(self, position: Position, budget: int | None = None) -> list[int] | None:
        """The moves that may stop the enemy, who wins by fours if nothing is done; None if no such threat is found.

        All other moves lose by force. Asks nothing where the player to move wins at once or must answer a threat to
        win at once: `find_tactics` knows the replies there.
        """
        outer, size = self._threats.outer, int(position["size"])
        verdict = find_tactics(position, self._bits, outer.scratch)
        if verdict != UNDECIDED or not is_solvable(position):
            return None
        copy_position(self._board, position)
        self._board["to_move"] = 3 - position["to_move"]
        budget = min(self.budget if budget is None else budget, self.budget, THREAT_POSITIONS)
        if budget <= 0 or not prove(self._threats, self._board, MAX_DEPTH, budget, FOURS) or not find_defences(outer):
            return None
        chosen = outer.maps[AREA] & self._bits[LEGAL] | self._bits[OWN_CAPTURES]
        found, cell = [], next_cell(chosen, 0)
        while cell >= 0:
            found.append(int(point_of(cell, size)))
            cell = next_cell(chosen, cell)
        return found

    def _line(self, position: Position, plies: int) -> tuple[int, ...]:
        """A game that was proven, put together from what the tree, fours and tactics know of its parts.

        `plies` is what the tree's question was limited to: where it found fours enough they are asked for once more,
        and must be the same ones.
        """
        board, scratch = self._board, self._threats.outer.scratch
        attacker, size = position["to_move"], int(position["size"])
        copy_position(board, position)
        line: list[int] = []
        length = line_of(self._threats.outer, self._cells)
        while board["winner"] == IN_PLAY:
            for cell in self._cells[:length]:
                line.append(int(point_of(int(cell), size)))
                play(board, line[-1])
            length = 0
            if board["winner"] != IN_PLAY:
                break
            if find_tactics(board, self._bits, scratch) in (WINS, LOSES):
                self._cells[0], length = next_cell(self._bits[REPLIES], 0), 1
            elif board["to_move"] == attacker:
                left = plies - len(line)
                if prove(self._threats, board, left, 4 * FOURS_POSITIONS, FOURS):
                    length = line_of(self._threats.outer, self._cells)
            if length == 0:
                break
        return tuple(line)


def solve(position: Position, budget: int = 10_000) -> Solution:
    """A forced win of the player to move, if one is found among at most about `budget` positions.

    A win claimed is a win; where none is found there may still be one. Search by `Solver` when asking often.
    """
    return Solver(budget).solve(position)
