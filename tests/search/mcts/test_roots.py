"""The start and the result of a search: sequential halving, noise, temperature, policy targets."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from alphapente.config import SearchSettings
from alphapente.errors import FailureError
from alphapente.rules.game import Game
from alphapente.rules.notation import parse_point
from alphapente.rules.tactics import LOSES, UNDECIDED
from alphapente.search import Exploration, Forest, SearchResult, search_position
from alphapente.search.layout import NOTHING
from alphapente.search.mcts.choice import choose_point
from alphapente.search.mcts.gumbel_root import visits_due
from alphapente.search.mcts.puct_root import select_forced
from alphapente.search.mcts.root_priors import read_root_priors
from tests.search.evaluators import Root, ScriptedEvaluator, noise_answer
from tests.search.oracle import PlainNode, plain_forced, plain_pruned, read_tree

RNG = np.random.default_rng
OPENED = "1. E5 E6 2. B2 E4"


def searched(
    settings: SearchSettings, exploration: Exploration, seed: int, simulations: int = 64, script: int = 1
) -> tuple[Forest, SearchResult]:
    evaluator = ScriptedEvaluator(1, 9, noise_answer(script, 9, 1.5))
    forest = Forest(evaluator, settings, num_trees=1, simulations=simulations)
    game = Game.from_moves(OPENED, size=9)
    return forest, search_position(forest, game.position, RNG(seed), exploration)


class TestSequentialHalving:
    """The examples of mctx, `mctx/_src/tests/seq_halving_test.py`."""

    @pytest.mark.parametrize(
        ("considered", "simulations", "expected"),
        [
            (8, 24, [0] * 8 + [1] * 4 + [2] * 4 + [3, 3, 4, 4, 5, 5, 6, 6]),
            (8, 47, [0] * 8 + [1] * 4 + [2] * 4 + [3] * 4 + [n for v in range(4, 17) for n in (v, v)] + [17]),
            (8, 2, [0, 0]),
            (8, 13, [0] * 8 + [1] * 4 + [2]),
            (7, 24, [0] * 7 + [1] * 3 + [2] * 3 + [3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8]),
            (0, 16, list(range(16))),
            (1, 16, list(range(16))),
        ],
    )
    def test_published_examples(self, considered: int, simulations: int, expected: list[int]) -> None:
        assert [visits_due(considered, simulations, number) for number in range(simulations)] == expected

    @pytest.mark.parametrize("simulations", [5, 16, 50, 100])
    @pytest.mark.parametrize("considered", [2, 4, 16])
    def test_search_visits_follow_it(self, considered: int, simulations: int) -> None:
        """The multiset of root visits is that of the schedule, if nothing is proven during the search."""
        settings = SearchSettings(considered_points=considered)
        _, result = searched(settings, Exploration(), 0, simulations)
        assert result.proven == UNDECIDED
        visits = [0] * considered
        for number in range(simulations):
            wanted = visits_due(min(considered, simulations), simulations, number)
            # whichever move has the visits due, the multiset is the same
            visits[visits.index(wanted)] += 1
        assert sorted(result.visits[result.visits > 0].tolist()) == sorted(count for count in visits if count)


def completed_policy(root: PlainNode, logits: NDArray[np.float64], settings: SearchSettings) -> NDArray[np.float64]:
    """The policy target by the paper's definition: Danihelka et al. 2022, section 4 and appendix D."""
    seen = {edge.point: (edge.value_sum / edge.visits, edge.prior) for edge in root.edges if edge.visits}
    total = sum(edge.visits for edge in root.edges)
    prior_sum = sum(prior for _, prior in seen.values())
    mean = sum(prior * value for value, prior in seen.values()) / prior_sum
    mixed = (root.raw_value + total * mean) / (1 + total)
    completed = np.array([seen[point][0] if point in seen else mixed for point in range(len(logits))])
    low, high = completed.min(), completed.max()
    most = max(edge.visits for edge in root.edges)
    stretched = (completed - low) / (high - low)
    scores = logits + (settings.visit_offset + most) * settings.value_scale * stretched
    weights = np.exp(scores - scores.max())
    policy: NDArray[np.float64] = weights / weights.sum()
    return policy


