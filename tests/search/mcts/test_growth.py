"""Trees that start small and grow during the search."""

import dataclasses

import numpy as np
import pytest

from alphapente.config import SearchSettings
from alphapente.rules.game import Game
from alphapente.search import Exploration, Forest, SearchResult
from tests.search.evaluators import Root, ScriptedEvaluator, noise_answer

ROOTS: tuple[Root, ...] = ("gumbel", "puct")
SIMULATIONS = 300


def searches(root: Root, first_nodes: int | None, batch: int, max_nodes: int = 2 * SIMULATIONS) -> list[SearchResult]:
    """Two searches of one game, the second with the tree kept from the first."""
    evaluator = ScriptedEvaluator(batch, 9, noise_answer(3, 9, 2.0))
    settings = SearchSettings(root=root, root_solver_nodes=0)
    forest = Forest(
        evaluator, settings, num_trees=1, simulations=SIMULATIONS, max_nodes=max_nodes, first_nodes=first_nodes
    )
    forest.set_position(0, Game.from_moves("1. E5 D4 2. A1 F6", size=9).position)
    rng, results = np.random.default_rng(7), []
    for _ in range(2):
        forest.start(0, rng, Exploration(0.25, 1.0))
        while 0 not in forest.step():
            pass
        results.append(forest.result(0))
        forest.advance(0, results[-1].point)
    if first_nodes is not None and first_nodes < max_nodes:
        assert first_nodes < forest.trees.nodes.shape[1] <= max_nodes
    return results


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("first_nodes", [8, 50])
def test_a_growing_tree_finds_what_one_with_room_from_the_start_finds(root: Root, batch: int, first_nodes: int) -> None:
    for grown, roomy in zip(searches(root, first_nodes, batch), searches(root, None, batch), strict=True):
        for field in dataclasses.fields(SearchResult):
            np.testing.assert_array_equal(getattr(grown, field.name), getattr(roomy, field.name), field.name)
        assert grown.simulations == SIMULATIONS


@pytest.mark.parametrize("root", ROOTS)
def test_growth_ends_at_the_limit(root: Root) -> None:
    """As a tree that can never grow: every simulation is done, a little less deep."""
    limited, full = searches(root, 8, 4, max_nodes=100), searches(root, None, 4, max_nodes=100)
    for grown, roomy in zip(limited, full, strict=True):
        np.testing.assert_array_equal(grown.visits, roomy.visits)
        assert grown.value == roomy.value
