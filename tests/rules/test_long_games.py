"""Games of poof can be endless: at MAX_PLIES they are drawn, and all game storage has room for MAX_PLIES."""

import pytest

from alphapente.records.model import GameRecord
from alphapente.records.writing import played_row
from alphapente.rules.game import Game
from alphapente.rules.legality import IllegalMoveError, describe_end
from alphapente.rules.position import MAX_PLIES
from tests.rules.long_game import long_game
from tests.rules.oracle import Oracle


def test_captures_stay_equal_and_the_game_is_drawn() -> None:
    assert long_game(8).captures == (0, 0)
    assert long_game(9).captures == (2, 2)
    before = long_game(MAX_PLIES - 1)
    assert before.winner is None
    assert before.captures == (252, 252)
    game = long_game(MAX_PLIES)
    assert (game.winner, game.won_by) == (0, "draw")
    assert describe_end(game.position) == "a draw after 512 plies"
    with pytest.raises(IllegalMoveError, match="the game is over, a draw after 512 plies"):
        game.play("T1")


def test_the_oracle_and_the_database_agree() -> None:
    game, oracle = long_game(MAX_PLIES), Oracle("poof", 19)
    for point in game.moves:
        assert oracle.winner is None
        oracle.play((point % 19 + 1, 19 - point // 19))
    assert (oracle.winner, oracle.won_by, oracle.captured[1]) == (0, "draw", game.captures[0])
    assert Game.from_text(game.to_text()).moves == game.moves
    row = played_row(GameRecord("poof", 19, game.moves, 0, "draw", 0, (), 1, "simple", 0, 8, []))
    assert row["num_plies"] == MAX_PLIES
