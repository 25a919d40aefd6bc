"""The effort of a search: temperature, full and cheap searches, decided and proven games."""

import numpy as np
import pytest

from alphapente.config import GenerationSettings
from alphapente.records.model import SearchRecord
from alphapente.rules.position import new_positions
from alphapente.search import Exploration
from alphapente.selfplay.effort import ONE_EVALUATION, Effort, decidedness, effort_at, temperature_at
from alphapente.selfplay.game import GameInPlay


def game_of(*values: float, seed: int = 0, **state: int) -> GameInPlay:
    """A game with these search values, each for its player to move: player 1, 2, 1...; player 1 moves now."""
    game = GameInPlay(seed, np.random.default_rng(seed), new_positions(1, "pente", 9)[0])
    none = np.zeros(0, np.float32)
    for ply, value in enumerate(values):
        board = np.zeros(81, np.int8)
        to_move = ply % 2 + 1
        game.records.append(
            SearchRecord(ply, board, (0, 0), to_move, none.astype(np.int16), none.astype(np.int32), none, 1, value, 8)
        )
    for name, number in state.items():
        setattr(game, name, number)
    return game


class TestTemperature:
    def test_it_falls_by_half_each_half_life_to_its_final_value(self) -> None:
        settings = GenerationSettings(mcts_temperature=1.0, temperature_half_life=10, temperature_final=0.2)
        assert temperature_at(settings, 0) == pytest.approx(1.0)
        assert temperature_at(settings, 10) == pytest.approx(0.6)
        assert temperature_at(settings, 1000) == pytest.approx(0.2)

    def test_zero_stays_zero(self) -> None:
        assert temperature_at(GenerationSettings(mcts_temperature=0), 3) == 0.0


class TestPlayoutCap:
    def test_by_default_every_search_is_full_and_draws_no_random_number(self) -> None:
        game = game_of()
        assert effort_at(game, GenerationSettings(simulations=64)) == Effort(64, Exploration(0.3, 1.0), 1.0)
        assert game.rng.random() == np.random.default_rng(0).random()

    def test_a_share_is_full_and_noisy_and_the_rest_cheap_quiet_and_without_a_policy_to_learn(self) -> None:
        settings = GenerationSettings(simulations=64, cheap_simulations=16, full_search_share=0.25)
        efforts = [effort_at(game_of(seed=seed), settings) for seed in range(2000)]
        full, cheap = Effort(64, Exploration(0.3, 1.0), 1.0), Effort(16, Exploration(0.0, 1.0), 0.0)
        assert set(efforts) == {full, cheap}
        assert efforts.count(full) / len(efforts) == pytest.approx(0.25, abs=0.04)

    def test_a_cheap_search_never_costs_more_than_a_full_one(self) -> None:
        settings = GenerationSettings(simulations=8, cheap_simulations=16, full_search_share=0.5)
        assert {effort_at(game_of(seed=seed), settings).simulations for seed in range(20)} == {8}


class TestDecided:
    SETTINGS = GenerationSettings(simulations=100, cheap_simulations=20, decided_value=0.9, decided_weight=0.1)

    @pytest.mark.parametrize(
        ("values", "share"),
        [
            ((), 0.0),
            ((1.0, -1.0), 0.0),  # two searches only
            ((1.0, -1.0, 1.0), 1.0),  # player 1 wins by both values
            ((-1.0, 1.0, -1.0), 1.0),  # player 2 wins
            ((1.0, 1.0, 1.0), 0.0),  # they do not agree
            ((1.0, -0.95, 1.0), 0.25),  # the least certain counts: half-way from 0.9 to 1, squared
            ((1.0, -0.9, 1.0), 0.0),
            ((0.0, -1.0, 1.0, -1.0), 1.0),  # only the last three
            ((1.0, -1.0, 1.0, 0.0), 0.0),
        ],
    )
    def test_the_last_searches_decide(self, values: tuple[float, ...], share: float) -> None:
        assert decidedness(game_of(*values).records, self.SETTINGS) == pytest.approx(share)

    def test_effort_and_weight_fall_towards_the_cheap(self) -> None:
        half = effort_at(game_of(1.0, -0.95, 1.0), self.SETTINGS)
        assert half.simulations == 80
        assert half.policy_weight == pytest.approx(1 - 0.9 / 4)
        wholly = effort_at(game_of(1.0, -1.0, 1.0), self.SETTINGS)
        assert wholly.simulations == 20
        assert wholly.policy_weight == pytest.approx(0.1)

    def test_by_default_nothing_is_decided(self) -> None:
        assert effort_at(game_of(1.0, -1.0, 1.0), GenerationSettings(simulations=100)).simulations == 100


class TestPlayedOut:
    def test_the_winner_searches_in_full_without_noise_and_the_loser_only_evaluates(self) -> None:
        settings = GenerationSettings(simulations=64, full_search_share=0.5)
        assert effort_at(game_of(proven_winner=1), settings) == Effort(64, Exploration(), None)
        assert effort_at(game_of(proven_winner=2), settings) == ONE_EVALUATION

    def test_an_opening_by_policy_needs_one_evaluation(self) -> None:
        assert effort_at(game_of(opening_left=2), GenerationSettings()) == ONE_EVALUATION
