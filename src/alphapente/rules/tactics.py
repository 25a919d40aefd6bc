"""Tactics by bitboards: who can win at once, who can capture, who can make a four, for all points of a position.

`MAPS` bitboards (rules/bitboards.py) describe a position for the player to move ("own" and "enemy").

Five cells in a line are called a window, which is indexed by its middle cell. All cells of a window lie within two
steps of it, and all cells of a capture within two steps of a pair's first stone or a triple's middle one: at most
2 * (STRIDE + 1) = 42 bits. So a shift reads only a word and the next one, and vector instructions process eight words
at once.
"""

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import inlined, kernel
from alphapente.rules.bitboards import (
    FIRST_CELL,
    GUARD,
    ROW,
    WORDS,
    Bitboard,
    any_bit,
    clear_bit,
    count_bits,
    counts_of_five,
    look_ahead,
    look_behind,
    map_of,
    next_cell,
    point_of,
    set_bit,
)
from alphapente.rules.kernels import DIRECTIONS, allowed_by_opening, copy_position, play
from alphapente.rules.position import (
    BOAT,
    CAPTURES_TO_WIN,
    CELL_OF,
    GOMOKU,
    KERYO,
    MAX_SIZE,
    PLAYER_1,
    POOF,
    POSITION,
    Position,
)

(OWN, ENEMY, LEGAL, BOARD, OWN_WINS, ENEMY_WINS, OWN_CAPTURES, ENEMY_CAPTURES, OWN_FOURS, ENEMY_FOURS, REPLIES) = range(
    11
)
_MARKS = REPLIES + 1  # from here on scratch of `_look_along`, two maps of each kind, for own and enemy:
MAPS = _MARKS + 8
_FOURS, _THREES, _FLANKED_BEHIND, _FLANKED_AHEAD = 0, 2, 4, 6
_WORDS_OF_STONES = 6
"""Words that can have stones: 6 * 64 = 384 bits reach from FIRST_CELL to beyond the last point of 19x19, cell 462."""
UNDECIDED, WINS, LOSES, DRAWS, MUST_REPLY = 0, 1, -1, 2, 3
"""What is certain about a position, for its player to move: verdicts of tactics, solver and tree search.

A win for one player is a loss for the other, with the sign changed. Tactics never find DRAWS; MUST_REPLY is undecided.
"""

Bitboards = NDArray[np.uint64]
"""uint64[MAPS, ROW], see `new_bitboards`."""

_ONE = np.uint64(1)
_ZERO = np.uint64(0)
_LOWEST_BITS = np.uint64(0x0101010101010101)  # the lowest bit of each byte


def new_bitboards() -> Bitboards:
    """Zeroed bitboards for `find_tactics` to fill: uint64[MAPS, ROW]."""
    return np.zeros((MAPS, ROW), np.uint64)


def _board_maps() -> Bitboards:
    maps = np.zeros((MAX_SIZE + 1, ROW), np.uint64)
    for size in range(1, MAX_SIZE + 1):
        maps[size] = map_of(CELL_OF[size, : size * size])
    return maps


def _window_maps() -> NDArray[np.uint64]:
    """By size and line: the middle cells of the windows of five that lie entirely on the board."""
    maps = np.zeros((MAX_SIZE + 1, 4, ROW), np.uint64)
    for size in range(5, MAX_SIZE + 1):
        on_board = set(CELL_OF[size, : size * size].tolist())
        for line in range(4):
            step = int(DIRECTIONS[line])
            windows = ((cell, range(cell - 2 * step, cell + 3 * step, step)) for cell in on_board)
            maps[size, line] = map_of(cell for cell, window in windows if on_board.issuperset(window))
    return maps


_BOARD_MAPS = _board_maps()
WINDOW_MAPS = _window_maps()
"""uint64[MAX_SIZE + 1, 4, ROW]: by size and line, the middle cells of the windows of five on the board.

Without them a cell of the border, which has neither player's stone, would count as an empty cell of a window.
"""


