"""Captures, one rule at a time, in diagrams."""

import numpy as np
import pytest

from alphapente.rules import Position, new_positions
from alphapente.rules.kernels import is_legal, play
from alphapente.rules.position import BY_CAPTURES, BY_FIVE, BY_NOTHING, IN_PLAY
from tests.rules.diagrams import board_text, draw, rows_of, star

ALL_EIGHT = """
    X . . X . . X . .
    . O . O . O . . .
    . . O O O . . . .
    X O O * O O X . .
    . . O O O . . . .
    . O . O . O . . .
    X . . X . . X . .
    . . . . . . . . .
    . . . . . . . . .
"""
CAPTURING = ("pente", "keryo", "gpente", "poof", "boat")


def played(diagram: str, variant: str = "pente", to_move: int = 1, captured: tuple[int, int] = (0, 0)) -> Position:
    """The position after a move to the diagram's star."""
    position = draw(diagram, variant, to_move, captured)
    play(position, star(diagram))
    return position


def row_after(row: str, variant: str, to_move: int = 1) -> tuple[str, tuple[int, int]]:
    """The middle row of a 9x9 board after a move to its star, and the captured stones."""
    empty = ". . . . . . . . .\n"
    position = played(empty * 4 + row + "\n" + empty * 4, variant, to_move)
    first, second = position["captured"].tolist()
    return board_text(position)[4], (first, second)


@pytest.mark.parametrize("variant", CAPTURING)
def test_one_stone_captures_in_eight_directions_at_once(variant: str) -> None:
    position = played(ALL_EIGHT, variant)
    expected = ALL_EIGHT.replace("O", ".").replace("*", "X")
    assert board_text(position) == rows_of(expected)
    assert position["captured"].tolist() == [16, 0]
    assert (position["winner"], position["won_by"]) == (1, BY_CAPTURES)


def test_gomoku_captures_nothing() -> None:
    position = played(ALL_EIGHT, "gomoku")
    assert board_text(position) == rows_of(ALL_EIGHT.replace("*", "X"))
    assert (position["winner"], position["captured"].tolist()) == (IN_PLAY, [0, 0])


@pytest.mark.parametrize(
    ("row", "pente", "keryo"),
    [
        ("* O X . . . . . .", "XOX......", "XOX......"),  # one stone is never captured
        ("* O O X . . . . .", "X..X.....", "X..X....."),
        ("* O O O X . . . .", "XOOOX....", "X...X...."),  # three: keryo only
        ("* O O O O X . . .", "XOOOOX...", "XOOOOX..."),  # four: never
        ("* O . O X . . . .", "XO.OX....", "XO.OX...."),  # a gap
        ("* O O . . . . . .", "XOO......", "XOO......"),  # no stone at the other end
        ("* X O O X . . . .", "XXOOX....", "XXOOX...."),  # the new stone does not touch the pair
        (". . . . . * O O .", ".....XOO.", ".....XOO."),  # the edge of the board is not a stone
        (". . . . . . * O O", "......XOO", "......XOO"),
        ("X O O * O O X . .", "X..X..X..", "X..X..X.."),
        ("X O O O * O O X .", "XOOOX..X.", "X...X..X."),
    ],
)
def test_exactly_two_flanked_stones_are_captured_and_three_in_keryo(row: str, pente: str, keryo: str) -> None:
    for variant in CAPTURING:
        expected = keryo if variant == "keryo" else pente
        board, captured = row_after(row, variant)
        assert board == expected, variant
        assert captured == (row.count("O") - expected.count("O"), 0), variant


def test_player_2_captures_too() -> None:
    assert row_after(". O X X * . . . .", "pente", to_move=2) == (".O..O....", (0, 2))
    assert row_after(". O X X X * . . .", "keryo", to_move=2) == (".O...O...", (0, 3))


@pytest.mark.parametrize("variant", ["pente", "keryo", "gpente", "boat"])
@pytest.mark.parametrize("row", [". O X * O . . . .", ". O * X O . . . .", ". O X * X O . . ."])
def test_moving_between_two_enemy_stones_is_safe(variant: str, row: str) -> None:
    assert row_after(row, variant) == ("".join(row.split()).replace("*", "X"), (0, 0))


def test_captured_points_are_played_again() -> None:
    diagram = "* O O X . . .\n" + ". . . . . . .\n" * 6
    position = played(diagram)
    assert [is_legal(position, point) for point in range(4)] == [False, True, True, False]
    play(position, 1)
    play(position, 2)
    assert board_text(position)[0] == "XOXX..."


@pytest.mark.parametrize(
    ("variant", "need"), [("pente", 10), ("gpente", 10), ("boat", 10), ("poof", 10), ("keryo", 15)]
)
def test_captures_to_win(variant: str, need: int) -> None:
    diagram = "* O O X . . .\n" + ". . . . . . .\n" * 6
    for before, wins in ((need - 4, False), (need - 3, False), (need - 2, True), (need - 1, True)):
        position = played(diagram, variant, captured=(before, 0))
        assert (position["winner"], position["won_by"]) == ((1, BY_CAPTURES) if wins else (IN_PLAY, BY_NOTHING))


def test_a_win_by_captures_takes_precedence_over_five() -> None:
    diagram = """
        X X X X * O O X .
        . . . . . . . . .
        . . . . . . . . .
        . . . . . . . . .
        . . . . . . . . .
        . . . . . . . . .
        . . . . . . . . .
        . . . . . . . . .
        . . . . . . . . .
    """
    assert played(diagram, "pente", captured=(8, 0))["won_by"] == BY_CAPTURES
    assert played(diagram, "pente", captured=(6, 0))["won_by"] == BY_FIVE
    assert played(diagram, "boat", captured=(8, 0))["won_by"] == BY_FIVE  # boat checks fives first


def test_nothing_wraps_around_the_edges() -> None:
    position = new_positions(1, "gomoku", 7)[0]
    for point in (5, 28, 6, 30, 7, 32, 8, 34, 9):  # X on F7 G7 A6 B6 C6: neighbours only by index
        assert position["winner"] == IN_PLAY
        play(position, point)
    assert position["winner"] == IN_PLAY
    corner = np.flatnonzero(draw("X . . . . . .\n" + ". . . . . . .\n" * 6)["board"] == 1)
    assert len(corner) == 1
