"""Training samples a second, batches made from records meanwhile, against a plain fp32 loop in the same process."""

from alphapente.bench.report import Result, Row
from alphapente.config import Config
from alphapente.training.measure import measure_training

BATCHES = (256, 32)


def bench_train(config: Config, seconds: float, model_types: tuple[str, ...] = ("simple", "resnet")) -> Result:
    """Both models at the batches of BATCHES, `seconds` in all."""
    rows = []
    for model_type in model_types:
        for batch in BATCHES:
            found = measure_training(config, model_type, batch, seconds / len(model_types) / len(BATCHES))
            name = f"train.{model_type}.batch_{batch}"
            rows.append(Row(name, found.samples_per_s, "samples/s", found.plain_samples_per_s, found.ratio))
    return Result(rows)
