"""Tree reuse between two moves."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from alphapente.config import SearchSettings
from alphapente.rules.game import Game
from alphapente.search import Exploration, Forest, search_position
from alphapente.search.mcts.gumbel_root import visits_due
from alphapente.search.mcts.reuse import keep_subtree, new_compaction
from tests.search.evaluators import Root, ScriptedEvaluator, noise_answer
from tests.search.oracle import count_nodes, read_tree

RNG = np.random.default_rng
ROOTS: tuple[Root, ...] = ("gumbel", "puct")


def grown(seed: int, root: Root, simulations: int = 200) -> Forest:
    evaluator = ScriptedEvaluator(1, 7, noise_answer(seed, 7, 2.0))
    forest = Forest(evaluator, SearchSettings(root=root), num_trees=1, simulations=simulations)
    search_position(forest, Game.from_moves("1. D4 C3 2. A1 D5", size=7).position, RNG(seed), Exploration(0.3, 1.0))
    return forest


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("seed", range(5))
def test_subtree_is_kept_as_it_was(seed: int, root: Root) -> None:
    """For each child of the root: the new tree equals the subtree of the old one, moved to the front."""
    forest = grown(seed, root)
    trees, tree = forest.trees, forest.tree(0)
    whole = read_tree(tree)
    arrays: list[NDArray[Any]] = list(trees)
    saved = [array.copy() for array in arrays]
    for edge in whole.edges:
        for array, old in zip(arrays, saved, strict=True):
            array[...] = old
        kept = keep_subtree(tree, edge.point, new_compaction(trees))
        assert kept == (edge.child is not None)
        if edge.child is None:
            assert read_tree(tree) == whole
            continue
        assert read_tree(tree) == edge.child
        assert tree.head.num_nodes == count_nodes(edge.child)
        blocks = sorted((int(node.first_edge), int(node.room)) for node in tree.nodes[: tree.head.num_nodes])
        ends = [first + room for first, room in blocks]
        assert all(end <= following for end, (following, _) in zip(ends, blocks[1:], strict=False))
        assert tree.head.edges_used == sum(room for _, room in blocks)


@pytest.mark.parametrize("root", ROOTS)
def test_unknown_move_keeps_nothing(root: Root) -> None:
    forest = grown(1, root)
    never = next(p for p in range(48, 0, -1) if p not in [edge.point for edge in read_tree(forest.tree(0)).edges])
    assert not keep_subtree(forest.tree(0), never, new_compaction(forest.trees))


def advanced(root: Root) -> tuple[Forest, int]:
    """A forest with the subtree of the best move of a search, and the visits of that move."""
    forest = grown(2, root)
    branch = max((edge for edge in read_tree(forest.tree(0)).edges if edge.child), key=lambda edge: edge.visits)
    assert branch.child is not None
    forest.advance(0, branch.point)
    assert forest.position(0)["last"] == branch.point
    return forest, branch.child.visits


def test_puct_search_continues_from_the_kept_visits() -> None:
    forest, kept = advanced("puct")
    forest.start(0, RNG(0))
    before = forest.evaluations
    while 0 not in forest.step():
        pass
    result = forest.result(0)
    assert read_tree(forest.tree(0)).visits == kept + result.simulations
    assert forest.evaluations - before <= result.simulations


def test_gumbel_lets_kept_visits_stand_for_simulations() -> None:
    """Every considered move gets the visits of the schedule, and uses kept visits first."""
    forest, kept = advanced("gumbel")
    kept_of = {edge.point: edge.visits for edge in read_tree(forest.tree(0)).edges}
    forest.start(0, RNG(0))
    while 0 not in forest.step():
        pass
    result = forest.result(0)
    assert not result.proven
    assert result.simulations == 200
    counted = forest.tree(0).root_count
    visits = [0] * int((counted >= 0).sum())
    for number in range(200):
        visits[visits.index(visits_due(len(visits), 200, number))] += 1
    assert sorted(counted[counted >= 0].tolist()) == sorted(visits)
    taken = sum(min(kept_of.get(int(point), 0), int(counted[point])) for point in np.flatnonzero(counted >= 0))
    assert taken > 20
    assert read_tree(forest.tree(0)).visits == kept + 200 - taken


@pytest.mark.parametrize("root", ROOTS)
def test_without_reuse_every_search_is_fresh(root: Root) -> None:
    """A search after `advance` equals one of the same position in a new forest."""
    settings = SearchSettings(root=root, tree_reuse=False)
    used = Forest(ScriptedEvaluator(1, 7, noise_answer(3, 7)), settings, num_trees=1, simulations=50)
    fresh = Forest(ScriptedEvaluator(1, 7, noise_answer(3, 7)), settings, num_trees=1, simulations=50)
    game = Game.from_moves("1. D4 C3 2. A1 D5", size=7)
    first = search_position(used, game.position, RNG(0))
    game.play(first.point)
    used.advance(0, first.point)
    used.start(0, RNG(1))
    while 0 not in used.step():
        pass
    one, two = used.result(0), search_position(fresh, game.position, RNG(1))
    assert (one.visits == two.visits).all()
    assert (one.policy == two.policy).all()
