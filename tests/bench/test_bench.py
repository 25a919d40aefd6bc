"""The benchmarks run, name their rows, and break down the time; speeds are not checked."""

import importlib.util
import os

import numpy as np
import pytest

from alphapente.bench import generate as generate_module
from alphapente.bench.bare import bare_call
from alphapente.bench.frozen import FrozenEvaluator, RandomEvaluator
from alphapente.bench.generate import bench_generate
from alphapente.bench.memory import bench_memory
from alphapente.bench.network import BATCHES, bench_network
from alphapente.bench.parts import TimedForest, parts_of
from alphapente.bench.rules import bench_rules
from alphapente.bench.sample import bench_sample
from alphapente.bench.scale import scale_tree
from alphapente.bench.search import bench_search
from alphapente.bench.suite import BENCHMARKS
from alphapente.bench.targets import TARGETS
from alphapente.bench.train import bench_train
from alphapente.bench.worker import play_beside_bare
from alphapente.config import Config, load_config
from alphapente.errors import FailureError, RequestError
from alphapente.network.device import num_cores
from alphapente.network.evaluator import Evaluator, UniformEvaluator
from alphapente.network.load import PlayableNetwork, playable
from alphapente.network.models import build_model
from alphapente.network.openvino_backend import computes_bf16, computes_int8
from alphapente.rules.position import VARIANTS, new_positions
from alphapente.search import Forest

FLOATING = "bf16" if computes_bf16() else "fp32"
INT8 = computes_int8() and importlib.util.find_spec("nncf") is not None


@pytest.fixture
def config() -> Config:
    return load_config(
        None,
        [
            "game.board_size=7",
            "generation.simulations=8",
            "generation.games_per_worker=4",
            "models.simple.channels=8",
            "models.resnet.channels=8",
            "models.resnet.blocks=1",
            "training.threads=1",
        ],
    )


def test_rules_play_every_variant() -> None:
    rows = bench_rules(0.3).rows
    assert [row.name for row in rows] == [f"rules.{variant}" for variant in VARIANTS]
    assert all(row.value > 0 for row in rows)


def fresh_network(config: Config, model_type: str) -> PlayableNetwork:
    return playable(build_model(config, model_type, seed=1), config, "openvino")


def test_the_network_is_compared_with_the_bare_request(config: Config) -> None:
    rows = bench_network(config, 0.6, ("simple", "mixnet")).rows
    names = [f"simple.{FLOATING}", "mixnet.int16"]
    assert [row.name for row in rows] == [f"network.{name}.batch_{batch}" for name in names for batch in BATCHES]
    assert all(row.floor and row.ratio == row.value / row.floor for row in rows)


def test_search_reports_the_cost_of_a_simulation_and_its_parts(config: Config) -> None:
    result = bench_search(config, 0.3)
    assert [row.name for row in result.rows] == ["search.us_per_simulation"]
    assert 0 < result.rows[0].value < 10_000
    assert sum(result.breakdown.values()) == pytest.approx(1.0)
    assert {name.rpartition(": ")[2] for name in result.breakdown} >= {"tactics", "transform", "expand", "back up"}
    assert all(share >= 0 for share in result.breakdown.values())


def searched(forest: Forest, rng: np.random.Generator) -> list[int]:
    """The point that each tree finds in an empty position."""
    for tree in range(4):
        forest.set_position(tree, new_positions(1, "gomoku", 7)[0])
        forest.start(tree, rng)
    points = [-1] * 4
    while forest.busy():
        for tree in forest.step():
            points[tree] = forest.result(tree).point
    return points


def test_a_timed_forest_searches_like_a_forest(config: Config) -> None:
    found = []
    for kind in (Forest, TimedForest):
        forest = kind(RandomEvaluator(4, 7), config.search, num_trees=4, simulations=50)
        found.append((searched(forest, np.random.default_rng(1)), forest.evaluations, forest.simulations_done))
    assert isinstance(forest, TimedForest)
    assert found[0] == found[1]
    assert forest.plies == 4
    assert forest.simulated == forest.simulations_done == 200
    assert 0 < forest.batches <= forest.evaluations


def test_the_parts_of_the_kernels_add_up_to_the_kernels(config: Config) -> None:
    settings = config.search.model_copy(update={"cached_positions": 0})  # the same search is repeated
    forest = TimedForest(UniformEvaluator(4, 7), settings, num_trees=4, simulations=30)
    rng = np.random.default_rng(1)
    searched(forest, rng)
    forest.clear()
    evaluations = forest.evaluations
    searched(forest, rng)
    clocks, batches, leaves = forest.seconds, forest.batches, forest.evaluations - evaluations
    forest.clear()
    recorded = forest.record(40, lambda: searched(forest, rng))
    assert len(recorded.depth) == 40
    assert (recorded.depth > 0).all()
    assert (recorded.leaf["ply"] == recorded.root["ply"] + recorded.depth).all()
    forest.seconds, forest.batches = clocks, batches
    parts = parts_of(forest, recorded, leaves, leaves)
    assert sum(parts.values()) == pytest.approx(sum(clocks.values()), rel=0.05)


