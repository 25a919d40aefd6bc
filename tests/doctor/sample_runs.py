"""Faulty and healthy runs: real database files, checkpoints and event logs in their own folder."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from alphapente.config import Config, load_config
from alphapente.doctor import CHECKS, CheckReport, Finding, examine
from alphapente.event_log import EventLog, Source
from alphapente.events import EpochReport, Event, GenerationSummary
from alphapente.network import checkpoint, models
from alphapente.network.paths import checkpoint_path
from alphapente.network.planes import NUM_PLANES
from alphapente.records.model import GameRecord, SearchRecord
from alphapente.records.store import Store
from tests.records.samples import random_game

SIZE = 7


def config_in(folder: Path, *overrides: str) -> Config:
    """A small configuration with all files in the folder."""
    own = [
        f"game.board_size={SIZE}",
        f"records.database={folder / 'records.db'}",
        f"pipeline.checkpoint_dir={folder / 'checkpoints'}",
        f"pipeline.log_dir={folder / 'logs'}",
        "network.device=cpu",
        "models.simple.channels=8",
        "training.data_sample_size=100",
    ]
    return load_config(None, [*own, *overrides])


def hand_made(folder: Path, *overrides: str, knows: float = 1.0, value: str = "even") -> Config:
    """As `config_in`, with the network of `networks.py` as the model."""
    model = f'models.hand={{"class": "tests.doctor.networks:HandMade", "knows": {knows}, "value": "{value}"}}'
    return config_in(folder, model, "training.model_type=hand", "generation.model_type=hand", *overrides)


def games(count: int, first: int = 0, variant: str = "pente", **changes: Any) -> list[GameRecord]:
    """Random games with three records each; `changes` are fields of the games."""
    return [replace(random_game(first + seed, variant, SIZE, 3), **changes) for seed in range(count)]


def with_records(game: GameRecord, **changes: Any) -> GameRecord:
    """The game with these changes in each of its records."""
    return replace(game, records=[replace(record, **changes) for record in game.records])


def with_targets(game: GameRecord, targets: Sequence[np.ndarray[Any, Any]]) -> GameRecord:
    """The game with these policy targets, float[S*S] each, in its records."""
    return replace(game, records=[_with_target(*pair) for pair in zip(game.records, targets, strict=True)])


def _with_target(record: SearchRecord, target: np.ndarray[Any, Any]) -> SearchRecord:
    points = np.flatnonzero(target).astype(np.int16)
    values = (target[points] / target[points].sum()).astype(np.float32)
    return replace(record, points=points, targets=values, visits=np.ones(len(points), np.int32), unlisted=0.0)


def store(config: Config, some: Iterable[GameRecord]) -> None:
    """Writes the games into the configuration's database."""
    with Store(config.records.database, 30) as database:
        for game in some:
            database.add_game(game)


def save_checkpoint(config: Config, step: int, start_step: int = 0, hours: float = 0.0) -> None:
    """Saves a checkpoint of the model to train with fresh weights; its time is `hours` from now."""
    spec = models.spec_of(config, config.training.model_type)
    weights = models.build(spec, seed=1).state_dict()
    saved = checkpoint.Checkpoint(
        spec.model_type,
        spec.class_path,
        spec.sizes,
        NUM_PLANES,
        weights,
        weights,
        step=step,
        training={"start_step": start_step},
        config=config.dump_json(),
        created=(datetime.now(UTC) + timedelta(hours=hours)).isoformat(timespec="seconds"),
    )
    checkpoint.save(checkpoint_path(config, spec.model_type), saved)


def write_curves(config: Config, events: Iterable[Event]) -> None:
    """Writes the events of one job to the event log."""
    events = list(events)
    is_training = any(isinstance(event, EpochReport) for event in events)
    source = Source(f"training-{config.training.model_type}" if is_training else "generation")
    log = EventLog(config.pipeline.checkpoint_folder, source, print)
    for event in events:
        log(event)


def training(*total_losses: float) -> list[EpochReport]:
    """The events of a training with an epoch for each of these losses."""
    return [
        EpochReport(number, len(total_losses), 10 * number, loss, 0.0, loss, 1.0, 0.5, 0.001, 1000.0)
        for number, loss in enumerate(total_losses, 1)
    ]


def generation(evaluations_per_s: float) -> Event:
    """The summary of a generation of ten seconds at this rate."""
    evaluations = round(10 * evaluations_per_s)
    return GenerationSummary(5, 100, 110, {"1": 3, "2": 2}, {"five": 5}, 10.0, evaluations, evaluations)


def result_of(config: Config, check: str) -> CheckReport:
    """The report of one check."""
    (found,) = examine(config, {check: CHECKS[check]}).reports
    return found


def finding_of(config: Config, check: str) -> Finding:
    """The only finding of a check."""
    found = result_of(config, check)
    assert not found.evidence
    assert not found.unavailable, found.unavailable
    (finding,) = found.findings
    return finding


def passed(config: Config, check: str) -> str:
    """The evidence of a check that passes."""
    found = result_of(config, check)
    assert not found.findings, found.findings
    assert found.evidence, found.unavailable
    return found.evidence


def unavailable(config: Config, check: str) -> str:
    """The reason why a check is not available."""
    found = result_of(config, check)
    assert not found.findings
    assert not found.evidence
    return found.unavailable