class TestGumbelTargets:
    @pytest.mark.parametrize("noise", [0.0, 1.0])
    @pytest.mark.parametrize("seed", range(4))
    def test_target_is_made_of_clean_logits_and_completed_values(self, noise: float, seed: int) -> None:
        """Noise decides which moves are searched; the target is computed from the network's own logits."""
        settings = SearchSettings(cached_positions=0)
        forest, result = searched(settings, Exploration(noise, 1.0), seed)
        root = read_tree(forest.tree(0))
        assert all(edge.proven == UNDECIDED for edge in root.edges)
        own = Game.from_moves(OPENED, size=9)
        stones = (frozenset(own.moves[::2]), frozenset(own.moves[1::2]))
        by_point, _ = noise_answer(1, 9, 1.5)(stones)
        logits = np.array([by_point[point] for point in range(81)])
        legal = np.isin(np.arange(81), own.legal_points())
        logits = np.where(legal, logits, -np.inf)
        logits -= np.log(np.exp(logits).sum())
        # Priors are stored to one part in 128.
        assert result.policy == pytest.approx(completed_policy(root, logits, settings), rel=0.02, abs=1e-6)
        assert result.policy.sum() == pytest.approx(1.0, abs=1e-5)
        assert not result.policy[~legal].any()

    def test_noise_changes_what_is_looked_at(self) -> None:
        settings = SearchSettings(considered_points=8)
        looks = {
            tuple(np.flatnonzero(searched(settings, Exploration(noise, 0.0), seed)[1].visits))
            for noise in (0.0, 1.0)
            for seed in range(4)
        }
        assert len(looks) >= 4
        without = {tuple(np.flatnonzero(searched(settings, Exploration(), seed)[1].visits)) for seed in range(4)}
        assert len(without) == 1

    @pytest.mark.parametrize("root", ["gumbel", "puct"])
    def test_without_noise_everything_is_the_same_each_time(self, root: Root) -> None:
        results = [searched(SearchSettings(root=root), Exploration(), seed)[1] for seed in range(3)]
        for result in results[1:]:
            assert result.point == results[0].point
            assert (result.visits == results[0].visits).all()
            assert (result.policy == results[0].policy).all()
            assert result.value == results[0].value

    def test_same_seed_same_search(self) -> None:
        one, two = (searched(SearchSettings(), Exploration(0.3, 1.0), 7)[1] for _ in range(2))
        assert (one.visits == two.visits).all()
        assert one.point == two.point

    def test_move_is_the_best_of_the_most_visited(self) -> None:
        _, result = searched(SearchSettings(), Exploration(), 0)
        most = result.visits.max()
        finalists = np.flatnonzero(result.visits == most)
        assert result.point in finalists
        assert result.policy[result.point] == result.policy[finalists].max()

    def test_lost_moves_get_nothing(self) -> None:
        """Poof keeps all replies to a four: those proven lost have no share in the target."""
        game = Game.from_moves("1. E5 A1 2. E8 E9 3. E6 A5 4. E7", variant="poof", size=9)
        evaluator = ScriptedEvaluator(1, 9, noise_answer(4, 9))
        forest = Forest(evaluator, SearchSettings(), num_trees=1, simulations=64)
        result = search_position(forest, game.position, RNG(0))
        lost = [edge.point for edge in read_tree(forest.tree(0)).edges if edge.proven == LOSES]
        assert len(lost) > 3
        assert not result.policy[lost].any()


