"""The doctor's checks of curves, disks, checkpoint files and settings."""

import shutil
import sqlite3
from collections import namedtuple
from pathlib import Path

import pytest

from alphapente.config import Config
from alphapente.doctor import Severity, examine, present_value
from alphapente.doctor.idle_settings import RULES
from alphapente.network.paths import checkpoint_path
from alphapente.pipeline.state import STATE_NAME, State, save_state
from tests.doctor.sample_runs import (
    config_in,
    finding_of,
    games,
    generation,
    passed,
    result_of,
    save_checkpoint,
    store,
    training,
    unavailable,
    write_curves,
)


def test_losses_that_jump(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    assert "no curves of a training" in unavailable(config, "learning rate")
    write_curves(config, training(5.0, 4.5, 4.6, 4.2))
    assert "in 4 epochs of the newest 1 trainings the loss jumped by 25% 0 times" in passed(config, "learning rate")
    write_curves(config, training(4.0, 9.0, 8.0, 4.0, 7.0))
    finding = finding_of(config, "learning rate")
    assert (finding.severity, finding.settings) == (Severity.WARNING, ("training.learning_rate=0.0005",))
    write_curves(config, training(4.0, float("nan")))
    assert finding_of(config, "learning rate").severity is Severity.CRITICAL


@pytest.mark.parametrize(("last", "falls"), [(3.5, True), (5.0, False)])
def test_losses_that_do_not_fall(tmp_path: Path, last: float, falls: bool) -> None:
    config = config_in(tmp_path)
    for loss in (5.0, 4.9, last):
        write_curves(config, training(loss + 0.2, loss))
    assert "only 3 trainings" in unavailable(config, "training loss")
    write_curves(config, training(last))
    if falls:
        assert "of the last 3.500" in passed(config, "training loss")
    else:
        assert finding_of(config, "training loss").severity is Severity.HINT


def test_an_idle_processor(tmp_path: Path) -> None:
    config = config_in(tmp_path, "generation.games_per_worker=2", "generation.simulations=8")
    store(config, games(2))
    assert "no curves of a generation" in unavailable(config, "processor")
    write_curves(config, [generation(1e9)])
    assert "no checkpoint" in unavailable(config, "processor")
    save_checkpoint(config, 10)
    assert "1,000,000,000 evaluations a second" in passed(config, "processor")
    write_curves(config, [generation(1.0)])
    finding = finding_of(config, "processor")
    assert "made 1 evaluations a second" in finding.evidence
    assert finding.settings == ("generation.games_per_worker=0",)


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_in(tmp_path)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1 << 40, 0, 1 << 35))
    assert "32.0 GiB free" in passed(config, "disk")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1 << 40, 0, 1 << 29))
    assert finding_of(config, "disk").severity is Severity.WARNING
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1 << 40, 0, 1 << 20))
    assert finding_of(config, "disk").severity is Severity.CRITICAL


STAGES = 'pipeline.curriculum=[{"board_size": 7, "minutes": 1}, {"settings": {"training.num_epochs": 3}}]'


def test_the_current_stage_is_checked(tmp_path: Path) -> None:
    """A run on 9x9 that begins on 7x7: the first stage's records count until the second stage has begun."""
    config = config_in(tmp_path, "game.board_size=9", STAGES)
    assert "no run of the pipeline" in unavailable(config, "run")
    store(config, games(40))
    assert "120 records of 40 games of pente 7x7" in passed(config, "records")
    path = Path(config.pipeline.checkpoint_dir) / STATE_NAME
    save_state(State("20260101_000000", cycle=4, elapsed_s=90, stage=1), path)
    assert passed(config, "run") == "run 20260101_000000: cycle 4, stage 2 of 2, 1.5 minutes, not finished"
    assert "no records of pente 9x9" in finding_of(config, "records").title
    assert present_value(examine(config, {}).config, "training.num_epochs=1") == "3"
    path.write_text("{")
    assert "is not a pipeline's state" in finding_of(config, "run").evidence
    assert "pente 7x7" in passed(config, "records")


