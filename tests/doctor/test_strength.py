"""The doctor on checkpoints: networks made by hand, whose faults are known, on records made to measure."""

from pathlib import Path
from typing import Any

import numpy as np

from alphapente.doctor import Severity
from alphapente.doctor.patient import Judged
from alphapente.doctor.strength import PUZZLES, calibration
from tests.doctor.liked import later, preferred
from tests.doctor.patients import games, hand_made, save_checkpoint, sick, store, unseen, well, with_records

TESTED = ("search against policy", "network values", "policy")


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
    assert sick(lost, "network values").title in (
        "The network is surer of its values than it may be",
        "The network's values are saturated",
    )


def test_values_that_are_too_sure_or_not_sure_enough() -> None:
    """As one bin each: 0.5 where half is won is too sure by half; -0.5 where all is lost is not sure enough."""
    count, ones = 8, np.ones(8, np.float32)
    outcome = np.where(np.arange(count) % 2, 1, -1).astype(np.float32)

    def judged(value: float, outcomes: np.ndarray[Any, Any]) -> Judged:
        return Judged(value * ones, outcomes, ones > 0, ones, ones, ones, ones.astype(np.int64))

    assert calibration(judged(0.5, outcome)) == (0.5, "+0.50 came to +0.00 (8)")
    assert calibration(judged(-0.5, -ones)) == (0.0, "-0.50 came to -1.00 (8)")
    assert calibration(judged(-0.5, ones))[0] == 1.5


def test_values_are_not_held_against_games_with_random_moves(tmp_path: Path) -> None:
    config = hand_made(tmp_path)
    save_checkpoint(config, 10)
    store(config, [with_records(game, random_value=0.0) for game in games(20)])
    assert "fewer than 20 recent positions" in unseen(config, "network values")


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
