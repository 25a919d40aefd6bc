"""The doctor on networks that have seen their records too often, or hardly at all."""

import sqlite3
from pathlib import Path

import pytest

from alphapente.config import Config
from alphapente.doctor import Severity
from tests.doctor.liked import later, preferred
from tests.doctor.patients import (
    config_in,
    games,
    hand_made,
    save_checkpoint,
    sick,
    store,
    training,
    unseen,
    well,
    with_records,
    write_curves,
    write_epochs,
)


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
    write_curves(config, training(4.0, 3.0))
    store(config, new if overfitted else old)
    if overfitted:
        assert "by heart" in sick(config, "overfitting").title
    else:
        assert f"on {count} records newer than the checkpoint and as many older" in well(config, "overfitting")


def _backdate(config: Config) -> None:
    """Makes the games of the database two hours old."""
    with sqlite3.connect(config.records.database) as connection:
        connection.execute("UPDATE games SET created_at = created_at - 7200")


@pytest.mark.parametrize(
    ("held_out", "told"),
    [
        ([(3.0, 0.6), (2.6, 0.55)], ""),
        ([(3.0, 0.6), (2.9, 0.55)], "policy loss 2.900 on games held out, 2.500 on those taught;"),
        ([(3.0, 0.6), (2.6, 0.70)], "value loss 0.700 on games held out, 0.500 on those taught, and it was 0.600"),
        ([(2.5, 0.5), (2.7, 0.51)], "2.700 on games held out, 2.500 on those taught, and it was 2.500"),
    ],
)
def test_losses_of_games_held_out(tmp_path: Path, held_out: list[tuple[float, float]], told: str) -> None:
    config = config_in(tmp_path, "training.augmentation.orientations=4")
    taught = [(3.0, 0.6), (2.5, 0.5)]
    tags = ("loss/policy", "loss/value", "validation/policy", "validation/value")
    write_epochs(
        config, [dict(zip(tags, (*seen, *new), strict=True)) for seen, new in zip(taught, held_out, strict=True)]
    )
    if not told:
        assert "policy loss 2.600 on games held out, 2.500 on those taught; value" in well(config, "overfitting")
        return
    finding = sick(config, "overfitting")
    assert told in finding.evidence
    assert finding.settings == (
        "training.num_epochs=25",
        "training.data_sample_size=200",
        "training.augmentation.orientations=8",
    )


def test_how_often_records_are_used(tmp_path: Path) -> None:
    untrained = hand_made(tmp_path / "untrained")
    store(untrained, games(1))
    assert "no checkpoint" in unseen(untrained, "reuse")
    save_checkpoint(untrained, 0)
    assert unseen(untrained, "reuse") == "the checkpoint was never trained"
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


def test_records_of_other_runs_in_the_database_do_not_count(tmp_path: Path) -> None:
    config = hand_made(tmp_path, "training.batch_size=30")
    store(config, games(100))
    store(config, games(100, variant="keryo"))
    save_checkpoint(config, 60)
    assert "over the 300 in the database: each was trained on 6.0 times" in well(config, "reuse")


def test_with_a_reuse_that_is_set_it_is_what_to_change(tmp_path: Path) -> None:
    config = hand_made(tmp_path, "training.batch_size=30", "training.reuse=8.0")
    store(config, games(100))
    save_checkpoint(config, 120)
    assert sick(config, "reuse").settings == ("training.reuse=4",)
