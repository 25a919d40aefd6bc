"""The file of games in play: written at intervals, removed with the run, never a cause of failure."""

import json
import time
from pathlib import Path

import pytest

from alphapente.config import Config, load_config
from alphapente.selfplay.live import SHOWN_GAMES, LiveGames, live_path, read_live
from alphapente.selfplay.loop import SelfPlay
from tests.search.evaluators import ScriptedEvaluator, noise_answer

SIZE = 7


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "logs").mkdir()
    return load_config(
        None, [f"pipeline.log_dir={tmp_path}/logs", f"game.board_size={SIZE}", "generation.simulations=2"]
    )


def self_play(config: Config, games: int = 12) -> SelfPlay:
    seeds = iter(range(100, 1000))
    evaluator = ScriptedEvaluator(games, SIZE, noise_answer(1, SIZE))
    return SelfPlay(evaluator, config, lambda: next(seeds), network_step=9, live=LiveGames(config))


def test_the_first_games_are_shown_and_removed_with_the_run(config: Config) -> None:
    play = self_play(config)
    play.step()
    found = read_live(config)
    assert found is not None
    assert (found.variant, found.board_size, found.model_type, found.step) == ("pente", SIZE, "simple", 9)
    assert [one.seed for one in found.games] == list(range(100, 100 + SHOWN_GAMES))
    shown = {game.seed: game.moves for game in play.games if game is not None}
    assert all(one.moves == shown[one.seed][: len(one.moves)] for one in found.games)
    play.park()
    assert read_live(config) is None
    assert not list(live_path(config).parent.iterdir()), "nothing is left, temporary files included"


def test_it_is_not_written_at_every_step(config: Config) -> None:
    play = self_play(config)
    play.step()
    live_path(config).unlink()
    play.step()
    assert not live_path(config).exists()


def test_games_of_a_run_that_died_are_not_shown(config: Config) -> None:
    LiveGames(config).publish([], 1)
    assert read_live(config) is not None
    assert read_live(config, time.time() + 60) is None


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"games": 1}', json.dumps({"games": [{"seed": 1}]})])
def test_a_broken_file_shows_none(config: Config, content: str) -> None:
    live_path(config).write_text(content)
    assert read_live(config) is None


def test_games_continue_if_nothing_can_be_written(config: Config) -> None:
    live_path(config).parent.rmdir()
    play = self_play(config, games=2)
    play.step()
    play.park()
    assert not live_path(config).parent.exists()
