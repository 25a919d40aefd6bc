"""The doctor on checkpoints: networks made by hand, whose faults are known, on records made to measure."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alphapente.config import Config
from alphapente.doctor import Severity
from alphapente.doctor.strength import PUZZLES
from alphapente.network.load import load_evaluator
from alphapente.records.model import GameRecord, RecordBatch
from alphapente.records.store import Store
from alphapente.training.batches import make_batch, samples_of
from tests.doctor.patients import (
    games,
    hand_made,
    save_checkpoint,
    sick,
    store,
    unseen,
    well,
    with_records,
    with_targets,
)

TESTED = ("search against policy", "network values", "policy", "overfitting", "reuse")


def test_without_a_checkpoint_nothing_is_said(tmp_path: Path) -> None:
    config = hand_made(tmp_path)
    store(config, games(3))
    for check in TESTED:
        assert "no checkpoint" in unseen(config, check)


def test_search_that_is_misled_by_values(tmp_path: Path) -> None:
    sane = hand_made(tmp_path / "sane", "search.root=puct")
    save_checkpoint(sane, 10)
    assert f"of {PUZZLES} positions with a known answer" in well(sane, "search against policy")
    reciter = 'models.hand={"class": "tests.doctor.networks:Reciter"}'
    misled = hand_made(tmp_path / "misled", "search.value_scale=1.0", reciter)
    save_checkpoint(misled, 10)
    finding = sick(misled, "search against policy")
    assert finding.severity is Severity.CRITICAL
    assert f"{PUZZLES} are solved by the raw policy" in finding.evidence
    assert "search.value_scale=0.1" in finding.settings


def test_values_that_are_sure_of_everything(tmp_path: Path) -> None:
    config = hand_made(tmp_path, value="sure")
    save_checkpoint(config, 10)
    store(config, games(20))
    finding = sick(config, "network values")
    assert finding.title == "The network's values are saturated"
    assert "sure beyond 0.99 of 100%" in finding.evidence


def test_values_that_disagree_with_the_outcomes(tmp_path: Path) -> None:
    config = hand_made(tmp_path)
    save_checkpoint(config, 10)
    store(config, games(40, records=games(1)[0].records[:2]))
    even = "+0.00 came to"
    assert even in well(config, "network values"), "players 1 and 2 are to move in turn: even is right on average"
    lost = hand_made(tmp_path / "lost", value="noise")
    save_checkpoint(lost, 10)
    store(lost, games(40))
    assert "do not agree" in sick(lost, "network values").title or "saturated" in sick(lost, "network values").title


def preferred(config: Config, some: list[GameRecord]) -> list[GameRecord]:
    """The games with the network's own policy for their targets."""
    with Store(Path(config.records.database).with_name("scratch.db")) as scratch:
        for game in some:
            scratch.add_game(game)
        records = scratch.sample("recent", 10**6, np.random.default_rng(0), "pente", config.game.board_size)
    policies = iter(_policies(config, records))
    return [with_targets(game, [next(policies) for _ in game.records]) for game in some]


def _policies(config: Config, records: RecordBatch) -> list[np.ndarray[Any, Any]]:
    from alphapente.network.models import build_model

    batch = make_batch(samples_of(records, 0.5), np.arange(len(records)), np.zeros(len(records), np.int64))
    model = build_model(config, config.training.model_type, 1)
    evaluator = load_evaluator(model, config, len(records), config.game.board_size)
    logits, _ = evaluator.evaluate(batch.planes)
    weights = np.exp(logits) * batch.legal
    return list(weights / weights.sum(1, keepdims=True))


def later(seed: int, count: int = 80) -> list[GameRecord]:
    """Random games from their ninth ply on, where there is something to know."""
    from dataclasses import replace

    from tests.records.samples import random_game

    return [
        replace(game, records=game.records[8:14])
        for game in (random_game(seed + number, "pente", 7) for number in range(count))
    ]


def test_a_policy_that_knows_nothing(tmp_path: Path) -> None:
    known = hand_made(tmp_path / "known", knows=1.5)
    save_checkpoint(known, 10)
    store(known, preferred(known, later(0)))
    assert "policy loss" in well(known, "policy")
    ignorant = hand_made(tmp_path / "ignorant", knows=0.0)
    save_checkpoint(ignorant, 10)
    store(ignorant, preferred(known, later(0)))
    assert "hardly more than chance" in sick(ignorant, "policy").title
    untrained = hand_made(tmp_path / "untrained")
    save_checkpoint(untrained, 0)
    assert unseen(untrained, "policy") == "the checkpoint was never trained"


@pytest.mark.parametrize("overfitted", [False, True])
def test_records_known_by_heart(tmp_path: Path, overfitted: bool) -> None:
    """Old records with the targets that the network proposes, new ones with the same, or with any."""
    config = hand_made(tmp_path, knows=1.5)
    old, new = preferred(config, [with_records(game, search_value=0.0) for game in later(0)]), later(1000)
    count = sum(len(game.records) for game in old)
    store(config, old)
    save_checkpoint(config, 10, hours=-1)
    assert f"{count} records are newer than the checkpoint and 0 older" in unseen(config, "overfitting")
    _backdate(config)
    assert f"0 records are newer than the checkpoint and {count} older" in unseen(config, "overfitting")
    store(config, new if overfitted else old)
    if overfitted:
        assert "by heart" in sick(config, "overfitting").title
    else:
        assert f"on {count} records newer than the checkpoint and as many older" in well(config, "overfitting")


def _backdate(config: Config) -> None:
    """Makes the games of the database two hours old."""
    import sqlite3

    with sqlite3.connect(config.records.database) as connection:
        connection.execute("UPDATE games SET created_at = created_at - 7200")


def test_how_often_records_are_used(tmp_path: Path) -> None:
    config = hand_made(tmp_path, "training.batch_size=30", "training.num_epochs=10")
    store(config, games(100))
    save_checkpoint(config, 60)
    assert "trained on 6.0 times" in well(config, "reuse")
    save_checkpoint(config, 600)
    often = sick(config, "reuse")
    assert (often.severity, often.settings) == (Severity.WARNING, ("training.num_epochs=1",))
    save_checkpoint(config, 5)
    rarely = sick(config, "reuse")
    assert (rarely.severity, rarely.settings) == (Severity.HINT, ("training.num_epochs=120",))
