"""Removed stones and winning lines, compared with the slow rules over random games."""

import numpy as np
import pytest

from alphapente.rules import Game
from alphapente.rules.notation import parse_point, point_name
from alphapente.rules.position import VARIANTS
from alphapente.rules.queries import moves_key, position_key, stones_taken, winning_line
from alphapente.rules.symmetry import NUM_SYMMETRIES, SYMMETRIES, transform_positions
from tests.rules.diagrams import draw, star
from tests.rules.oracle import Oracle
from tests.rules.random_games import board_of, choose, point_at


@pytest.mark.parametrize("variant", VARIANTS)
def test_stones_taken_are_those_that_the_slow_rules_remove(variant: str) -> None:
    rng = np.random.default_rng(5)
    taken_in_all = 0
    for _ in range(8):
        oracle, game = Oracle(variant, 9), Game(variant, 9)
        while oracle.winner is None:
            point = oracle.points.index(choose(oracle, oracle.legal(), "taking", rng))
            before, reported = board_of(oracle), stones_taken(game.position, point)
            oracle.play(point_at(oracle, point))
            game.play(point)
            removed = [
                at for at, (old, new) in enumerate(zip(before, board_of(oracle), strict=True)) if old and not new
            ]
            assert reported == removed
            taken_in_all += len(reported)
    assert taken_in_all > 20 or variant == "gomoku"


def test_what_the_other_player_would_take() -> None:
    diagram = """
    . . . . . . .
    . . . . . . .
    . * X X O . .
    . . . . . . .
    . . . . . . .
    . . . . . . .
    . . . . . . .
    """
    position = draw(diagram, to_move=1)
    assert stones_taken(position, star(diagram)) == []
    assert stones_taken(position, star(diagram), 2) == [parse_point("C5", 7), parse_point("D5", 7)]
    assert position["to_move"] == 1


@pytest.mark.parametrize(
    ("variant", "row", "found"), [("pente", 6, 6), ("gomoku", 6, 0), ("gomoku", 5, 5), ("pente", 4, 0)]
)
def test_lines_of_five_and_more(variant: str, row: int, found: int) -> None:
    position = draw("\n".join(["X" * row + "." * (7 - row), *["." * 7] * 6]), variant)
    position["winner"] = 1
    assert winning_line(position) == list(range(found))


def test_both_lines_of_a_double_five() -> None:
    moves = "A5 A1 B5 C1 C5 F1 D5 H1 E1 A3 E2 C3 E3 F3 E4 H3"
    game = Game.from_moves(moves, "gomoku", 9)
    assert winning_line(game.position) == [], "nobody has won yet"
    game.play("E5")
    named = {point_name(point, 9) for point in winning_line(game.position)}
    assert named == {"A5", "B5", "C5", "D5", "E5", "E1", "E2", "E3", "E4"}


def test_keys_are_equal_up_to_symmetry() -> None:
    moves = [40, 41, 50, 30, 42]
    position = Game.from_moves(moves, "gomoku", 9).position
    positions = np.array([position])
    for symmetry in range(NUM_SYMMETRIES):
        assert moves_key(SYMMETRIES[9][symmetry, moves].tolist(), 9) == moves_key(moves, 9)
        assert position_key(transform_positions(positions, symmetry)[0]) == position_key(position)
    swapped = [*moves[:2], moves[4], moves[3], moves[2]]  # the same position by other moves
    assert moves_key(swapped, 9) != moves_key(moves, 9)
    assert position_key(Game.from_moves(swapped, "gomoku", 9).position) == position_key(position)
    assert position_key(Game.from_moves(moves[:4], "gomoku", 9).position) != position_key(position)
