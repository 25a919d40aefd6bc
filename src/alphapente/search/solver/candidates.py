"""The candidate moves of the threat solver: fours, captures and attacks on pairs that win next, and threes.

Bitboards as in rules/tactics.py; `bits` are always the tactics of the position, "own" is its player to move.
"""

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import inlined, kernel
from alphapente.rules.bitboards import (
    GUARD,
    WORDS,
    Bitboard,
    add_bits,
    any_bit,
    counts_of_five,
    look_ahead,
    look_behind,
    next_cell,
    set_bit,
)
from alphapente.rules.kernels import DIRECTIONS
from alphapente.rules.position import CAPTURES_TO_WIN, EMPTY, GOMOKU, KERYO, Position
from alphapente.rules.tactics import (
    ENEMY,
    ENEMY_CAPTURES,
    ENEMY_FOURS,
    LEGAL,
    OWN,
    OWN_CAPTURES,
    OWN_FOURS,
    WINDOW_MAPS,
    Bitboards,
    capture_size,
)

_ZERO = np.uint64(0)


@inlined
def missing_captures(position: Position, player: int) -> int:
    """Stones that `player` must still capture to win by captures."""
    return int(CAPTURES_TO_WIN[position["variant"]] - position["captured"][player - 1])


@kernel
def add_open_ends(bits: Bitboards, triples: bool, scratch: Bitboard, out: Bitboard) -> None:
    """Adds to `out` the empty cells at the ends of enemy pairs (and `triples`) that are empty at both ends.

    A stone on one end threatens to capture from the other. `scratch` is one bitboard.
    """
    enemy, empty = bits[ENEMY], bits[LEGAL]
    for line in range(4):
        step = np.uint64(DIRECTIONS[line])
        twice, thrice = step + step, step + step + step
        for length in range(2, 4 if triples else 3):
            beyond = twice if length == 2 else thrice
            found = _ZERO
            for word in range(GUARD, GUARD + WORDS):
                at = np.uint64(word)
                # bit k of `scratch`: an enemy pair begins at cell k, both cells next to it along the line are empty
                pair = enemy[at] & look_ahead(enemy, at, step)
                if length == 3:
                    pair &= look_ahead(enemy, at, twice)
                scratch[at] = pair & look_behind(empty, at, step) & look_ahead(empty, at, beyond)
                found |= scratch[at]
            if found != _ZERO:
                for word in range(GUARD, GUARD + WORDS):
                    at = np.uint64(word)
                    out[at] |= look_ahead(scratch, at, step) | look_behind(scratch, at, beyond)


@inlined
def _add_double_attacks(position: Position, bits: Bitboards, missing: int, out: Bitboard) -> None:
    """Adds the cells that attack one more pair (or triple) of an existing capture, if both together would win.

    The capture on `cell` takes stones already; a stone at the far end of another pair makes the same cell capture
    that pair as well.
    """
    board, player, triples = position["board"], np.int64(position["to_move"]), position["variant"] == KERYO
    enemy = 3 - player
    cell = next_cell(bits[OWN_CAPTURES], 0)
    while cell >= 0:
        if capture_size(board, cell, player, triples) + (3 if triples else 2) >= missing:
            for direction in range(len(DIRECTIONS)):
                step = DIRECTIONS[direction]
                if board[cell + step] == enemy and board[cell + 2 * step] == enemy:
                    third = board[cell + 3 * step]
                    if third == EMPTY:
                        set_bit(out, cell + 3 * step)
                    elif triples and third == enemy and board[cell + 4 * step] == EMPTY:
                        set_bit(out, cell + 4 * step)
        cell = next_cell(bits[OWN_CAPTURES], cell)


@kernel
def add_forcing_moves(position: Position, bits: Bitboards, scratch: Bitboard, out: Bitboard) -> None:
    """Adds every move that may create a threat to win at once, for a player to move who has none yet.

    There are two kinds of threats. A five is threatened by a stone that makes four of five with the fifth point empty
    (OWN_FOURS), or by a capture that frees a line. A winning capture is threatened by a capture, or by an attack on a
    pair if that pair, with everything else that the same stone captures, is enough. There are no others. The tactics
    of the position after the move decide whether it is a threat.
    """
    add_bits(bits[OWN_FOURS], out)
    if position["variant"] == GOMOKU:
        return
    add_bits(bits[OWN_CAPTURES], out)
    missing = missing_captures(position, np.int64(position["to_move"]))
    triples = position["variant"] == KERYO
    if missing <= (3 if triples else 2):  # the largest single capture is enough to win
        add_open_ends(bits, triples, scratch, out)
    elif any_bit(bits[OWN_CAPTURES]):
        _add_double_attacks(position, bits, missing, out)


@kernel
def may_force(position: Position, bits: Bitboards, own: bool) -> bool:
    """Whether the player to move (`own`), or the enemy if it were to move, may have a forcing move at all.

    A quick filter: False is certain. The limits are those of `add_forcing_moves`.
    """
    player = np.int64(position["to_move"])
    fours, captures = (OWN_FOURS, OWN_CAPTURES) if own else (ENEMY_FOURS, ENEMY_CAPTURES)
    if any_bit(bits[fours]):
        return True
    if position["variant"] == GOMOKU:
        return False
    limit = 3 if position["variant"] == KERYO else 2
    return any_bit(bits[captures]) or bool(missing_captures(position, player if own else 3 - player) <= limit)


@kernel
def add_threes(
    bits: Bitboards, size: int, scratch: NDArray[np.uint64], open_threes: Bitboard, threes: Bitboard
) -> None:
    """Adds the empty cells where an own stone makes three of five with the other two empty.

    Adds all of them to `threes`, and to `open_threes` those inside two adjacent such windows: only these can become an
    open four. `scratch` is one bitboard.
    """
    own, enemy, empty = bits[OWN], bits[ENEMY], bits[LEGAL]
    windows = scratch
    for line in range(4):
        step = np.uint64(DIRECTIONS[line])
        twice = step + step
        on_board = WINDOW_MAPS[size, line]
        found = _ZERO
        for word in range(GUARD, GUARD + WORDS):
            at = np.uint64(word)
            o1, e1 = look_ahead(own, at, step), look_ahead(enemy, at, step)
            o2, e2 = look_ahead(own, at, twice), look_ahead(enemy, at, twice)
            o3, e3 = look_behind(own, at, step), look_behind(enemy, at, step)
            o4, e4 = look_behind(own, at, twice), look_behind(enemy, at, twice)
            # bit k of `windows`: the window of five around cell k has two own stones and no enemy stone
            free = on_board[at] & ~(enemy[at] | e1 | e2 | e3 | e4)
            twos, _, _ = counts_of_five(own[at], o1, o2, o3, o4)
            windows[at] = twos & free
            found |= windows[at]
        if found == _ZERO:
            continue
        for word in range(GUARD, GUARD + WORDS):
            at = np.uint64(word)
            here, before = windows[at], look_behind(windows, at, step)
            after, further = look_ahead(windows, at, step), look_ahead(windows, at, twice)
            earlier = look_behind(windows, at, twice)
            threes[at] |= (here | before | after | further | earlier) & empty[at]
            # the adjacent windows around k and k + 1 share the cells k - 1 .. k + 2, so cell k lies inside the pairs
            # (k, k + 1), (k + 1, k + 2), (k - 1, k) and (k - 2, k - 1)
            pairs = (here & after) | (after & further) | (here & before) | (before & earlier)
            open_threes[at] |= pairs & empty[at]
