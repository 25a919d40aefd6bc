"""The cost of one simulation in the tree, with a network that costs nothing, and its breakdown.

Processor time is measured, so that a busy machine gives the same result as an idle one. In the breakdown, `tactics` and
`transform` are passes over the board's words and stones for each leaf, `expand` is a softmax over all points, `play` is
a copy of the root and the moves down to the leaf; `select` grows with the edges of the nodes on the path.
"""

import time

import numpy as np

from alphapente.bench.parts import TimedForest, parts_of
from alphapente.bench.report import Result, Row
from alphapente.config import Config
from alphapente.network.evaluator import UniformEvaluator
from alphapente.rules.kernels import play, random_point
from alphapente.rules.position import IN_PLAY, Position, new_positions
from alphapente.search import Exploration
from alphapente.selfplay.sizing import GAMES_ON_CPU

BATCH = GAMES_ON_CPU
STONES = 20
"""Random stones on the board of the searched positions."""
RECORDED_LEAVES = 2048

NAME = "search.us_per_simulation"


def bench_search(config: Config, seconds: float) -> Result:
    """Searches of BATCH random positions at once, like the games of a worker, without moving.

    The row has microseconds of one thread per simulation. The network is uniform, so every move of a node is expanded,
    which is the maximum work for a tree.
    """
    forest = TimedForest(
        UniformEvaluator(BATCH, config.game.board_size),
        config.search,
        num_trees=BATCH,
        simulations=config.generation.simulations,
    )
    searches = _Searches(forest, config)
    searches.run()  # compiles
    forest.clear()
    spent, simulations, evaluations = 0.0, forest.simulations_done, forest.evaluations
    end = time.perf_counter() + seconds
    while True:
        spent += searches.run()
        if time.perf_counter() > end:
            break
    simulations, evaluations = forest.simulations_done - simulations, forest.evaluations - evaluations
    clocks, batches = forest.seconds, forest.batches
    forest.clear()
    recorded = forest.record(RECORDED_LEAVES, searches.run)
    searches.start()
    for _ in range(forest.simulations // 2):  # half of a search: trees of average size
        for tree in forest.step():
            forest.result(tree)
    forest.select()
    forest.seconds, forest.batches = clocks, batches
    parts = parts_of(forest, recorded, simulations, evaluations)
    parts["the loop around them"] = max(0.0, spent - sum(parts.values()))
    shares = {f"{NAME}: {part}": seconds / spent for part, seconds in parts.items()}
    return Result([Row(NAME, spent / simulations * 1e6, "microseconds")], shares)


class _Searches:
    """Random positions, searched together."""

    def __init__(self, forest: TimedForest, config: Config) -> None:
        self.forest, self.config = forest, config
        self.rng = np.random.default_rng(1)
        self.state = np.array([20_260_101], np.uint64)

    def start(self) -> None:
        """Starts a search of a new position in each tree."""
        exploration = Exploration(self.config.generation.mcts_random, 1.0)
        for tree in range(BATCH):
            self.forest.set_position(tree, self._position())
            self.forest.start(tree, self.rng, exploration)

    def run(self) -> float:
        """One search of each tree, from start to end; returns the processor seconds of their simulations."""
        self.start()
        spent = 0.0
        while self.forest.busy():
            begin = time.process_time()
            done = self.forest.step()
            spent += time.process_time() - begin
            for tree in done:
                self.forest.result(tree)
        return spent

    def _position(self) -> Position:
        """A position in play of STONES random stones, fewer on a small board."""
        while True:
            position = new_positions(1, self.config.game.variant, self.config.game.board_size)[0]
            while position["ply"] < STONES and position["winner"] == IN_PLAY:
                play(position, random_point(position, self.state))
            if position["winner"] == IN_PLAY:
                return position
