"""The doctor's checks of checkpoints: hand-made networks with known faults, and records made for them."""

import re
from pathlib import Path

from alphapente.doctor import Severity
from alphapente.doctor.strength import PUZZLES
from tests.doctor.own_targets import late_positions, with_own_policy
from tests.doctor.sample_runs import (
    finding_of,
    games,
    hand_made,
    passed,
    save_checkpoint,
    store,
    unavailable,
    with_records,
)

TESTED = ("search against policy", "network values", "policy")


def test_without_a_checkpoint_nothing_is_checked(tmp_path: Path) -> None:
    config = hand_made(tmp_path)
    store(config, games(3))
    for check in TESTED:
        assert "no checkpoint" in unavailable(config, check)


def test_search_that_is_misled_by_values(tmp_path: Path) -> None:
    sane = hand_made(tmp_path / "sane", "search.root=puct")
    save_checkpoint(sane, 10)
    assert f"of {PUZZLES} positions with known right moves" in passed(sane, "search against policy")
    memorizer = 'models.hand={"class": "tests.doctor.networks:Memorizer"}'
    misled = hand_made(tmp_path / "misled", "search.value_scale=1.0", memorizer)
    save_checkpoint(misled, 10)
    finding = finding_of(misled, "search against policy")
    assert finding.severity is Severity.CRITICAL
    assert f"{PUZZLES} are solved by the raw policy" in finding.evidence
    assert "search.value_scale=0.1" in finding.settings


def test_saturated_values(tmp_path: Path) -> None:
    config = hand_made(tmp_path, value="sure")
    save_checkpoint(config, 10)
    store(config, games(20))
    finding = finding_of(config, "network values")
    assert finding.title == "The network's values are saturated"
    assert "beyond 0.99 for 100%" in finding.evidence


def test_values_that_disagree_with_the_outcomes(tmp_path: Path) -> None:
    config = hand_made(tmp_path)
    save_checkpoint(config, 10)
    store(config, games(40, records=games(1)[0].records[:2]))
    even = re.search(r"by fifths: \+0\.00 and ([+-]\d\.\d\d) \(\d+\); overconf", passed(config, "network values"))
    assert even, "players 1 and 2 are to move in turn: even is right on average"
    lost = hand_made(tmp_path / "lost", value="noise")
    save_checkpoint(lost, 10)
    store(lost, games(40))
    assert finding_of(lost, "network values").title in (
        "The network's values are overconfident",
        "The network's values are saturated",
    )


def test_values_are_not_held_against_games_with_random_moves(tmp_path: Path) -> None:
    config = hand_made(tmp_path)
    save_checkpoint(config, 10)
    store(config, [with_records(game, random_value=0.0) for game in games(20)])
    assert "fewer than 20 recent positions" in unavailable(config, "network values")


def test_a_policy_that_knows_nothing(tmp_path: Path) -> None:
    known = hand_made(tmp_path / "known", knows=1.5)
    save_checkpoint(known, 10)
    store(known, with_own_policy(known, late_positions(0)))
    assert "policy loss" in passed(known, "policy")
    ignorant = hand_made(tmp_path / "ignorant", knows=0.0)
    save_checkpoint(ignorant, 10)
    store(ignorant, with_own_policy(known, late_positions(0)))
    assert "hardly better than a uniform" in finding_of(ignorant, "policy").title
    untrained = hand_made(tmp_path / "untrained")
    save_checkpoint(untrained, 0)
    assert unavailable(untrained, "policy") == "the checkpoint was never trained"
