"""Exhaustive proof: can a player win within a given number of plies, whatever the opponent does?

The slow and exact counterpart of the tree search: no network, no selection of likely moves. It proves the positions of
`suites/tactical.json`. Moves outside the REPLIES of `find_tactics` are not tried, because they lose at once; tests
compare with a search that tries those as well.
"""

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import kernel
from alphapente.rules.bitboards import next_cell, point_of
from alphapente.rules.kernels import copy_position, is_legal, play
from alphapente.rules.position import BOAT, CELL_OF, IN_PLAY, MAX_POINTS, POOF, POSITION, Position, Positions
from alphapente.rules.tactics import LOSES, MAPS, REPLIES, UNDECIDED, WINS, find_tactics, new_bitboards
from alphapente.search.layout import NO_POINT

MAX_DEPTH = 12
"""The most plies that a proof may have: the time grows with the number of moves to this power."""

Points = NDArray[np.int16]


@kernel
def _known(stack: Positions, bits: NDArray[np.uint64], level: int, plies: int, attacking: bool) -> int:
    """The verdict on stack[level] for the attacker, by its tactics; LOSES: no win within `plies`. Fills bits[level]."""
    variant = stack[level]["variant"]
    verdict = find_tactics(stack[level], bits[level], stack[-1])
    if verdict == WINS:
        return WINS if attacking else LOSES
    if verdict == LOSES:
        return WINS if not attacking and plies >= 2 else LOSES
    if plies == 1 and (attacking or (variant != POOF and variant != BOAT)):
        return LOSES  # only in poof and boat a player's own stone may lose the game at once
    return UNDECIDED


@kernel
def _next_point(position: Position, replies: NDArray[np.uint64], point: int, plain: bool) -> int:
    """The move to try after `point` (NO_POINT: the first); NO_POINT when there is none."""
    size = np.int64(position["size"])
    if not plain:
        before = np.int64(CELL_OF[size, point]) if point != NO_POINT else np.int64(0)
        cell = next_cell(replies, before)
        return point_of(cell, size) if cell >= 0 else NO_POINT
    for candidate in range(point + 1 if point != NO_POINT else 0, size * size):
        if is_legal(position, candidate):
            return candidate
    return NO_POINT


@kernel
def _wins(
    stack: Positions, bits: NDArray[np.uint64], tried: Points, start: tuple[int, bool], plies: int, plain: bool
) -> bool:
    """Whether the attacker wins within `plies` plies; start is (level, whether the attacker is to move there).

    The recursion "some move of the attacker, every move of the defender" as a loop, since compiled functions that call
    themselves cannot be cached. `stack` holds a position for each level and one for scratch at its end, `bits` the
    bitboards and `tried` the last move tried of each level.
    """
    first, attacking = start
    player = np.int64(stack[first]["to_move"])
    attacker = player if attacking else 3 - player
    level, entering, result = first, True, False
    while True:
        to_move = attacking == ((level - first) % 2 == 0)  # whether the attacker is to move at this level
        # Back from the level below: a won move decides an attacker's level, a lost one (for the attacker) a defender's.
        settled = not entering and result == to_move
        if entering:
            left = plies - (level - first)
            known = LOSES if left <= 0 else UNDECIDED if plain else _known(stack, bits, level, left, to_move)
            settled, result = known != UNDECIDED, known == WINS
            tried[level] = NO_POINT
        if not settled:
            point = _next_point(stack[level], bits[level, REPLIES], np.int64(tried[level]), plain)
            if point != NO_POINT:
                tried[level] = point
                copy_position(stack[level + 1], stack[level])
                play(stack[level + 1], point)
                winner = stack[level + 1]["winner"]
                entering = winner == IN_PLAY
                if entering:
                    level += 1
                else:
                    result = winner == attacker
                continue
            result = not to_move  # no move is left: the attacker found no win, or the defender no defence
        if level == first:
            return result
        level, entering = level - 1, False


@kernel
def _sort_moves(
    stack: Positions, bits: NDArray[np.uint64], tried: Points, plies: int, for_mover: bool, plain: bool
) -> None:
    """Writes 1 for each legal move after which the mover (else the opponent) wins to `tried`, behind the levels."""
    mover = stack[0]["to_move"]
    asked = mover if for_mover else 3 - mover
    for point in range(np.int64(stack[0]["size"]) * stack[0]["size"]):
        answer = MAX_DEPTH + 2 + point
        tried[answer] = 0
        if not is_legal(stack[0], point):
            continue
        copy_position(stack[1], stack[0])
        play(stack[1], point)
        winner = stack[1]["winner"]
        is_over = winner != IN_PLAY
        tried[answer] = winner == asked if is_over else _wins(stack, bits, tried, (1, not for_mover), plies, plain)


class Prover:
    """Proves what is certain within a few plies; reuses its memory. Not thread-safe.

    `plain` tries every legal move at every ply instead of trusting `find_tactics`: slower, for checking.
    """

    def __init__(self, plain: bool = False) -> None:
        self._stack = np.zeros(MAX_DEPTH + 2, POSITION)
        self._bits = np.zeros((MAX_DEPTH + 2, MAPS, new_bitboards().shape[1]), np.uint64)
        self._tried = np.zeros(MAX_DEPTH + 2 + MAX_POINTS, np.int16)
        self._plain = plain

    def _moves(self, position: Position, plies: int, for_mover: bool) -> list[int]:
        copy_position(self._stack[0], position)
        _sort_moves(self._stack, self._bits, self._tried, plies, for_mover, self._plain)
        points = int(position["size"]) ** 2
        return [int(point) for point in np.flatnonzero(self._tried[MAX_DEPTH + 2 :][:points])]

    def winning_moves(self, position: Position, plies: int) -> list[int]:
        """The moves after which the player to move wins within `plies` plies in all (this move included)."""
        return self._moves(position, plies - 1, True)

    def losing_moves(self, position: Position, plies: int) -> list[int]:
        """The moves after which the opponent wins within `plies` further plies, whatever is played."""
        return self._moves(position, plies, False)

    def right_moves(self, position: Position, goal: str, plies: int) -> list[int]:
        """All moves that reach a goal: "win" within `plies`, or "save": all legal moves except the losing ones."""
        if goal == "win":
            return self.winning_moves(position, plies)
        losing = set(self.losing_moves(position, plies))
        return [p for p in range(int(position["size"]) ** 2) if is_legal(position, p) and p not in losing]

    def wins(self, position: Position, plies: int) -> bool:
        """Whether the player to move wins within `plies` plies, whatever the opponent does."""
        copy_position(self._stack[0], position)
        return bool(_wins(self._stack, self._bits, self._tried, (0, True), plies, self._plain))
