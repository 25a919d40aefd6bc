"""No tree, cache or random state crosses games: a game has the same moves alone, after others and beside others."""

import shlex
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from alphapente.arena.matches.games import GameStart, PlayedGame, play_games
from alphapente.arena.matches.match import plan_games
from alphapente.arena.players.base import Player, PolicyPlayer, RandomPlayer, SearchPlayer
from alphapente.arena.players.clock import ClockPlayer
from alphapente.arena.players.gtp_player import GtpPlayer
from alphapente.arena.players.heuristic import HeuristicEvaluator
from alphapente.arena.players.references import RolloutPlayer, TacticalPlayer
from alphapente.config import SearchSettings
from alphapente.search import Exploration

SIZE = 9
STAND_IN = Path(__file__).with_name("stand_in_engine.py")


def engine() -> Player:
    return GtpPlayer(shlex.join([sys.executable, str(STAND_IN)]), SIZE, processes=2, timeout_s=60.0)


def noisy_search() -> Player:
    """Draws from the game's generator at each move, and records the evaluator's output."""
    exploration = Exploration(noise=0.25, temperature=1.0)
    return SearchPlayer(HeuristicEvaluator(4, SIZE), SearchSettings(), 16, "noisy", exploration)


def by_the_clock() -> Player:
    """Time limit so short that the number of simulations is the minimum on every machine."""
    return ClockPlayer([HeuristicEvaluator(1, SIZE) for _ in range(2)], SearchSettings(), 1e-9, "clock")


MAKERS: dict[str, Callable[[], Player]] = {
    "random": RandomPlayer,
    "tactical": lambda: TacticalPlayer(SIZE),
    "rollouts": lambda: RolloutPlayer(SIZE, simulations=60, threads=2),
    "policy": lambda: PolicyPlayer(HeuristicEvaluator(4, SIZE), "policy"),
    "search": lambda: SearchPlayer(HeuristicEvaluator(4, SIZE), SearchSettings(), 16),
    "noisy search": noisy_search,
    "clock": by_the_clock,
    "engine": engine,
}


def played(name: str, starts: Sequence[GameStart]) -> list[PlayedGame]:
    """Games of new players: the player of this name, and an opponent that draws its moves."""
    with closing(MAKERS[name]()) as player, closing(MAKERS["noisy search"]()) as opponent:
        return play_games(player, opponent, starts, "pente", SIZE)


@pytest.mark.parametrize("name", MAKERS)
def test_a_game_alone_is_the_game_among_others(name: str) -> None:
    """In parallel with others, after others in another order, and alone with new players."""
    starts = plan_games(6, size=SIZE, seed=5)
    with closing(MAKERS[name]()) as player, closing(MAKERS["noisy search"]()) as opponent:
        beside = play_games(player, opponent, starts, "pente", SIZE)
        assert play_games(player, opponent, starts[::-1], "pente", SIZE) == beside[::-1]
    assert all(not game.note for game in beside)
    assert played(name, [starts[3]]) == [beside[3]]


def test_each_game_has_its_own_randomness() -> None:
    """The same opening with other seeds gives another game: the equality above is not for lack of randomness."""
    starts = plan_games(2, size=SIZE, seed=7)
    again = plan_games(2, size=SIZE, seed=8)
    mixed = [GameStart(one.index, one.first, one.opening, other.seed) for one, other in zip(starts, again, strict=True)]
    for name in ("random", "rollouts", "noisy search"):
        assert [game.moves for game in played(name, starts)] != [game.moves for game in played(name, mixed)]
