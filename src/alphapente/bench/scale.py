"""Scaling: the cost as the database grows to 10 million records, a tree to a million nodes, the workers to the cores.

Each row's floor is the cost at the smallest size, so a ratio of 1 means that the cost does not grow.
"""

import time
from collections.abc import Sequence

import numpy as np

from alphapente.bench.frozen import RandomEvaluator
from alphapente.bench.many_records import short
from alphapente.bench.report import Result, Row, median
from alphapente.bench.scale_records import SIZES, scale_records
from alphapente.bench.worker import on_cpu
from alphapente.bench.workers import measure_workers
from alphapente.config import Config
from alphapente.network.device import num_cores
from alphapente.rules.kernels import play
from alphapente.rules.position import Position, new_positions
from alphapente.search import Forest
from alphapente.search.mcts.tree import EDGE, NODE

NODES = (1_000, 10_000, 100_000, 1_000_000)
LEAVES = 16
"""Leaves of the one tree in flight at once."""
SEARCH = 64
"""Simulations of one search: the tree is searched repeatedly, as the engine does while its clock runs."""
SIMULATIONS_AT_LEAST = 20_000
"""Small trees are grown repeatedly until they have this number of simulations in total."""
WORKERS_S = 5.0
"""Seconds for each number of workers."""
DEFAULT_S = 60.0
SEARCH_SETTINGS = {"root": "puct", "cached_positions": 0}
"""The root of an analysis without a budget; no cache, so that every simulation makes a node."""


def bench_scale(config: Config, seconds: float) -> Result:
    """All three parts. The full sizes take about 110 s; `seconds` below DEFAULT_S reduces the sizes."""
    share = min(1.0, seconds / DEFAULT_S)
    trees = scale_tree(config, [max(200, int(size * share)) for size in NODES])
    workers = scale_workers(config, WORKERS_S * share)
    records = scale_records([max(400, int(size * share)) for size in SIZES])
    return Result([*trees, *workers, *records.rows])


def scale_tree(config: Config, sizes: Sequence[int] = NODES) -> list[Row]:
    """Rows `scale.tree.1k` and so on: microseconds per simulation while one tree grows to that number of nodes.

    Processor time from three quarters of the size to the full size. `scale.tree.bytes.1k`: bytes per node at that size,
    its edges included. The network's outputs are random; LEAVES leaves are in flight.
    """
    settings = config.search.model_copy(update=SEARCH_SETTINGS)
    evaluator = RandomEvaluator(LEAVES, config.game.board_size)
    forest = Forest(evaluator, settings, num_trees=1, simulations=SEARCH, max_nodes=max(sizes) + SEARCH)
    position = new_positions(1, config.game.variant, config.game.board_size)[0]
    play(position, config.game.board_size**2 // 2)
    costs, bytes_ = [], []
    for size in sizes:
        forest.set_position(0, position)
        laps = 1 + SIMULATIONS_AT_LEAST // size
        costs.append(median([_cost_at(forest, position, size) for _ in range(laps)]))
        bytes_.append(_bytes_a_node(forest))
    names = [short(size) for size in sizes]
    return [
        *_rows([f"scale.tree.{name}" for name in names], costs, "microseconds"),
        *_rows([f"scale.tree.bytes.{name}" for name in names], bytes_, "bytes a node"),
    ]


def _cost_at(forest: Forest, position: Position, size: int) -> float:
    """Microseconds per simulation while a new tree of the position grows to `size` nodes."""
    rng = np.random.default_rng(0)
    forest.set_position(0, position)
    _grow(forest, rng, size * 3 // 4)
    simulations, begin = forest.simulations_done, time.process_time()
    _grow(forest, rng, size)
    return (time.process_time() - begin) / (forest.simulations_done - simulations) * 1e6


def _grow(forest: Forest, rng: np.random.Generator, nodes: int) -> None:
    """Searches the tree's position at least once, and until it has `nodes` nodes or is proven."""
    proven = 0
    while not proven:
        forest.start(0, rng)
        while 0 not in forest.step():
            pass
        proven = forest.result(0).proven
        if forest.trees.heads[0].num_nodes >= nodes:
            return


def _bytes_a_node(forest: Forest) -> float:
    head, points = forest.trees.heads[0], forest.size**2
    used = head["num_nodes"] * (NODE.itemsize + 2 * points) + head["edges_used"] * EDGE.itemsize
    return float(used / head["num_nodes"])


def scale_workers(config: Config, seconds: float) -> list[Row]:
    """Rows `scale.workers.1` and so on, doubling up to the cores: evaluations per second of that number of processes.

    `seconds` is for each number.
    """
    counts, cores = [1], num_cores()
    while counts[-1] < cores:
        counts.append(min(2 * counts[-1], cores))
    rates = [measure_workers(on_cpu(config), config.generation.model_type, count, seconds) for count in counts]
    return _rows([f"scale.workers.{count}" for count in counts], rates, "evaluations/s")


def _rows(names: Sequence[str], values: Sequence[float], unit: str) -> list[Row]:
    """Rows whose floor is the first value."""
    return [Row(name, value, unit, values[0], value / values[0]) for name, value in zip(names, values, strict=True)]
