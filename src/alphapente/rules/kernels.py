"""The effects of a move as compiled kernels: captures, poofs, fives and the end of the game.

Every kernel takes one POSITION record and changes it in place. None checks that the move is legal: call `is_legal`
first, or use `alphapente.rules.Game`, which checks. The rules themselves are in docs/rules.md.
"""

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import inlined, kernel
from alphapente.rules.position import (
    BOAT,
    BY_CAPTURES,
    BY_FIVE,
    BY_FULL_BOARD,
    CAPTURES_TO_WIN,
    CELL_OF,
    CELLS,
    DRAW,
    EMPTY,
    GOMOKU,
    GPENTE,
    IN_PLAY,
    KERYO,
    MAX_PLIES,
    ORIGIN,
    POOF,
    STRIDE,
    Position,
)

DIRECTIONS = np.array([1, STRIDE, STRIDE + 1, STRIDE - 1, -1, -STRIDE, -STRIDE - 1, -STRIDE + 1], np.int64)
"""Steps to the eight neighbours of a cell; the first four are the four lines."""

FIVE = 5
"""Stones in a line that win."""

Board = NDArray[np.int8]


@inlined
def at(board: Board, cell: int) -> int:
    """The stone on `cell`. The index is unsigned, since for a signed one numba adds a test for negative indices."""
    return board[np.uint64(cell)]


@inlined
def run_length(board: Board, cell: int, step: int, player: int) -> int:
    """Stones of `player` in the unbroken line through `cell` (which counts as one) along `step`."""
    length = 1
    there = cell + step
    while at(board, there) == player:
        length += 1
        there += step
    there = cell - step
    while at(board, there) == player:
        length += 1
        there -= step
    return length


@inlined
def _three_around(board: Board, cell: int, step: int, player: int) -> bool:
    """Whether two stones beside `cell` make three in a row with it; true for every five. Has no branches."""
    ahead, behind = at(board, cell + step) == player, at(board, cell - step) == player
    further = at(board, cell + 2 * step) == player
    return (ahead & (behind | further)) | (behind & (at(board, cell - 2 * step) == player))


@kernel
def makes_five(board: Board, cell: int, player: int, exactly: bool) -> bool:
    """Whether a stone of `player` on `cell` is in a line of five or more (`exactly`: of exactly five)."""
    # a quick test first, to skip the loops where no five is possible
    promising = _three_around(board, cell, 1, player) | _three_around(board, cell, STRIDE, player)
    promising |= _three_around(board, cell, STRIDE + 1, player) | _three_around(board, cell, STRIDE - 1, player)
    if not promising:
        return False
    for line in range(4):
        length = run_length(board, cell, DIRECTIONS[line], player)
        if length == FIVE or (length > FIVE and not exactly):
            return True
    return False


@inlined
def _flanks(board: Board, cell: int, step: int, player: int) -> bool:
    enemy = 3 - player
    pair = (at(board, cell + step) == enemy) & (at(board, cell + 2 * step) == enemy)
    return pair & (at(board, cell + 3 * step) == player)


@inlined
def flanks_a_pair(board: Board, cell: int, player: int) -> bool:
    """Whether a stone of `player` on `cell` captures a pair in any direction. One branch instead of eight."""
    found = _flanks(board, cell, 1, player) | _flanks(board, cell, -1, player)
    found |= _flanks(board, cell, STRIDE, player) | _flanks(board, cell, -STRIDE, player)
    found |= _flanks(board, cell, STRIDE + 1, player) | _flanks(board, cell, -STRIDE - 1, player)
    return found | _flanks(board, cell, STRIDE - 1, player) | _flanks(board, cell, 1 - STRIDE, player)


@kernel
def capture(board: Board, cell: int, player: int, triples: bool) -> int:
    """Removes the enemy pairs (and `triples`) that a stone of `player` on `cell` flanks; returns the number removed."""
    enemy = 3 - player
    taken = 0
    for direction in range(8):
        step = DIRECTIONS[direction]
        if board[cell + step] == enemy and board[cell + 2 * step] == enemy:
            third = board[cell + 3 * step]
            if third == player:
                board[cell + step] = EMPTY
                board[cell + 2 * step] = EMPTY
                taken += 2
            elif triples and third == enemy and board[cell + 4 * step] == player:
                board[cell + step] = EMPTY
                board[cell + 2 * step] = EMPTY
                board[cell + 3 * step] = EMPTY
                taken += 3
    return taken


