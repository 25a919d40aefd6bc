"""The benchmarks by name, with their default durations."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alphapente.bench.report import Result
    from alphapente.config import Config

MeasureFn = Callable[["Config", float], "Result"]

# Each is imported when it runs, so that `alphapente bench --help` is fast.


def _later(name: str) -> MeasureFn:
    def measure(config: "Config", seconds: float) -> "Result":
        result: Result = getattr(import_module(f"alphapente.bench.{name}"), f"bench_{name}")(config, seconds)
        return result

    return measure


def _rules(_config: "Config", seconds: float) -> "Result":
    from alphapente.bench.rules import bench_rules

    return bench_rules(seconds)


def _sample(_config: "Config", seconds: float) -> "Result":
    from alphapente.bench.sample import bench_sample

    return bench_sample(seconds)


def _start(_config: "Config", seconds: float) -> "Result":
    from alphapente.bench.start import bench_start

    return bench_start(max(1, round(seconds / LAP_S)))


LAP_S = 12.0
"""Approximate time of two starts, from the command to the end of their processes."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """`measure` takes about `seconds` by default, plus its preparation."""

    name: str
    summary: str
    seconds: float
    measure: MeasureFn


BENCHMARKS = {
    one.name: one
    for one in (
        Benchmark("rules", "Random moves per second by variant, on one core.", 12, _rules),
        Benchmark("network", "Positions per second of the network, beside the bare request.", 40, _later("network")),
        Benchmark("search", "The cost of a simulation in the tree, and its breakdown.", 15, _later("search")),
        Benchmark("generate", "Self-play of one worker and more, beside the bare network.", 75, _later("generate")),
        Benchmark("train", "Training samples per second, beside a plain fp32 loop.", 60, _later("train")),
        Benchmark(
            "sample",
            "Writing of records; sampling from 100,000 and from 10 million of them (3 GB of disk).",
            20,
            _sample,
        ),
        Benchmark(
            "scale",
            "Cost as the database, the tree and the number of workers grow (3 GB of disk).",
            60,
            _later("scale"),
        ),
        Benchmark("start", "Seconds from `alphapente run` to its first simulation, warm and cold.", 36, _start),
        Benchmark(
            "web", "The page in the browser: its load, clicks, searches, and 20 visitors at once.", 30, _later("web")
        ),
    )
}

ALL_SECONDS = sum(benchmark.seconds for benchmark in BENCHMARKS.values())
