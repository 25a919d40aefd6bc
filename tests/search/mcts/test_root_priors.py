"""Shaped Dirichlet noise, and a root policy temperature that falls with the ply."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from alphapente.config import SearchSettings
from alphapente.errors import FailureError
from alphapente.rules.game import Game
from alphapente.rules.position import CELL_OF, EMPTY
from alphapente.search import Exploration, Forest, search_position
from alphapente.search.mcts.root_priors import dirichlet_shares, read_root_priors, root_policy_temperature
from tests.search.evaluators import Root, ScriptedEvaluator, noise_answer


def plain_shares(settings: SearchSettings, priors: list[float]) -> list[float]:
    """KataGo's `computeDirichletAlphaDistribution` in plain Python, times the concentration."""
    logs = {point: math.log(min(prior, 0.01)) for point, prior in enumerate(priors) if prior > 0}
    mean = sum(logs.values()) / len(logs)
    above = {point: max(0.0, log - mean) for point, log in logs.items()}
    total = sum(above.values())
    shares = []
    for point in range(len(priors)):
        even = 1 / len(logs) if point in logs else 0.0
        shaped = above[point] / total if point in logs and total else even
        share = (1 - settings.noise_shaped) * even + settings.noise_shaped * shaped
        shares.append(settings.noise_concentration * share)
    return shares