@kernel
def capture_size(board: NDArray[np.int8], cell: int, player: int, triples: bool) -> int:
    """The number of enemy stones that a stone of `player` on the empty `cell` would capture."""
    enemy = 3 - player
    taken = 0
    for direction in range(8):
        step = DIRECTIONS[direction]
        if board[cell + step] == enemy and board[cell + 2 * step] == enemy:
            third = board[cell + 3 * step]
            if third == player:
                taken += 2
            elif triples and third == enemy and board[cell + 4 * step] == player:
                taken += 3
    return taken


@kernel
def _look_along(
    own: Bitboard, enemy: Bitboard, on_board: Bitboard, marks: NDArray[np.uint64], step: np.uint64, triples: bool
) -> int:
    """Finds the windows of five and the captures of both players along one of the four lines, for all cells.

    `marks` is uint64[8 * ROW], bitboards one after the other. Marks the middle cells of windows with four stones
    (_FOURS) or three (_THREES) of one player, none of the other, that lie `on_board`. For each pair (or triple) of
    the other player's stones that is flanked at one end, marks the cell two steps before the free end
    (_FLANKED_BEHIND: the flank is behind, the free end ahead; _FLANKED_AHEAD: the other way round).
    Returns the sum of the kinds that occur: 1 own and 2 enemy windows with four stones, 4 own and 8 enemy windows with
    three; 16 an enemy pair (or triple) and 32 an own one.
    """
    own_fours, enemy_fours, own_threes, enemy_threes = _ZERO, _ZERO, _ZERO, _ZERO
    enemy_flanked, own_flanked = _ZERO, _ZERO
    twice = step + step
    three = ~_ZERO if triples else _ZERO  # a mask instead of a branch in the loop
    # `len` instead of WORDS: a loop with a small known number of rounds would not be vectorised
    for word in range(GUARD, len(on_board) - GUARD):
        at = np.uint64(word)
        # own and enemy stones on the cell itself (0), one and two steps ahead (1, 2), one and two steps behind (3, 4)
        o0, e0 = own[at], enemy[at]
        o1, e1 = look_ahead(own, at, step), look_ahead(enemy, at, step)
        o2, e2 = look_ahead(own, at, twice), look_ahead(enemy, at, twice)
        o3, e3 = look_behind(own, at, step), look_behind(enemy, at, step)
        o4, e4 = look_behind(own, at, twice), look_behind(enemy, at, twice)
        free = on_board[at] & ~(e0 | e1 | e2 | e3 | e4)
        _, threes, fours = counts_of_five(o0, o1, o2, o3, o4)
        own_fours |= fours & free
        own_threes |= threes & free
        marks[np.uint64(word + _FOURS * ROW)] = fours & free
        marks[np.uint64(word + _THREES * ROW)] = threes & free
        free = on_board[at] & ~(o0 | o1 | o2 | o3 | o4)
        _, threes, fours = counts_of_five(e0, e1, e2, e3, e4)
        enemy_fours |= fours & free
        enemy_threes |= threes & free
        marks[np.uint64(word + _FOURS * ROW + ROW)] = fours & free
        marks[np.uint64(word + _THREES * ROW + ROW)] = threes & free
        # Behind: enemy stones on 0 and 1, own stone on 3 (or, for triples, enemy on 3 and own on 4), so the other end
        # is two steps ahead; whether it is empty is checked later, by `_keep_legal`. Ahead: the mirror image.
        behind, own_behind = e0 & e1 & (o3 | (e3 & o4 & three)), o0 & o1 & (e3 | (o3 & e4 & three))
        ahead, own_ahead = e0 & e3 & (o1 | (e1 & o2 & three)), o0 & o3 & (e1 | (o1 & e2 & three))
        enemy_flanked |= behind | ahead
        own_flanked |= own_behind | own_ahead
        marks[np.uint64(word + _FLANKED_BEHIND * ROW)] = behind
        marks[np.uint64(word + _FLANKED_BEHIND * ROW + ROW)] = own_behind
        marks[np.uint64(word + _FLANKED_AHEAD * ROW)] = ahead
        marks[np.uint64(word + _FLANKED_AHEAD * ROW + ROW)] = own_ahead
    found = np.int64(own_fours != _ZERO) | np.int64(enemy_fours != _ZERO) << 1
    found |= np.int64(own_threes != _ZERO) << 2 | np.int64(enemy_threes != _ZERO) << 3
    return found | np.int64(enemy_flanked != _ZERO) << 4 | np.int64(own_flanked != _ZERO) << 5


