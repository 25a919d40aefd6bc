"""Positions as diagrams: rows from the top, `X` player 1, `O` player 2, `*` a marked empty point."""

import numpy as np

from alphapente.rules import Position, new_positions
from alphapente.rules.kernels import play
from alphapente.rules.notation import parse_point
from alphapente.rules.position import CELL_OF, stones


def rows_of(diagram: str) -> list[str]:
    return ["".join(line.split()) for line in diagram.strip().splitlines()]


def draw(
    diagram: str, variant: str = "pente", to_move: int = 1, captured: tuple[int, int] = (0, 0), pending: bool = False
) -> Position:
    """The position of a square diagram; `captured` are the stones captured by player 1 and 2."""
    rows = rows_of(diagram)
    size = len(rows)
    assert all(len(row) == size for row in rows), "the diagram must be square"
    position = new_positions(1, variant, size)[0]
    board = np.array([".XO".index(mark.replace("*", ".")) for row in rows for mark in row], np.int8)
    position["board"][CELL_OF[size, : size * size]] = board
    position["captured"][:] = captured
    position["ply"] = np.count_nonzero(board) + sum(captured)
    position["to_move"] = to_move
    position["pending"] = pending
    return position


def star(diagram: str) -> int:
    """The index of the point marked `*`."""
    marks = "".join(rows_of(diagram))
    assert marks.count("*") == 1, "mark one point with *"
    return marks.index("*")


def board_text(position: Position) -> list[str]:
    """The board as rows of `.`, `X`, `O`, as `rows_of` returns them."""
    size = int(position["size"])
    return ["".join(".XO"[stone] for stone in row) for row in stones(position).reshape(size, size)]


def after(position: Position, *names: str) -> Position:
    """A copy of the position after the named moves."""
    copy = position.copy()
    for name in names:
        play(copy, parse_point(name, int(copy["size"])))
    return copy
