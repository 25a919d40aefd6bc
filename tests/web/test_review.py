"""Reviews: every move is reported, missed wins are named, and the game is scored."""

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import httpx
import numpy as np
import pytest

from alphapente.rules import Game
from alphapente.rules.notation import parse_point
from alphapente.rules.tactics import LOSES, UNDECIDED, WINS
from alphapente.search import SearchResult
from alphapente.web.reviewing import accuracy, describe_win, review_move
from alphapente.web.schemas import ReviewedMove
from alphapente.web.searches import ForcedWin, SearchSnapshot
from tests.web.server import GAME_TEXT, REAL_GAME, events_of, quiet_config, refusal, serving

REVIEW = "/api/v1/review"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with serving(quiet_config(tmp_path_factory.mktemp("review"), "web.max_searches=2")) as (client, _):
        yield client


def test_the_real_game_is_reviewed_to_its_end(client: httpx.Client) -> None:
    text = f'[Player 1 Name "alice"]\n\n{GAME_TEXT} 1-0'
    events = events_of(client, REVIEW, text=text, simulations=24)
    assert [event.name for event in events] == ["game", *["move"] * 25, "done"]
    game = events[0].data
    assert (game["moves"], game["result"], game["headers"]["Player 1 Name"]) == (REAL_GAME, "1-0", "alice")
    moves = [event.data for event in events[1:-1]]
    assert [one["ply"] for one in moves] == list(range(1, 26))
    assert [one["move"] for one in moves] == REAL_GAME
    for before, after in pairwise(moves):
        assert before["value_after"] == pytest.approx(after["value_before"])
    assert all(one["loss"] == 0 for one in moves if one["best"] == one["move"])
    assert moves[-1]["value_after"] == 1.0
    assert moves[-1]["verdict"] == "good"
    assert all(0 <= share <= 100 for share in events[-1].data["accuracy"].values())


def test_a_missed_win_is_named_with_the_move_that_won(client: httpx.Client) -> None:
    moves = [*REAL_GAME[:24], "A1", "B1"]
    events = events_of(client, REVIEW, moves=moves, simulations=24)
    missed = next(event.data for event in events if event.name == "move" and event.data["ply"] == 25)
    assert missed["best"] in ("H8", "J10")
    assert missed["comment"] == f"{missed['best']} wins at once by five."
    assert missed["verdict"] in ("missed win", "good", "inaccuracy")
    assert (missed["verdict"] == "missed win") == (missed["loss"] >= 0.15)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "malformed"),
        ({"text": "1. K10", "moves": ["K10"]}, 422, "malformed"),
        ({"moves": []}, 400, "no_moves"),
        ({"text": "1. K10 K10"}, 400, "bad_move"),
        ({"moves": ["K10", "K10"]}, 400, "bad_move"),
        ({"moves": ["K10"], "network": "none"}, 404, "no_network"),
        ({"moves": ["K10"], "simulations": 10**8}, 400, "too_much"),
    ],
)
def test_what_is_refused(client: httpx.Client, body: dict[str, Any], status: int, code: str) -> None:
    assert refusal(client.post(REVIEW, json=body))[:2] == (status, code)


def snapshot(
    game: Game, best: str, value: float, proven: int = UNDECIDED, forced: ForcedWin | None = None
) -> SearchSnapshot:
    """A hand-made search result; `value` is that of the player to move."""
    points = game.size**2
    point = parse_point(best, game.size)
    result = SearchResult(
        point, np.zeros(points, np.float32), np.zeros(points, np.int32), value, proven, 10, value, (point,)
    )
    return SearchSnapshot(game, result, (), np.zeros(points, np.float32), 0.1, forced, finished=True)


def reviewed(played: str, best: str, value: float, next_value: float, **after: Any) -> ReviewedMove:
    """The review of a move in a quiet position with player 1 to move."""
    before = Game.from_moves("E5 F6 H8 D4", size=9)
    behind = Game.from_moves([*before.moves, played], size=9)
    return review_move(behind, snapshot(before, best, value), snapshot(behind, "A1", next_value, **after))


