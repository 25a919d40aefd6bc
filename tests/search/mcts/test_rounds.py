"""Searches with a network made of kernels against the same searches with Python between the kernels."""

from typing import Any, cast

import numpy as np
import pytest

from alphapente.config import SearchSettings
from alphapente.network.evaluator import Outputs, Wanted
from alphapente.network.mixnet import Mixnet
from alphapente.network.mixnet_backend import MixnetEvaluator, quantized
from alphapente.network.models import ModelSpec, build
from alphapente.rules.position import IN_PLAY, Positions
from alphapente.search import Exploration, Forest, SearchResult
from alphapente.search.mcts import forest as forest_module
from tests.network.positions import random_positions

SIZE, SIMULATIONS = 9, 60


class NotKernels:
    """A mixnet behind the general interface of evaluators."""

    def __init__(self, evaluator: MixnetEvaluator) -> None:
        self.board_size, self.batch_size, self.name = evaluator.board_size, evaluator.batch_size, evaluator.name
        self.input = evaluator.input
        self._evaluator = evaluator

    def evaluate(self, positions: Positions, wanted: Wanted | None = None) -> Outputs:
        return self._evaluator.evaluate(positions, wanted)

    def load_weights(self, source: Any) -> None:
        self._evaluator.load_weights(source)


def evaluator(batch: int) -> MixnetEvaluator:
    model = build(ModelSpec("mixnet", "alphapente.network.mixnet:Mixnet", {"channels": 16}), seed=3)
    return MixnetEvaluator(quantized(cast(Mixnet, model)), batch, SIZE)


def games(forest: Forest, plies: int) -> list[tuple[int, SearchResult]]:
    """The results of the searches of some games by tree; each tree plays its moves without waiting for the others."""
    found: list[tuple[int, SearchResult]] = []
    rng = [np.random.default_rng(tree) for tree in range(len(forest.trees.heads))]
    left = [plies] * len(rng)
    for tree, position in enumerate(random_positions(SIZE, len(rng), seed=5, max_plies=8)):
        forest.set_position(tree, position)
        forest.start(tree, rng[tree], Exploration(0.2, 1.0))
    while any(left):
        for tree in forest.step():
            result = forest.result(tree)
            found.append((tree, result))
            left[tree] -= 1
            if left[tree]:
                forest.advance(tree, result.point)
                if forest.position(tree)["winner"] != IN_PLAY:
                    left[tree] = 0
                else:
                    forest.start(tree, rng[tree], Exploration(0.2, 1.0))
    return sorted(found, key=lambda each: each[0])


@pytest.mark.parametrize(("trees", "places"), [(1, 1), (1, 4), (3, 3), (9, 9)])
@pytest.mark.parametrize("root", ["gumbel", "puct"])
def test_rounds_find_what_single_calls_find(
    trees: int, places: int, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forest_module, "EVALUATIONS_A_CALL", 7)
    settings = SearchSettings(root=root)  # type: ignore[arg-type]
    forests = [
        Forest(one, settings, num_trees=trees, simulations=SIMULATIONS, first_nodes=20)
        for one in (evaluator(places), NotKernels(evaluator(places)))
    ]
    ours, expected = (games(forest, 3) for forest in forests)
    assert [tree for tree, _ in ours] == [tree for tree, _ in expected]
    for (_, one), (_, other) in zip(ours, expected, strict=True):
        assert one.point == other.point
        assert one.value == other.value
        np.testing.assert_array_equal(one.policy, other.policy)
        np.testing.assert_array_equal(one.visits, other.visits)
    assert forests[0].evaluations == forests[1].evaluations > 0


def test_a_call_returns_after_its_evaluations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forest_module, "EVALUATIONS_A_CALL", 5)
    forest = Forest(evaluator(1), SearchSettings(), num_trees=1, simulations=SIMULATIONS)
    forest.set_position(0, random_positions(SIZE, 1, seed=6, max_plies=2)[0])
    forest.start(0, np.random.default_rng(0))
    counts = [0]
    while 0 not in forest.step():
        counts.append(forest.evaluations)
    assert len(counts) > 3
    assert max(np.diff(counts)) <= 6  # the root, and five more