@kernel
def _spread(windows: Bitboard, step: np.uint64, out: Bitboard) -> None:
    """Adds to the bitboard `out` all cells of the windows whose middle cells are marked."""
    twice = step + step
    for word in range(GUARD, len(out) - GUARD):
        at = np.uint64(word)
        ahead = look_behind(windows, at, step) | look_behind(windows, at, twice)
        out[at] |= windows[at] | ahead | look_ahead(windows, at, step) | look_ahead(windows, at, twice)


@kernel
def _add_captures(behind: Bitboard, ahead: Bitboard, step: np.uint64, out: Bitboard) -> None:
    """Adds to `out` the cells that capture the pairs and triples marked by `_look_along`: two steps ahead or behind.

    Cells that are not empty are removed later, by `_keep_legal`.
    """
    twice = step + step
    for word in range(GUARD, len(out) - GUARD):  # vectorised, as in `_look_along`
        at = np.uint64(word)
        out[at] |= look_behind(behind, at, twice) | look_ahead(ahead, at, twice)


@inlined
def _gather(lowest_bits: np.uint64) -> np.uint64:
    """The lowest bits of a word's eight bytes (all others 0) as one byte, that of the first byte lowest."""
    # The multiplier has the bits 7, 14, ... 56: the bit of byte k, at 8 k, moves by 56 - 7 k to bit 56 + k. No other
    # product of two bits falls on these places, and there are no carries.
    return (lowest_bits * np.uint64(0x0102040810204080)) >> np.uint64(56)


@kernel
def _stones_to_bits(position: Position, bits: Bitboards) -> None:
    """Fills OWN and ENEMY. Reads eight cells at once, as the bytes of a word.

    A cell is 0 if empty, 1 or 2 for a stone of player 1 or 2, and 3 outside of the board: player 1 has the low bit
    without the high one, player 2 the high bit without the low one.
    """
    eights = position["board"][FIRST_CELL : FIRST_CELL + 64 * _WORDS_OF_STONES].view(np.uint64)
    first, second = (OWN, ENEMY) if position["to_move"] == PLAYER_1 else (ENEMY, OWN)
    for word in range(_WORDS_OF_STONES):
        low, high = _ZERO, _ZERO
        for byte in range(8):
            cells = eights[np.uint64(8 * word + byte)]
            low |= _gather(cells & _LOWEST_BITS) << np.uint64(8 * byte)
            high |= _gather((cells >> _ONE) & _LOWEST_BITS) << np.uint64(8 * byte)
        bits[first, GUARD + word] = low & ~high
        bits[second, GUARD + word] = high & ~low


@kernel
def _wins_when_played(position: Position, cell: int, player: int, scratch: Position) -> bool:
    """Whether `player`, if to move, wins at once on `cell`: plays it on a copy."""
    copy_position(scratch, position)
    scratch["to_move"] = player
    play(scratch, point_of(cell, position["size"]))
    return scratch["winner"] == player


@kernel
def _add_capture_wins(position: Position, bits: Bitboards, captures: int, wins: int, player: int) -> None:
    """Adds the points whose captures reach the winning number. Poof: adds all captures, which `_verify` plays."""
    variant = position["variant"]
    missing = CAPTURES_TO_WIN[variant] - position["captured"][player - 1]
    cell = next_cell(bits[captures], 0)
    while cell >= 0:
        if variant == POOF or capture_size(position["board"], cell, player, variant == KERYO) >= missing:
            set_bit(bits[wins], cell)
        cell = next_cell(bits[captures], cell)


