"""Several leaves of one tree in flight at once, and whole games of all variants."""

import numpy as np
import pytest

from alphapente.config import SearchSettings
from alphapente.rules.game import Game
from alphapente.rules.kernels import is_legal
from alphapente.rules.position import IN_PLAY, VARIANTS, new_positions
from alphapente.search import Exploration, Forest, search_position
from tests.search.evaluators import Root, ScriptedEvaluator, noise_answer
from tests.search.oracle import check_sums, count_nodes, read_tree

RNG = np.random.default_rng
ROOTS: tuple[Root, ...] = ("gumbel", "puct")


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("virtual_loss", [0.0, 1.0, 3.0])
def test_nothing_is_lost_or_looked_at_twice(root: Root, virtual_loss: float) -> None:
    settings = SearchSettings(root=root, virtual_loss=virtual_loss)
    forest = Forest(ScriptedEvaluator(8, 9, noise_answer(5, 9)), settings, num_trees=1, simulations=301)
    game = Game.from_moves("1. E5 E6 2. B2 B7 3. H7 G2", size=9)
    result = search_position(forest, game.position, RNG(0))
    tree = read_tree(forest.tree(0))
    check_sums(tree)
    assert result.proven or result.simulations == 301
    assert tree.visits == 1 + result.simulations
    assert count_nodes(tree) == forest.tree(0).head.num_nodes == forest.evaluations
    assert not forest.busy()


def test_virtual_loss_fills_the_batch() -> None:
    """Most calls of the network carry several leaves."""
    forest = Forest(
        ScriptedEvaluator(8, 9, noise_answer(5, 9)), SearchSettings(root="puct"), num_trees=1, simulations=400
    )
    forest.set_position(0, Game.from_moves("1. E5 E6 2. B2 E4", size=9).position)
    forest.start(0, RNG(0))
    calls = 0
    while 0 not in forest.step():
        calls += 1
    assert forest.evaluations / calls > 5


def test_more_places_than_the_search_can_use() -> None:
    """Two simulations and eight slots."""
    for root in ROOTS:
        forest = Forest(
            ScriptedEvaluator(8, 9, noise_answer(5, 9)), SearchSettings(root=root), num_trees=1, simulations=2
        )
        result = search_position(forest, Game.from_moves("1. E5 E6 2. B2 E4", size=9).position, RNG(0))
        assert result.simulations == 2


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("size", [7, 13, 19])
def test_whole_games(variant: str, root: Root, size: int) -> None:
    """Concurrent games from the empty board to the end, with tree reuse and noise: every move legal, sums right."""
    games = 3
    forest = Forest(
        ScriptedEvaluator(games, size, noise_answer(6, size)),
        SearchSettings(root=root),
        num_trees=games,
        simulations=12,
    )
    empty = new_positions(1, variant, size)[0]
    rngs = [RNG([seed, size]) for seed in range(games)]
    for tree in range(games):
        forest.set_position(tree, empty)
        forest.start(tree, rngs[tree], Exploration(0.3, 1.0))
    most = 40 if size == 19 else 60
    played = [0] * games
    while forest.busy() or forest.done():
        for tree in forest.step():
            result = forest.result(tree)
            assert is_legal(forest.position(tree), result.point)
            assert result.policy.sum() == pytest.approx(1.0, abs=1e-4)
            assert -1.0001 <= result.value <= 1.0001
            forest.advance(tree, result.point)
            played[tree] += 1
            if forest.position(tree)["winner"] == IN_PLAY and played[tree] < most:
                forest.start(tree, rngs[tree], Exploration(0.3, 1.0))
    assert min(played) > 5