def test_frozen_networks_repeat_themselves() -> None:
    evaluator: Evaluator = RandomEvaluator(2, 7)
    frozen = FrozenEvaluator(evaluator)
    first = frozen.evaluate(frozen.input)[0].copy()
    assert frozen.input is evaluator.input
    assert (evaluator.evaluate(evaluator.input)[0] != first).any()
    assert (frozen.evaluate(frozen.input)[0] == first).all()
    assert isinstance(frozen, Evaluator)


def test_a_bare_request_answers(config: Config) -> None:
    bare = bare_call(fresh_network(config, "simple"), new_positions(2, "pente", config.game.board_size))
    outputs = bare()
    assert sorted(outputs[port].shape for port in outputs) == [(2,), (2, 49)]


def test_workers_take_turns_with_the_bare_network(config: Config) -> None:
    networks = {name: fresh_network(config, name) for name in ("simple", "mixnet")}
    found = play_beside_bare(config, networks, 0.4)
    assert [played.row.name for played in found] == ["simple", "mixnet"]
    for played in found:
        assert played.row.floor
        assert played.row.ratio
        assert 0.0 < played.row.ratio < 1.5
        assert played.evaluations > 0
        assert played.plies_per_s > 0
        assert sum(played.breakdown.values()) == pytest.approx(1.0)
        parts = {name.rpartition(": ")[2] for name in played.breakdown}
        assert parts >= {"network", "choose", "expand", "back up", "transform", "records", "waiting"}


def test_memory_includes_all_trees_of_the_process(config: Config) -> None:
    network = fresh_network(config, "simple")
    small, _ = bench_memory(config, network, 0.3, games=4, simulations=8)
    large, growth = bench_memory(config, network, 0.3, games=64, simulations=4000)
    assert (small.name, growth.name) == ("generate.memory", "generate.memory.growth")
    assert small.value > 0.05
    assert large.value - small.value > 64 * 8000 * 98 / 2**30


def test_a_worker_that_dies_is_reported_without_waiting(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alphapente.bench.memory._worker", os._exit)
    with pytest.raises(FailureError, match="the worker whose memory is measured died"):
        bench_memory(config, fresh_network(config, "simple"), 0.3, games=4, simulations=8)


def test_a_growing_tree_is_measured_at_each_size(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alphapente.bench.scale.SIMULATIONS_AT_LEAST", 0)
    rows = {row.name: row for row in scale_tree(config, (500, 2000))}
    assert list(rows) == ["scale.tree.500", "scale.tree.2k", "scale.tree.bytes.500", "scale.tree.bytes.2k"]
    assert rows["scale.tree.500"].ratio == 1.0
    assert rows["scale.tree.2k"].floor == rows["scale.tree.500"].value
    assert 2 * 49 < rows["scale.tree.bytes.2k"].value < 400


def test_training_is_compared_with_a_plain_loop_in_the_same_run(config: Config) -> None:
    result = bench_train(config, 2.0, ("simple",))
    names = ["train.simple", "train.simple.batch_32", "train.waiting", "train.waiting.batch_32"]
    assert [row.name for row in result.rows] == names
    assert all(row.floor and row.ratio is not None for row in result.rows)
    assert sum(result.breakdown.values()) == pytest.approx(1.0)


def test_generation_has_its_rows_with_and_without_int8(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate_module, "measure_workers", lambda *asked: 10.0 * asked[2])
    monkeypatch.setattr(generate_module, "bench_memory", lambda *_: [])

    def names(model_type: str = "simple") -> list[str]:
        return [row.name for row in bench_generate(config, 1.0, (model_type,)).rows]

    workers = ["generate.workers_2"] if num_cores() > 1 else []
    floating, each = f"generate.simple.{FLOATING}", "generate.simulations_per_evaluation"
    if INT8:
        assert names() == [floating, "generate.simple.int8", each, "generate.int8_games", *workers]
        mixnet = ["generate.mixnet", "generate.resnet_4x32.int8", "generate.mixnet_speedup"]
        assert [name for name in names("mixnet") if name not in (each, *workers)] == mixnet

    def refuse() -> None:
        raise RequestError("not here")

    monkeypatch.setattr(generate_module, "require_int8", refuse)
    assert names() == [floating, each, *workers]


@pytest.mark.slow
def test_every_target_has_a_row_of_some_benchmark(config: Config) -> None:
    benchmarks = [one for one in BENCHMARKS.values() if one.name not in ("sample", "web")]
    names = {row.name for one in benchmarks for row in one.measure(config, 2.0).rows}
    names |= {row.name for row in bench_sample(0.5, 200_000, 10_000).rows}
    assert "sample.200k" in names
    expected = {name for name in TARGETS if not name.startswith("web.")} - {"sample.10m"}
    if not computes_bf16():
        expected -= {"generate.simple.bf16", "generate.resnet.bf16"}
        assert names >= {"generate.simple.fp32", "generate.resnet.fp32"}
    if not INT8:
        expected -= {"generate.simple.int8", "generate.resnet.int8", "generate.int8_games"}
    if num_cores() < 2:
        expected -= {"generate.workers_2"}
    assert sorted(expected - names) == []
