"""The benchmarks by name, with their default durations."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alphapente.bench.report import Result
    from alphapente.config import Config

# Each is imported when it runs, so that `alphapente bench --help` is fast.


def _rules(_config: "Config", seconds: float) -> "Result":
    from alphapente.bench.rules import bench_rules

    return bench_rules(seconds)


def _network(config: "Config", seconds: float) -> "Result":
    from alphapente.bench.network import bench_network

    return bench_network(config, seconds)


def _search(config: "Config", seconds: float) -> "Result":
    from alphapente.bench.search import bench_search

    return bench_search(config, seconds)


def _generate(config: "Config", seconds: float) -> "Result":
    from alphapente.bench.generate import bench_generate

    return bench_generate(config, seconds)


def _train(config: "Config", seconds: float) -> "Result":
    from alphapente.bench.train import bench_train

    return bench_train(config, seconds)


def _sample(_config: "Config", seconds: float) -> "Result":
    from alphapente.bench.sample import bench_sample

    return bench_sample(seconds)


def _scale(config: "Config", seconds: float) -> "Result":
    from alphapente.bench.scale import bench_scale

    return bench_scale(config, seconds)


def _start(_config: "Config", seconds: float) -> "Result":
    from alphapente.bench.start import bench_start

    return bench_start(max(1, round(seconds / LAP_S)))


def _web(config: "Config", seconds: float) -> "Result":
    from alphapente.bench.web import bench_web

    return bench_web(config, seconds)


LAP_S = 12.0
"""Approximate time of two starts, from the command to the end of their processes."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """`measure` takes about `seconds` by default, plus its preparation."""

    name: str
    summary: str
    seconds: float
    measure: Callable[["Config", float], "Result"]


BENCHMARKS = {
    one.name: one
    for one in (
        Benchmark("rules", "Random moves per second by variant, on one core.", 12, _rules),
        Benchmark("network", "Positions per second of the network, beside the bare request.", 40, _network),
        Benchmark("search", "The cost of a simulation in the tree, and its breakdown.", 15, _search),
        Benchmark("generate", "Self-play of one worker and more, beside the bare network.", 75, _generate),
        Benchmark("train", "Training samples per second, beside a plain fp32 loop.", 60, _train),
        Benchmark(
            "sample",
            "Writing of records; sampling from 100,000 and from 10 million of them (3 GB of disk).",
            20,
            _sample,
        ),
        Benchmark("scale", "Cost as the database, the tree and the number of workers grow (3 GB of disk).", 60, _scale),
        Benchmark("start", "Seconds from `alphapente run` to its first simulation, warm and cold.", 36, _start),
        Benchmark("web", "The page in the browser: its load, clicks, searches, and 20 visitors at once.", 30, _web),
    )
}

ALL_SECONDS = sum(benchmark.seconds for benchmark in BENCHMARKS.values())
