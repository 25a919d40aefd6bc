"""All checks of the doctor: on a healthy run, and on one without data."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from alphapente.doctor import CHECKS, Severity, as_values, examine
from alphapente.pipeline.state import STATE_NAME, State, save_state
from tests.doctor.own_targets import late_positions, with_own_policy
from tests.doctor.sample_runs import (
    config_in,
    generation,
    hand_made,
    save_checkpoint,
    store,
    training,
    write_curves,
)


def test_a_healthy_run_passes_all_checks(tmp_path: Path) -> None:
    config = hand_made(tmp_path, "training.batch_size=32", "generation.simulations=16", knows=1.5)
    save_state(State("20260101_000000"), Path(config.pipeline.checkpoint_dir) / STATE_NAME)
    played: dict[str, Any] = {"network_step": 60, "model_type": "hand"}
    store(
        config, [replace(game, moves=game.moves[:24], **played) for game in with_own_policy(config, late_positions(0))]
    )
    save_checkpoint(config, 75, start_step=60)
    for loss in (5.0, 4.8, 4.5, 4.2):
        write_curves(config, training(loss, loss - 0.1))
    (epoch,) = training(4.0)
    losses: dict[str, Any] = {"policy_loss": 3.4, "value_loss": 0.6}
    held_out: dict[str, Any] = {"validation_policy_loss": 3.5, "validation_value_loss": 0.62}
    write_curves(config, [replace(epoch, **losses, **held_out)])
    write_curves(config, [generation(1e9)])
    found = examine(config)
    assert found.findings == []
    assert [one.check for one in found.passed] == list(CHECKS), found.unavailable


def test_a_diagnosis_is_sorted_and_complete(tmp_path: Path) -> None:
    names: list[str] = []
    found = examine(config_in(tmp_path, "training.average_decay=0"), on_check_fn=names.append)
    assert names == list(CHECKS)
    assert [one.check for one in found.reports] == list(CHECKS)
    severities = [finding.severity for _, finding in found.findings]
    assert severities == sorted(severities)
    assert severities[0] is Severity.CRITICAL
    counted = len({check for check, _ in found.findings}) + len(found.passed) + len(found.unavailable)
    assert counted == len(CHECKS)
    values = as_values(found)
    assert [entry["check"] for entry in values["findings"]] == [check for check, _ in found.findings]
    assert set(values["well"]) | set(values["not_looked_at"]) | {check for check, _ in found.findings} == set(CHECKS)
