"""Who can win at once, who can capture, who can make a four: all points of a position together, by bitboards.

A bitboard holds one bit for each cell of the padded board, in words of 64, with two words of zeros before and
behind, so that a shifted board needs no special case at its ends. `MAPS` of them describe a position as the
player to move sees it ("own" and "enemy").
"""

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import inlined, kernel
from alphapente.rules.kernels import (
    DIRECTIONS,
    allowed_by_opening,
    copy_position,
    play,
)
from alphapente.rules.position import (
    BOAT,
    CAPTURES_TO_WIN,
    CELL_OF,
    GOMOKU,
    KERYO,
    MAX_SIZE,
    ORIGIN,
    POOF,
    POSITION,
    STRIDE,
    Position,
)

(OWN, ENEMY, LEGAL, BOARD, OWN_WINS, ENEMY_WINS, OWN_CAPTURES, ENEMY_CAPTURES, OWN_FOURS, ENEMY_FOURS, REPLIES) = range(
    11
)
MAPS = 13
_FOURS, _THREES = 11, 12  # scratch: windows of five that lack one stone, two stones
GUARD = 2
WORDS = 7
FIRST_CELL = 64
"""The cell of the lowest bit behind the guard words: 448 bits reach beyond the last point of 19x19."""

UNDECIDED, WINS, LOSES, MUST_REPLY = 0, 1, 2, 3

Bitboards = NDArray[np.uint64]
"""uint64[MAPS, WORDS + 2 * GUARD], see `new_bitboards`."""

_ONE = np.uint64(1)
_ZERO = np.uint64(0)


def new_bitboards() -> Bitboards:
    """Zeroed bitboards for `find_tactics` to fill: uint64[MAPS, WORDS + 2 * GUARD]."""
    return np.zeros((MAPS, WORDS + 2 * GUARD), np.uint64)


