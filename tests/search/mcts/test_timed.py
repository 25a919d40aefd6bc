"""A search within a budget: every end of it, its progress, and the rounds that it takes."""

import time

import numpy as np
import pytest

from alphapente.arena.players.heuristic import HeuristicEvaluator
from alphapente.config import SearchSettings
from alphapente.rules.game import Game
from alphapente.rules.notation import parse_point
from alphapente.search import Forest, SearchResult
from alphapente.search.mcts.timed import FIRST_SIMULATIONS, Budget, TimedSearch
from tests.search.evaluators import Root

ROOTS: tuple[Root, ...] = ("gumbel", "puct")
QUIET = "1. E5 E6 2. B2 E4"
LONG_S = 10_000.0
"""More than any test takes."""


def forest_at(moves: str, root: Root, simulations: int = 10_000) -> Forest:
    forest = Forest(
        HeuristicEvaluator(4, 9), SearchSettings(root=root), num_trees=1, simulations=simulations, first_nodes=64
    )
    forest.set_position(0, Game.from_moves(moves, size=9).position)
    return forest


def begun(forest: Forest, budget: Budget, began: float | None = None, even_if_forced: bool = False) -> TimedSearch:
    rng, began = np.random.default_rng(0), time.monotonic() if began is None else began
    return TimedSearch(forest, rng, budget, began=began, even_if_forced=even_if_forced)


def finished(search: TimedSearch) -> SearchResult:
    while not search.step():
        assert search.result is None
    assert search.result is not None
    return search.result


@pytest.mark.parametrize("root", ROOTS)
def test_a_number_of_simulations_is_made_exactly(root: Root) -> None:
    result = finished(begun(forest_at(QUIET, root), Budget(300)))
    assert result.simulations == int(result.visits.sum()) == 300


@pytest.mark.parametrize("root", ROOTS)
def test_with_much_time_the_simulations_are_the_end(root: Root) -> None:
    """At a Gumbel root in rounds, each of which counts the visits of the one before."""
    forest = forest_at(QUIET, root)
    search = begun(forest, Budget(300, LONG_S))
    planned = {int(forest.tree(0).head.budget)}
    while not search.step():
        planned.add(int(forest.tree(0).head.budget))
    assert planned == ({FIRST_SIMULATIONS, 300} if root == "gumbel" else {300})
    assert search.result is not None
    assert search.result.simulations == int(search.result.visits.sum()) == 300
    assert search.speed > 0


@pytest.mark.parametrize("root", ROOTS)
def test_when_the_time_is_over_one_batch_is_enough_for_a_move(root: Root) -> None:
    result = finished(begun(forest_at(QUIET, root), Budget(seconds=1.0), began=time.monotonic() - 2.0))
    assert result.point in Game.from_moves(QUIET, size=9).legal_points()
    assert result.simulations <= 4


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("budget", [Budget(10_000), Budget(seconds=LONG_S)])
@pytest.mark.parametrize("batches", [0, 1, 5])
def test_a_stop_ends_it_with_what_it_has(root: Root, budget: Budget, batches: int) -> None:
    search = begun(forest_at(QUIET, root), budget)
    for _ in range(batches):
        assert not search.step()
    search.stop()
    result = finished(search)
    assert result.point in Game.from_moves(QUIET, size=9).legal_points()
    assert result.simulations <= 4 * batches
    assert (result.simulations > 0) == (batches > 1), "the first batch evaluates the root"


def test_a_stop_between_two_rounds_keeps_the_result_of_the_first() -> None:
    forest = forest_at(QUIET, "gumbel")
    search = begun(forest, Budget(seconds=LONG_S))
    while int(forest.tree(0).head.budget) == FIRST_SIMULATIONS:
        assert not search.step()
    search.stop()
    result = finished(search)
    assert result.simulations == int(result.visits.sum()) == FIRST_SIMULATIONS
    assert result.point == finished(begun(forest_at(QUIET, "gumbel"), Budget(FIRST_SIMULATIONS))).point


def test_a_budget_larger_than_the_forests_takes_several_rounds_at_a_puct_root() -> None:
    search = begun(forest_at(QUIET, "puct", simulations=100), Budget(250))
    seen: list[int] = []
    while not search.step():
        now = search.look()
        if now is not None:
            seen.append(now.simulations)
            assert now.simulations == int(now.visits.sum())
    assert search.result is not None
    assert search.result.simulations == int(search.result.visits.sum()) == 250
    assert seen == sorted(seen)
    assert 0 < seen[0] < 100 < seen[-1] <= 250


def test_there_is_no_result_so_far_before_the_root_is_evaluated() -> None:
    search = begun(forest_at(QUIET, "puct"), Budget(50))
    assert search.look() is None


@pytest.mark.parametrize("budget", [Budget(300), Budget(seconds=LONG_S), Budget(300, LONG_S)])
@pytest.mark.parametrize("root", ROOTS)
def test_a_proven_position_needs_no_time(root: Root, budget: Budget) -> None:
    result = finished(begun(forest_at("1. E5 A1 2. E8 A3 3. E6 A5 4. E7 A7", root), budget))
    assert (result.simulations, result.value) == (0, 1.0)


@pytest.mark.parametrize("root", ROOTS)
def test_the_only_move_is_played_at_once_and_evaluated_on_request(root: Root) -> None:
    """Player 2 must stop a four that is closed on one side."""
    four = "1. E5 A5 2. B5 H8 3. C5 G2 4. D5"
    move = finished(begun(forest_at(four, root), Budget(seconds=LONG_S)))
    assert (move.simulations, move.point) == (1, parse_point("F5", 9))
    evaluation = finished(begun(forest_at(four, root), Budget(60, LONG_S), even_if_forced=True))
    assert evaluation.proven or evaluation.simulations == 60
    assert evaluation.point == move.point


def test_the_measured_speed_plans_the_next_search() -> None:
    forest = forest_at(QUIET, "gumbel")
    rng = np.random.default_rng(0)
    TimedSearch(forest, rng, Budget(5_000, 1000.0), began=time.monotonic(), speed=2.0)
    assert 1_800 < int(forest.tree(0).head.budget) <= 1_900, "95% of the time at two simulations a second"