class TestPuctRoot:
    def priors(self, noise: float, seed: int, moves: str = OPENED) -> NDArray[np.float32]:
        evaluator = ScriptedEvaluator(1, 9, lambda _: ({}, 0.0))
        forest = Forest(evaluator, SearchSettings(root="puct"), num_trees=1, simulations=1)
        search_position(forest, Game.from_moves(moves, size=9).position, RNG(seed), Exploration(noise, 0.0))
        out = np.zeros(81, np.float32)
        read_root_priors(forest.tree(0), out)
        return out

    def test_noise_is_mixed_over_the_legal_points(self) -> None:
        legal = np.isin(np.arange(81), Game.from_moves(OPENED, size=9).legal_points())
        clean = self.priors(0.0, 0)
        assert clean[legal] == pytest.approx(np.full(77, 1 / 77), rel=0.02)
        assert not clean[~legal].any()
        noisy = self.priors(0.25, 0)
        assert noisy.sum() == pytest.approx(0.75 * clean.sum() + 0.25, abs=1e-3)
        assert (noisy[legal] >= 0.75 * clean[legal] - 1e-6).all()
        assert not noisy[~legal].any()

    def test_noise_has_the_stated_concentration(self) -> None:
        """Dirichlet noise of total concentration A over n points: a share has variance (1/n)(1 - 1/n) / (A + 1)."""
        samples = np.concatenate([self.priors(1.0, seed) for seed in range(60)])
        samples = samples[samples > 0]
        expected = (1 / 77) * (1 - 1 / 77) / (10.83 + 1)
        assert samples.var() == pytest.approx(expected, rel=0.25)

    def test_target_is_the_share_of_visits(self) -> None:
        _, result = searched(SearchSettings(root="puct"), Exploration(0.25, 1.0), 3)
        assert result.policy == pytest.approx(result.visits / result.visits.sum(), abs=1e-6)

    def test_when_all_looked_at_lose_another_is_played(self) -> None:
        """The network prefers moves that lose at once; with few simulations no other move is searched."""
        game = Game.from_moves("1. E5 A1 2. E8 E9 3. E6 A5 4. E7", variant="poof", size=9)
        evaluator = ScriptedEvaluator(1, 9, lambda _: (dict.fromkeys(range(20), 4.0), 0.0))
        forest = Forest(evaluator, SearchSettings(root="puct"), num_trees=1, simulations=3)
        result = search_position(forest, game.position, RNG(0))
        lost = [edge.point for edge in read_tree(forest.tree(0)).edges if edge.proven == LOSES]
        assert len(lost) == 3
        assert result.point not in lost
        assert not result.policy[lost].any()
        assert result.policy.sum() == pytest.approx(1.0, abs=1e-5)

    def test_temperature(self) -> None:
        policy = np.array([0.6, 0.3, 0.1, 0.0], np.float32)
        assert choose_point(policy, 0.0, RNG(0)) == 0
        for temperature in (0.5, 1.0, 2.0):
            drawn = np.bincount([choose_point(policy, temperature, RNG(seed)) for seed in range(2000)], minlength=4)
            weights = policy.astype(np.float64) ** (1 / temperature)
            assert drawn / 2000 == pytest.approx(weights / weights.sum(), abs=0.04)
            assert drawn[3] == 0

    def test_gumbel_temperature_scales_the_noise(self) -> None:
        """The same seed at a tiny scale plays as without noise; at a large one it searches other moves."""
        quiet = searched(SearchSettings(), Exploration(), 5)[1]
        faint = searched(SearchSettings(), Exploration(0.0, 1e-6), 5)[1]
        loud = searched(SearchSettings(), Exploration(0.0, 3.0), 5)[1]
        assert (quiet.visits == faint.visits).all()
        assert not (quiet.visits == loud.visits).all()


class TestForcedPlayouts:
    SETTINGS = SearchSettings(root="puct", forced_playouts=2.0, cached_positions=0, leaf_solver_nodes=0)

    @pytest.mark.parametrize("seed", range(6))
    def test_each_visited_point_has_its_forced_visits(self, seed: int) -> None:
        """Except for one move, whose first visit may have been the last simulation."""
        forest, _ = searched(self.SETTINGS, Exploration(0.25, 1.0), seed, 200)
        root = read_tree(forest.tree(0))
        short = [
            edge for edge in root.edges if edge.visits and edge.visits < math.floor(math.sqrt(2 * edge.prior * 199))
        ]
        assert len(short) <= 1
        plain = SearchSettings(root="puct", cached_positions=0)
        forest, _ = searched(plain, Exploration(0.25, 1.0), seed, 200)
        unforced = read_tree(forest.tree(0))
        assert sum(0 < e.visits < math.floor(math.sqrt(2 * e.prior * 199)) for e in unforced.edges) > 1

    def test_selection_is_the_oracles(self) -> None:
        """Checks every step of a search, before each leaf."""
        choices: set[bool] = set()
        evaluator = ScriptedEvaluator(1, 9, noise_answer(2, 9, 1.5))
        forest = Forest(evaluator, self.SETTINGS, num_trees=1, simulations=150)
        forest.set_position(0, Game.from_moves(OPENED, size=9).position)
        forest.start(0, RNG(0), Exploration(0.25, 1.0))
        for _ in range(3):
            forest.step()
        while not forest.done():
            forest.evaluate()
            expected = plain_forced(read_tree(forest.tree(0)), 2.0)
            assert select_forced(forest.tree(0)) == expected
            choices.add(expected == NOTHING)
            forest.select()
        assert choices == {True, False}

    @pytest.mark.parametrize("seed", range(8))
    def test_target_leaves_out_what_was_forced(self, seed: int) -> None:
        forest, result = searched(self.SETTINGS, Exploration(0.25, 1.0), seed, 200, script=seed)
        left = plain_pruned(read_tree(forest.tree(0)), self.SETTINGS)
        kept = np.array([left.get(point, 0) for point in range(81)])
        assert kept.sum() < result.visits.sum()
        assert result.policy == pytest.approx(kept / kept.sum(), abs=1e-6)

    def test_a_bad_move_that_noise_raised_is_looked_at_and_not_learned(self) -> None:
        """A likely move of very low value: it gets forced visits, and the target keeps none of them."""
        bad = parse_point("C3", 9)
        answer = noise_answer(1, 9, 0.0)

        def answered(stones: tuple[frozenset[int], frozenset[int]]) -> tuple[dict[int, float], float]:
            own, enemy = stones
            value = -0.9 if bad in own else 0.9 if bad in enemy else answer(stones)[1] * 0.1
            return {bad: 3.0, parse_point("G7", 9): 3.0}, value

        forest = Forest(ScriptedEvaluator(1, 9, answered), self.SETTINGS, num_trees=1, simulations=100)
        game = Game.from_moves(OPENED, size=9)
        result = search_position(forest, game.position, RNG(0), Exploration(0.25, 1.0))
        assert result.visits[bad] >= 3
        assert result.policy[bad] == 0.0

    def test_without_noise_nothing_is_forced(self) -> None:
        plain = searched(SearchSettings(root="puct"), Exploration(0.0, 1.0), 1)[1]
        forced = searched(SearchSettings(root="puct", forced_playouts=2.0), Exploration(0.0, 1.0), 1)[1]
        assert (plain.visits == forced.visits).all()
        assert (plain.policy == forced.policy).all()


