"""Games whose policy targets are the hand-made network's own policy: a healthy network for these records."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from alphapente.config import Config
from alphapente.network.load import playable
from alphapente.network.models import build_model
from alphapente.records.model import GameRecord, RecordBatch
from alphapente.records.positions import positions_of
from alphapente.records.store import Store
from alphapente.training.batches import make_batch, samples_of
from tests.doctor.sample_runs import with_targets
from tests.records.samples import random_game


def with_own_policy(config: Config, some: list[GameRecord]) -> list[GameRecord]:
    """The games with the network's own policy as policy targets."""
    with Store(Path(config.records.database).with_name("scratch.db")) as scratch:
        for game in some:
            scratch.add_game(game)
        records = scratch.sample("recent", 10**6, np.random.default_rng(0), "pente", config.game.board_size)
    policies = iter(_policies(config, records))
    return [with_targets(game, [next(policies) for _ in game.records]) for game in some]


def _policies(config: Config, records: RecordBatch) -> list[np.ndarray[Any, Any]]:
    batch = make_batch(samples_of(records, 0.5), np.arange(len(records)), np.zeros(len(records), np.int64))
    model = build_model(config, config.training.model_type, 1)
    evaluator = playable(model, config).evaluator(len(records), config.game.board_size)
    logits, _ = evaluator.evaluate(positions_of(records))
    weights = np.exp(logits) * batch.legal
    return list(weights / weights.sum(1, keepdims=True))


def late_positions(seed: int, count: int = 80) -> list[GameRecord]:
    """Random games with records from the ninth ply on, where the policy is not uniform."""
    return [
        replace(game, records=game.records[8:14])
        for game in (random_game(seed + number, "pente", 7) for number in range(count))
    ]
