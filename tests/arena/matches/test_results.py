"""Matches in the database, of several processes at once."""

from pathlib import Path

from alphapente.arena.matches.match import MatchHooks, plan_games, play_planned
from alphapente.arena.matches.results import StoredMatch
from alphapente.arena.matches.saved_games import SavedGames
from alphapente.arena.players.base import RandomPlayer
from alphapente.records.model import Match, PlayerIdentity
from alphapente.records.store import Store

ONE = PlayerIdentity("one", "reference")
OTHER = PlayerIdentity("other", "reference")


def test_a_match_that_two_processes_begin_at_once_is_stored_once(tmp_path: Path) -> None:
    match = Match(ONE, OTHER, "pente", 7, 3, "arena", ())
    starts = plan_games(6, size=7, seed=3)
    report = play_planned(RandomPlayer(), RandomPlayer(), starts, ("pente", 7), 3, MatchHooks())
    games = dict(enumerate(report.games))
    with Store(tmp_path / "records.db") as first, Store(tmp_path / "records.db") as second:
        both = [StoredMatch(store, match, starts) for store in (first, second)]
        for stored, pairs in zip(both, ((0, 2), (4, 0)), strict=True):
            for index in pairs:
                stored.add({index: games[index], index + 1: games[index + 1]})
        (found,) = first.matches()
        assert [(game.number, game.moves) for game in found.games] == [(key, games[key].moves) for key in range(6)]


def test_a_match_with_other_openings_is_another_match(tmp_path: Path) -> None:
    match = Match(ONE, OTHER, "pente", 7, 3, "arena", ())
    with Store(tmp_path / "records.db") as store:
        plans = [plan_games(2, size=7, seed=3, opening_plies=plies) for plies in ((2, 2), (4, 4))]
        both = [StoredMatch(store, match, starts) for starts in plans]
        for stored, starts in zip(both, plans, strict=True):
            report = play_planned(RandomPlayer(), RandomPlayer(), starts, ("pente", 7), 3, MatchHooks())
            stored.add(dict(enumerate(report.games)))
        assert [len(found.games) for found in store.matches()] == [2, 2]


def test_games_are_saved_under_a_path_given_as_text(tmp_path: Path) -> None:
    with SavedGames(str(tmp_path / "games.txt")) as saved:
        saved.begin(("one", "other"), ("pente", 7), {})
    assert (tmp_path / "games.txt").read_text() == ""