def test_value_of_a_root_with_one_reply() -> None:
    """A single reply costs one simulation."""
    game = Game.from_moves("1. E5 A1 2. E8 E9 3. E6 A5 4. E7", size=9)
    forest = Forest(ScriptedEvaluator(1, 9, noise_answer(4, 9)), SearchSettings(), num_trees=1, simulations=64)
    result = search_position(forest, game.position, RNG(0))
    assert result.point == parse_point("E4", 9)
    assert result.simulations == 1
    assert math.isclose(float(result.policy[result.point]), 1.0, abs_tol=1e-6)


class TestChoice:
    """`choose_point` at every temperature, even if the power of a policy underflows to 0 in float64."""

    POLICY = np.array([0.0, 0.2, 0.4, 0.4 - 1e-3, 1e-3], np.float32)

    @pytest.mark.parametrize("temperature", [0.0, 5e-324, 1e-300, 1e-4])
    def test_near_zero_it_is_the_largest(self, temperature: float) -> None:
        assert {choose_point(self.POLICY, temperature, RNG(seed)) for seed in range(20)} == {2}

    @pytest.mark.parametrize("temperature", [0.001, 0.0999, 0.1, 1.0, 10.0, 1e6])
    def test_points_are_drawn_by_powers_of_their_probability(self, temperature: float) -> None:
        drawn = np.bincount([choose_point(self.POLICY, temperature, RNG(seed)) for seed in range(2000)], minlength=5)
        logs = np.log(np.where(self.POLICY > 0, self.POLICY, 1).astype(np.float64)) / temperature
        logs[0] = -np.inf
        shares = np.exp(logs - logs.max())
        assert drawn / 2000 == pytest.approx(shares / shares.sum(), abs=0.04)

    def test_one_point_is_chosen_at_any_temperature_and_no_point_is_an_error(self) -> None:
        for temperature in (0.0, 0.001, 1.0, 1e6):
            assert choose_point(np.array([0, 1e-30, 0], np.float32), temperature, RNG(0)) == 1
            for policy in ([0.0, 0.0], [np.nan, np.nan], [np.inf, 0.5]):
                with pytest.raises(FailureError, match="no point of the policy"):
                    choose_point(np.array(policy, np.float32), temperature, RNG(0))


@pytest.mark.parametrize("root", ["gumbel", "puct"])
@pytest.mark.parametrize("steps_before", [0, 1])
def test_a_search_stopped_before_it_began_does_no_simulation(root: Root, steps_before: int) -> None:
    """Whatever the search before it did, the result is the network's policy."""
    evaluator = ScriptedEvaluator(1, 9, noise_answer(1, 9, 1.5))
    forest = Forest(evaluator, SearchSettings(root=root, cached_positions=0), num_trees=1, simulations=64)
    game = Game.from_moves(OPENED, size=9)
    assert search_position(forest, game.position, RNG(0)).simulations == 64
    forest.set_position(0, game.position)
    forest.start(0, RNG(0))
    for _ in range(steps_before):
        forest.select()
        forest.evaluate()
    forest.stop(0)
    while 0 not in forest.step():
        pass
    result = forest.result(0)
    assert result.simulations == 0
    assert result.policy == pytest.approx(forest.raw_policy(0), rel=0.05)
    assert result.point == forest.raw_policy(0).argmax()
