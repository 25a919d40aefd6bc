"""The doctor's checks of the replay buffer: each with a faulty and with a healthy database."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alphapente.doctor import Severity
from alphapente.network.paths import checkpoint_path
from alphapente.records.model import GameRecord
from alphapente.rules import Game
from tests.doctor.sample_runs import (
    SIZE,
    config_in,
    finding_of,
    games,
    passed,
    save_checkpoint,
    store,
    unavailable,
    with_records,
    with_targets,
)

GAMES = 60


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with random games, all different, won by both players."""
    folder = tmp_path_factory.mktemp("healthy")
    some = [replace(game, moves=game.moves[:24]) for game in games(GAMES, network_step=950)]
    store(config_in(folder), some)
    return folder


def changed(folder: Path, change: Callable[[int, GameRecord], GameRecord], *overrides: str, **kind: Any) -> Any:
    config = config_in(folder, *overrides)
    store(config, [change(number, game) for number, game in enumerate(games(GAMES, **kind))])
    return config


def test_no_database_and_no_records(tmp_path: Path, healthy: Path) -> None:
    finding = finding_of(config_in(tmp_path), "records")
    assert finding.severity is Severity.CRITICAL
    assert "no records of pente 7x7" in finding.title
    other = finding_of(config_in(healthy, "game.variant=keryo"), "records")
    assert f"{3 * GAMES} of pente 7x7" in other.evidence
    assert other.settings == ("game.variant=pente",), "the board size is right already"
    for check in ("distinct games", "labels", "balance", "search values", "target", "game length"):
        assert "no " in unavailable(config_in(tmp_path), check)


def test_few_records(healthy: Path) -> None:
    assert f"{3 * GAMES} records of {GAMES} games" in passed(config_in(healthy), "records")
    few = finding_of(config_in(healthy, "training.data_sample_size=5000"), "records")
    assert few.severity is Severity.HINT
    assert few.settings == ("generation.record_limit=1250",)


def test_a_stale_buffer(healthy: Path, tmp_path: Path) -> None:
    config = config_in(healthy, f"pipeline.checkpoint_dir={tmp_path}")
    assert "no checkpoint" in unavailable(config, "freshness")
    save_checkpoint(config, step=1000, start_step=900)
    assert "0.5 trainings of 100 steps later" in passed(config, "freshness")
    save_checkpoint(config, step=1000, start_step=990)
    assert "stale" in finding_of(config, "freshness").title
    save_checkpoint(config, step=1000, start_step=900, hours=72)
    assert "72 hours older" in finding_of(config, "freshness").evidence


def test_self_play_that_never_uses_a_checkpoint(tmp_path: Path) -> None:
    config = changed(tmp_path, lambda _, game: game, network_step=0)
    save_checkpoint(config, step=5000, start_step=4900)
    finding = finding_of(config, "freshness")
    assert finding.severity is Severity.CRITICAL
    assert "fresh network" in finding.evidence


def test_under_promotion_the_network_that_plays_may_be_far_behind_the_checkpoint(healthy: Path, tmp_path: Path) -> None:
    """The games are from step 950, the checkpoint is at step 5000, and no later network was stronger."""
    config = config_in(healthy, f"pipeline.checkpoint_dir={tmp_path}", "pipeline.promotion=sprt")
    save_checkpoint(config, step=5000, start_step=4900)
    assert "no network was promoted yet" in unavailable(config, "freshness")
    playing = config_in(healthy, f"pipeline.checkpoint_dir={tmp_path / 'promoted'}")
    save_checkpoint(playing, step=950)
    assert "the promoted network at step 950, the checkpoint at step 5,000" in passed(config, "freshness")
    save_checkpoint(playing, step=4000)
    assert "the promoted network at step 4,000" in passed(config, "freshness"), "no game was played since"
    promoted = checkpoint_path(playing, "simple")
    os.utime(promoted, (0, 0))
    finding = finding_of(config, "freshness")
    assert finding.title == "Self-play does not use the trained network"
    assert f"{GAMES} games were played since the promotion" in finding.evidence
    save_checkpoint(config, step=5000, start_step=4900, hours=72)
    assert "72 hours older" in finding_of(config, "freshness").evidence


def test_games_of_another_model_are_ignored(tmp_path: Path) -> None:
    """Two models are trained from one database, and only one of them plays."""
    config = changed(tmp_path, lambda _, game: game, model_type="resnet", network_step=10)
    save_checkpoint(config, step=5000, start_step=4900)
    assert unavailable(config, "freshness") == f"none of the newest {GAMES} games was played by simple"
    store(config, games(1, network_step=4900))
    assert "network is at step 4,900" in passed(config, "freshness")


def test_repeated_games(healthy: Path, tmp_path: Path) -> None:
    assert "100% are distinct" in passed(config_in(healthy), "distinct games")
    same = games(1)[0]
    config = changed(tmp_path, lambda _, game: replace(game, moves=same.moves), "generation.opening_plies=0")
    finding = finding_of(config, "distinct games")
    assert finding.severity is Severity.CRITICAL
    assert "2% are distinct" in finding.evidence
    assert finding.settings == ("generation.opening_plies=4",)


def test_repeated_openings(tmp_path: Path) -> None:
    opening = games(1)[0].moves[:8]
    config = changed(
        tmp_path, lambda _, game: replace(game, moves=opening + [p for p in game.moves if p not in opening])
    )
    assert finding_of(config, "distinct games").title == "There are too few distinct openings"


