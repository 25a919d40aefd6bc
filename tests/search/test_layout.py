"""The numbers that stand for no index: arrays refuse them, and the search never uses one as an index."""

import os
import subprocess
import sys

import numpy as np
import pytest

from alphapente.rules.position import CELLS
from alphapente.search.layout import IN_FLIGHT, MOST_ITEMS, NO_POINT, NOTHING, UNEXPANDED, UNOPENED
from alphapente.search.mcts.tree import EDGE, NODE, new_trees
from alphapente.search.solver.proof import PROOF_NODE, new_proof

NO_INDEX = (NOTHING, UNEXPANDED, IN_FLIGHT, UNOPENED)

SEARCH = """
import numpy as np
from alphapente.arena.players.heuristic import HeuristicEvaluator
from alphapente.config import SearchSettings
from alphapente.rules.game import Game
from alphapente.search import Exploration, Forest, search_position
settings = SearchSettings(root=ROOT, root_solver_nodes=1, leaf_solver_nodes=1, forced_playouts=2.0)
forest = Forest(HeuristicEvaluator(2, 7), settings, num_trees=1, simulations=8, first_nodes=4)
result = search_position(forest, Game.from_moves("1. D4 D5 2. A1 E5", size=7).position, np.random.default_rng(1),
                         Exploration(0.25, 1.0))
forest.advance(0, result.point)
print(result.point, result.simulations, len(result.principal_variation) > 0)
"""
"""A search with all its parts: both kinds of leaf, growth, the solver, and the subtree kept afterwards."""


def test_they_differ_and_fit_the_fields_that_hold_them() -> None:
    assert len({*NO_INDEX, NO_POINT}) == 5
    for number in NO_INDEX:
        assert int(np.array([number], np.int32)[0]) == number
    assert int(np.array([NO_POINT], np.int16)[0]) == NO_POINT
    for dtype, fields in ((EDGE, ("child",)), (PROOF_NODE, ("parent", "same"))):
        assert all(dtype[name] == np.int32 for name in fields)
    for dtype, fields in ((NODE, ("next_point",)), (PROOF_NODE, ("cell", "hint"))):
        assert all(dtype[name] == np.int16 for name in fields)


def test_no_array_has_such_an_index() -> None:
    """The largest array that may be allocated, which a broadcast makes without memory."""
    largest = np.broadcast_to(np.zeros((), np.int8), (MOST_ITEMS,))
    for number in NO_INDEX:
        with pytest.raises(IndexError):
            largest[number]
    with pytest.raises(IndexError):
        np.zeros(CELLS, np.int8)[NO_POINT]


def test_larger_arrays_are_refused() -> None:
    with pytest.raises(AssertionError):
        new_trees(1, MOST_ITEMS // 4 + 1, 49)
    with pytest.raises(AssertionError):
        new_proof(MOST_ITEMS // 4 + 1)


@pytest.mark.parametrize("root", ["gumbel", "puct"])
def test_a_search_uses_none_of_them_as_an_index(root: str) -> None:
    """In plain Python, where each index is checked."""
    program = SEARCH.replace("ROOT", repr(root))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[1:] == ["8", "True"]
