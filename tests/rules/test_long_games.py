"""Games in poof may go on for ever; at MAX_PLIES they are drawn, and everything that holds a game has room for it."""

from typing import Literal

import numpy as np
import pytest

from alphapente.config import SearchSettings
from alphapente.network.evaluator import UniformEvaluator
from alphapente.records.model import GameRecord
from alphapente.records.writing import played_row
from alphapente.rules.game import Game
from alphapente.rules.legality import IllegalMoveError, describe_end
from alphapente.rules.position import MAX_PLIES
from alphapente.search.forest import Forest, search_position
from alphapente.search.tree import PROVEN_DRAW
from tests.rules.oracle import Oracle

OPENING = "1. K10 G11 2. G9 H10 3. A19 J10 4. C19 G8"
CYCLE = ["G10", "H10", "G9", "J10"]
"""The first stone takes a pair and loses a pair; then both players put theirs back."""


def long_game(plies: int) -> Game:
    game = Game.from_moves(OPENING, "poof")
    while len(game.moves) < plies:
        game.play(CYCLE[(len(game.moves) - 8) % 4])
    return game


def test_captures_stay_equal_for_ever_and_the_game_is_drawn() -> None:
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


@pytest.mark.parametrize("root", ["gumbel", "puct"])
def test_a_search_one_ply_before_sees_the_draw(root: Literal["gumbel", "puct"]) -> None:
    game = long_game(MAX_PLIES - 1)
    forest = Forest(UniformEvaluator(1, 19), SearchSettings(root=root), num_trees=1, simulations=400)
    assert search_position(forest, game.position, np.random.default_rng(0)).proven == PROVEN_DRAW
