"""The targets of the benchmarks, by the name of the row."""

from dataclasses import dataclass

from alphapente.bench.report import Row, number


@dataclass(frozen=True, slots=True)
class Target:
    """`bound` is the minimum, or the maximum if `at_most`, of the row's ratio or, if `of_value`, of its value."""

    bound: float
    at_most: bool = False
    of_value: bool = False


TARGETS = {
    "generate.simple.bf16": Target(0.93),
    "generate.simple.int8": Target(0.88),
    "generate.resnet.bf16": Target(0.98),
    "generate.resnet.int8": Target(0.96),
    "generate.mixnet": Target(0.8),
    "generate.mixnet_speedup": Target(8.0),
    "generate.simulations_per_evaluation": Target(1.3),
    "generate.workers_2": Target(1.9),
    "generate.int8_games": Target(1.7),
    "generate.memory": Target(2.0, at_most=True, of_value=True),
    "search.us_per_simulation": Target(4.0, at_most=True, of_value=True),
    "train.simple": Target(3.5),
    "train.resnet": Target(3.5),
    "train.mixnet": Target(3000, of_value=True),
    "train.waiting": Target(0.03, at_most=True),
    "train.waiting.batch_32": Target(0.03, at_most=True),
    "sample.10m": Target(1.5, at_most=True),
    "records.write": Target(50_000, of_value=True),
    "start": Target(4.0, at_most=True, of_value=True),
    "web.page": Target(1.0, at_most=True, of_value=True),
    "web.click": Target(0.05, at_most=True, of_value=True),
    "web.search.resnet": Target(0.3, at_most=True, of_value=True),
    "web.visitors.fairness": Target(0.8, of_value=True),
    "web.visitors.click": Target(0.05, at_most=True, of_value=True),
}

GPU = Target(0.85)
"""The target of every GPU row: `generate.simple.bf16.gpu` and so on."""


def reach(row: Row) -> str:
    """The row's target, and whether it is met: ">= 0.93: met"; empty for a row without a target."""
    target = GPU if row.name.endswith(".gpu") else TARGETS.get(row.name)
    if target is None:
        return ""
    found = row.value if target.of_value else row.ratio
    bound = f"{'<=' if target.at_most else '>='} {number(target.bound)}"
    if found is None:
        return f"{bound}: not measured"
    met = found <= target.bound if target.at_most else found >= target.bound
    return f"{bound}: {'met' if met else 'missed'}"
