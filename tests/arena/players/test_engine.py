"""The engine that plays against a person: its tree follows the game, and its analysis agrees with the tree."""

from typing import Literal

import numpy as np
import pytest

from alphapente.arena.players.engine import Engine
from alphapente.arena.players.heuristic import HeuristicEvaluator
from alphapente.config import SearchSettings
from alphapente.rules.game import Game


def make(simulations: int = 64, seconds: float | None = None, root: Literal["gumbel", "puct"] = "gumbel") -> Engine:
    evaluator = HeuristicEvaluator(8, 9)
    return Engine(
        evaluator, SearchSettings(root=root), np.random.default_rng(0), simulations=simulations, seconds=seconds
    )


def test_it_follows_the_game_forwards_and_back() -> None:
    engine, game = make(), Game(size=9)
    for _ in range(6):
        game.play(engine.think(game).result.point)
    for _ in range(3):
        game.undo()
    analysis = engine.think(game)
    assert analysis.result.point in game.legal_points()
    assert engine.think(game) is analysis, "the same position is not searched twice"
    other = Game.from_moves("1. E5 E6 2. B2", variant="keryo", size=9)
    assert engine.think(other).result.point in other.legal_points()


def test_candidates_agree_with_the_tree() -> None:
    engine, game = make(), Game.from_moves("1. E5 E6 2. B2 E4", size=9)
    analysis = engine.think(game)
    assert analysis.candidates[0].point == analysis.result.point
    assert sum(one.visits for one in analysis.candidates) == 64
    assert all(one.line[0] == one.point for one in analysis.candidates)
    assert all(-1 <= one.value <= 1 for one in analysis.candidates)


def test_proven_positions_have_candidates_too() -> None:
    game = Game.from_moves("1. E5 A1 2. E8 A3 3. E6 A5 4. E7 A7", size=9)
    analysis = make().think(game)
    assert analysis.result.point in {one.point for one in analysis.candidates}
    assert analysis.result.value == 1.0
    assert len(analysis.candidates) == 2


@pytest.mark.parametrize("root", ["gumbel", "puct"])
@pytest.mark.parametrize("seconds", [0.1, 0.4])
def test_seconds_are_kept(seconds: float, root: Literal["gumbel", "puct"]) -> None:
    game = Game.from_moves("1. E5 E6 2. B2 E4", size=9)
    make(seconds=0.01, root=root).think(game)  # kernels compiled
    analysis = make(seconds=seconds, root=root).think(game)
    assert analysis.result.point in game.legal_points()
    assert analysis.result.proven or 0.9 * seconds <= analysis.elapsed_s


def test_with_a_time_limit_it_searches_by_the_settings() -> None:
    """Gumbel's root considers few moves, PUCT's any number."""
    game = Game.from_moves("1. E5 E6 2. B2 E4", size=9)
    settings = SearchSettings(considered_points=2)
    engine = Engine(HeuristicEvaluator(8, 9), settings, np.random.default_rng(0), simulations=1, seconds=0.3)
    assert np.count_nonzero(engine.think(game).result.visits) == 2


def test_a_person_ends_a_search_early() -> None:
    game = Game.from_moves("1. E5 E6 2. B2 E4", size=9)
    analysis = make(seconds=3000.0).think(game, stop=lambda: True)
    assert analysis.result.point in game.legal_points()
