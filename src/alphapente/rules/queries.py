"""Queries: stones that a move would remove, stones of the winning line, equality up to symmetry."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from alphapente.rules.kernels import DIRECTIONS, FIVE, copy_position, play
from alphapente.rules.position import CELL_OF, GOMOKU, POSITION, Position, stones
from alphapente.rules.symmetry import SYMMETRIES


def stones_taken(position: Position, point: int, player: int | None = None) -> list[int]:
    """The points of the stones that a move of `player` (default: the one to move) to `point` would remove, rising.

    In poof these can include the player's own. The game must be in play and `point` empty. `position` does not change.
    """
    after = np.zeros(1, POSITION)[0]
    copy_position(after, position)
    if player is not None:
        after["to_move"] = player
    before = stones(after)
    play(after, point)
    return [int(place) for place in np.flatnonzero((before != 0) & (stones(after) == 0))]


def winning_line(position: Position) -> list[int]:
    """The points of the winner's lines of five or more stones (gomoku: exactly five), rising; empty if none."""
    winner, size, board = int(position["winner"]), int(position["size"]), position["board"]
    if winner not in (1, 2):
        return []
    cells = [int(cell) for cell in CELL_OF[size, : size * size]]
    found: set[int] = set()
    for step in (int(step) for step in DIRECTIONS[:4]):
        for cell in cells:
            if board[cell] != winner or board[cell - step] == winner:
                continue
            line = [cell]
            while board[line[-1] + step] == winner:
                line.append(line[-1] + step)
            if len(line) == FIVE or (len(line) > FIVE and position["variant"] != GOMOKU):
                found.update(line)
    return [point for point, cell in enumerate(cells) if cell in found]


def position_key(position: Position) -> bytes:
    """A key that is the same for all positions that are equal up to symmetry."""
    images = stones(position)[SYMMETRIES[int(position["size"])]]
    return _smallest(images) + f"{position['captured'].tolist()} {position['to_move']}".encode()


def moves_key(moves: Sequence[int], size: int) -> bytes:
    """A key that is the same for all sequences of moves that are equal up to symmetry."""
    return _smallest(SYMMETRIES[size][:, np.asarray(moves, np.int64)])


def _smallest(images: NDArray[np.integer]) -> bytes:
    smallest: bytes = min(image.tobytes() for image in images)
    return smallest
