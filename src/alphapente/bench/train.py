"""Training samples per second, including the preparation of batches, beside a plain fp32 loop in the same process."""

from alphapente.bench.report import Result, Row
from alphapente.config import Config
from alphapente.training.measure import measure_training, parts_of_a_step

BATCHES = {256: "", 32: ".batch_32"}
"""The batch sizes measured, with the suffixes of their rows' names."""


def bench_train(
    config: Config, seconds: float, model_types: tuple[str, ...] = ("simple", "resnet", "mixnet")
) -> Result:
    """The models at the batch sizes of BATCHES, `seconds` in total, and the parts of a step of the last model.

    `train.waiting` is the milliseconds that the first model's learner waits for each batch; its floor is the learner's
    step alone, with a prepared batch.
    """
    rows, waiting = [], []
    for model_type in model_types:
        for batch, ending in BATCHES.items():
            found = measure_training(config, model_type, batch, seconds / len(model_types) / len(BATCHES))
            name = f"train.{model_type}{ending}"
            rows.append(Row(name, found.samples_per_s, "samples/s", found.plain_samples_per_s, found.ratio))
            if model_type == model_types[0]:
                waited, step = 1000 * found.waited_s, 1000 * found.step_s
                waiting.append(Row(f"train.waiting{ending}", waited, "ms a batch", step, waited / step))
    parts = parts_of_a_step(config, model_types[-1], max(BATCHES))
    return Result(rows + waiting, {f"{model_types[-1]}: {part}": share for part, share in parts.items()})