def _board_maps() -> Bitboards:
    maps = np.zeros((MAX_SIZE + 1, WORDS + 2 * GUARD), np.uint64)
    for size in range(1, MAX_SIZE + 1):
        for cell in CELL_OF[size, : size * size]:
            bit = int(cell) - FIRST_CELL
            maps[size, GUARD + bit // 64] |= np.uint64(1) << np.uint64(bit % 64)
    return maps


_BOARD_MAPS = _board_maps()


@inlined
def has(bits: NDArray[np.uint64], cell: int) -> bool:
    """Whether the bit of `cell` is set in one bitboard uint64[WORDS + 2 * GUARD]."""
    bit = cell - FIRST_CELL
    return (bits[GUARD + (bit >> 6)] >> np.uint64(bit & 63)) & _ONE != _ZERO


@inlined
def _set(bits: NDArray[np.uint64], cell: int) -> None:
    bit = cell - FIRST_CELL
    bits[GUARD + (bit >> 6)] |= _ONE << np.uint64(bit & 63)


@inlined
def _clear(bits: NDArray[np.uint64], cell: int) -> None:
    bit = cell - FIRST_CELL
    bits[GUARD + (bit >> 6)] &= ~(_ONE << np.uint64(bit & 63))


@inlined
def _ahead(bits: NDArray[np.uint64], word: int, distance: int) -> np.uint64:
    """The word whose bits are those `distance` cells further on (distance 1..127, no multiple of 64)."""
    at = word + (distance >> 6)
    low = np.uint64(distance & 63)
    return (bits[at] >> low) | (bits[at + 1] << (np.uint64(64) - low))


@inlined
def _behind(bits: NDArray[np.uint64], word: int, distance: int) -> np.uint64:
    """The word whose bits are those `distance` cells before (distance 1..127, no multiple of 64)."""
    at = word - (distance >> 6)
    low = np.uint64(distance & 63)
    return (bits[at] << low) | (bits[at - 1] >> (np.uint64(64) - low))


@inlined
def count_bits(bits: NDArray[np.uint64]) -> int:
    """How many bits are set in one bitboard."""
    total = 0
    for word in range(GUARD, GUARD + WORDS):
        rest = bits[word]
        while rest != _ZERO:
            rest &= rest - _ONE
            total += 1
    return total


@inlined
def any_bit(bits: NDArray[np.uint64]) -> bool:
    """Whether any bit is set in one bitboard."""
    found = _ZERO
    for word in range(GUARD, GUARD + WORDS):
        found |= bits[word]
    return found != _ZERO


@inlined
def next_cell(bits: NDArray[np.uint64], cell: int) -> int:
    """The first set cell after `cell` (start with 0), or -1."""
    bit = cell + 1 - FIRST_CELL
    if bit < 0:
        bit = 0
    word = GUARD + (bit >> 6)
    if word >= GUARD + WORDS:
        return -1
    rest = bits[word] >> np.uint64(bit & 63)
    if rest != _ZERO:
        at = bit
    else:
        word += 1
        while word < GUARD + WORDS and bits[word] == _ZERO:
            word += 1
        if word == GUARD + WORDS:
            return -1
        rest = bits[word]
        at = (word - GUARD) << 6
    while rest & _ONE == _ZERO:
        rest >>= _ONE
        at += 1
    return at + FIRST_CELL


@inlined
def point_of(cell: int, size: int) -> int:
    """The point (row * size + column) of a cell."""
    row = (cell - ORIGIN) // STRIDE
    return row * size + (cell - ORIGIN - row * STRIDE)


@kernel
def capture_size(board: NDArray[np.int8], cell: int, player: int, triples: bool) -> int:
    """Enemy stones that a stone of `player` on the empty `cell` would take off."""
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
def _windows(bits: Bitboards, step: int, own: int, enemy: int) -> np.uint64:
    """Marks in _FOURS and _THREES the first cells of windows of five with 4 or 3 own stones and no enemy's.

    The five cells' stones are added bit by bit, 64 windows at a time. Returns non-zero if any window has 4.
    """
    stones, foes, board = bits[own], bits[enemy], bits[BOARD]
    fours, threes = bits[_FOURS], bits[_THREES]
    found = _ZERO
    for word in range(GUARD, GUARD + WORDS):
        x0 = stones[word]
        x1 = _ahead(stones, word, step)
        x2 = _ahead(stones, word, 2 * step)
        x3 = _ahead(stones, word, 3 * step)
        x4 = _ahead(stones, word, 4 * step)
        free = board[word] & ~foes[word]
        free &= _ahead(board, word, step) & ~_ahead(foes, word, step)
        free &= _ahead(board, word, 2 * step) & ~_ahead(foes, word, 2 * step)
        free &= _ahead(board, word, 3 * step) & ~_ahead(foes, word, 3 * step)
        free &= _ahead(board, word, 4 * step) & ~_ahead(foes, word, 4 * step)
        parity = x0 ^ x1 ^ x2
        carry = (x0 & x1) | (x2 & (x0 ^ x1))
        ones = parity ^ x3 ^ x4
        carry_2 = (parity & x3) | (x4 & (parity ^ x3))
        fours[word] = free & carry & carry_2 & ~ones
        threes[word] = free & (carry ^ carry_2) & ones
        found |= fours[word]
    return found


@kernel
def _spread(bits: Bitboards, windows: int, step: int, target: int) -> None:
    """Adds to `target` all cells of the windows whose first cells are marked."""
    source, out = bits[windows], bits[target]
    for word in range(GUARD, GUARD + WORDS):
        out[word] |= (
            source[word]
            | _behind(source, word, step)
            | _behind(source, word, 2 * step)
            | _behind(source, word, 3 * step)
            | _behind(source, word, 4 * step)
        )


@kernel
def _captures(bits: Bitboards, step: int, own: int, enemy: int, target: int, triples: bool) -> None:
    """Adds to `target` the cells from which a stone of `own` flanks a pair (or triple) along `step`, both ways."""
    stones, foes, out = bits[own], bits[enemy], bits[target]
    for word in range(GUARD, GUARD + WORDS):
        ahead = _ahead(foes, word, step) & _ahead(foes, word, 2 * step)
        behind = _behind(foes, word, step) & _behind(foes, word, 2 * step)
        end_ahead = _ahead(stones, word, 3 * step)
        end_behind = _behind(stones, word, 3 * step)
        if triples:
            end_ahead |= _ahead(foes, word, 3 * step) & _ahead(stones, word, 4 * step)
            end_behind |= _behind(foes, word, 3 * step) & _behind(stones, word, 4 * step)
        out[word] |= (ahead & end_ahead) | (behind & end_behind)


@kernel
def _stones_to_bits(position: Position, bits: Bitboards) -> None:
    board = position["board"]
    player = position["to_move"]
    for word in range(WORDS):
        own = _ZERO
        enemy = _ZERO
        base = FIRST_CELL + 64 * word
        for bit in range(64):
            stone = board[base + bit]
            own |= np.uint64(stone == player) << np.uint64(bit)
            enemy |= np.uint64(stone == 3 - player) << np.uint64(bit)
        bits[OWN, GUARD + word] = own
        bits[ENEMY, GUARD + word] = enemy


@kernel
def _wins_when_played(position: Position, cell: int, player: int, scratch: Position) -> bool:
    """Whether `player`, if to move, wins at once on `cell`: found by playing it on a copy."""
    copy_position(scratch, position)
    scratch["to_move"] = player
    play(scratch, point_of(cell, position["size"]))
    return scratch["winner"] == player


@kernel
def _add_capture_wins(position: Position, bits: Bitboards, captures: int, wins: int, player: int) -> None:
    """Adds the points whose captures reach the number that wins. Poof: all captures, to be tried by `_verify`."""
    variant = position["variant"]
    missing = CAPTURES_TO_WIN[variant] - position["captured"][player - 1]
    cell = next_cell(bits[captures], 0)
    while cell >= 0:
        if variant == POOF or capture_size(position["board"], cell, player, variant == KERYO) >= missing:
            _set(bits[wins], cell)
        cell = next_cell(bits[captures], cell)


@kernel
def _verify(position: Position, bits: Bitboards, wins: int, player: int, scratch: Position) -> None:
    """Keeps only the winning points that really win when played: for variants whose fives may not count."""
    cell = next_cell(bits[wins], 0)
    while cell >= 0:
        if not _wins_when_played(position, cell, player, scratch):
            _clear(bits[wins], cell)
        cell = next_cell(bits[wins], cell)


@kernel
def find_tactics(position: Position, bits: Bitboards, scratch: Position) -> int:
    """Fills `bits` for a position in play and says what follows for the player to move.

    Returns WINS (OWN_WINS is not empty), LOSES (the enemy threatens to win at two points or more and nothing can be
    captured), MUST_REPLY (every point outside REPLIES loses at once), else UNDECIDED. REPLIES holds the points
    worth looking at: OWN_WINS, the replies to a threat, or all legal points.

    A threat to win at one point is answered by occupying it or by a capture; nothing else changes a line or frees a
    pair. Poof and boat have more ways, so there all legal points stay.
    """
    variant, size, player = position["variant"], position["size"], np.int64(position["to_move"])
    _stones_to_bits(position, bits)
    for word in range(GUARD, GUARD + WORDS):
        bits[BOARD, word] = _BOARD_MAPS[size, word]
        bits[LEGAL, word] = _BOARD_MAPS[size, word] & ~bits[OWN, word] & ~bits[ENEMY, word]
        for target in range(OWN_WINS, ENEMY_FOURS + 1):
            bits[target, word] = _ZERO
    for line in range(4):
        step = DIRECTIONS[line]
        if _windows(bits, step, OWN, ENEMY) != _ZERO:
            _spread(bits, _FOURS, step, OWN_WINS)
        _spread(bits, _THREES, step, OWN_FOURS)
        if _windows(bits, step, ENEMY, OWN) != _ZERO:
            _spread(bits, _FOURS, step, ENEMY_WINS)
        _spread(bits, _THREES, step, ENEMY_FOURS)
        if variant != GOMOKU:
            _captures(bits, step, OWN, ENEMY, OWN_CAPTURES, variant == KERYO)
            _captures(bits, step, ENEMY, OWN, ENEMY_CAPTURES, variant == KERYO)
    for word in range(GUARD, GUARD + WORDS):
        for target in range(OWN_WINS, ENEMY_FOURS + 1):
            bits[target, word] &= bits[LEGAL, word]
    if variant != GOMOKU:
        _add_capture_wins(position, bits, OWN_CAPTURES, OWN_WINS, player)
        _add_capture_wins(position, bits, ENEMY_CAPTURES, ENEMY_WINS, 3 - player)
    if variant in (GOMOKU, POOF, BOAT):
        _verify(position, bits, OWN_WINS, player, scratch)
        _verify(position, bits, ENEMY_WINS, 3 - player, scratch)
    if position["ply"] == 0 or position["ply"] == 2:
        _forbid(position, bits)
    return _conclude(bits, variant)


@kernel
def _forbid(position: Position, bits: Bitboards) -> None:
    """Takes the points that the opening rule forbids out of LEGAL."""
    cell = next_cell(bits[LEGAL], 0)
    while cell >= 0:
        if not allowed_by_opening(position, point_of(cell, position["size"])):
            _clear(bits[LEGAL], cell)
        cell = next_cell(bits[LEGAL], cell)


@kernel
def _conclude(bits: Bitboards, variant: int) -> int:
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
    """For people and tests: the verdict, and the points of each kind. Raises nothing; the game must be in play."""
    bits, scratch = new_bitboards(), np.zeros(1, POSITION)
    verdict = int(find_tactics(position, bits, scratch[0]))
    size = int(position["size"])
    kinds = {
        "own_wins": OWN_WINS,
        "enemy_wins": ENEMY_WINS,
        "own_captures": OWN_CAPTURES,
        "enemy_captures": ENEMY_CAPTURES,
        "own_fours": OWN_FOURS,
        "enemy_fours": ENEMY_FOURS,
        "replies": REPLIES,
        "legal": LEGAL,
    }
    cells = CELL_OF[size, : size * size]
    return verdict, {
        name: [point for point, cell in enumerate(cells) if has(bits[index], cell)] for name, index in kinds.items()
    }
