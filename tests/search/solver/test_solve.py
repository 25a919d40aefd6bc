"""The solver's public interface, and the use of its results in searches."""

from itertools import islice

import numpy as np
import pytest

from alphapente.config import SearchSettings
from alphapente.rules.game import Game
from alphapente.rules.kernels import is_legal, play
from alphapente.rules.notation import parse_point
from alphapente.rules.position import IN_PLAY
from alphapente.rules.tactics import LOSES, UNDECIDED, WINS, tactics
from alphapente.search import Forest, Prover, Solver, search_position, solve
from alphapente.search.mcts.edges import open_edge
from tests.search.evaluators import Answer, Root, ScriptedEvaluator, Stones, noise_answer
from tests.search.random_play import SOUND, open_positions

ROOTS: tuple[Root, ...] = ("gumbel", "puct")
RNG = np.random.default_rng
OPEN_THREE = "1. E5 A1 2. E8 A9 3. E6 J1"
"""Player 1 is to move and has E5 E6 E8."""
THREAT = "1. E5 A1 2. E8 B3 3. E6"
"""Player 2 is to move and must stop that."""


def forest(root: Root, simulations: int = 64, **settings: int) -> Forest:
    chosen = SearchSettings.model_validate({"root": root, "cached_positions": 0, **settings})
    return Forest(ScriptedEvaluator(1, 9, noise_answer(3, 9)), chosen, num_trees=1, simulations=simulations)


def test_the_solver_returns_the_plies_and_the_line() -> None:
    position = Game.from_moves(OPEN_THREE, size=9).position
    solution = solve(position)
    assert solution.won
    assert solution.plies == len(solution.line) == 3
    assert solution.line[0] == parse_point("E7", 9)
    assert solution.positions > 0


def test_a_budget_of_0_looks_at_nothing() -> None:
    solver = Solver(1000)
    attack, threat = (Game.from_moves(moves, size=9).position for moves in (OPEN_THREE, THREAT))
    assert solver.solve(attack).won
    assert not solver.solve(attack, 0).won
    assert solver.defences(threat)
    assert solver.defences(threat, 0) is None


@pytest.mark.parametrize("root", ROOTS)
def test_a_forced_win_needs_no_simulation(root: Root) -> None:
    searches = forest(root)
    result = search_position(searches, Game.from_moves(OPEN_THREE, size=9).position, RNG(0))
    assert (result.proven, result.value, result.simulations, searches.evaluations) == (WINS, 1.0, 0, 0)
    assert result.point == result.principal_variation[0] == parse_point("E7", 9)
    assert result.policy[result.point] == result.policy.sum() == 1.0


@pytest.mark.parametrize("root", ROOTS)
def test_switched_off_it_is_searched(root: Root) -> None:
    searches = forest(root, root_solver_nodes=0, leaf_solver_nodes=0)
    result = search_position(searches, Game.from_moves(OPEN_THREE, size=9).position, RNG(0))
    assert result.simulations > 0
    assert searches.evaluations > 0


@pytest.mark.parametrize("root", ROOTS)
def test_a_threat_leaves_only_what_may_stop_it(root: Root) -> None:
    """E4, E7 and E9 stop the three; every other move loses within four plies, as the exhaustive prover shows."""
    position = Game.from_moves(THREAT, size=9).position
    defences = Solver(64).defences(position)
    assert defences is not None
    lost = set(Prover().losing_moves(position, 3))
    saving = {point for point in range(81) if is_legal(position, point)} - lost
    assert saving <= set(defences)
    result = search_position(forest(root), position, RNG(0))
    assert result.point in defences
    assert set(np.flatnonzero(result.policy)) <= set(defences)
    assert result.policy.sum() == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("root", ROOTS)