@kernel
def poof(board: Board, cell: int, player: int) -> tuple[int, int]:
    """Captures and poofs of a stone just placed, together: (enemy stones removed, own stones removed).

    Own pairs are found before anything is removed, as on the server: a pair poofs even if one of the stones that flank
    it is captured by the same move.
    """
    enemy = 3 - player
    poofed = 0
    pairs = 0  # one bit for each direction in which the pair's other stone is
    for direction in range(8):
        step = DIRECTIONS[direction]
        between = (at(board, cell - step) == enemy) & (at(board, cell + 2 * step) == enemy)
        pairs |= np.int64(between & (at(board, cell + step) == player)) << direction
    taken = capture(board, cell, player, False) if flanks_a_pair(board, cell, player) else 0
    if pairs:
        board[cell] = EMPTY
        poofed = 1
        for direction in range(8):
            if pairs >> direction & 1:
                board[cell + DIRECTIONS[direction]] = EMPTY
                poofed += 1
    return taken, poofed


@kernel
def can_be_captured(board: Board, cell: int, player: int) -> bool:
    """Whether the stone of `player` on `cell` is in a pair with an enemy at one end and an empty cell at the other."""
    enemy = 3 - player
    for direction in range(8):
        step = DIRECTIONS[direction]
        if board[cell + step] == player:
            front, back = board[cell + 2 * step], board[cell - step]
            if (front == enemy and back == EMPTY) or (front == EMPTY and back == enemy):
                return True
    return False


@kernel
def _unbreakable_five(board: Board, cell: int, player: int) -> tuple[bool, bool]:
    """Boat: (a line of five or more goes through `cell`, one of these has no stone that can be captured)."""
    five = False
    for line in range(4):
        step = DIRECTIONS[line]
        if run_length(board, cell, step, player) < FIVE:
            continue
        five = True
        at = cell
        while board[at - step] == player:
            at -= step
        safe = True
        while board[at] == player:
            if can_be_captured(board, at, player):
                safe = False
                break
            at += step
        if safe:
            return True, True
    return five, False


@kernel
def five_anywhere(board: Board, size: int, player: int) -> bool:
    """Whether `player` has five or more in a line anywhere: in boat, such a five may be pending."""
    for row in range(size):
        for cell in range(ORIGIN + row * STRIDE, ORIGIN + row * STRIDE + size):
            if board[cell] == player and makes_five(board, cell, player, False):
                return True
    return False


@kernel
def _boat_five(position: Position, cell: int, player: int) -> None:
    """Boat: a pending five of the opponent that was not broken wins first; then a new one that cannot be captured."""
    board = position["board"]
    if position["pending"] and five_anywhere(board, np.int64(position["size"]), 3 - player):
        position["winner"] = 3 - player
        position["won_by"] = BY_FIVE
        return
    five, safe = _unbreakable_five(board, cell, player)
    position["pending"] = five and not safe
    if safe:
        position["winner"] = player
        position["won_by"] = BY_FIVE


@kernel
def _play_poof(position: Position, cell: int, player: int) -> None:
    """Poof: captures of both players are counted first, and win only if the totals differ; then the five."""
    board, captured = position["board"], position["captured"]
    taken, poofed = poof(board, cell, player)
    captured[player - 1] += taken
    captured[2 - player] += poofed
    need = CAPTURES_TO_WIN[POOF]
    if captured[0] != captured[1] and (captured[0] >= need or captured[1] >= need):
        position["winner"] = 1 if captured[0] > captured[1] else 2
        position["won_by"] = BY_CAPTURES
    elif poofed == 0 and makes_five(board, cell, player, False):
        position["winner"] = player
        position["won_by"] = BY_FIVE


