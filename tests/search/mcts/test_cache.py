"""Evaluations are cached, and the cache changes nothing except the number of evaluations."""

import numpy as np
import pytest

from alphapente.arena.players.heuristic import HeuristicEvaluator
from alphapente.config import SearchSettings
from alphapente.rules.game import Game
from alphapente.rules.position import IN_PLAY, new_positions
from alphapente.rules.symmetry import SYMMETRIES, transform_positions
from alphapente.search import Exploration, Forest, SearchResult, search_position
from alphapente.search.layout import NOTHING
from alphapente.search.mcts.cache import find, new_cache, recall, remember
from tests.search.evaluators import Root, ScriptedEvaluator, noise_answer

RNG = np.random.default_rng
ROOTS: tuple[Root, ...] = ("gumbel", "puct")
OPENED = "1. E5 E6 2. B2 B3 3. G7 C3"


def test_room_is_a_power_of_two() -> None:
    assert [len(new_cache(positions, 49).keys) for positions in (0, 1, 2, 3, 1000)] == [0, 1, 2, 4, 1024]


def test_an_answer_is_recalled_as_the_board_lies() -> None:
    cache = new_cache(64, 49)
    priors, seen = np.arange(49, dtype=np.uint16), np.empty(49, np.uint16)
    there, back = SYMMETRIES[7][5], SYMMETRIES[7][0]
    remember(cache, np.uint64(77), 0.25, priors, there)
    place = find(cache, np.uint64(77))
    assert cache.values[place] == 0.25
    recall(cache, place, there, seen)
    assert (seen == priors).all()
    recall(cache, place, back, seen)
    assert (seen[there] == priors).all()
    assert find(cache, np.uint64(77 + 64)) == NOTHING
    remember(cache, np.uint64(77 + 64), 0.5, priors, there)
    assert find(cache, np.uint64(77)) == NOTHING


def game_of(root: Root, positions: int, plies: int = 6) -> tuple[list[SearchResult], Forest]:
    """The searches of one game with a cache of this size."""
    settings = SearchSettings(root=root, cached_positions=positions)
    forest = Forest(HeuristicEvaluator(1, 9), settings, num_trees=1, simulations=200)
    forest.set_position(0, Game.from_moves(OPENED, size=9).position)
    results: list[SearchResult] = []
    rng = RNG(4)
    while len(results) < plies and forest.position(0)["winner"] == IN_PLAY:
        forest.start(0, rng, Exploration(0.25, 0.5))
        while 0 not in forest.step():
            pass
        results.append(forest.result(0))
        forest.advance(0, results[-1].point)
    return results, forest


@pytest.mark.parametrize("root", ROOTS)
def test_memory_changes_nothing_but_the_number_of_questions(root: Root) -> None:
    """A small cache against a large one, one leaf at a time: with several in flight a cached leaf would end earlier."""
    little, few = game_of(root, 1)
    much, many = game_of(root, 4096)
    assert len(little) > 3
    for one, two in zip(little, much, strict=True):
        assert one.point == two.point
        assert (one.policy == two.policy).all()
        assert one.value == two.value
    assert many.evaluations < few.evaluations


def test_a_transformed_position_is_not_evaluated_again() -> None:
    evaluator = ScriptedEvaluator(1, 9, noise_answer(2, 9))
    forest = Forest(evaluator, SearchSettings(root="puct"), num_trees=1, simulations=1)
    position = Game.from_moves(OPENED, size=9).position
    positions = new_positions(1, "pente", 9)
    positions[0] = position
    first = search_position(forest, position, RNG(0))
    logits = forest.tree(0).root_logits.copy()
    for symmetry in range(1, 8):
        before = forest.evaluations
        transformed = search_position(forest, transform_positions(positions, symmetry)[0], RNG(0))
        assert transformed.raw_value == first.raw_value
        assert forest.tree(0).root_logits[SYMMETRIES[9][symmetry]] == pytest.approx(logits, abs=0.02)
        assert forest.evaluations == before, "root and leaf were both known, but for their turning"


def test_new_weights_clear_the_cache() -> None:
    evaluator = ScriptedEvaluator(1, 9, noise_answer(2, 9))
    forest = Forest(evaluator, SearchSettings(root="puct"), num_trees=1, simulations=1)
    position = Game.from_moves(OPENED, size=9).position
    search_position(forest, position, RNG(0))
    asked = forest.evaluations
    search_position(forest, position, RNG(0))
    assert forest.evaluations == asked
    forest.load_weights(None)
    search_position(forest, position, RNG(0))
    assert forest.evaluations == 2 * asked