def test_mirrored_games_are_the_same(tmp_path: Path) -> None:
    same = games(1)[0].moves
    mirrored = [SIZE * (point // SIZE) + SIZE - 1 - point % SIZE for point in same]
    config = changed(tmp_path, lambda number, game: replace(game, moves=mirrored if number % 2 else same))
    assert "2% are distinct" in finding_of(config, "distinct games").evidence


def test_random_moves_spoil_value_targets(healthy: Path, tmp_path: Path) -> None:
    assert "0% of the newest 180 records" in passed(config_in(healthy), "labels")
    config = changed(
        tmp_path,
        lambda number, game: with_records(game, random_value=0.2) if number % 2 else game,
        "generation.random_move_rate=0.1",
    )
    finding = finding_of(config, "labels")
    assert "50% of the newest 180 records" in finding.evidence
    assert finding.settings == ("generation.random_move_rate=0",)


def test_one_side_wins_nearly_every_game(healthy: Path, tmp_path: Path) -> None:
    assert "player 1 won" in passed(config_in(healthy), "balance")
    assert (
        finding_of(changed(tmp_path, lambda _, game: replace(game, winner=2)), "balance").title
        == "Player 2 wins nearly every game"
    )


def test_games_mostly_drawn(tmp_path: Path) -> None:
    config = changed(tmp_path, lambda n, game: replace(game, winner=0, won_by="draw") if n % 3 else game)
    assert finding_of(config, "balance").title == "Most games are drawn"


def test_captures(healthy: Path, tmp_path: Path) -> None:
    by_captures = [n for n, game in enumerate(games(GAMES)) if game.won_by == "captures"]
    assert by_captures, "random games are won by captures too"
    config = changed(
        tmp_path / "some",
        lambda n, game: with_records(replace(game, won_by="captures" if n % 3 else "five"), captured=(2, 0)),
    )
    assert "stones had been captured in 100%" in passed(config, "captures")
    never = changed(tmp_path / "never", lambda _, game: with_records(game, captured=(0, 0)))
    assert finding_of(never, "captures").severity is Severity.CRITICAL
    five = changed(tmp_path / "five", lambda _, g: with_records(replace(g, won_by="five"), captured=(2, 0)))
    assert finding_of(five, "captures").title == "No game is won by captures"
    gomoku = changed(tmp_path / "gomoku", lambda _, game: game, "game.variant=gomoku", variant="gomoku")
    assert unavailable(gomoku, "captures") == "gomoku has no captures"


def test_short_long_and_drifting_games(healthy: Path, tmp_path: Path) -> None:
    assert "plies on average" in passed(config_in(healthy), "game length")
    short = changed(tmp_path / "short", lambda _, game: replace(game, moves=game.moves[:9]))
    finding = finding_of(short, "game length")
    assert finding.title == "Games are very short"
    assert finding.settings == ("generation.simulations=200",)
    long = changed(tmp_path / "long", lambda _, game: replace(game, moves=list(range(40))))
    assert finding_of(long, "game length").title == "Games fill the board"
    drift = config_in(tmp_path)
    plain = games(1, records=[])[0]
    store(drift, [replace(plain, moves=list(range(13)))] * GAMES + [replace(plain, moves=list(range(28)))] * 500)
    store(drift, [replace(plain, moves=list(range(28)), records=games(1)[0].records)])
    assert finding_of(drift, "game length").title == "Games have become longer"


def test_saturated_search_values(healthy: Path, tmp_path: Path) -> None:
    assert "0% of" in passed(config_in(healthy), "search values") or "1% of" in passed(
        config_in(healthy), "search values"
    )
    config = changed(tmp_path / "a", lambda n, game: with_records(game, search_value=0.997 if n % 2 else 0.1))
    finding = finding_of(config, "search values")
    assert "50% of 180" in finding.evidence
    assert finding.settings == ("training.outcome_weight=0.42",)
    proven = changed(tmp_path / "b", lambda _, game: with_records(game, search_value=1.0))
    assert unavailable(proven, "search values") == "nearly all values are proven"


def uniform(game: GameRecord, ply: int) -> np.ndarray[Any, Any]:
    """The uniform policy over the legal points of a ply."""
    target = np.zeros(SIZE * SIZE)
    target[Game.from_moves(game.moves[:ply], game.variant, SIZE).legal_points()] = 1.0
    return target


def test_flat_targets(healthy: Path, tmp_path: Path) -> None:
    assert "of a uniform policy's" in passed(config_in(healthy), "policy targets")
    flat = changed(
        tmp_path,
        lambda _, game: with_targets(game, [uniform(game, record.ply) for record in game.records]),
        "search.root=puct",
    )
    finding = finding_of(flat, "policy targets")
    assert "search.root=gumbel" in finding.settings
    assert "nats, 100% of a uniform policy's" in finding.evidence


def test_policy_targets_of_cheap_searches_are_ignored(tmp_path: Path) -> None:
    """A policy target of weight 0 is ignored, as in training."""
    config = changed(tmp_path, lambda _, game: with_records(game, policy_weight=0.0))
    assert "which have no policy target" in unavailable(config, "policy targets")


def test_few_games_are_not_judged(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    store(config, games(5))
    for check in ("distinct games", "balance", "captures", "game length"):
        assert unavailable(config, check) == "only 5 games of self-play, 50 are needed"
