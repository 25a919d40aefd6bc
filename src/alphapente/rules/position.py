"""A position as one NumPy record, and the variants of the game.

The board is stored with a border: rows of ``STRIDE`` cells, so that a kernel may read up to four cells away from any
point, in any direction, without a bounds check. Policies and the public interface use points instead: point
``row * size + column`` from the top left corner (``A19``), so that ``K10`` is 180 on 19x19.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from alphapente.errors import RequestError

MIN_SIZE = 7
"""On smaller boards the opening rules leave player 1 few points or none for the second stone."""
MAX_SIZE = 19
MAX_POINTS = MAX_SIZE * MAX_SIZE
MAX_PLIES = 512
"""A game that is undecided after this number of plies is a draw; only games of poof reach it.

The number of plies is that of the stones on the board plus those captured, since each stone stays until it is captured
(a poof counts as a capture by the enemy). Before a game's last ply there are at most 360 stones on the board. Without
poof each player has captured at most 8 (pairs, and 10 win), in keryo 14: no such game has more than
360 + 2 * 14 + 1 = 389 plies. In poof equal totals of 10 and more do not end the game, and a move that captures two
stones and loses two keeps them equal, so that a game could continue for ever.
"""

STRIDE = 20
"""Cells from one row to the next: 19 points and one cell of border, which ends a row and comes before the next one."""
ORIGIN = 84
"""The cell of the top left point, 4 * STRIDE + 4: four cells of border lie before it in every direction."""
CELLS = 548
"""The last point of 19x19 is cell 462; the cells within four steps of it, in every direction, end with 546."""

EMPTY, PLAYER_1, PLAYER_2, BORDER = 0, 1, 2, 3
"""The content of a cell. As bits, PLAYER_1 is the low one, PLAYER_2 the high one, BORDER both: see rules/tactics.py."""
IN_PLAY, DRAW = -1, 0
"""`winner` of a game without one; else PLAYER_1 or PLAYER_2. A draw is this number in files and answers too."""
BY_NOTHING, BY_FIVE, BY_CAPTURES, BY_FULL_BOARD = 0, 1, 2, 3
WON_BY = ("in play", "five", "captures", "draw")
ENDINGS = WON_BY[1:]  # how a game can end by the rules
WINNER_NAMES = {PLAYER_1: "1", PLAYER_2: "2", DRAW: "draw"}
"""The winners of finished games as statistics name them."""

VARIANTS = ("pente", "keryo", "gomoku", "gpente", "poof", "boat")
PENTE, KERYO, GOMOKU, GPENTE, POOF, BOAT = range(6)
NEVER = 32767  # the largest int16: gomoku has no captures
CAPTURES_TO_WIN = np.array([10, 15, NEVER, 10, 10, 10], np.int16)
"""Captured stones that win, by variant: five pairs, in keryo fifteen stones (docs/rules.md)."""

POSITION = np.dtype(
    [
        ("board", np.int8, (CELLS,)),
        ("captured", np.int16, (2,)),  # stones captured by player 1 and by player 2
        ("ply", np.int16),  # moves played so far
        ("last", np.int16),  # the point played last, -1 before the first
        ("size", np.int8),
        ("variant", np.int8),  # index into VARIANTS
        ("to_move", np.int8),  # PLAYER_1 or PLAYER_2
        ("winner", np.int8),  # IN_PLAY, PLAYER_1, PLAYER_2 or DRAW
        ("won_by", np.int8),  # index into WON_BY
        ("pending", np.int8),  # boat: 1 when the last stone made a five that can be captured
    ],
    align=True,
)

Positions = NDArray[np.void]
"""An array of POSITION records."""
Position = Any
"""One POSITION record (``positions[i]``): ``np.void`` in Python, a record in kernels."""


def _cell_table() -> NDArray[np.int16]:
    table = np.zeros((MAX_SIZE + 1, MAX_POINTS), np.int16)
    for size in range(1, MAX_SIZE + 1):
        point = np.arange(size * size)
        table[size, : size * size] = ORIGIN + point // size * STRIDE + point % size
    return table


CELL_OF = _cell_table()
"""``CELL_OF[size, point]`` is the cell of a point on the board with its border."""


def variant_index(name: str) -> int:
    """The index of a variant's name in VARIANTS. Raises RequestError for an unknown name."""
    if name not in VARIANTS:
        raise RequestError(f"unknown variant {name!r}: choose one of {', '.join(VARIANTS)}")
    return VARIANTS.index(name)


def new_positions(count: int, variant: str = "pente", size: int = MAX_SIZE) -> Positions:
    """An array of `count` empty positions, player 1 to move.

    Raises RequestError for an unknown variant or a size outside MIN_SIZE..MAX_SIZE.
    """
    index = variant_index(variant)
    if not MIN_SIZE <= size <= MAX_SIZE:
        raise RequestError(f"board size {size} is not supported: choose {MIN_SIZE} to {MAX_SIZE}")
    positions = np.zeros(count, POSITION)
    positions["board"] = BORDER
    positions["board"][:, CELL_OF[size, : size * size]] = EMPTY
    positions["last"] = -1
    positions["size"] = size
    positions["variant"] = index
    positions["to_move"] = PLAYER_1
    positions["winner"] = IN_PLAY
    return positions


def stones(position: Position) -> NDArray[np.int8]:
    """The board without its border, int8[size * size] by point: 0 empty, 1 and 2 the players' stones."""
    size = int(position["size"])
    board: NDArray[np.int8] = position["board"][CELL_OF[size, : size * size]]
    return board
