"""Checks moves with a reason for each illegal one, and replays lists of moves."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import kernel
from alphapente.rules.kernels import is_legal, play
from alphapente.rules.notation import TextError, point_name
from alphapente.rules.position import (
    CELL_OF,
    DRAW,
    EMPTY,
    IN_PLAY,
    MAX_PLIES,
    MAX_SIZE,
    VARIANTS,
    WON_BY,
    Position,
    new_positions,
    stones,
)


class IllegalMoveError(TextError):
    """A move that the rules forbid; the message names the move and the reason."""

    ply: int | None = None
    """The number of moves before it, if a whole game was replayed."""


def check_legal(position: Position, point: int) -> None:
    """Raises IllegalMoveError with the reason unless `point` is legal for the player to move."""
    if 0 <= point < int(position["size"]) ** 2 and is_legal(position, point):
        return
    raise IllegalMoveError(_reason(position, point))


def replay(moves: Iterable[int], variant: str = "pente", size: int = MAX_SIZE) -> Position:
    """The POSITION record after `moves` (points) from an empty board.

    Raises IllegalMoveError with the number, the name and the reason of the first illegal move.
    """
    position = new_positions(1, variant, size)[0]
    for point in moves:
        try:
            check_legal(position, point)
        except IllegalMoveError as error:
            ply = int(position["ply"])
            illegal = IllegalMoveError(f"move {ply // 2 + 1} of player {ply % 2 + 1}: {error.reason}")
            illegal.ply = ply
            raise illegal from None
        play(position, point)
    return position


def captured_after(moves: Sequence[int], variant: str, size: int) -> tuple[int, int]:
    """The stones captured by player 1 and by player 2 after `moves`, whose legality is not checked."""
    position = new_positions(1, variant, size)[0]
    _play_all(position, np.asarray(moves, np.int64))
    return int(position["captured"][0]), int(position["captured"][1])


@kernel
def _play_all(position: Position, moves: NDArray[np.int64]) -> None:
    for point in moves:
        play(position, point)


def describe_end(position: Position) -> str:
    """The state of the game in words: `player 1 won by five`, `a draw`, `in play`."""
    winner = int(position["winner"])
    if winner == IN_PLAY:
        return "in play"
    if winner == DRAW:
        return "a draw, the board is full" if (stones(position) != EMPTY).all() else f"a draw after {MAX_PLIES} plies"
    return f"player {winner} won by {WON_BY[position['won_by']]}"


def _reason(position: Position, point: int) -> str:
    size = int(position["size"])
    if not 0 <= point < size * size:
        return f"point {point} is off the board: points are 0 to {size * size - 1} on {size}x{size}"
    name = point_name(point, size)
    if position["winner"] != IN_PLAY:
        return f"{name} cannot be played: the game is over, {describe_end(position)}"
    holder = int(position["board"][CELL_OF[size, point]])
    if holder != EMPTY:
        return f"{name} is occupied by a stone of player {holder}"
    centre = point_name(size // 2 * size + size // 2, size)
    if position["ply"] == 0:
        return f"{name} breaks the tournament rule: player 1's first stone must be on the centre, {centre}"
    row, column = divmod(point, size)
    if max(abs(row - size // 2), abs(column - size // 2)) <= 2:
        return f"{name} breaks the tournament rule: player 1's second stone must lie outside the 5x5 around {centre}"
    return (
        f"{name} breaks the opening rule of {VARIANTS[position['variant']]}: player 1's second stone must not be "
        f"3 or 4 points from {centre} on its row or column"
    )
