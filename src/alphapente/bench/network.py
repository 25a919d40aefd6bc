"""Positions per second of the network as self-play calls it, beside the bare request: by model, precision, batch."""

from alphapente.bench.bare import bare_call
from alphapente.bench.report import Result, Row, rate
from alphapente.config import Config
from alphapente.network.load import playable
from alphapente.network.models import build_model
from alphapente.records.positions import positions_of
from alphapente.training.measure import random_records

BATCHES = (1, 8, 32, 128)


def bench_network(
    config: Config, seconds: float, model_types: tuple[str, ...] = ("simple", "resnet", "mixnet")
) -> Result:
    """Every model at every batch of BATCHES, `seconds` in all, half of them for the floor."""
    rows = []
    slice_s = seconds / len(model_types) / len(BATCHES) / 2
    for model_type in model_types:
        network = playable(build_model(config, model_type, seed=1), config, "openvino")
        for batch in BATCHES:
            evaluator = network.evaluator(batch, config.game.board_size)
            evaluator.input[:] = positions_of(random_records(batch, config.game.board_size))
            bare = bare_call(network, evaluator.input)

            def ours(evaluator=evaluator, batch=batch) -> int:  # type: ignore[no-untyped-def]
                evaluator.evaluate(evaluator.input)
                return int(batch)

            def floor(bare=bare, batch=batch) -> int:  # type: ignore[no-untyped-def]
                bare()
                return int(batch)

            value, least = rate(ours, slice_s), rate(floor, slice_s)
            rows.append(
                Row(
                    f"network.{model_type}.{network.precision}.batch_{batch}",
                    value,
                    "positions/s",
                    least,
                    value / least,
                )
            )
    return Result(rows)