@pytest.mark.parametrize(
    ("value", "next_value", "verdict"),
    [(0.2, -0.2, "good"), (0.2, 0.0, "inaccuracy"), (0.2, 0.2, "mistake"), (0.5, 0.3, "blunder"), (0.0, -0.5, "good")],
)
def test_verdicts_depend_on_the_loss(value: float, next_value: float, verdict: str) -> None:
    move = reviewed("C3", "D3", value, next_value)
    assert move.verdict == verdict
    assert move.loss == pytest.approx(max(0.0, value + next_value))
    assert (move.value_before, move.value_after) == (value, -next_value)
    assert move.comment == "D3 was the engine's move."


def test_the_engines_own_move_loses_nothing() -> None:
    move = reviewed("D3", "D3", 0.9, 0.9)
    assert (move.verdict, move.loss, move.comment) == ("good", 0.0, "")


def test_values_of_player_2s_moves_are_player_1s_as_well() -> None:
    before = Game.from_moves("E5 F6 H8", size=9)
    after = Game.from_moves("E5 F6 H8 D4", size=9)
    move = review_move(after, snapshot(before, "A1", 0.5), snapshot(after, "A2", 0.1))
    assert (move.value_before, move.value_after) == (-0.5, 0.1)
    assert move.loss == pytest.approx(0.6)
    assert move.verdict == "blunder"


def test_a_win_that_still_stands_was_not_missed_but_one_at_once_is_named() -> None:
    before = Game.from_moves("E5 A1 B2 A3 E6 A5 E7 C9 E8 J1", "gomoku", 9)
    win = ForcedWin(1, 1, (parse_point("E9", 9),))
    behind = Game.from_moves([*before.moves, "D2"], "gomoku", 9)
    before_snapshot = snapshot(before, "E9", 1.0, WINS, win)
    lost = snapshot(behind, "E9", -1.0, LOSES)
    still = review_move(behind, before_snapshot, lost)
    assert (still.verdict, still.comment) == ("good", "E9 wins at once by five.")
    longer = ForcedWin(1, 3, tuple(parse_point(name, 9) for name in ("A2", "A4", "E9")))
    another = review_move(behind, snapshot(before, "A2", 1.0, WINS, longer), lost)
    assert (another.verdict, another.comment) == ("good", "A2 was the engine's move.")
    gone = review_move(behind, before_snapshot, snapshot(behind, "E9", 0.2))
    assert (gone.verdict, gone.comment) == ("missed win", "E9 wins at once by five.")
    nearly = review_move(behind, before_snapshot, snapshot(behind, "E9", -0.95))
    assert (nearly.verdict, nearly.comment) == ("good", "E9 wins at once by five.")


def test_a_win_given_to_the_opponent_is_reported() -> None:
    behind = Game.from_moves("A1 E5 C1 E6 A5 E7 J1 E8 J3", "gomoku", 9)
    before = Game.from_moves(behind.moves[:-1], "gomoku", 9)
    win = ForcedWin(2, 1, (parse_point("E9", 9),))
    move = review_move(behind, snapshot(before, "E9", 0.0), snapshot(behind, "E9", 1.0, WINS, win))
    assert move.verdict == "blunder"
    assert move.comment == "Now E9 wins at once by five for player 2."


def test_wins_are_described_in_the_winners_own_moves() -> None:
    game = Game.from_moves(REAL_GAME[:22])
    line = tuple(parse_point(name, 19) for name in ("J8", "N8", "H8"))
    assert describe_win(game, ForcedWin(1, 3, line)) == "J8 wins by five in 2"


def test_accuracy_is_the_mean_of_lichesss_formula() -> None:
    flat = [reviewed("C3", "C3", 0.0, 0.0), reviewed("C3", "D3", 0.4, 0.0)]
    one_each = [flat[0], flat[1].model_copy(update={"ply": 7})]
    expected = 103.1668 * math.exp(-0.04354 * 0.4 * 50) - 3.1669
    assert accuracy(one_each, 1) == pytest.approx((100.0 + expected) / 2, abs=0.06)
    assert accuracy(one_each, 2) is None
