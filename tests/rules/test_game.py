"""Game: moves by name, captures, the end, undo, the board as text."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import config

from alphapente.errors import RequestError
from alphapente.rules import VARIANTS, Game, IllegalMoveError, NotationError
from alphapente.rules.position import MAX_SIZE, MIN_SIZE
from tests.rules.oracle import Oracle
from tests.rules.random_games import choose
from tests.rules.test_gametext import REAL_GAME

EXAMPLES = 4 if config.DISABLE_JIT else 30


def test_a_short_game() -> None:
    game = Game()
    assert (game.to_move, game.winner, game.won_by, game.captures, game.moves) == (1, None, None, (0, 0), [])
    assert game.play("K10") == 180
    assert game.play(181) == 181
    assert game.play("k14") == 104
    game.play("M10")
    assert game.to_move == 1
    game.play("N10")
    assert game.captures == (2, 0)
    assert 181 in game.legal_points()
    assert game.moves == [180, 181, 104, 182, 183]
    assert game.undo() == 183
    assert game.captures == (0, 0)
    assert 181 not in game.legal_points()


def test_the_board_as_text() -> None:
    game = Game.from_moves("1. E5 F5 2. E8 G5 3. H5", size=9)
    assert str(game).splitlines() == [
        "    A B C D E F G H J",
        "  9 . . . . . . . . . 9",
        "  8 . . . . X . . . . 8",
        "  7 . . . . . . . . . 7",
        "  6 . . . . . . . . . 6",
        "  5 . . . . X . .(X). 5",
        "  4 . . . . . . . . . 4",
        "  3 . . . . . . . . . 3",
        "  2 . . . . . . . . . 2",
        "  1 . . . . . . . . . 1",
        "    A B C D E F G H J",
        "captured: player 1 (X) 2, player 2 (O) 0; ply 5, last H5; player 2 (O) to move",
    ]


def test_the_text_of_an_empty_board_and_of_a_corner() -> None:
    assert "(" not in "".join(str(Game("gomoku", 7)).splitlines()[:-1])
    assert str(Game.from_moves([0], "gomoku", 7)).splitlines()[1] == "  7(X). . . . . . 7"
    assert str(Game.from_moves(["G1"], "gomoku", 7)).splitlines()[7] == "  1 . . . . . .(X)1"


def test_the_real_game_was_won_by_five_with_one_capture() -> None:
    game = Game.from_text(REAL_GAME)
    assert (game.winner, game.won_by, game.captures, len(game.moves)) == (1, "five", (2, 0), 25)
    assert game.legal_points() == []
    game.undo()
    game.undo()
    assert (game.winner, game.captures) == (None, (2, 0))
    game.undo()
    assert game.captures == (0, 0)  # J8 captured them
    assert repr(game) == "<Game pente 19x19, ply 22>"


def test_a_draw_is_winner_zero() -> None:
    rows = ["XXOOXXO", "OOXXOOX"]
    cells = [(mark, 7 * row + column) for row in range(7) for column, mark in enumerate(rows[row % 2])]
    first = [point for mark, point in cells if mark == "X"]
    second = [point for mark, point in cells if mark == "O"]
    assert (len(first), len(second)) == (25, 24)
    moves = [point for pair in zip(first, second, strict=False) for point in pair] + first[24:]
    game = Game.from_moves(moves, "gomoku", 7)
    assert (game.winner, game.won_by, game.legal_points()) == (0, "draw", [])
    assert "draw" in str(game)


@pytest.mark.parametrize(
    ("moves", "move", "reason"),
    [
        ("K10", "K10", "K10 is occupied by a stone of player 1"),
        ("K10", 361, "point 361 is off the board: points are 0 to 360 on 19x19"),
        ("K10", -1, "point -1 is off the board"),
    ],
)
def test_illegal_moves_say_why(moves: str, move: str | int, reason: str) -> None:
    game = Game.from_moves(moves)
    before = game.position.tobytes()
    with pytest.raises(IllegalMoveError, match=reason):
        game.play(move)
    assert game.position.tobytes() == before
    assert game.moves == [180]


def test_no_move_after_the_end() -> None:
    game = Game.from_text(REAL_GAME)
    with pytest.raises(IllegalMoveError, match="A1 cannot be played: the game is over, player 1 won by five"):
        game.play("A1")


def test_names_off_the_board_and_bad_requests() -> None:
    with pytest.raises(NotationError, match="no point 'I5'"):
        Game().play("I5")
    with pytest.raises(RequestError, match="unknown variant 'chess'"):
        Game("chess")
    with pytest.raises(RequestError, match="board size 20"):
        Game(size=20)
    with pytest.raises(RequestError, match="no move to take back"):
        Game().undo()


def test_the_position_is_a_copy() -> None:
    game = Game.from_moves("K10")
    game.position["ply"] = 99
    game.moves.append(5)
    assert (int(game.position["ply"]), game.moves) == (1, [180])


def test_variant_and_size_are_reported() -> None:
    assert (Game("boat", 13).variant, Game("boat", 13).size) == ("boat", 13)


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    variant=st.sampled_from(VARIANTS),
    size=st.integers(MIN_SIZE, MAX_SIZE),
    style=st.sampled_from(["near", "lines", "taking"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_undo_restores_every_byte(variant: str, size: int, style: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    oracle = Oracle(variant, size)
    index_of = {point: index for index, point in enumerate(oracle.points)}
    game = Game(variant, size)
    snapshots: list[tuple[bytes, list[int], str]] = []
    while game.winner is None and len(snapshots) < 80:
        snapshots.append((game.position.tobytes(), game.legal_points(), str(game)))
        point = choose(oracle, oracle.legal(), style, rng)
        oracle.play(point)
        game.play(index_of[point])
    assert Game.from_moves(game.moves, variant, size).position.tobytes() == game.position.tobytes()
    assert Game.from_text(game.to_text()).moves == game.moves
    while snapshots:
        game.undo()
        assert (game.position.tobytes(), game.legal_points(), str(game)) == snapshots.pop()
    assert game.position.tobytes() == Game(variant, size).position.tobytes()