def test_a_threat_is_answered_in_a_tree_that_was_kept(root: Root) -> None:
    """The edges of the other moves exist from the search before, and count as lost."""
    game = Game.from_moves("1. E5 A1 2. E8 B3", size=9)
    noise = noise_answer(3, 9)

    def keen(stones: Stones) -> Answer:  # prefers E6, so that it is searched
        logits, value = noise(stones)
        return {**logits, parse_point("E6", 9): 6.0}, value

    settings = SearchSettings(root=root, cached_positions=0)
    searches = Forest(ScriptedEvaluator(1, 9, keen), settings, num_trees=1, simulations=200)
    search_position(searches, game.position, RNG(0))
    searches.advance(0, parse_point("E6", 9))
    assert searches.tree(0).head.num_nodes > 1
    game.play("E6")
    searches.start(0, RNG(0))
    while 0 not in searches.step():
        pass
    result = searches.result(0)
    defences = Solver(64).defences(game.position)
    assert defences is not None
    assert result.point in defences
    first, count = (int(searches.tree(0).nodes[0][name]) for name in ("first_edge", "num_edges"))
    for edge in searches.tree(0).edges[first : first + count]:
        assert edge["point"] in defences or edge["proven"] == LOSES


@pytest.mark.parametrize("root", ROOTS)
def test_where_all_that_may_stop_it_is_known_to_lose_the_root_is_lost(root: Root) -> None:
    """The tree kept from the search before has proven each defence lost: nothing remains to search."""
    position = Game.from_moves(THREAT, size=9).position
    searches = forest(root)
    search_position(searches, position, RNG(0))
    defences = Solver(64).defences(position)
    assert defences
    for point in defences:
        if searches.tree(0).priors[0, point]:
            open_edge(searches.tree(0), 0, point)
    first, count = (int(searches.tree(0).nodes[0][name]) for name in ("first_edge", "num_edges"))
    for edge in searches.tree(0).edges[first : first + count]:
        if edge["point"] in defences:
            edge["proven"] = LOSES
    searches.start(0, RNG(0))
    while 0 not in searches.step():
        pass
    result = searches.result(0)
    assert (result.proven, result.value, result.simulations) == (LOSES, -1.0, 0)
    assert result.point in defences
    assert result.policy.sum() == pytest.approx(1.0, abs=1e-5)
    assert set(np.flatnonzero(result.policy)) <= set(defences)


@pytest.mark.parametrize("root", ROOTS)
def test_leaves_that_are_won_cost_no_evaluation(root: Root) -> None:
    """With the solver at its leaves, the same search needs fewer evaluations and proves more moves lost."""
    position = Game.from_moves("1. E5 A1 2. E8 A9", size=9).position
    lost = []
    for budget in (0, 64):
        searches = forest(root, simulations=200, root_solver_nodes=0, leaf_solver_nodes=budget)
        search_position(searches, position, RNG(0))
        edges = searches.tree(0).edges
        lost.append(int(np.count_nonzero(edges["proven"][: searches.tree(0).head.edges_used])))
    assert lost[1] > lost[0]


@pytest.mark.parametrize("variant", SOUND)
def test_what_leaves_claim_is_true(variant: str) -> None:
    """Moves that a search with the leaf solver proves lost do lose: the solver with a large budget confirms it."""
    checked, judge = 0, Solver(20_000)
    settings = SearchSettings(root="puct", cached_positions=0, root_solver_nodes=0, leaf_solver_nodes=32)
    searches = Forest(ScriptedEvaluator(1, 9, noise_answer(5, 9)), settings, num_trees=1, simulations=60)
    for position in islice(open_positions(variant, (9,), seed=31, most_plies=30), 12):
        result = search_position(searches, position, RNG(0))
        if result.proven != UNDECIDED and result.simulations == 0:
            continue
        first, count = (int(searches.tree(0).nodes[0][name]) for name in ("first_edge", "num_edges"))
        for edge in searches.tree(0).edges[first : first + count]:
            if edge["proven"] != LOSES or edge["child"] >= 0:
                continue
            after = position.copy()
            play(after, int(edge["point"]))
            assert after["winner"] == IN_PLAY
            assert tactics(after)[1]["own_wins"] or judge.solve(after).won
            checked += 1
    assert checked


def test_a_search_of_one_simulation_asks_next_to_nothing() -> None:
    """The raw policy stays the network's: the solver's budget grows with the simulations."""
    searches = forest("gumbel", simulations=1)
    position = Game.from_moves("1. K10 A1 2. K14 A19 3. L10 T1 4. M12 T19 5. M13 A15").position
    solver = Solver(5_000)
    assert solver.solve(position).positions > 100
    assert solver.solve(position, searches.settings.root_solver_nodes).positions < 100
