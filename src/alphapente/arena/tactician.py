"""What a tactician sees: each move weighed by what it does at once and by the best reply to it, as compiled kernels.

No search beyond these two plies, nothing learned: fives, fours, captures and the threats of both are counted. One who
can win at once does, one who must answer a threat does, and no move is played that lets the opponent win at once, or
make two threats at once, if there is another.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alphapente.arena.near import keep_near, near_maps, near_stones
from alphapente.compiled import kernel
from alphapente.rules.kernels import DIRECTIONS, copy_position, play
from alphapente.rules.position import BORDER, EMPTY, IN_PLAY, POSITION, Position, Positions
from alphapente.rules.tactics import (
    ENEMY_CAPTURES,
    ENEMY_FOURS,
    GUARD,
    LOSES,
    MAPS,
    OWN_CAPTURES,
    OWN_FOURS,
    REPLIES,
    ROW,
    WINS,
    WORDS,
    Bitboards,
    count_bits,
    find_tactics,
    next_cell,
    point_of,
)

WON = 1000.0
"""What a move that wins at once is worth; one that loses at once as much less."""
FORCED = 500.0
"""What it is worth to leave the opponent a position in which nothing helps, or to be left in one by a reply."""
CAPTURED, FOUR, ENEMY_FOUR, CAPTURE, ENEMY_CAPTURE, BESIDE = 4.0, 2.0, 2.4, 1.5, 2.5, 0.1
"""Weights: a stone captured; a point where one makes a four or captures next, one's own and the opponent's, who is to
move; a stone beside the new one."""
NO_MOVE = np.float32(-1e30)
"""The score of a point that is not looked at."""


class ScoringMemory(NamedTuple):
    """What weighing works with, on a board of P points."""

    scores: NDArray[np.float32]  # [P] the answer
    positions: Positions  # POSITION[3]: after the move, after the reply, scratch
    bits: NDArray[np.uint64]  # [3, MAPS, ROW] tactics before the move, after it, after the reply
    near: NDArray[np.uint64]  # [ROW]
    near_points: NDArray[np.uint64]  # [P, ROW]


def new_scoring_memory(size: int) -> ScoringMemory:
    """A memory for a board of `size`."""
    return ScoringMemory(
        np.zeros(size * size, np.float32),
        np.zeros(3, POSITION),
        np.zeros((3, MAPS, ROW), np.uint64),
        np.zeros(ROW, np.uint64),
        near_maps(size),
    )


@kernel
def score_moves(position: Position, memory: ScoringMemory) -> None:
    """Writes to memory.scores what each move of a position in play is worth to its player; NO_MOVE: not looked at."""
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
    """What the move on `cell` is worth: by itself, then by the worst that a sharp reply does."""
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
    """Whether a four or a capture (if a threat must be answered, one that does) leaves the player without a defence."""
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
