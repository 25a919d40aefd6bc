"""Whole games of self-play over hand-made evaluators: openings by policy, proven games, cheap searches."""

import contextlib
from itertools import count
from typing import Any

import numpy as np
import pytest

from alphapente.arena.players.heuristic import HeuristicEvaluator
from alphapente.config import Config, load_config
from alphapente.records.model import GameRecord
from alphapente.selfplay.game import seed_of
from alphapente.selfplay.loop import SelfPlay
from tests.search.evaluators import ScriptedEvaluator


def config(*overrides: str) -> Config:
    return load_config(None, ["game.board_size=9", "generation.simulations=32", *overrides])


def played(settings: Config, games: int, evaluator: Any = None) -> list[GameRecord]:
    seeds = count(5)
    self_play = SelfPlay(evaluator or HeuristicEvaluator(8, 9), settings, lambda: next(seeds))
    finished: list[GameRecord] = []
    while len(finished) < games:
        finished += self_play.step()
    return finished


@pytest.mark.parametrize("root", ["gumbel", "puct"])
def test_cheap_searches_are_recorded_without_a_policy_to_learn(root: str) -> None:
    settings = config(f"search.root={root}", "generation.full_search_share=0.25", "generation.cheap_simulations=8")
    records = [record for game in played(settings, 12) for record in game.records]
    full = [record for record in records if record.policy_weight == 1.0]
    cheap = [record for record in records if record.policy_weight == 0.0]
    assert len(full) + len(cheap) == len(records)
    assert 0.15 < len(full) / len(records) < 0.35
    assert max(record.simulations for record in full) == 32
    assert max(record.simulations for record in cheap) == 8


def test_an_opening_is_drawn_from_the_policy_at_its_temperature_and_not_recorded() -> None:
    """Five moves are likely, two of them most likely; their points are empty when the move is drawn."""
    logits = {0: 8.0, 4: 8.0, 8: 7.0, 72: 6.0, 76: 6.0}
    settings = config(
        "generation.opening_plies=0",
        "generation.policy_opening_plies=1",
        "generation.policy_opening_temperature=2",
        "generation.simulations=2",
        "search.cached_positions=0",
    )
    seeds = count(5)
    self_play = SelfPlay(ScriptedEvaluator(500, 9, lambda _: (logits, 0.0)), settings, lambda: next(seeds))
    games = [game for game in self_play.games if game is not None]
    while min(len(game.moves) for game in games) < 3:
        self_play.step()
    opened = [game for game in games if game.opening_plies == 2]
    assert len(opened) / len(games) == pytest.approx(0.5, abs=0.07)
    drawn = np.bincount([game.moves[1] for game in opened], minlength=81) / len(opened)
    weights = np.full(81, 1.0)
    for point, logit in logits.items():
        weights[point] = np.exp(logit / 2)
    weights[40] = 0.0  # the first stone
    assert drawn == pytest.approx(weights / weights.sum(), abs=0.07)
    finished = played(settings, 16, ScriptedEvaluator(8, 9, lambda _: (logits, 0.0)))
    assert {game.opening_plies for game in finished} == {1, 2}
    assert all(len(game.moves) == len(game.records) + game.opening_plies for game in finished)
    assert all(game.records[0].ply == game.opening_plies for game in finished)


def test_an_opening_by_policy_never_ends_a_game() -> None:
    settings = config("generation.policy_opening_plies=40", "generation.policy_opening_temperature=0.1")
    games = played(settings, 24)
    assert max(game.opening_plies for game in games) > 8
    for game in games:
        assert game.records
        assert len(game.records) == len(game.moves) - game.opening_plies


def test_games_that_end_in_a_step_that_fails_are_not_lost() -> None:
    """The step fails when the next game would begin; the other games are still in play."""
    seeds = iter(range(8))
    self_play = SelfPlay(HeuristicEvaluator(8, 9), config(), lambda: next(seeds))
    with contextlib.suppress(StopIteration):
        while True:
            assert self_play.step() == []
    ended, parked = self_play.take_ended(), self_play.park()
    assert len(ended) >= 1
    assert {game.seed for game in ended} | {seed_of(payload) for payload in parked} == set(range(8))
    assert self_play.take_ended() == []


class TestProvenGames:
    SETTINGS = config("generation.end_when_proven=true", "generation.mcts_temperature=0.5")

    def test_nothing_is_recorded_after_a_proof_and_the_proven_winner_wins(self) -> None:
        proven_early = 0
        for game in played(self.SETTINGS, 16):
            last = game.records[-1]
            assert [record.ply for record in game.records] == list(range(game.records[0].ply, last.ply + 1))
            if abs(last.search_value) == 1.0 and game.winner:
                assert all(abs(record.search_value) < 1.0 for record in game.records[:-1])
                assert game.winner == (last.to_move if last.search_value > 0 else 3 - last.to_move)
                proven_early += last.ply < len(game.moves) - 1
        assert proven_early >= 8

    def test_a_random_move_opens_the_game_again(self) -> None:
        settings = config("generation.end_when_proven=true", "generation.random_move_rate=0.3")
        for game in played(settings, 16):
            recorded = {record.ply for record in game.records}
            assert set(game.random_plies) <= recorded
            for ply in game.random_plies:
                if ply + 1 < len(game.moves):
                    assert ply + 1 in recorded