@kernel
def _verify(position: Position, bits: Bitboards, wins: int, player: int, scratch: Position) -> None:
    """Keeps only the points that win when played: for gomoku, poof and boat, where not every five counts."""
    cell = next_cell(bits[wins], 0)
    while cell >= 0:
        if not _wins_when_played(position, cell, player, scratch):
            clear_bit(bits[wins], cell)
        cell = next_cell(bits[wins], cell)


@kernel
def _begin_maps(bits: Bitboards, on_board: Bitboard) -> None:
    """Fills BOARD and LEGAL and clears OWN_WINS to ENEMY_FOURS; OWN and ENEMY are filled already."""
    for word in range(GUARD, len(on_board) - GUARD):  # vectorised, as in `_look_along`
        at = np.uint64(word)
        bits[np.uint64(BOARD), at] = on_board[at]
        bits[np.uint64(LEGAL), at] = on_board[at] & ~(bits[np.uint64(OWN), at] | bits[np.uint64(ENEMY), at])
        bits[np.uint64(OWN_WINS), at] = _ZERO
        bits[np.uint64(ENEMY_WINS), at] = _ZERO
        bits[np.uint64(OWN_CAPTURES), at] = _ZERO
        bits[np.uint64(ENEMY_CAPTURES), at] = _ZERO
        bits[np.uint64(OWN_FOURS), at] = _ZERO
        bits[np.uint64(ENEMY_FOURS), at] = _ZERO


@kernel
def _keep_legal(bits: Bitboards) -> None:
    """Removes all but empty points from OWN_WINS to ENEMY_FOURS."""
    for word in range(GUARD, bits.shape[1] - GUARD):  # vectorised, as in `_look_along`
        at = np.uint64(word)
        empty = bits[np.uint64(LEGAL), at]
        bits[np.uint64(OWN_WINS), at] &= empty
        bits[np.uint64(ENEMY_WINS), at] &= empty
        bits[np.uint64(OWN_CAPTURES), at] &= empty
        bits[np.uint64(ENEMY_CAPTURES), at] &= empty
        bits[np.uint64(OWN_FOURS), at] &= empty
        bits[np.uint64(ENEMY_FOURS), at] &= empty


@kernel
def find_tactics(position: Position, bits: Bitboards, scratch: Position) -> int:
    """Fills `bits` for a position in play and returns the verdict for the player to move.

    The verdicts: WINS (OWN_WINS is not empty), LOSES (the enemy threatens to win at two points or more and nothing can
    be captured), MUST_REPLY (every point outside REPLIES loses at once), else UNDECIDED. REPLIES holds the candidate
    moves: OWN_WINS, the replies to a threat, or all legal points.

    The only answers to a threat to win at one point are to occupy it or to capture: nothing else changes a line or
    removes the flank of a capture. Poof and boat have more answers, so all legal points are kept there. `scratch` is
    one position.
    """
    variant, size, player = position["variant"], position["size"], np.int64(position["to_move"])
    _stones_to_bits(position, bits)
    _begin_maps(bits, _BOARD_MAPS[size])
    triples = variant == KERYO
    marks = bits[_MARKS:].reshape(8 * ROW)
    for line in range(4):  # `found` is a sum of kinds, see `_look_along`
        step = np.uint64(DIRECTIONS[line])
        found = _look_along(bits[OWN], bits[ENEMY], WINDOW_MAPS[size, line], marks, step, triples)
        if found & 1:
            # All cells of the window; `_keep_legal` leaves the empty ones.
            _spread(bits[_MARKS + _FOURS], step, bits[OWN_WINS])
        if found & 2:
            _spread(bits[_MARKS + _FOURS + 1], step, bits[ENEMY_WINS])
        if found & 4:
            _spread(bits[_MARKS + _THREES], step, bits[OWN_FOURS])
        if found & 8:
            _spread(bits[_MARKS + _THREES + 1], step, bits[ENEMY_FOURS])
        if found & 16:
            _add_captures(bits[_MARKS + _FLANKED_BEHIND], bits[_MARKS + _FLANKED_AHEAD], step, bits[OWN_CAPTURES])
        if found & 32:
            behind, ahead = bits[_MARKS + _FLANKED_BEHIND + 1], bits[_MARKS + _FLANKED_AHEAD + 1]
            _add_captures(behind, ahead, step, bits[ENEMY_CAPTURES])
    _keep_legal(bits)
    if variant == GOMOKU:
        bits[OWN_CAPTURES : ENEMY_CAPTURES + 1] = _ZERO
    else:
        _add_capture_wins(position, bits, OWN_CAPTURES, OWN_WINS, player)
        _add_capture_wins(position, bits, ENEMY_CAPTURES, ENEMY_WINS, 3 - player)
    if variant in (GOMOKU, POOF, BOAT):  # overlines; pairs that vanish; fives that can be broken
        _verify(position, bits, OWN_WINS, player, scratch)
        _verify(position, bits, ENEMY_WINS, 3 - player, scratch)
    if position["ply"] == 0 or position["ply"] == 2:
        _forbid(position, bits)
    return conclude_tactics(bits, variant)


