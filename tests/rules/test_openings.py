"""The opening rules on every board size."""

import pytest

from alphapente.rules import VARIANTS, Game, IllegalMoveError, point_name
from alphapente.rules.position import MAX_SIZE, MIN_SIZE
from tests.rules.diagrams import rows_of

TOURNAMENT = """
    . . . . . . . . .
    . . . . . . . . .
    . . - - - - - . .
    . . - - - - - . .
    . . - - X - - . .
    . . - - - - - . .
    . . - - - - - . .
    . . . . . . . . .
    O . . . . . . . .
"""
G_PENTE = """
    . . . . - . . . .
    . . . . - . . . .
    . . - - - - - . .
    . . - - - - - . .
    - - - - X - - - -
    . . - - - - - . .
    . . - - - - - . .
    . . . . - . . . .
    O . . . - . . . .
"""


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_second_stone_of_player_1(variant: str) -> None:
    game = Game.from_moves("E5 A1", variant, size=9)
    diagram = {"gomoku": TOURNAMENT.replace("-", "."), "gpente": G_PENTE}.get(variant, TOURNAMENT)
    assert game.legal_points() == [i for i, mark in enumerate("".join(rows_of(diagram))) if mark == "."]


@pytest.mark.parametrize("size", range(MIN_SIZE, MAX_SIZE + 1))
def test_the_tournament_rule_on_every_size(size: int) -> None:
    game = Game("pente", size)
    centre = size // 2 * size + size // 2
    assert game.legal_points() == [centre]
    game.play(centre)
    assert len(game.legal_points()) == size * size - 1  # player 2 plays anywhere
    game.play(centre + 1)
    assert len(game.legal_points()) == size * size - 25
    game.play(0)
    game.play(1)
    assert len(game.legal_points()) == size * size - 4  # from the third stone on, anywhere


@pytest.mark.parametrize(
    ("size", "centre"), [(7, "D4"), (8, "E4"), (9, "E5"), (10, "F5"), (13, "G7"), (15, "H8"), (18, "K9"), (19, "K10")]
)
def test_the_centre(size: int, centre: str) -> None:
    assert point_name(Game("pente", size).legal_points()[0], size) == centre


def test_gomoku_opens_anywhere() -> None:
    game = Game("gomoku")
    assert len(game.legal_points()) == 361
    game.play("A1")
    game.play("K10")
    assert "K11" in map(point_name, game.legal_points())


def test_g_pente_forbids_three_and_four_from_the_centre_on_its_lines_only() -> None:
    game = Game.from_moves("K10 A1", "gpente")
    forbidden = {"K13", "K14", "K7", "K6", "G10", "F10", "N10", "O10"}
    legal = {point_name(point) for point in game.legal_points()}
    assert len(legal) == 361 - 25 - 8 - 1
    assert not forbidden & legal
    assert {"K15", "K5", "E10", "P10", "N13", "N9"} <= legal


def test_errors_state_the_opening_rule() -> None:
    with pytest.raises(IllegalMoveError, match=r"A1 breaks the tournament rule: .* first stone .* centre, K10"):
        Game().play("A1")
    with pytest.raises(IllegalMoveError, match=r"M12 .* second stone must lie outside the 5x5 around K10"):
        Game.from_moves("K10 A1").play("M12")
    with pytest.raises(IllegalMoveError, match=r"K13 breaks the opening rule of gpente: .* 3 or 4 points from K10"):
        Game.from_moves("K10 A1", "gpente").play("K13")
