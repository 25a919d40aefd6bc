"""Searches whose trees are small enough to check on paper."""

import tracemalloc

import numpy as np
import pytest

from alphapente.arena.players.heuristic import HeuristicEvaluator
from alphapente.config import SearchSettings
from alphapente.network.evaluator import UniformEvaluator
from alphapente.rules.game import Game
from alphapente.rules.kernels import is_legal
from alphapente.rules.notation import parse_point
from alphapente.rules.position import IN_PLAY, MAX_PLIES, POSITION, VARIANTS, new_positions
from alphapente.rules.tactics import DRAWS, LOSES, WINS
from alphapente.search import Exploration, Forest, search_position
from alphapente.search.mcts.puct import select_puct
from tests.rules.long_game import long_game
from tests.search.evaluators import Answer, Root, ScriptedEvaluator, Stones, noise_answer
from tests.search.oracle import agrees, check_sums, count_nodes, drawn, plain_puct, read_tree

ROOTS: tuple[Root, ...] = ("gumbel", "puct")
PUCT = SearchSettings(root="puct", cached_positions=0, leaf_solver_nodes=0)
"""No symmetry (no cache): these networks know the points of the board by name. What is known of a leaf comes from them
alone, or from its tactics."""
RNG = np.random.default_rng


def points(*names: str, size: int = 9) -> list[int]:
    return [parse_point(name, size) for name in names]


@pytest.fixture
def opened() -> Game:
    return Game.from_moves("1. E5 E6 2. B2", size=9)


class TestGoldenTrees:
    """Three moves are likely at the root and everywhere; the value of each is scripted."""

    def answer(self, stones: Stones) -> Answer:
        c3, c7, g7 = points("C3", "C7", "G7")
        own, enemy = stones
        logits = {c3: 9.0, c7: 8.0, g7: 7.0}
        # The player with C3 has the better position, the one with C7 the worse.
        value = (0.5 if c3 in own else 0.0) - (0.5 if c3 in enemy else 0.0)
        value += (0.3 if c7 in enemy else 0.0) - (0.3 if c7 in own else 0.0)
        return logits, value

    def search(self, game: Game, settings: SearchSettings, simulations: int) -> Forest:
        forest = Forest(ScriptedEvaluator(1, 9, self.answer), settings, num_trees=1, simulations=simulations)
        search_position(forest, game.position, RNG(0))
        return forest

    def test_puct(self, opened: Game) -> None:
        assert drawn(self.search(opened, PUCT, 8)) == GOLDEN_PUCT

    def test_gumbel(self, opened: Game) -> None:
        settings = SearchSettings(root="gumbel", considered_points=4, cached_positions=0, leaf_solver_nodes=0)
        assert drawn(self.search(opened, settings, 8)) == GOLDEN_GUMBEL


# A line: the move, its visits, its mean value for the player who makes it. C3's 7 visits: +0.5 by the network
# at once, 3 times +0.8 through C7, 3 times +0.3 through G7: together +3.8, on average +0.54.
GOLDEN_PUCT = """\
root 9x +0.39
  C7 1x -0.30
  C3 7x +0.54
    C7 3x -0.80
      G7 2x +0.80
        A9 1x -0.80
    G7 3x -0.30
      C7 2x +0.20
        A9 1x -0.20"""

# Sequential halving: four moves once each, then the two best (C3, and G7 by its prior) twice more.
GOLDEN_GUMBEL = """\
root 9x +0.06
  C3 3x +0.70
    C7 2x -0.80
      G7 1x +0.80
  C7 1x -0.30
  G7 3x -0.43
    C3 2x +0.65
      C7 1x -0.80
  A9 1x +0.00"""


