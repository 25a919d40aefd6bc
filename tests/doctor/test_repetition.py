"""The doctor's checks of overfitting and of the replay ratio."""

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alphapente.config import Config
from alphapente.doctor import Severity
from tests.doctor.own_targets import late_positions, with_own_policy
from tests.doctor.sample_runs import (
    config_in,
    finding_of,
    games,
    hand_made,
    passed,
    save_checkpoint,
    store,
    training,
    unavailable,
    with_records,
    write_curves,
)


@pytest.mark.parametrize("overfitted", [False, True])
def test_overfitting_by_newer_records(tmp_path: Path, overfitted: bool) -> None:
    """Old records have the network's policy as targets; new records have it too, or have random targets."""
    config = hand_made(tmp_path, knows=1.5)
    old, new = (
        with_own_policy(config, [with_records(game, search_value=0.0) for game in late_positions(0)]),
        late_positions(1000),
    )
    count = sum(len(game.records) for game in old)
    store(config, old)
    save_checkpoint(config, 10, hours=-1)
    assert f"{count} records are newer than the checkpoint and 0 older" in unavailable(config, "overfitting")
    _backdate(config)
    assert f"0 records are newer than the checkpoint and {count} older" in unavailable(config, "overfitting")
    write_curves(config, training(4.0, 3.0))
    store(config, new if overfitted else old)
    if overfitted:
        assert "overfits" in finding_of(config, "overfitting").title
    else:
        assert f"on {count} records newer than the checkpoint and the same number of older ones" in passed(
            config, "overfitting"
        )


def _backdate(config: Config) -> None:
    """Makes the games of the database two hours old."""
    with sqlite3.connect(config.records.database) as connection:
        connection.execute("UPDATE games SET created_at = created_at - 7200")


@pytest.mark.parametrize(
    ("held_out", "evidence"),
    [
        ([(3.0, 0.6), (2.6, 0.55)], ""),
        ([(3.0, 0.6), (2.9, 0.55)], "policy loss 2.900 on held-out games, 2.500 in training;"),
        (
            [(3.0, 0.6), (2.6, 0.70)],
            "value loss 0.700 on held-out games, 0.500 in training, and its minimum on held-out games was 0.600",
        ),
        (
            [(2.5, 0.5), (2.7, 0.51)],
            "2.700 on held-out games, 2.500 in training, and its minimum on held-out games was 2.500",
        ),
    ],
)
def test_losses_of_held_out_games(tmp_path: Path, held_out: list[tuple[float, float]], evidence: str) -> None:
    config = config_in(tmp_path, "training.augmentation.orientations=4")
    trained = [(3.0, 0.6), (2.5, 0.5)]
    names = ("policy_loss", "value_loss", "validation_policy_loss", "validation_value_loss")
    losses: list[dict[str, Any]] = [
        dict(zip(names, (*seen, *new), strict=True)) for seen, new in zip(trained, held_out, strict=True)
    ]
    epochs = training(*(one["policy_loss"] for one in losses))
    write_curves(config, [replace(epoch, **one) for epoch, one in zip(epochs, losses, strict=True)])
    if not evidence:
        assert "policy loss 2.600 on held-out games, 2.500 in training; value" in passed(config, "overfitting")
        return
    finding = finding_of(config, "overfitting")
    assert evidence in finding.evidence
    assert finding.settings == (
        "training.num_epochs=25",
        "training.data_sample_size=200",
        "training.augmentation.orientations=8",
    )


def test_how_often_records_are_used(tmp_path: Path) -> None:
    untrained = hand_made(tmp_path / "untrained")
    store(untrained, games(1))
    assert "no checkpoint" in unavailable(untrained, "reuse")
    save_checkpoint(untrained, 0)
    assert unavailable(untrained, "reuse") == "the checkpoint was never trained"
    config = hand_made(tmp_path, "training.batch_size=30", "training.num_epochs=10")
    store(config, games(100))
    save_checkpoint(config, 60)
    assert "trained on 6.0 times" in passed(config, "reuse")
    save_checkpoint(config, 600)
    often = finding_of(config, "reuse")
    assert (often.severity, often.settings) == (Severity.WARNING, ("training.num_epochs=1",))
    save_checkpoint(config, 5)
    rarely = finding_of(config, "reuse")
    assert (rarely.severity, rarely.settings) == (Severity.HINT, ("training.num_epochs=120",))


def test_records_of_other_runs_in_the_database_do_not_count(tmp_path: Path) -> None:
    config = hand_made(tmp_path, "training.batch_size=30")
    store(config, games(100))
    store(config, games(100, variant="keryo"))
    save_checkpoint(config, 60)
    assert "over the 300 in the database: each was trained on 6.0 times" in passed(config, "reuse")


def test_if_reuse_is_set_the_finding_changes_it(tmp_path: Path) -> None:
    config = hand_made(tmp_path, "training.batch_size=30", "training.reuse=8.0")
    store(config, games(100))
    save_checkpoint(config, 120)
    assert finding_of(config, "reuse").settings == ("training.reuse=4",)
