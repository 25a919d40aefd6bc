"""One game of self-play: openings, temperature, records, and games packed for the database."""

import json
import zlib

import numpy as np
import pytest

from alphapente.config import Config, load_config
from alphapente.errors import FailureError
from alphapente.rules.position import VARIANTS, stones
from alphapente.search import SearchResult
from alphapente.selfplay.game import (
    GameInPlay,
    finished_record,
    new_game,
    pack,
    record_search,
    unpack,
)


def config(*overrides: str) -> Config:
    return load_config(None, ["game.board_size=9", *overrides])


def a_search(game: GameInPlay, value: float) -> SearchResult:
    """A search that prefers three of the 81 points."""
    policy = np.full(81, 0.1 / 78, np.float32)
    visits = np.zeros(81, np.int32)
    points = [p for p in range(81) if stones(game.position)[p] == 0][:3]
    policy[points] = 0.3
    visits[points] = [7, 2, 1]
    return SearchResult(points[0], policy, visits, value, 0, 10, value, (points[0],))


@pytest.mark.parametrize("variant", VARIANTS)
def test_openings_differ_and_follow_the_rules(variant: str) -> None:
    settings = config(f"game.variant={variant}", "generation.opening_plies=4")
    games = [new_game(settings, seed) for seed in range(60)]
    assert len({tuple(game.moves) for game in games}) > 30
    for game in games:
        assert game.opening_plies == len(game.moves) == int(game.position["ply"])
        if variant != "gomoku":
            assert game.moves[0] == 40
    lengths = {len(game.moves) for game in games}
    assert lengths == ({0, 1, 2, 3, 4} if variant == "gomoku" else {1, 2, 3, 4, 5})


def test_no_opening_plies_leave_only_the_forced_stone() -> None:
    assert new_game(config("generation.opening_plies=0"), 5).moves == [40]


def test_same_seed_same_opening() -> None:
    assert new_game(config(), 7).moves == new_game(config(), 7).moves


def test_an_opening_never_ends_a_game_however_long_it_is() -> None:
    settings = load_config(None, ["game.board_size=7", "generation.opening_plies=40"])
    games = [new_game(settings, seed) for seed in range(40)]
    assert not any(game.over for game in games)
    assert max(len(game.moves) for game in games) > 10


def test_plies_left_to_the_policy_are_drawn_between_none_and_all() -> None:
    assert {new_game(config(), seed).opening_left for seed in range(20)} == {0}
    settings = config("generation.policy_opening_plies=3")
    assert {new_game(settings, seed).opening_left for seed in range(40)} == {0, 1, 2, 3}


def test_a_record_lists_the_visited_and_likely_points_and_sums_the_others() -> None:
    game = new_game(config(), 1)
    record_search(game, a_search(game, 0.25))
    record = game.records[0]
    assert record.visits.sum() == 10
    assert record.targets.sum() + record.unlisted == pytest.approx(1.0)
    assert record.unlisted == pytest.approx(0.1, abs=1e-3)
    assert (record.board == stones(game.position)).all()


def test_a_random_move_replaces_the_outcome_of_the_records_up_to_it_only() -> None:
    game = new_game(config("generation.opening_plies=0"), 1)
    values = [0.5, -0.25, 0.125, 0.75]
    for value in values:
        record_search(game, a_search(game, value))
        game.play(game.records[-1].points[0])
    game.random_plies = [3]  # the third searched ply: 1, 2, 3, 4 were searched
    records = finished_record(game, config(), 0, None).records
    assert [record.random_value for record in records] == [0.125, -0.125, 0.125, None]


def test_a_packed_game_is_restored_with_the_state_of_its_generator() -> None:
    game = new_game(config(), 3)
    for value in (0.1, -0.3):
        record_search(game, a_search(game, value), 0.125)
        game.play(int(game.records[-1].points[0]))
    game.opening_left, game.proven_winner = 2, 1
    again = unpack(pack(game), "pente", 9)
    assert again.moves == game.moves
    assert again.position.tobytes() == game.position.tobytes()
    assert again.rng.random() == game.rng.random()
    for ours, theirs in zip(again.records, game.records, strict=True):
        assert (ours.board == theirs.board).all()
        assert (ours.points == theirs.points).all()
        assert ours.targets == pytest.approx(theirs.targets)
        assert (ours.to_move, ours.captured, ours.unlisted) == (theirs.to_move, theirs.captured, theirs.unlisted)
        assert ours.policy_weight == theirs.policy_weight == 0.125
    assert (again.opening_left, again.proven_winner) == (2, 1)


def test_a_game_of_an_older_version_is_continued() -> None:
    game = new_game(config(), 3)
    record_search(game, a_search(game, 0.1))
    state = json.loads(zlib.decompress(pack(game)))
    del state["opening_left"], state["proven_winner"], state["records"][0]["policy_weight"]
    again = unpack(zlib.compress(json.dumps(state).encode()), "pente", 9)
    assert (again.opening_left, again.proven_winner, again.records[0].policy_weight) == (0, 0, 1.0)


@pytest.mark.parametrize("payload", [b"", b"nonsense", pack(new_game(config(), 3))[:-5]])
def test_a_broken_game_in_play_is_refused(payload: bytes) -> None:
    with pytest.raises(FailureError, match="cannot be read"):
        unpack(payload, "pente", 9)


def test_a_game_in_play_of_another_board_is_refused() -> None:
    game = new_game(load_config(None, ["game.board_size=19"]), 3)
    with pytest.raises(FailureError, match="cannot be read"):
        unpack(pack(game), "pente", 9)
