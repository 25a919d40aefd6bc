"""Proof by trying everything: can a player win within so many plies, whatever the other does?

The slow, certain counterpart of the tree search: no network, no choice of likely moves. It proves the positions of
`suites/tactical.json`. Moves outside `find_tactics`' REPLIES are not tried, because they lose at once; tests compare
with a search that tries those too.
"""

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import kernel
from alphapente.rules.kernels import copy_position, is_legal, play
from alphapente.rules.position import BOAT, IN_PLAY, POOF, POSITION, Position, Positions
from alphapente.rules.tactics import (
    LOSES,
    MAPS,
    REPLIES,
    WINS,
    find_tactics,
    new_bitboards,
    next_cell,
    point_of,
)

MAX_DEPTH = 12
"""The most plies that a proof may have."""


@kernel
def _wins(stack: Positions, bits: NDArray[np.uint64], level: int, plies: int, attacking: bool) -> bool:
    """Whether the attacker has won after at most `plies` more plies from stack[level]; attacking: he is to move.

    `stack` holds one position a level and one to scratch at its end, `bits` one set of bitboards a level.
    """
    if plies <= 0:
        return False
    position = stack[level]
    variant = position["variant"]
    verdict = find_tactics(position, bits[level], stack[-1])
    if verdict == WINS:
        return attacking
    if verdict == LOSES:
        return not attacking and plies >= 2
    if plies == 1 and (attacking or (variant != POOF and variant != BOAT)):
        return False  # in poof and boat a player's own stone may lose him the game at once
    player = position["to_move"]
    attacker = player if attacking else 3 - player
    cell = next_cell(bits[level, REPLIES], 0)
    while cell >= 0:
        copy_position(stack[level + 1], position)
        play(stack[level + 1], point_of(cell, position["size"]))
        winner = stack[level + 1]["winner"]
        won = winner == attacker
        if winner == IN_PLAY:
            won = _wins(stack, bits, level + 1, plies - 1, not attacking)
        if won == attacking:
            return attacking
        cell = next_cell(bits[level, REPLIES], cell)
    return not attacking


@kernel
def _wins_plainly(stack: Positions, level: int, plies: int, attacking: bool) -> bool:
    """`_wins` without any knowledge of tactics: every legal point is tried everywhere."""
    if plies <= 0:
        return False
    position = stack[level]
    player = position["to_move"]
    attacker = player if attacking else 3 - player
    for point in range(position["size"] * position["size"]):
        if not is_legal(position, point):
            continue
        copy_position(stack[level + 1], position)
        play(stack[level + 1], point)
        winner = stack[level + 1]["winner"]
        won = winner == attacker
        if winner == IN_PLAY:
            won = _wins_plainly(stack, level + 1, plies - 1, not attacking)
        if won == attacking:
            return attacking
    return not attacking


@kernel
def _sort_moves(
    stack: Positions, bits: NDArray[np.uint64], plies: int, for_mover: bool, out: NDArray[np.bool_], plain: bool
) -> None:
    """out[point]: whether, after this legal move of stack[0], the mover (or else his opponent) wins in `plies` more."""
    mover = stack[0]["to_move"]
    winner_asked = mover if for_mover else 3 - mover
    for point in range(len(out)):
        out[point] = False
        if not is_legal(stack[0], point):
            continue
        copy_position(stack[1], stack[0])
        play(stack[1], point)
        if stack[1]["winner"] != IN_PLAY:
            out[point] = stack[1]["winner"] == winner_asked
        elif plain:
            out[point] = _wins_plainly(stack, 1, plies, not for_mover)
        else:
            out[point] = _wins(stack, bits, 1, plies, not for_mover)


class Prover:
    """Answers what is certain within a few plies; keeps its memory between questions. One thread at a time.

    `plain` tries every legal move at every ply instead of trusting `find_tactics`: hundreds of times slower, for
    checking.
    """

    def __init__(self, plain: bool = False) -> None:
        self._stack = np.zeros(MAX_DEPTH + 2, POSITION)
        self._bits = np.zeros((MAX_DEPTH + 2, MAPS, new_bitboards().shape[1]), np.uint64)
        self._plain = plain

    def _moves(self, position: Position, plies: int, for_mover: bool) -> list[int]:
        copy_position(self._stack[0], position)
        out = np.zeros(int(position["size"]) ** 2, np.bool_)
        _sort_moves(self._stack, self._bits, plies, for_mover, out, self._plain)
        return [int(point) for point in np.flatnonzero(out)]

    def winning_moves(self, position: Position, plies: int) -> list[int]:
        """The moves after which the player to move wins within `plies` plies in all (his move included)."""
        return self._moves(position, plies - 1, True)

    def losing_moves(self, position: Position, plies: int) -> list[int]:
        """The moves after which the opponent wins within `plies` further plies, whatever is played."""
        return self._moves(position, plies, False)

    def wins(self, position: Position, plies: int) -> bool:
        """Whether the player to move wins within `plies` plies, whatever the opponent does."""
        copy_position(self._stack[0], position)
        if self._plain:
            return bool(_wins_plainly(self._stack, 0, plies, True))
        return bool(_wins(self._stack, self._bits, 0, plies, True))