class TestKnownMoves:
    @pytest.mark.parametrize("root", ROOTS)
    @pytest.mark.parametrize("simulations", [1, 2, 16])
    def test_five_is_completed(self, root: Root, simulations: int) -> None:
        game = Game.from_moves("1. E5 A1 2. E8 A3 3. E6 A5 4. E7 A7", size=9)
        forest = Forest(UniformEvaluator(1, 9), SearchSettings(root=root), num_trees=1, simulations=simulations)
        result = search_position(forest, game.position, RNG(0))
        assert result.point in points("E4", "E9")
        assert (result.value, result.proven) == (1.0, WINS)

    @pytest.mark.parametrize("root", ROOTS)
    def test_open_three_becomes_an_open_four(self, root: Root) -> None:
        game = Game.from_moves("1. E5 A1 2. E8 A9 3. E6 J1", size=9)
        forest = Forest(HeuristicEvaluator(1, 9), SearchSettings(root=root), num_trees=1, simulations=200)
        result = search_position(forest, game.position, RNG(0))
        assert result.point == parse_point("E7", 9)
        assert result.proven == WINS
        assert result.value == 1.0
        assert result.policy[result.point] == pytest.approx(1.0)

    @pytest.mark.parametrize("root", ROOTS)
    def test_lost_position_is_proven_lost(self, root: Root) -> None:
        """An open four, and nothing to capture."""
        game = Game.from_moves("1. E5 A1 2. E8 A3 3. E6 A5 4. E7", size=9)
        forest = Forest(UniformEvaluator(1, 9), SearchSettings(root=root), num_trees=1, simulations=50)
        result = search_position(forest, game.position, RNG(0))
        assert (result.value, result.proven) == (-1.0, LOSES)
        assert result.point in points("E4", "E9")

    @pytest.mark.parametrize("root", ROOTS)
    def test_losing_replies_are_avoided(self, root: Root) -> None:
        """Poof keeps all replies; every one that leaves the five open is proven lost and not played."""
        game = Game.from_moves("1. E5 A1 2. E8 E9 3. E6 A5 4. E7", variant="poof", size=9)
        forest = Forest(UniformEvaluator(1, 9), SearchSettings(root=root), num_trees=1, simulations=300)
        result = search_position(forest, game.position, RNG(0))
        assert result.point == parse_point("E4", 9)

    @pytest.mark.parametrize("root", ROOTS)
    def test_draw_on_a_nearly_full_board(self, root: Root) -> None:
        """Two points are empty and nobody can make five: proven drawn, value 0, whatever the network returns."""
        position = new_positions(1, "gomoku", 7)[0]
        from alphapente.rules.position import CELL_OF

        for point in range(47):
            row, column = divmod(point, 7)
            position["board"][CELL_OF[7, point]] = 1 + (row // 2 + column) % 2
        position["ply"], position["to_move"] = 47, 2
        evaluator = ScriptedEvaluator(1, 7, lambda _: ({}, 0.9))
        forest = Forest(evaluator, SearchSettings(root=root), num_trees=1, simulations=50)
        result = search_position(forest, position, RNG(0))
        assert (result.value, result.proven) == (0.0, DRAWS)
        assert result.point in (47, 48)


class TestValueSigns:
    """The network evaluates `wanted` as good for player 1, whoever is to move."""

    def make(self, root: Root) -> Forest:
        def answer(stones: Stones) -> Answer:
            own, enemy = stones
            player_1_moves = len(own) == len(enemy)
            return {}, 0.6 if player_1_moves else -0.6

        return Forest(
            ScriptedEvaluator(1, 9, answer), SearchSettings(root=root, cached_positions=0), num_trees=1, simulations=40
        )

    @pytest.mark.parametrize("root", ROOTS)
    @pytest.mark.parametrize("moves", ["1. E5 E6 2. B2 B3", "1. E5 E6 2. B2 B3 3. G7"])
    def test_value_is_the_movers(self, root: Root, moves: str) -> None:
        game = Game.from_moves(moves, variant="gomoku", size=9)  # no captures: stones show whose turn it is
        result = search_position(self.make(root), game.position, RNG(0))
        sign = 1 if game.to_move == 1 else -1
        assert result.raw_value == pytest.approx(0.6 * sign)
        assert result.value == pytest.approx(0.6 * sign, abs=0.01)

    @pytest.mark.parametrize("root", ROOTS)
    @pytest.mark.parametrize("moves", ["1. E5 E6 2. B2 B3", "1. E5 E6 2. B2 B3 3. G7"])
    def test_move_that_is_bad_for_the_opponent_is_good(self, root: Root, moves: str) -> None:
        game = Game.from_moves(moves, size=9)
        good, bad = points("C7", "G3")

        def answer(stones: Stones) -> Answer:
            own, enemy = stones
            value = (0.7 if good in own else 0.0) - (0.7 if good in enemy else 0.0)
            value += (0.7 if bad in enemy else 0.0) - (0.7 if bad in own else 0.0)
            return {good: 3.0, bad: 3.2}, value

        forest = Forest(
            ScriptedEvaluator(1, 9, answer), SearchSettings(root=root, cached_positions=0), num_trees=1, simulations=60
        )
        result = search_position(forest, game.position, RNG(0))
        assert result.point == good
        assert result.value > 0.1


class TestSums:
    @pytest.mark.parametrize("root", ROOTS)
    @pytest.mark.parametrize("reuse", [True, False])
    def test_visits_add_up_over_whole_games(self, root: Root, reuse: bool) -> None:
        settings = SearchSettings(root=root, tree_reuse=reuse)
        forest = Forest(ScriptedEvaluator(1, 7, noise_answer(1, 7)), settings, num_trees=1, simulations=40)
        forest.set_position(0, Game.from_moves("1. D4 C3", size=7).position)
        rng = RNG(2)
        kept_any = False
        for _ in range(24):
            kept = int(forest.tree(0).nodes[0].visits) if forest.tree(0).head.num_nodes else 0
            kept_any = kept_any or kept > 1
            forest.start(0, rng, Exploration(0.25, 1.0))
            while 0 not in forest.step():
                pass
            result = forest.result(0)
            if result.simulations:
                tree = read_tree(forest.tree(0))
                check_sums(tree)
                made = tree.visits - max(kept, 1)
                assert made == result.simulations if root == "puct" else 0 <= made <= result.simulations
                assert int(result.visits.sum()) == tree.visits - 1
                assert result.simulations == 40 or result.proven or np.count_nonzero(result.policy) == 1
                assert count_nodes(tree) == forest.tree(0).head.num_nodes
            assert result.policy.sum() == pytest.approx(1.0, abs=1e-5)
            legal = [is_legal(forest.position(0), point) for point in range(49)]
            assert not result.policy[np.logical_not(legal)].any()
            forest.advance(0, result.point)
            if forest.position(0)["winner"] != IN_PLAY:
                break
        assert kept_any == reuse

    def test_selection_is_the_formula(self) -> None:
        """At every node of random trees, the compiled selection equals the one in plain Python."""
        checked = 0
        for seed in range(4):
            forest = Forest(ScriptedEvaluator(1, 7, noise_answer(seed, 7, 2.0)), PUCT, num_trees=1, simulations=300)
            game = Game.from_moves("1. D4 C3 2. A1 D5", size=7)
            search_position(forest, game.position, RNG(0))
            for node in range(int(forest.tree(0).head.num_nodes)):
                plain = read_tree(forest.tree(0), node)
                for reduction in (0.0, 0.2):
                    choice = select_puct(forest.tree(0), forest._constants, node, reduction)
                    assert agrees(choice, plain_puct(plain, PUCT, reduction))
                    checked += 1
        assert checked > 1000


class TestEdgesOfTheRange:
    @pytest.mark.parametrize("root", ROOTS)
    @pytest.mark.parametrize("simulations", [1, 2, 3])
    def test_tiny_budgets(self, root: Root, simulations: int) -> None:
        forest = Forest(
            ScriptedEvaluator(1, 9, noise_answer(3, 9)), SearchSettings(root=root), num_trees=1, simulations=simulations
        )
        game = Game.from_moves("1. E5 E6 2. B2", size=9)
        result = search_position(forest, game.position, RNG(0))
        assert result.simulations == simulations
        assert result.point in game.legal_points()
        assert result.policy.sum() == pytest.approx(1.0, abs=1e-5)

    def test_more_considered_points_than_legal_ones(self) -> None:
        settings = SearchSettings(considered_points=361)
        forest = Forest(ScriptedEvaluator(1, 7, noise_answer(3, 7)), settings, num_trees=1, simulations=400)
        game = Game.from_moves("1. D4 C3 2. A1 D5", size=7)
        result = search_position(forest, game.position, RNG(0), Exploration(0.0, 1.0))
        assert result.simulations == 400 or result.proven
        assert np.count_nonzero(result.visits) == 45

    @pytest.mark.parametrize("root", ROOTS)
    @pytest.mark.parametrize(
        ("variant", "moves"),
        [(variant, "1. E5 E6 2. B2 B7 3. H7 G2") for variant in VARIANTS]
        # A threat in poof: hundreds of moves proven lost, each an edge without a node.
        + [("poof", "1. E5 E6 2. B2 E4 3. C3 D3")],
    )
    def test_full_tree_continues(self, root: Root, variant: str, moves: str) -> None:
        """With few nodes and edges the search neither exceeds its memory nor loses a simulation."""
        guard = 3
        forest = Forest(
            HeuristicEvaluator(guard, 9), SearchSettings(root=root), num_trees=guard, simulations=1500, max_nodes=12
        )
        game = Game.from_moves(moves, variant=variant, size=9)
        neighbours = forest.trees.edges[1:].copy(), forest.trees.nodes[1:].copy()
        forest.set_position(0, game.position)
        forest.start(0, RNG(0))
        while 0 not in forest.step():
            assert forest.tree(0).head.edges_used <= forest.trees.edges.shape[1]
        assert (forest.trees.edges[1:] == neighbours[0]).all()
        assert (forest.trees.nodes[1:] == neighbours[1]).all()
        result = forest.result(0)
        assert result.simulations == 1500 or result.proven
        assert forest.tree(0).head.num_nodes <= 12
        assert result.point in game.legal_points()

    def test_steps_allocate_nothing_that_stays(self) -> None:
        forest = Forest(UniformEvaluator(8, 9), PUCT, num_trees=8, simulations=2000)
        positions = new_positions(8, "pente", 9)
        positions[:] = Game.from_moves("1. E5 E6 2. B2 E4", size=9).position
        for tree in range(8):
            forest.set_position(tree, positions[tree])
            forest.start(tree, RNG(tree))
        for _ in range(20):
            forest.step()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(500):
            forest.step()
        grown = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        assert grown < 20_000
        assert POSITION.itemsize > 500, "a copied position in each step would have shown"


@pytest.mark.parametrize("root", ["gumbel", "puct"])
def test_a_search_one_ply_before_the_longest_game_ends_sees_the_draw(root: Root) -> None:
    game = long_game(MAX_PLIES - 1)
    settings = SearchSettings(root=root, considered_points=361)
    forest = Forest(UniformEvaluator(1, 19), settings, num_trees=1, simulations=400)
    assert search_position(forest, game.position, np.random.default_rng(0)).proven == DRAWS
