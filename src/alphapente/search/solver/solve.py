"""What is proven about a position before any tree search: its tactics, a forced win, and the defences against one.

One compiled kernel, `examine`, does all of it. Each caller of `prove_from` is compiled with a copy of it, which takes
seconds; so the parts of that kernel are inlined, and there is no second one.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import inlined, kernel
from alphapente.rules.bitboards import add_bits, keep_bits, next_cell, point_of
from alphapente.rules.kernels import copy_position, play
from alphapente.rules.position import IN_PLAY, MAX_POINTS, POSITION, Position, Positions
from alphapente.rules.tactics import (
    LEGAL,
    LOSES,
    MUST_REPLY,
    OWN_CAPTURES,
    REPLIES,
    UNDECIDED,
    WINS,
    Bitboards,
    copy_tactics,
    find_tactics,
    new_bitboards,
)
from alphapente.search.layout import NOTHING
from alphapente.search.solver.proof import AREA, MAX_DEPTH, USED
from alphapente.search.solver.relevance_zone import find_defences
from alphapente.search.solver.threats import (
    FOURS,
    FOURS_POSITIONS,
    THREAT_POSITIONS,
    THREES,
    Threats,
    is_solvable,
    line_of,
    new_threats,
    prove_from,
)

FORCED_WIN, STOPS = MUST_REPLY + 1, MUST_REPLY + 2
"""Verdicts of `examine` beside those of tactics: a win by force, and moves that may refute the enemy's VCF."""
_SHORTEST = 3
"""The plies of the shortest win that tactics do not see: a threat, a reply, the winning move."""


class Solution(NamedTuple):
    """What the solver found for the player to move."""

    won: bool
    """True: the player to move wins by force, whatever the enemy does. False: none was found; there may be one."""
    line: tuple[int, ...]
    """The points of a forced win, from the player to move on, against long defences; () if none."""
    plies: int
    """Plies to win: the most that the win takes, against the longest defence; 0 if no win was found."""
    positions: int
    """Positions searched."""


class SolverMemory(NamedTuple):
    """What the solver's kernels write to; reused for each question."""

    threats: Threats
    bits: Bitboards  # tactics of the position in question
    other_bits: Bitboards  # of another position
    boards: Positions  # POSITION[1]
    cells: NDArray[np.int64]  # [MAX_DEPTH + 1] of a line
    points: NDArray[np.int64]  # [MAX_POINTS] what `examine` found


def new_solver_memory(budget: int) -> SolverMemory:
    """Memory for questions of up to `budget` positions each."""
    return SolverMemory(
        threats=new_threats(budget),
        bits=new_bitboards(),
        other_bits=new_bitboards(),
        boards=np.zeros(1, POSITION),
        cells=np.zeros(MAX_DEPTH + 1, np.int64),
        points=np.zeros(MAX_POINTS, np.int64),
    )


class Solver:
    """Solves one position after another with the same memory. Not thread-safe."""

    def __init__(self, budget: int) -> None:
        """`budget`: the most positions, 1 or more, to search for each question."""
        self.budget = budget
        self.memory = new_solver_memory(budget)

    def solve(self, position: Position, budget: int | None = None, level: int = THREES) -> Solution:
        """Searches for a forced win of the player to move, a VCT (captures included), and then a shorter one.

        `budget` may be smaller than the solver's own; `level` FOURS searches for a VCF only. The position must be in
        play. In poof and boat, and in the opening, only a win at once is found.
        """
        assert position["winner"] == IN_PLAY, "a finished game has no next move"
        budget = self.budget if budget is None else min(budget, self.budget)
        verdict, length, plies, used = examine(position, self.memory, budget, level, False)
        if verdict == WINS:
            return Solution(True, (int(self.memory.points[0]),), 1, 1)
        if verdict != FORCED_WIN:
            return Solution(False, (), 0, max(used, 1))
        return Solution(True, tuple(self.memory.points[:length].tolist()), plies, used)

    def defences(self, position: Position, budget: int | None = None) -> list[int] | None:
        """The moves that may refute the enemy's VCF after a pass; None if no such threat is found.

        All other moves lose by force. Searches nothing if the player to move wins at once or must reply to a threat to
        win at once: there `find_tactics` knows the replies.
        """
        budget = self.budget if budget is None else min(budget, self.budget)
        verdict, count, _, _ = examine(position, self.memory, budget, NOTHING, True)
        return self.memory.points[:count].tolist() if verdict == STOPS else None


