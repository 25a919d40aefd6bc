"""The tactician: scores each move by its immediate effect and by the best reply to it, as compiled kernels.

It searches only these two plies and has no learned weights: it counts fives, fours, captures and the threats of both
players. It wins at once if it can and answers a threat if it must. It plays no move that lets the opponent win at once,
or make two threats at once, if there is another move.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import kernel
from alphapente.rules.bitboards import GUARD, ROW, WORDS, count_bits, next_cell, point_of
from alphapente.rules.kernels import DIRECTIONS, copy_position, play
from alphapente.rules.near import keep_near, near_maps, near_stones
from alphapente.rules.position import BORDER, EMPTY, IN_PLAY, POSITION, Position, Positions
from alphapente.rules.tactics import (
    ENEMY_CAPTURES,
    ENEMY_FOURS,
    LOSES,
    MAPS,
    OWN_CAPTURES,
    OWN_FOURS,
    REPLIES,
    WINS,
    Bitboards,
    find_tactics,
)

WON = 1000.0
"""Score of a move that wins at once; minus this score for a move that loses at once."""
FORCED = 500.0
"""Score of a move after which the opponent has no defence; subtracted if a reply leaves the player without one."""
CAPTURED, FOUR, ENEMY_FOUR, CAPTURE, ENEMY_CAPTURE, BESIDE = 4.0, 2.0, 2.4, 1.5, 2.5, 0.1
"""Weights of: a captured stone; a point where the player makes a four next, and one where the opponent does, who is
to move; the same for captures; a stone beside the new one."""
NO_MOVE = np.float32(-1e30)
"""The score of a point that is not considered."""


class ScoringMemory(NamedTuple):
    """Buffers for the scoring of moves on a board of P points."""

    scores: NDArray[np.float32]  # [P] the result
    positions: Positions  # POSITION[3]: after the move, after the reply, scratch
    bits: NDArray[np.uint64]  # [3, MAPS, ROW] tactics before the move, after it, after the reply
    near: NDArray[np.uint64]  # [ROW]
    near_points: NDArray[np.uint64]  # [P, ROW]


def new_scoring_memory(size: int) -> ScoringMemory:
    """A ScoringMemory for a board of `size`."""
    return ScoringMemory(
        np.zeros(size * size, np.float32),
        np.zeros(3, POSITION),
        np.zeros((3, MAPS, ROW), np.uint64),
        np.zeros(ROW, np.uint64),
        near_maps(size),
    )


@kernel
def score_moves(position: Position, memory: ScoringMemory) -> None:
    """Writes the score of each move of a position in play to memory.scores; NO_MOVE: not considered."""
    size = np.int64(position["size"])
    memory.scores[:] = NO_MOVE
    bits = memory.bits[0]
    verdict = find_tactics(position, bits, memory.positions[2])
    near_stones(bits, memory.near_points, size, memory.near)
    keep_near(bits, memory.near, verdict)
    cell = next_cell(bits[REPLIES], 0)
    while cell >= 0:
        point = point_of(cell, size)
        memory.scores[point] = _worth(position, cell, memory)
        cell = next_cell(bits[REPLIES], cell)


@kernel
def _worth(position: Position, cell: int, memory: ScoringMemory) -> float:
    """The score of the move on `cell`: its immediate effect, and whether a four or a capture in reply decides."""
    after, bits = memory.positions[0], memory.bits[1]
    player = np.int64(position["to_move"])
    copy_position(after, position)
    play(after, point_of(cell, np.int64(position["size"])))
    if after["winner"] != IN_PLAY:
        return WON if after["winner"] == player else -WON if after["winner"] == 3 - player else 0.0
    verdict = find_tactics(after, bits, memory.positions[2])
    if verdict == WINS:
        return -WON
    worth = FORCED if verdict == LOSES else 0.0
    worth += CAPTURED * (np.int64(after["captured"][player - 1]) - np.int64(after["captured"][2 - player]))
    worth += FOUR * count_bits(bits[ENEMY_FOURS]) + CAPTURE * count_bits(bits[ENEMY_CAPTURES])
    worth -= ENEMY_FOUR * count_bits(bits[OWN_FOURS]) + ENEMY_CAPTURE * count_bits(bits[OWN_CAPTURES])
    for direction in range(8):
        worth += BESIDE * (position["board"][cell + DIRECTIONS[direction]] % BORDER != EMPTY)
    if verdict != LOSES and _reply_decides(after, bits, memory):
        worth -= FORCED
    return worth


@kernel
def _reply_decides(after: Position, bits: Bitboards, memory: ScoringMemory) -> bool:
    """Whether a reply, a four or a capture, leaves the player without a defence. It must answer a threat."""
    reply = memory.positions[1]
    for word in range(GUARD, GUARD + WORDS):
        sharp = bits[OWN_FOURS, word] | bits[OWN_CAPTURES, word]
        bits[REPLIES, word] &= sharp
    cell = next_cell(bits[REPLIES], 0)
    while cell >= 0:
        copy_position(reply, after)
        play(reply, point_of(cell, np.int64(after["size"])))
        if reply["winner"] == IN_PLAY and find_tactics(reply, memory.bits[2], memory.positions[2]) == LOSES:
            return True
        cell = next_cell(bits[REPLIES], cell)
    return False