@pytest.mark.parametrize("shaped", [0.25, 0.5, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_shares_are_katagos(shaped: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    priors = rng.dirichlet(np.full(81, 0.3)).astype(np.float32)
    priors[rng.random(81) < 0.2] = 0.0
    settings = SearchSettings(noise_shaped=shaped)
    shares = dirichlet_shares(settings, priors)
    assert shares == pytest.approx(plain_shares(settings, priors.tolist()), rel=1e-5)
    assert np.sum(shares) == pytest.approx(10.83)


def test_equal_priors_share_evenly() -> None:
    priors = np.zeros(81, np.float32)
    priors[:50] = np.float32(0.02)
    shaped = dirichlet_shares(SearchSettings(noise_shaped=0.5), priors)
    assert shaped == pytest.approx(np.where(priors > 0, 10.83 / 50, 0.0))
    assert dirichlet_shares(SearchSettings(), priors) == pytest.approx(10.83 / 50)


def noisy_priors(settings: SearchSettings, exploration: Exploration, seed: int, moves: str) -> NDArray[np.float32]:
    """The root's priors in a PUCT search whose network gives point 0 a logit of 4."""
    evaluator = ScriptedEvaluator(1, 9, lambda _: ({0: 4.0}, 0.0))
    forest = Forest(evaluator, settings, num_trees=1, simulations=1)
    search_position(forest, Game.from_moves(moves, size=9).position, np.random.default_rng(seed), exploration)
    out = np.zeros(81, np.float32)
    read_root_priors(forest.tree(0), out)
    return out


def test_shaped_noise_falls_on_the_points_it_should() -> None:
    """One point is above the mean, so it alone gets the shaped half: on average a little over half of the noise."""
    settings = SearchSettings(root="puct", noise_shaped=0.5, cached_positions=0)
    moves = "1. E5 E6 2. B2 H8"
    samples = [noisy_priors(settings, Exploration(1.0, 0.0), seed, moves) for seed in range(100)]
    assert np.mean([sample[0] for sample in samples]) == pytest.approx(0.5 + 0.5 / 77, abs=0.06)


def test_root_temperature_falls_by_half_each_half_life() -> None:
    settings = SearchSettings(
        root_policy_temperature=1.8, root_policy_temperature_final=1.2, root_policy_temperature_half_life=10
    )
    assert root_policy_temperature(settings, 0) == pytest.approx(1.8)
    assert root_policy_temperature(settings, 10) == pytest.approx(1.5)
    assert root_policy_temperature(settings, 500) == pytest.approx(1.2)
    assert root_policy_temperature(SearchSettings(root_policy_temperature=1.4), 500) == pytest.approx(1.4)


def test_searches_flatten_their_root_by_the_ply_of_the_game() -> None:
    """With nearly no noise, the likely point has e**(4 / T) times the prior of the others."""
    settings = SearchSettings(
        root="puct",
        cached_positions=0,
        root_policy_temperature=2.0,
        root_policy_temperature_final=1.0,
        root_policy_temperature_half_life=4,
    )
    for moves, temperature in (("1. E5 E6 2. B2 H8", 1.5), ("1. E5 E6 2. B2 H8 3. B8 H2 4. D3 F7", 1.25)):
        priors = noisy_priors(settings, Exploration(1e-6, 0.0), 0, moves)
        others = priors[1:][priors[1:] > 0]
        assert priors[0] / others.mean() == pytest.approx(math.exp(4 / temperature), rel=0.03)
        assert noisy_priors(settings, Exploration(), 0, moves)[0] > priors[0]


@pytest.mark.parametrize("root", ["gumbel", "puct"])
@pytest.mark.parametrize("temperature", [1e-300, 0.001, 0.05, 0.1, 10.0])
def test_a_root_temperature_at_its_ends_keeps_priors_and_policy_finite(root: Root, temperature: float) -> None:
    settings = SearchSettings(root=root, root_policy_temperature=temperature, cached_positions=0)
    evaluator = ScriptedEvaluator(1, 9, noise_answer(3, 9, 0.1))  # 77 moves of about the same prior: none is large
    forest = Forest(evaluator, settings, num_trees=1, simulations=32)
    position = Game.from_moves("1. E5 E6 2. B2 H8", size=9).position
    result = search_position(forest, position, np.random.default_rng(0), Exploration(0.25, 1.0))
    assert result.simulations == 32
    assert result.policy.sum() == pytest.approx(1.0, abs=1e-5)
    assert result.visits.sum() == 32
    assert position["board"][CELL_OF[9, result.point]] == EMPTY
    if root == "puct":
        priors = np.zeros(81, np.float32)
        read_root_priors(forest.tree(0), priors)
        assert np.count_nonzero(priors > 0) == 77
        assert priors.sum() == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("root", ["gumbel", "puct"])
@pytest.mark.parametrize("concentration", [1e-300, 1e-3, 10_000.0])
def test_noise_alone_leaves_every_move_a_prior(root: Root, concentration: float) -> None:
    """If nearly all of the noise is on one move, that move may lose: the search must find another."""
    settings = SearchSettings(root=root, noise_concentration=concentration, root_solver_nodes=0, leaf_solver_nodes=0)
    evaluator = ScriptedEvaluator(1, 9, noise_answer(3, 9))
    forest = Forest(evaluator, settings, num_trees=1, simulations=100)
    position = Game.from_moves("1. E5 A1 2. E8 B1 3. H2 C1", size=9).position
    for seed in range(8):
        result = search_position(forest, position, np.random.default_rng(seed), Exploration(1.0, 1.0))
        assert result.simulations == 100 or result.proven
        assert result.policy.sum() == pytest.approx(1.0, abs=1e-5)
        assert position["board"][CELL_OF[9, result.point]] == EMPTY


@pytest.mark.parametrize("root", ["gumbel", "puct"])
@pytest.mark.parametrize("answer", [({}, math.nan), ({40: math.nan}, 0.0), ({}, math.inf)])
def test_answers_that_are_no_finite_numbers_are_an_error_that_names_the_network(
    root: Root, answer: tuple[dict[int, float], float]
) -> None:
    forest = Forest(ScriptedEvaluator(1, 9, lambda _: answer), SearchSettings(root=root), num_trees=1, simulations=8)
    position = Game.from_moves("1. E5 E6 2. B2 H8", size=9).position
    with pytest.raises(FailureError, match=r"the network \(scripted\) returns .* not finite numbers"):
        search_position(forest, position, np.random.default_rng(0))