def test_the_target(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    store(config, games(4))
    assert passed(config, "target") == "12 of 50,000 records"
    near = finding_of(config_in(tmp_path, "pipeline.total_records_target=12"), "target")
    assert (near.title, near.settings) == ("The run has reached its target", ("pipeline.total_records_target=24",))


def test_the_target_counts_the_records_of_every_stage_and_of_no_other_run(tmp_path: Path) -> None:
    """As the run does: 7x7 has been played, 9x9 is next; records of keryo are from another run."""
    config = config_in(tmp_path, "game.board_size=9", STAGES, "pipeline.total_records_target=120")
    store(config, games(40))
    assert finding_of(config, "target").title == "The run has reached its target"
    path = Path(config.pipeline.checkpoint_dir) / STATE_NAME
    save_state(State("20260101_000000", cycle=4, stage=1), path)
    assert finding_of(config, "target").title == "The run has reached its target"
    assert "about 0.00 GiB needed up to the target" in passed(config, "disk")
    other = config_in(tmp_path, "game.variant=keryo", "pipeline.total_records_target=120")
    assert unavailable(other, "target") == "no records yet"


def test_a_missing_or_damaged_checkpoint(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    assert "no database" in unavailable(config, "checkpoint")
    store(config, games(1, network_step=0))
    assert "no checkpoint" in unavailable(config, "checkpoint")
    store(config, games(1, network_step=700))
    assert "step 700 of simple has played games" in finding_of(config, "checkpoint").evidence
    save_checkpoint(config, 800)
    assert "simple at step 800" in passed(config, "checkpoint")
    checkpoint_path(config, "simple").write_bytes(b"nothing of the kind")
    found = examine(config)
    broken = [finding for _, finding in found.findings if finding.title == "A file cannot be read"]
    assert len(broken) == 1, "reported once, not by each check that needs it"
    assert "simple_model.pt" in broken[0].evidence
    assert {one.check for one in found.unavailable if "see above" in one.unavailable} >= {
        "checkpoint",
        "policy",
        "reuse",
    }


def test_a_damaged_database(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    Path(config.records.database).write_bytes(b"nothing of the kind" * 100)
    finding = finding_of(config, "records")
    assert "records.db" in finding.evidence
    assert finding.severity is Severity.CRITICAL


def test_a_damaged_game_is_named_with_its_database(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    store(config, games(3))
    connection = sqlite3.connect(config.records.database)
    connection.executescript("UPDATE games SET moves = X'01' WHERE id = 2")
    connection.close()
    evidence = finding_of(config, "labels").evidence
    assert "records.db is damaged: game 2: a list of moves" in evidence


IDLE = {
    ("search.considered_points", "simulations"): ["generation.simulations=8"],
    ("search.considered_points", "Gumbel"): ["search.root=puct", "search.considered_points=8"],
    ("search.value_scale", "Gumbel"): ["search.root=puct", "search.value_scale=0.5"],
    ("search.visit_offset", "Gumbel"): ["search.root=puct", "search.visit_offset=20"],
    ("search.noise_concentration", "noise"): ["generation.mcts_random=0", "search.noise_concentration=5"],
    ("search.root_policy_temperature", "noise"): ["generation.mcts_random=0", "search.root_policy_temperature=1.5"],
    ("search.root_policy_temperature_final", "noise"): [
        "generation.mcts_random=0",
        "search.root_policy_temperature_final=1.2",
    ],
    ("search.root_policy_temperature_half_life", "constant"): ["search.root_policy_temperature_half_life=5"],
    ("search.noise_shaped", "noise"): ["generation.mcts_random=0", "search.noise_shaped=0.5"],
    ("search.forced_playouts", "only a PUCT root"): ["search.forced_playouts=2"],
    ("search.forced_playouts", "noise"): [
        "search.root=puct",
        "search.forced_playouts=2",
        "generation.mcts_random=0",
    ],
    ("generation.policy_opening_temperature", "policy_opening_plies"): ["generation.policy_opening_temperature=2"],
    ("generation.cheap_simulations", "every search is a full search"): ["generation.cheap_simulations=8"],
    ("generation.full_search_share", "at least the simulations"): [
        "generation.full_search_share=0.25",
        "generation.simulations=16",
    ],
    ("generation.decided_turns", "decided"): ["generation.decided_turns=2"],
    ("generation.decided_weight", "decided"): ["generation.decided_weight=0.5"],
    ("search.virtual_loss", "awaits the network"): ["search.virtual_loss=3", "search.leaves_at_once=1"],
    **{
        (f"pipeline.promotion_{name}", "pipeline.promotion is off"): [f"pipeline.promotion_{name}={value}"]
        for name, value in (
            ("simulations", 50),
            ("elo0", -5),
            ("elo1", 20),
            ("alpha", 0.1),
            ("beta", 0.1),
            ("max_pairs", 50),
        )
    },
    ("generation.temperature_half_life", "final value"): [
        "generation.temperature_half_life=5",
        "generation.mcts_temperature=0.2",
    ],
    ("generation.temperature_final", "never rises"): ["generation.temperature_final=2.0"],
    ("training.sample_top_percent", "top_random"): [
        "training.sample_top_percent=0.5",
        "training.sample_strategy=recent",
    ],
    ("training.window.records", "strategy window"): ["training.window.records=100"],
    ("training.window.exponent", "strategy window"): ["training.window.exponent=0.5"],
    ("training.window.slope", "strategy window"): ["training.window.slope=1"],
    ("training.augmentation.orientations", "enabled"): [
        "training.augmentation.orientations=4",
        "training.augmentation.enabled=false",
    ],
    ("training.final_rate_fraction", "no last steps"): [
        "training.final_rate_fraction=0.5",
        "training.final_rate_epochs=0",
    ],
    ("training.final_rate_epochs", "same learning rate"): [
        "training.final_rate_fraction=1",
        "training.final_rate_epochs=0.5",
    ],
    ("training.average_decay", "EMA"): ["training.average_decay=0"],
    ("training.value_loss_weight", "learns nothing"): ["training.value_loss_weight=0"],
    ("pipeline.training_cycles_per_generation", "never trains"): ["pipeline.training_cycles_per_generation=0"],
    ("generation.games", "record_limit"): ["generation.games=1000"],
}


@pytest.mark.parametrize(("key", "why"), IDLE)
def test_settings_without_effect(tmp_path: Path, key: str, why: str) -> None:
    found = result_of(config_in(tmp_path, *IDLE[key, why]), "settings").findings
    assert any(finding.title == f"{key} has no effect" and why in finding.evidence for finding in found), found


@pytest.mark.parametrize(("key", "why"), IDLE)
def test_settings_have_an_effect_once_the_advice_is_followed(tmp_path: Path, key: str, why: str) -> None:
    found = result_of(config_in(tmp_path, *IDLE[key, why]), "settings").findings
    (advice,) = next(one.settings for one in found if one.title == f"{key} has no effect" and why in one.evidence)
    after = result_of(config_in(tmp_path, *IDLE[key, why], advice), "settings").findings
    assert not [one for one in after if one.title == f"{key} has no effect" and why in one.evidence]


def test_every_rule_is_tested_and_the_defaults_pass(tmp_path: Path) -> None:
    assert sorted(rule.key for rule in RULES) == sorted(key for key, _ in IDLE)
    assert f"{len(RULES)} rules" in passed(Config(), "settings")


@pytest.mark.parametrize(
    ("overrides", "title", "severity"),
    [
        (["generation.model_type=resnet"], "Self-play plays another model", Severity.CRITICAL),
        (["training.model_type=resnet"], "Self-play plays another model", Severity.WARNING),
        (
            ["generation.opening_plies=0", "generation.mcts_temperature=0", "generation.mcts_random=0"],
            "Self-play plays the same game",
            Severity.CRITICAL,
        ),
        (
            ['pipeline.curriculum=[{"board_size": 7, "records": 5000}, {}]'],
            "Stage 2 of pipeline.curriculum is beyond the run's end",
            Severity.WARNING,
        ),
        (["training.final_rate_epochs=1"], "All steps of a training are its last steps", Severity.HINT),
        (["network.threads_per_worker=64"], "More threads than cores", Severity.WARNING),
    ],
)
def test_settings_that_conflict(tmp_path: Path, overrides: list[str], title: str, severity: Severity) -> None:
    save_checkpoint(config_in(tmp_path), 10)  # of the model "simple"
    (finding,) = result_of(config_in(tmp_path, *overrides), "settings").findings
    assert finding.title.startswith(title)
    assert finding.severity is severity