@kernel
def copy_tactics(source: Bitboards, target: Bitboards, other_side: bool) -> None:
    """Copies the bitboards of `find_tactics` except REPLIES; `other_side`: as if the other player were to move.

    For positions of ply 3 and later: before, LEGAL depends on the player to move.
    """
    swap = np.int64(other_side)  # an enemy map follows its own map: index own + swap, and own + 1 - swap
    for word in range(GUARD, GUARD + WORDS):
        target[LEGAL, word] = source[LEGAL, word]
        target[BOARD, word] = source[BOARD, word]
    for own in (OWN, OWN_WINS, OWN_CAPTURES, OWN_FOURS):
        own_target, enemy_target = target[own], target[own + 1]
        own_source, enemy_source = source[own + swap], source[own + 1 - swap]
        for word in range(GUARD, len(own_target) - GUARD):
            at = np.uint64(word)
            own_target[at] = own_source[at]
            enemy_target[at] = enemy_source[at]


@kernel
def _forbid(position: Position, bits: Bitboards) -> None:
    """Removes the points that the opening rule forbids from LEGAL."""
    cell = next_cell(bits[LEGAL], 0)
    while cell >= 0:
        if not allowed_by_opening(position, point_of(cell, position["size"])):
            clear_bit(bits[LEGAL], cell)
        cell = next_cell(bits[LEGAL], cell)


@kernel
def conclude_tactics(bits: Bitboards, variant: int) -> int:
    """The last step of `find_tactics`: fills REPLIES from the other bitboards and returns the verdict."""
    verdict = UNDECIDED
    source, extra = LEGAL, LEGAL
    if any_bit(bits[OWN_WINS]):
        verdict, source, extra = WINS, OWN_WINS, OWN_WINS
    elif variant != POOF and variant != BOAT and any_bit(bits[ENEMY_WINS]):
        verdict, source, extra = MUST_REPLY, ENEMY_WINS, OWN_CAPTURES
        if not any_bit(bits[OWN_CAPTURES]) and count_bits(bits[ENEMY_WINS]) > 1:
            verdict = LOSES
    for word in range(GUARD, GUARD + WORDS):
        bits[REPLIES, word] = bits[source, word] | bits[extra, word]
    return verdict


def tactics(position: Position) -> tuple[int, dict[str, list[int]]]:
    """The verdict, and the points of each kind, in Python types for users and tests. The game must be in play."""
    bits, scratch = new_bitboards(), np.zeros(1, POSITION)
    verdict = int(find_tactics(position, bits, scratch[0]))
    size = int(position["size"])
    names = ("own_wins", "enemy_wins", "own_captures", "enemy_captures", "own_fours", "enemy_fours", "replies")
    kinds = {"legal": LEGAL} | {name: OWN_WINS + place for place, name in enumerate(names)}
    at = CELL_OF[size, : size * size].astype(np.int64) - FIRST_CELL
    is_set = bits[:, GUARD + at // 64] >> (at % 64).astype(np.uint64) & _ONE  # uint64[bitboards, points]
    return verdict, {name: np.flatnonzero(is_set[index]).tolist() for name, index in kinds.items()}
