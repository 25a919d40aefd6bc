"""Matches: varied openings, colours swapped, nothing crosses games, honest intervals."""

from collections.abc import Sequence

import numpy as np
import pytest

from alphapente.arena.heuristic import HeuristicEvaluator
from alphapente.arena.match import MatchReport, Tally, play_match, wilson_interval
from alphapente.arena.openings import canonical, distinct_openings
from alphapente.arena.players import Answer, PolicyPlayer, RandomPlayer, SearchPlayer, Turn
from alphapente.config import SearchSettings
from alphapente.errors import RequestError
from alphapente.rules.game import Game
from alphapente.rules.position import VARIANTS


def searcher(batch: int = 8, simulations: int = 16, name: str = "search") -> SearchPlayer:
    return SearchPlayer(HeuristicEvaluator(batch, 9), SearchSettings(), simulations, name)


@pytest.fixture(scope="module")
def report() -> MatchReport:
    return play_match(searcher(), RandomPlayer(), 24, size=9, seed=3)


class TestMatch:
    def test_search_beats_random(self, report: MatchReport) -> None:
        assert report.total.games == 24
        assert report.total.wins >= 23
        assert report.total.interval[0] > 0.75

    def test_colours_are_swapped_over_equal_openings(self, report: MatchReport) -> None:
        assert report.as_first.games == report.as_second.games == 12
        for one, two in zip(report.games[::2], report.games[1::2], strict=True):
            assert (one.first, two.first) == ("a", "b")
            assert one.moves[: one.opening_plies] == two.moves[: two.opening_plies]
            assert 2 <= one.opening_plies <= 6

    def test_numbers_agree_with_the_games(self, report: MatchReport) -> None:
        for game in report.games:
            replayed = Game.from_moves(game.moves, size=9)
            assert replayed.winner == game.winner
            assert replayed.won_by == game.won_by
        wins = sum(report.won_by_a.values())
        assert (wins, sum(report.won_by_b.values())) == (report.total.wins, report.total.losses)
        assert report.mean_plies == pytest.approx(np.mean([len(game.moves) for game in report.games]))
        assert report.distinct_games == len({game.moves for game in report.games}) > 20
        assert report.as_first.wins + report.as_second.wins == report.total.wins

    def test_same_seed_same_match(self, report: MatchReport) -> None:
        again = play_match(searcher(), RandomPlayer(), 24, size=9, seed=3)
        assert again.games == report.games
        other = play_match(searcher(), RandomPlayer(), 24, size=9, seed=4)
        assert other.games != report.games

    def test_nothing_crosses_games(self, report: MatchReport) -> None:
        """However many games run side by side, each goes the same way."""
        narrow = play_match(searcher(batch=2), RandomPlayer(), 24, size=9, seed=3)
        assert narrow.games == report.games

    def test_equal_players_score_even(self) -> None:
        """Deterministic twins: each opening is won by the same colour twice, so the score is exactly one half."""
        even = play_match(searcher(name="one"), searcher(name="two"), 12, size=9, seed=1)
        assert even.total.score == 0.5
        for one, two in zip(even.games[::2], even.games[1::2], strict=True):
            assert (one.winner, len(one.moves)) == (two.winner, len(two.moves))

    @pytest.mark.parametrize("variant", VARIANTS)
    def test_all_variants(self, variant: str) -> None:
        player = PolicyPlayer(HeuristicEvaluator(4, 7), "policy")
        played = play_match(player, RandomPlayer(), 8, variant=variant, size=7, seed=2)
        assert played.total.games == 8
        assert played.total.wins > played.total.losses

    def test_progress_is_told(self) -> None:
        heard: list[tuple[int, int]] = []
        player = PolicyPlayer(HeuristicEvaluator(4, 7), "policy")
        play_match(player, RandomPlayer(), 4, size=7, on_game_fn=lambda done, tally: heard.append((done, tally.games)))
        assert sorted(done for done, _ in heard)[-1] == 4
        assert heard[-1] == (4, 4)

    @pytest.mark.parametrize("games", [0, -2, 7])
    def test_odd_numbers_are_refused(self, games: int) -> None:
        with pytest.raises(RequestError, match="even number"):
            play_match(RandomPlayer(), RandomPlayer(), games, size=9)

    def test_illegal_answer_is_told(self) -> None:
        class Cheat(RandomPlayer):
            def choose(self, turns: Sequence[Turn]) -> list[Answer]:
                return [Answer(turn.moves[-1], 0.0) for turn in turns]

        with pytest.raises(RequestError, match="player cheat answered"):
            play_match(Cheat("cheat"), RandomPlayer(), 2, size=9)


class TestOpenings:
    @pytest.mark.parametrize("variant", VARIANTS)
    def test_distinct_up_to_symmetry_and_undecided(self, variant: str) -> None:
        openings = distinct_openings(40, np.random.default_rng(0), variant, 13)
        games = [Game.from_moves(moves, variant, 13) for moves in openings]
        assert len({canonical(game.position) for game in games}) == 40
        assert all(game.winner is None for game in games)
        assert {len(moves) for moves in openings} >= {3, 4, 5, 6}

    def test_too_many_are_refused(self) -> None:
        with pytest.raises(RequestError, match="only 1 different"):
            distinct_openings(2, np.random.default_rng(0), "pente", 9, (1, 1))

    def test_impossible_lengths_are_refused(self) -> None:
        with pytest.raises(RequestError, match="0 <= least"):
            distinct_openings(2, np.random.default_rng(0), "pente", 9, (5, 2))


class TestTally:
    def test_wilson_interval(self) -> None:
        """Against published values: 8 of 10, and 0 of 10."""
        assert wilson_interval(0.8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
        assert wilson_interval(0.0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
        assert wilson_interval(0.5, 0) == (0.0, 1.0)

    def test_draws_count_half(self) -> None:
        assert Tally(wins=1, losses=1, draws=2).score == 0.5
        assert Tally().score == 0.5
