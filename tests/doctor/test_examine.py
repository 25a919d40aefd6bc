"""The doctor on whole runs: one that is well, and one with nothing to see."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from alphapente.doctor import CHECKS, Severity, as_values, examine
from alphapente.pipeline.state import STATE_NAME, State, save_state
from tests.doctor.liked import later, preferred
from tests.doctor.patients import (
    config_in,
    generation,
    hand_made,
    save_checkpoint,
    store,
    training,
    write_curves,
    write_epochs,
)


def test_a_healthy_run_is_said_to_be_well(tmp_path: Path) -> None:
    config = hand_made(tmp_path, "training.batch_size=32", "generation.simulations=16", knows=1.5)
    save_state(State("20260101_000000"), Path(config.pipeline.checkpoint_dir) / STATE_NAME)
    played: dict[str, Any] = {"network_step": 60, "model_type": "hand"}
    store(config, [replace(game, moves=game.moves[:24], **played) for game in preferred(config, later(0))])
    save_checkpoint(config, 75, start_step=60)
    for loss in (5.0, 4.8, 4.5, 4.2):
        write_curves(config, training(loss, loss - 0.1))
    tags = {"loss/policy": 3.4, "loss/value": 0.6, "loss/total": 4.0}
    write_epochs(config, [tags | {"validation/policy": 3.5, "validation/value": 0.62}])
    write_curves(config, [generation(1e9)])
    found = examine(config)
    assert found.findings == []
    assert [one.check for one in found.well] == list(CHECKS), found.unseen


def test_a_whole_examination_is_sorted_and_complete(tmp_path: Path) -> None:
    heard: list[str] = []
    found = examine(config_in(tmp_path, "training.average_decay=0"), on_check_fn=heard.append)
    assert heard == list(CHECKS)
    assert [one.check for one in found.examined] == list(CHECKS)
    severities = [finding.severity for _, finding in found.findings]
    assert severities == sorted(severities)
    assert severities[0] is Severity.CRITICAL
    counted = len({check for check, _ in found.findings}) + len(found.well) + len(found.unseen)
    assert counted == len(CHECKS)
    told = as_values(found)
    assert [entry["check"] for entry in told["findings"]] == [check for check, _ in found.findings]
    assert set(told["well"]) | set(told["not_looked_at"]) | {check for check, _ in found.findings} == set(CHECKS)