@kernel
def play(position: Position, point: int) -> None:
    """Plays `point` (0..size*size-1, assumed legal) for the player to move: captures, five, end of the game."""
    board, captured = position["board"], position["captured"]
    variant, size = position["variant"], np.int64(position["size"])
    player = np.int64(position["to_move"])
    cell = np.int64(CELL_OF[size, point])
    board[cell] = player
    position["ply"] += 1
    position["last"] = point
    if variant == POOF:
        _play_poof(position, cell, player)
    else:
        if variant == KERYO or (variant != GOMOKU and flanks_a_pair(board, cell, player)):
            captured[player - 1] += capture(board, cell, player, variant == KERYO)
        if variant == BOAT:
            _boat_five(position, cell, player)
        if position["winner"] == IN_PLAY:
            if captured[player - 1] >= CAPTURES_TO_WIN[variant]:
                position["winner"] = player
                position["won_by"] = BY_CAPTURES
            elif variant != BOAT and makes_five(board, cell, player, variant == GOMOKU):
                position["winner"] = player
                position["won_by"] = BY_FIVE
    full = position["ply"] - captured[0] - captured[1] == size * size  # stones played minus stones removed
    if position["winner"] == IN_PLAY and (full or position["ply"] >= MAX_PLIES):
        position["winner"] = DRAW
        position["won_by"] = BY_FULL_BOARD
    position["to_move"] = 3 - player


@kernel
def allowed_by_opening(position: Position, point: int) -> bool:
    """Whether the variant's opening rule allows player 1 to play `point` as the first or the second stone."""
    variant, size = position["variant"], np.int64(position["size"])
    if variant == GOMOKU or (position["ply"] != 0 and position["ply"] != 2):
        return True
    centre = size // 2
    down, right = abs(point // size - centre), abs(point % size - centre)
    if position["ply"] == 0:
        return down == 0 and right == 0
    if down <= 2 and right <= 2:  # tournament rule: player 1's second stone lies outside of the middle 5x5 points
        return False
    # G-Pente: nor does it lie 3 or 4 points from the centre on the centre's row or column
    along = down + right  # on the centre's row or column this is the distance from the centre
    return not (variant == GPENTE and (down == 0 or right == 0) and (along == 3 or along == 4))


@kernel
def is_legal(position: Position, point: int) -> bool:
    """Whether the player to move may play `point`: the game is in play, the point empty, the opening rule obeyed."""
    size = np.int64(position["size"])  # int8 would overflow where the kernels run as plain Python
    if position["winner"] != IN_PLAY or point < 0 or point >= size * size:
        return False
    cell = CELL_OF[size, point]
    return position["board"][cell] == EMPTY and allowed_by_opening(position, point)


@kernel
def legal_points(position: Position, out: NDArray[np.int16]) -> int:
    """Writes the legal points in rising order to `out` (int16, at least size*size long); returns their number."""
    count = 0
    size = np.int64(position["size"])
    for point in range(size * size):
        if is_legal(position, point):
            out[count] = point
            count += 1
    return count


@kernel
def next_random(state: NDArray[np.uint64]) -> np.uint64:
    """The next number of a xorshift64* generator whose state is state[0], not 0 (Vigna 2016).

    The shifts 12, 25, 27 and the multiplier are those of the paper.
    """
    x = state[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    state[0] = x
    return x * np.uint64(2685821657736338717)


@kernel
def random_point(position: Position, state: NDArray[np.uint64]) -> int:
    """A legal point drawn uniformly: points are drawn until one is legal."""
    points = np.uint64(position["size"]) * np.uint64(position["size"])
    while True:
        # the upper 32 random bits as a fraction of 2**32, times the number of points
        point = np.int64((next_random(state) >> np.uint64(32)) * points >> np.uint64(32))
        if is_legal(position, point):
            return point


@kernel
def play_random_game(position: Position, state: NDArray[np.uint64]) -> int:
    """Plays uniformly random legal moves to the end of the game; returns the number of moves played."""
    moves = 0
    while position["winner"] == IN_PLAY:
        play(position, random_point(position, state))
        moves += 1
    return moves


@kernel
def copy_position(target: Position, source: Position) -> None:
    """Copies every field of `source` to `target`."""
    for cell in range(CELLS):
        target["board"][cell] = source["board"][cell]
    target["captured"][0] = source["captured"][0]
    target["captured"][1] = source["captured"][1]
    target["ply"] = source["ply"]
    target["last"] = source["last"]
    target["size"] = source["size"]
    target["variant"] = source["variant"]
    target["to_move"] = source["to_move"]
    target["winner"] = source["winner"]
    target["won_by"] = source["won_by"]
    target["pending"] = source["pending"]
