"""Matches in the database: read back equal, players identified by their fields, impossible matches refused."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from alphapente.errors import RequestError
from alphapente.records.check import check
from alphapente.records.connect import DatabaseError
from alphapente.records.model import Match, MatchGame, PlayerIdentity
from alphapente.records.store import Store
from tests.records.samples import random_game

ONE = PlayerIdentity("simple step 10 @50", "checkpoint", "ab" * 32, "", "simple", 10, 50)
OTHER = PlayerIdentity("random", "reference")


def played(seed: int, first: str = "a") -> MatchGame:
    game = random_game(seed)
    return MatchGame("a" if first == "a" else "b", tuple(game.moves), 2, game.winner, game.won_by)


def a_match(**changes: object) -> Match:
    match = Match(ONE, OTHER, "pente", 9, 7, "arena", (played(1), played(2, "b")))
    return replace(match, **changes)  # type: ignore[arg-type]


def test_matches_are_read_back_equal(tmp_path: Path) -> None:
    with Store(tmp_path / "records.db") as store:
        settings_id = store.settings_id("{}")
        free = MatchGame("a", (1, 2, 3), 2, 1, "forfeit")
        matches = [a_match(settings_id=settings_id), a_match(player_a=replace(ONE, seconds=0.5, settings="{}"), seed=8)]
        assert [store.add_match(match) for match in [*matches, a_match(variant="gomoku", games=(free,))]] == [1, 2, 3]
        found = store.matches("pente", 9)
        assert [replace(match, created_at=0) for match in found] == matches
        assert all(match.created_at > 1e9 for match in found)
        assert len(store.matches()) == 3
        assert store.matches("keryo") == []
        stats = store.stats()
        assert (stats.matches, stats.match_games) == (3, 5)
        assert (stats.pools, check(store).findings) == ([], [])


def test_a_player_is_one_row_however_often_it_plays(tmp_path: Path) -> None:
    with Store(tmp_path / "records.db") as store:
        for seed in range(3):
            store.add_match(a_match(seed=seed))
        store.add_match(a_match(player_a=replace(ONE, digest="cd" * 32)))
    rows = sqlite3.connect(tmp_path / "records.db").execute("SELECT name, digest FROM players ORDER BY id").fetchall()
    assert rows == [(ONE.name, ONE.digest), ("random", ""), (ONE.name, "cd" * 32)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"games": ()}, "without games"),
        ({"board_size": 7}, "does not fit 7x7"),
        ({"variant": "chess"}, "chess"),
        ({"seed": 2**63}, "signed 64-bit"),
        ({"games": (replace(played(1), winner=3),)}, "won by 1, 2 or 0"),
        ({"games": (replace(played(1), opening_plies=400),)}, "has 400 plies of opening"),
    ],
)
def test_impossible_matches_are_refused(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with Store(tmp_path / "records.db") as store:
        with pytest.raises(RequestError, match=message):
            store.add_match(a_match(**changes))
        assert store.matches() == []


def test_check_replays_the_games_of_matches(tmp_path: Path) -> None:
    wrong = replace(played(1), winner=3 - played(1).winner)
    forfeit = replace(played(2), moves=played(2).moves[:6], won_by="forfeit")
    illegal = replace(played(3), moves=(40, 40, 3))
    with Store(tmp_path / "records.db") as store:
        store.add_match(a_match(games=(played(1), wrong, forfeit, illegal)))
        problems = [(finding.ply, finding.problem) for finding in check(store).findings]
    assert len(problems) == 2
    assert "game 1 of simple step 10 @50 against random is said to be won by" in problems[0][1]
    expected = "game 3 of simple step 10 @50 against random: point 40 cannot be played: occupied or forbidden"
    assert problems[1] == (1, expected)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("moves", b"\1", "row 2 of match_games"),
        ("first", 0, r"row 2 of match_games \(game 1 of match 1\): first is 0; allowed are 1 .* and 2"),
        ("first", 3, "first is 3; allowed are 1"),
        ("first", "a", "first is 'a'; allowed are 1"),
        ("winner", 3, "winner is 3; allowed are 1, 2 and 0"),
        ("opening_plies", -1, "opening_plies is -1; allowed are 0 to its"),
        ("opening_plies", "two", "row 2 of match_games"),
    ],
)
def test_a_row_with_values_that_no_game_has_is_refused_by_its_number(
    tmp_path: Path, column: str, value: object, message: str
) -> None:
    database = tmp_path / "records.db"
    with Store(database) as store:
        store.add_match(a_match())
    damage(database, f"UPDATE match_games SET {column} = ? WHERE id = 2", value)
    with Store(database) as store:
        for read in (store.matches, lambda: store.begin_match(a_match())):
            with pytest.raises(DatabaseError, match=message) as raised:
                read()
            assert store.name in str(raised.value)


def test_a_match_without_its_player_is_refused_by_its_number(tmp_path: Path) -> None:
    database = tmp_path / "records.db"
    with Store(database) as store:
        store.add_match(a_match())
    damage(database, "DELETE FROM players WHERE name = ?", "random")
    with Store(database) as store, pytest.raises(DatabaseError, match="row 1 of matches is between players 1 and 2"):
        store.matches()


def damage(database: Path, statement: str, value: object) -> None:
    connection = sqlite3.connect(database)
    connection.execute(statement, (value,))
    connection.commit()
    connection.close()


class TestInParts:
    def test_games_are_added_by_their_numbers_and_found_again(self, tmp_path: Path) -> None:
        first, second = replace(played(3), number=4), replace(played(4, "b"), number=5)
        with Store(tmp_path / "records.db") as store:
            assert store.begin_match(a_match()) == {}
            match_id = store.add_match(a_match(games=(first, second)))
            store.add_match(a_match(), match_id)
            (match,) = store.matches()
            assert [game.number for game in match.games] == [0, 1, 4, 5]
            assert match.games == (played(1), played(2, "b"), first, second)
            assert store.begin_match(a_match()) == {match_id: list(match.games)}

    def test_other_players_rules_seeds_and_purposes_are_other_matches(self, tmp_path: Path) -> None:
        with Store(tmp_path / "records.db") as store:
            store.add_match(a_match())
            for changes in ({"seed": 8}, {"purpose": "rate"}, {"variant": "gomoku"}, {"player_b": ONE}):
                assert store.begin_match(a_match(**changes)) == {}, changes

    def test_a_number_that_is_stored_keeps_its_game(self, tmp_path: Path) -> None:
        with Store(tmp_path / "records.db") as store:
            match_id = store.add_match(a_match())
            store.add_match(a_match(games=(played(5), played(6))), match_id)
            (match,) = store.matches()
        assert match.games == a_match().games
