"""Promotion: the network that plays for a run, its test by real matches, and whole runs with promotion."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from alphapente.config import Config, ConfigError, load_config
from alphapente.errors import FailureError
from alphapente.events import Event, PromotionSummary, StepStarted, from_json
from alphapente.network import checkpoint, models
from alphapente.network.paths import checkpoint_path, promoted_path
from alphapente.network.planes import NUM_PLANES
from alphapente.pipeline.promotion import first_incumbent, promote
from alphapente.pipeline.state import STATE_NAME, load_state
from alphapente.records.check import check
from alphapente.records.model import MatchGame
from alphapente.records.store import Store
from tests.pipeline.runs import commands, notes, run_here, steps

SPRT = "pipeline.promotion=sprt"


def settings(folder: Path, *overrides: str) -> Config:
    return load_config(
        None,
        [
            SPRT,
            f"pipeline.checkpoint_dir={folder / 'checkpoints'}",
            f"records.database={folder / 'records.db'}",
            "game.board_size=7",
            "models.simple.channels=8",
            "pipeline.promotion_simulations=2",
            "pipeline.promotion_max_pairs=8",
            *overrides,
        ],
    )


def save(config: Config, path: Path, step: int) -> str:
    """Saves an untrained network, a different one for each step; returns its digest."""
    weights = models.build_model(config, "simple", step).state_dict()
    spec = models.spec_of(config, "simple")
    made = checkpoint.Checkpoint("simple", spec.class_path, spec.sizes, NUM_PLANES, weights, weights, step=step)
    checkpoint.save(path, replace(made, optimizer={"state": {}}))
    return checkpoint.weights_digest(made)


def playing(config: Config) -> str:
    return checkpoint.weights_digest(checkpoint.read(promoted_path(config, "simple")))


@pytest.mark.parametrize(
    ("overrides", "problem"),
    [
        (["pipeline.mode=async"], 'pipeline.promotion: found "sprt"'),
        (["generation.model_type=resnet"], "differs from training.model_type"),
        (["pipeline.promotion_elo0=60"], "pipeline.promotion_elo1: found 50.0"),
    ],
)
def test_incompatible_settings_are_refused(overrides: list[str], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        load_config(None, [SPRT, *overrides])
    load_config(None, overrides)


def test_the_network_that_has_played_until_now_stays(tmp_path: Path) -> None:
    config = settings(tmp_path)
    first_incumbent(config, untested=False)
    assert not promoted_path(config, "simple").exists()
    old = save(config, checkpoint_path(config, "simple"), 1)
    first_incumbent(config, untested=True)
    assert not promoted_path(config, "simple").exists()
    first_incumbent(config, untested=False)
    assert playing(config) == old
    save(config, checkpoint_path(config, "simple"), 2)
    first_incumbent(config, untested=False)
    assert playing(config) == old


def test_a_network_whose_weights_are_not_finite_is_not_promoted(tmp_path: Path) -> None:
    events: list[Event] = []
    config = settings(tmp_path)
    path = checkpoint_path(config, "simple")
    save(config, path, 1)
    made = checkpoint.read(path)
    next(iter(made.averaged_weights.values())).fill_(float("nan"))
    checkpoint.save(path, made)
    with pytest.raises(checkpoint.CheckpointError, match="NaN or infinite"):
        promote(config, events.append)
    assert not promoted_path(config, "simple").exists()


def test_a_network_is_promoted_by_the_result_of_the_match(tmp_path: Path) -> None:
    events: list[Event] = []
    config = settings(tmp_path)
    first = save(config, checkpoint_path(config, "simple"), 1)
    found = promote(config, events.append)
    assert found == PromotionSummary(True, "unopposed", 1, 0)
    assert playing(config) == first
    assert checkpoint.read(promoted_path(config, "simple")).optimizer == {}
    assert promote(config, events.append) == PromotionSummary(False, "same", 1, 1)

    second = save(config, checkpoint_path(config, "simple"), 2)
    assert promote(config, events.append, lambda: True) is None
    far_above = settings(tmp_path, "pipeline.promotion_elo0=800", "pipeline.promotion_elo1=900")
    found = promote(far_above, events.append, key="one")
    assert found is not None
    assert (found.promoted, found.verdict, found.step, found.old_step) == (False, "reject", 2, 1)
    assert playing(config) == first

    hardly_below = settings(tmp_path, "pipeline.promotion_elo0=-900", "pipeline.promotion_elo1=-800")
    found = promote(hardly_below, events.append, key="two")
    assert found is not None
    assert (found.promoted, found.verdict) == (True, "accept")
    assert found.wins + found.losses + found.draws == 16
    assert playing(config) == second
    with Store(config.records.database) as store:
        matches = store.matches("pente", 7)
        assert check(store).findings == []
    assert [(match.purpose, match.player_a.digest, match.player_b.digest) for match in matches] == [
        ("promotion", second, first)
    ] * 2
    assert matches[0].games != matches[1].games, "each training has its own openings"
    assert matches[0].player_a.name == "simple step 2 @2"


def test_an_interrupted_test_is_resumed(tmp_path: Path) -> None:
    config = settings(tmp_path, "pipeline.promotion_elo0=-1", "pipeline.promotion_elo1=1")
    save(config, promoted_path(config, "simple"), 1)
    save(config, checkpoint_path(config, "simple"), 2)

    def games() -> tuple[MatchGame, ...]:
        with Store(config.records.database) as store:
            return tuple(game for match in store.matches("pente", 7) for game in match.games)

    assert promote(config, list[Event]().append, lambda: len(games()) >= 2, key="one") is None
    before = games()
    assert 2 <= len(before) < 16
    found = promote(config, list[Event]().append, key="one")
    assert found is not None
    assert found.wins + found.losses + found.draws == 16 == len(games())
    assert set(before) <= set(games())


def test_each_training_is_tested_and_the_promoted_network_plays(tmp_path: Path) -> None:
    events = run_here(tmp_path, SPRT)
    cycle = ["Generation {0}", "Training {0}.1", "Promotion {0}.1", "Training {0}.2", "Promotion {0}.2"]
    assert steps(events) == [name.format(number) for number in (1, 2) for name in cycle]
    for _, job, *words in commands(tmp_path):
        plays_promoted = f"pipeline.checkpoint_dir={json.dumps(str(tmp_path / 'promoted'))}" in words
        assert plays_promoted == (job == "generate")
    (log,) = (tmp_path / "logs").glob("pipeline_*.log")
    assert log.read_text().count("promoted: the network of step 7 against that of step 3: 20 won, 10 lost") == 4
    assert "Promotion 2.2 ended" in notes(events)


def test_a_test_that_failed_is_played_again_before_anything_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAND_IN", "fail:promote")
    with pytest.raises(FailureError, match=r"Promotion 1\.1 failed"):
        run_here(tmp_path, SPRT)
    state = load_state(tmp_path / STATE_NAME)
    assert state is not None
    assert (state.untested_training, state.trainings_done) == ("Training 1.1", 1)
    monkeypatch.delenv("STAND_IN")
    assert steps(run_here(tmp_path, SPRT))[:3] == ["Promotion 1.1", "Training 1.2", "Promotion 1.2"]


@pytest.mark.slow
def test_a_real_run_promotes_its_first_network_and_tests_the_next(tmp_path: Path) -> None:
    run = {
        "game": {"board_size": 7},
        "generation": {"simulations": 4, "record_limit": 60, "games_per_worker": 4, "workers": 1},
        "training": {"num_epochs": 2, "data_sample_size": 60},
        "models": {"simple": {"channels": 8}},
        "pipeline": {
            "generation_cycles": 2,
            "training_cycles_per_generation": 1,
            "promotion": "sprt",
            "promotion_simulations": 2,
            "promotion_max_pairs": 16,
        },
    }
    (tmp_path / "run.json").write_text(json.dumps(run))
    parent, alive = os.pipe()  # when it closes, the run ends
    try:
        done = subprocess.run(
            [sys.executable, "-m", "alphapente", "run", "run.json", "--events"],
            cwd=tmp_path, capture_output=True, text=True, check=False, timeout=280, stdin=parent,
        )  # fmt: skip
    finally:
        os.close(parent)
        os.close(alive)
    assert done.returncode == 0, done.stderr
    events = [from_json(line) for line in done.stdout.splitlines()]
    began = [event.name for event in events if isinstance(event, StepStarted)]
    assert began == ["Generation 1", "Training 1.1", "Promotion 1.1", "Generation 2", "Training 2.1", "Promotion 2.1"]
    first, second = (event for event in events if isinstance(event, PromotionSummary))
    assert (first.verdict, first.promoted) == ("unopposed", True)
    assert second.old_step == first.step < second.step
    assert second.wins + second.losses + second.draws == 32
    stored = checkpoint.read(tmp_path / "checkpoints" / "promoted" / "simple_model.pt")
    assert stored.step == (second.step if second.promoted else first.step)
    with Store(tmp_path / "data" / "records.db") as store:
        (match,) = store.matches("pente", 7)
    assert (match.purpose, match.player_a.network_step, len(match.games)) == ("promotion", second.step, 32)