@inlined
def _write_line(memory: SolverMemory, position: Position, plies: int) -> int:
    """Writes a proven game to memory.points, joined from the lines of the tree, VCFs and tactics; returns its length.

    `plies` is the limit of the proof. Where the tree found that a VCF exists, it did not keep its line: the VCF is
    searched for again within the remaining plies.
    """
    board, bits, threats = memory.boards[0], memory.other_bits, memory.threats
    cells, points = memory.cells, memory.points
    attacker, size = position["to_move"], np.int64(position["size"])
    copy_position(board, position)
    written = 0
    length = line_of(threats.outer, cells)
    while board["winner"] == IN_PLAY:
        for place in range(length):
            points[written] = point_of(cells[place], size)
            play(board, points[written])
            written += 1
        length = 0
        if board["winner"] != IN_PLAY:
            break
        verdict = find_tactics(board, bits, threats.outer.scratch[0])
        if verdict in (WINS, LOSES):
            cells[0], length = next_cell(bits[REPLIES], 0), 1
        elif board["to_move"] == attacker:
            # FOURS_POSITIONS sufficed in the tree, with another limit of plies: four times that leaves a margin
            left, budget = np.int64(plies - written), np.int64(4 * FOURS_POSITIONS)
            if prove_from(threats, board, bits, left, budget, np.int64(FOURS)):
                length = line_of(threats.outer, cells)
        if length == 0:
            break
    return written


@inlined
def _find_win(memory: SolverMemory, position: Position, budget: int, level: int) -> tuple[int, int, int]:
    """Searches for a win of the player to move, tactics in memory.bits; returns (length of its line, plies, positions).

    Writes the line to memory.points; without a win it is empty, and the plies are 0.
    """
    outer = memory.threats.outer
    length, won_in, used = 0, 0, 0
    # Short wins first: 3 plies, then 5, then any number. A win in three plies is a VCF, and none is missed. After a win
    # was found, looks for shorter ones until there is none.
    stage, plies, limit = FOURS, _SHORTEST, _SHORTEST
    while plies >= _SHORTEST and budget > 0:
        won = prove_from(memory.threats, position, memory.bits, plies, budget, stage)
        looked_at = int(outer.counts[USED])
        used += looked_at
        if won:
            won_in = int(outer.nodes[0].length)
            length = _write_line(memory, position, plies)
            plies = won_in - 1
        elif won_in > 0 or limit == MAX_DEPTH:
            break
        else:
            budget -= looked_at
            stage, limit = level, _SHORTEST + 2 if limit == _SHORTEST else MAX_DEPTH
            plies = limit
    return length, won_in, used


@inlined
def _find_stops(memory: SolverMemory, position: Position, budget: int) -> int:
    """Writes the moves that may refute the enemy's VCF after a pass to memory.points; returns how many.

    Returns NOTHING if no such threat is found. The position must be undecided, its tactics in memory.bits.
    """
    board, bits, outer = memory.boards[0], memory.bits, memory.threats.outer
    copy_position(board, position)
    board["to_move"] = 3 - position["to_move"]
    copy_tactics(bits, memory.other_bits, True)
    budget = min(budget, THREAT_POSITIONS)
    plies = np.int64(MAX_DEPTH)
    if budget <= 0 or not prove_from(memory.threats, board, memory.other_bits, plies, budget, np.int64(FOURS)):
        return NOTHING
    if not find_defences(outer):
        return NOTHING
    area = outer.maps[AREA]
    keep_bits(bits[LEGAL], area)
    add_bits(bits[OWN_CAPTURES], area)
    found, cell = 0, next_cell(area, 0)
    while cell >= 0:
        memory.points[found] = point_of(cell, np.int64(position["size"]))
        found += 1
        cell = next_cell(area, cell)
    return found


@kernel
def examine(
    position: Position, memory: SolverMemory, budget: int, level: int, stops: bool
) -> tuple[int, int, int, int]:
    """Returns (verdict, number of points, plies of a win, positions searched); the points are in memory.points.

    FORCED_WIN, searched for at `level` unless it is NOTHING: they are its line. STOPS, searched for if `stops` is true:
    the enemy has a VCF after a pass, and all other moves lose. Any other verdict is that of the tactics: the moves that
    they allow. Searches about `budget` positions at most, and none if it is 0.
    """
    verdict = find_tactics(position, memory.bits, memory.threats.outer.scratch[0])
    used = 0
    if verdict != WINS and verdict != LOSES and budget > 0 and is_solvable(position):
        if level != NOTHING:
            length, plies, used = _find_win(memory, position, budget, level)
            if length > 0:
                return FORCED_WIN, length, plies, used
        if stops and verdict == UNDECIDED:
            count = _find_stops(memory, position, budget)
            if count != NOTHING:
                return STOPS, count, 0, used
    count, size = 0, np.int64(position["size"])
    cell = next_cell(memory.bits[REPLIES], 0)
    while cell >= 0:
        memory.points[count] = point_of(cell, size)
        count += 1
        cell = next_cell(memory.bits[REPLIES], cell)
    return verdict, count, 0, used


def solve(position: Position, budget: int = 10_000) -> Solution:
    """Searches for a forced win of the player to move within about `budget` positions.

    A claimed win is proven; if none is found there may still be one. Use a `Solver` to solve many positions.
    """
    return Solver(budget).solve(position)
