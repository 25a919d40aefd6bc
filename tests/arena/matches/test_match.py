"""Matches: varied openings, colours swapped, nothing crosses games, honest intervals."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphapente.arena.matches import openings as openings_module
from alphapente.arena.matches.match import MatchHooks, MatchReport, Tally, plan_games
from alphapente.arena.matches.openings import MAX_PLIES, distinct_openings, random_opening
from alphapente.arena.players.base import ChosenMove, PolicyPlayer, RandomPlayer, SearchPlayer, Turn
from alphapente.arena.players.heuristic import HeuristicEvaluator
from alphapente.config import SearchSettings
from alphapente.errors import RequestError
from alphapente.rules.game import Game
from alphapente.rules.position import IN_PLAY, VARIANTS, Position
from alphapente.rules.queries import position_key
from tests.arena.matches.whole import play_match


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
        """Each game has the same moves, whatever the number of parallel games."""
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

    def test_progress_is_reported(self) -> None:
        heard: list[tuple[int, int]] = []
        player = PolicyPlayer(HeuristicEvaluator(4, 7), "policy")
        hooks = MatchHooks(on_game_fn=lambda done, tally: heard.append((done, tally.games)))
        play_match(player, RandomPlayer(), 4, size=7, hooks=hooks)
        assert sorted(done for done, _ in heard)[-1] == 4
        assert heard[-1] == (4, 4)

    def test_known_games_are_not_played_again(self, report: MatchReport) -> None:
        known = {index: report.games[index] for index in (0, 1, 6, 7, 22, 23)}
        played: list[int] = []
        pairs: list[list[int]] = []
        hooks = MatchHooks(known, lambda index, _: played.append(index), lambda games: pairs.append([*games]))
        resumed = play_match(searcher(), RandomPlayer(), 24, size=9, seed=3, hooks=hooks)
        assert resumed.games == report.games
        assert (resumed.total, resumed.known_games) == (report.total, 6)
        assert sorted(played) == [index for index in range(24) if index not in known]
        assert sorted(pairs) == [[index, index + 1] for index in range(0, 24, 2) if index not in known]

    def test_stopped_it_reports_the_pairs_that_are_finished(self) -> None:
        played: list[int] = []
        hooks = MatchHooks(on_played_fn=lambda index, _: played.append(index), stop=lambda: len(played) > 4)
        stopped = play_match(searcher(batch=2), RandomPlayer(), 24, size=9, seed=3, hooks=hooks)
        pairs = [index for index in played if index ^ 1 in played]
        assert stopped.total.games == len(pairs) < 24
        nothing = play_match(RandomPlayer(), RandomPlayer(), 4, size=9, hooks=MatchHooks(stop=lambda: True))
        assert (nothing.total.games, nothing.distinct_share, nothing.mean_plies) == (0, 0, 0)

    def test_a_longer_match_begins_with_the_games_of_the_shorter(self) -> None:
        for size, plies, games in ((19, None, 500), (9, None, 40), (19, (2, 5), 40)):
            longer = plan_games(games, size=size, seed=5, opening_plies=plies)
            shorter = plan_games(20, size=size, seed=5, opening_plies=plies)
            for one, other in zip(shorter, longer[:20], strict=True):
                assert (one.index, one.first, one.opening) == (other.index, other.first, other.opening)
                assert one.seed.generate_state(4).tolist() == other.seed.generate_state(4).tolist()

    @pytest.mark.parametrize("games", [0, -2, 7])
    def test_odd_numbers_are_refused(self, games: int) -> None:
        with pytest.raises(RequestError, match="even number"):
            play_match(RandomPlayer(), RandomPlayer(), games, size=9)

    def test_too_many_are_refused_before_they_are_planned(self) -> None:
        with pytest.raises(RequestError, match="choose at most 1000000"):
            plan_games(10**12, size=9)

    def test_an_illegal_move_is_reported(self) -> None:
        class Cheat(RandomPlayer):
            def choose(self, turns: Sequence[Turn]) -> list[ChosenMove]:
                return [ChosenMove(turn.moves[-1], 0.0) for turn in turns]

        with pytest.raises(RequestError, match="player cheat answered"):
            play_match(Cheat("cheat"), RandomPlayer(), 2, size=9)


class TestOpenings:
    @pytest.mark.parametrize("variant", VARIANTS)
    def test_distinct_up_to_symmetry_and_undecided(self, variant: str) -> None:
        openings = distinct_openings(40, np.random.default_rng(0), variant, 13)
        games = [Game.from_moves(moves, variant, 13) for moves in openings]
        assert len({position_key(game.position) for game in games}) == 40
        assert all(game.winner is None for game in games)
        assert {len(moves) for moves in openings} >= {3, 4, 5, 6}

    def test_too_many_are_refused(self) -> None:
        with pytest.raises(RequestError, match=r"only 1 of 2 different openings .* choose fewer games or more plies"):
            distinct_openings(2, np.random.default_rng(0), "pente", 9, (1, 1))

    @settings(max_examples=30, derandomize=True, deadline=None)
    @given(
        st.sampled_from(VARIANTS),
        st.integers(7, 10),
        st.integers(0, MAX_PLIES),
        st.integers(0, MAX_PLIES),
        st.integers(0),
    )
    def test_an_opening_of_any_length_is_legal_and_in_play(
        self, variant: str, size: int, one: int, other: int, seed: int
    ) -> None:
        plies = min(one, other), max(one, other)
        moves, position = random_opening(np.random.default_rng(seed), variant, size, plies)
        assert plies[0] <= len(moves) <= plies[1]
        game = Game.from_moves(moves, variant, size)  # raises for an illegal move, such as one after the end
        assert game.winner is None
        assert position["winner"] == IN_PLAY

    @pytest.mark.parametrize("variant", ["pente", "gomoku"])
    def test_long_openings_on_a_small_board(self, variant: str) -> None:
        openings = distinct_openings(4, np.random.default_rng(0), variant, 7, (20, 30))
        assert all(Game.from_moves(moves, variant, 7).winner is None for moves in openings)

    def test_more_openings_than_there_are_is_refused(self) -> None:
        with pytest.raises(RequestError, match=r"only .* of 3 different openings of 0 to 1 plies") as raised:
            distinct_openings(3, np.random.default_rng(0), "pente", 7, (0, 1))
        assert "\n" not in str(raised.value)

    def test_where_every_random_game_is_over_the_message_says_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(openings_module, "near_points", lambda position: _row_by_row(position))
        with pytest.raises(RequestError, match=r"no opening of 20 to 20 plies .* choose fewer plies or a larger board"):
            random_opening(np.random.default_rng(0), "gomoku", 7, (20, 20))

    def test_impossible_lengths_are_refused(self) -> None:
        with pytest.raises(RequestError, match="0 <= least"):
            distinct_openings(2, np.random.default_rng(0), "pente", 9, (5, 2))


def _row_by_row(position: Position) -> list[int]:
    """The only move: both players fill rows of their own, so that the game ends by a five within ten plies."""
    ply = int(position["ply"])
    return [ply // 2 + 7 * (ply % 2)]


class TestTally:
    def test_draws_count_half(self) -> None:
        assert Tally(wins=1, losses=1, draws=2).score == 0.5
        assert Tally().score == 0.5
