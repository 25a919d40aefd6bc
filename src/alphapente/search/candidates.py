"""Which moves may be threats: fours, captures and attacks on pairs that win next, and the moves that make three.

Bitboards as in rules/tactics.py; `bits` are always the tactics of the position, "own" its player to move.
"""

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import inlined, kernel
from alphapente.rules.kernels import DIRECTIONS
from alphapente.rules.position import CAPTURES_TO_WIN, EMPTY, GOMOKU, KERYO, Position
from alphapente.rules.tactics import (
    ENEMY,
    ENEMY_CAPTURES,
    ENEMY_FOURS,
    GUARD,
    LEGAL,
    OWN,
    OWN_CAPTURES,
    OWN_FOURS,
    WINDOW_MAPS,
    WORDS,
    Bitboards,
    any_bit,
    capture_size,
    look_ahead,
    look_behind,
    next_cell,
    set_bit,
)

_ZERO = np.uint64(0)
_Map = NDArray[np.uint64]


@inlined
def add_bits(source: _Map, out: _Map) -> None:
    """out |= source, one bitboard each."""
    for word in range(GUARD, GUARD + WORDS):
        out[word] |= source[word]


@inlined
def keep_bits(source: _Map, out: _Map) -> None:
    """out &= source, one bitboard each."""
    for word in range(GUARD, GUARD + WORDS):
        out[word] &= source[word]


@inlined
def missing_captures(position: Position, player: int) -> int:
    """Stones that `player` must still capture to win by captures."""
    return int(CAPTURES_TO_WIN[position["variant"]] - position["captured"][player - 1])


@kernel
def add_open_ends(bits: Bitboards, triples: bool, scratch: _Map, out: _Map) -> None:
    """Adds to `out` the empty cells at the ends of enemy pairs (and `triples`) that are empty at both ends.

    A stone on one of them threatens to capture from the other. `scratch` is one bitboard.
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
def _add_double_attacks(position: Position, bits: Bitboards, missing: int, out: _Map) -> None:
    """Adds the cells from which one more pair (or triple) falls to a capture that is there, when both would win."""
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
def add_forcing_moves(position: Position, bits: Bitboards, scratch: _Map, out: _Map) -> None:
    """Adds every move after which the player to move may threaten to win at once, when he does not so already.

    A five is threatened by a stone that makes four of five with the fifth free (OWN_FOURS), or by a capture that frees
    a line; a winning capture by a capture, or by an attack on a pair when that pair, with whatever else falls to the
    same stone, is enough. There is no other way; whether a move of these is a threat, the tactics behind it tell.
    """
    add_bits(bits[OWN_FOURS], out)
    if position["variant"] == GOMOKU:
        return
    add_bits(bits[OWN_CAPTURES], out)
    missing = missing_captures(position, np.int64(position["to_move"]))
    triples = position["variant"] == KERYO
    if missing <= (3 if triples else 2):
        add_open_ends(bits, triples, scratch, out)
    elif any_bit(bits[OWN_CAPTURES]):
        _add_double_attacks(position, bits, missing, out)


@kernel
def may_force(position: Position, bits: Bitboards, own: bool) -> bool:
    """Whether the player to move (`own`), or his enemy if it were his move, may have a forcing move at all."""
    player = np.int64(position["to_move"])
    fours, captures = (OWN_FOURS, OWN_CAPTURES) if own else (ENEMY_FOURS, ENEMY_CAPTURES)
    if any_bit(bits[fours]):
        return True
    if position["variant"] == GOMOKU:
        return False
    limit = 3 if position["variant"] == KERYO else 2
    return any_bit(bits[captures]) or bool(missing_captures(position, player if own else 3 - player) <= limit)


@inlined
def _just_two(x0: np.uint64, x1: np.uint64, x2: np.uint64, x3: np.uint64, x4: np.uint64) -> np.uint64:
    """Of 64 windows of five cells, those with just two stones: added bit by bit."""
    parity = x0 ^ x1 ^ x2
    carry = (x0 & x1) | (x2 & (x0 ^ x1))
    ones = parity ^ x3 ^ x4
    carry_2 = (parity & x3) | (x4 & (parity ^ x3))
    return (carry ^ carry_2) & ~ones


@kernel
def add_threes(bits: Bitboards, size: int, scratch: NDArray[np.uint64], open_threes: _Map, threes: _Map) -> None:
    """Adds the empty cells where an own stone makes three of five with the other two free.

    To `open_threes` those inside two such windows side by side: only these can become a four with two free ends. To
    `threes` all. `scratch` is one bitboard.
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
            free = on_board[at] & ~(enemy[at] | e1 | e2 | e3 | e4)
            windows[at] = _just_two(own[at], o1, o2, o3, o4) & free
            found |= windows[at]
        if found == _ZERO:
            continue
        for word in range(GUARD, GUARD + WORDS):
            at = np.uint64(word)
            here, before = windows[at], look_behind(windows, at, step)
            after, further = look_ahead(windows, at, step), look_ahead(windows, at, twice)
            earlier = look_behind(windows, at, twice)
            threes[at] |= (here | before | after | further | earlier) & empty[at]
            # a pair of windows (k, k + 1) shares the cells k - 1 .. k + 2
            pairs = (here & after) | (after & further) | (here & before) | (before & earlier)
            open_threes[at] |= pairs & empty[at]
