"""Positions a second of the bare network: the floor under self-play, by model and batch."""

import numpy as np

from alphapente.bench.report import Result, Row, rate
from alphapente.config import Config
from alphapente.network.load import load_evaluator
from alphapente.network.models import build_model

BATCHES = (1, 8, 32, 128)


def bench_network(config: Config, seconds: float, model_types: tuple[str, ...] = ("simple", "resnet")) -> Result:
    """Every model at every batch of BATCHES, on the configured device; `seconds` in all."""
    rows = []
    for model_type in model_types:
        for batch in BATCHES:
            evaluator = load_evaluator(build_model(config, model_type, seed=1), config, batch, config.game.board_size)
            evaluator.input[:] = np.random.default_rng(0).random(evaluator.input.shape) < 0.1

            def work(evaluator=evaluator, batch=batch) -> int:  # type: ignore[no-untyped-def]
                evaluator.evaluate(evaluator.input)
                return int(batch)

            name = f"network.{model_type}.{evaluator.name.split()[-1]}.batch_{batch}"
            rows.append(Row(name, rate(work, seconds / len(model_types) / len(BATCHES)), "positions/s"))
    return Result(rows)
