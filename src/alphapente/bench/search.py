"""What the tree itself costs for one simulation, with a network that answers at once."""

import time

import numpy as np

from alphapente.bench.generate import TimedForest
from alphapente.bench.report import Result, Row
from alphapente.config import Config
from alphapente.network.evaluator import UniformEvaluator
from alphapente.rules.kernels import play, random_point
from alphapente.rules.position import IN_PLAY, new_positions
from alphapente.search.forest import Exploration

BATCH = 32
STONES = 20
"""Random stones on the board of the searched positions."""

PARTS = ("start", "select, encode", "network", "expand, back up")


def bench_search(config: Config, seconds: float) -> Result:
    """Searches of random positions, 32 at once, without moving: microseconds of one thread for a simulation.

    The network is uniform: every new move of a node is opened, which is the most work that a tree can make.
    """
    forest = TimedForest(
        UniformEvaluator(BATCH, config.game.board_size),
        config.search,
        num_trees=BATCH,
        simulations=config.generation.simulations,
    )
    forest.seconds = dict.fromkeys(PARTS, 0.0)
    rng = np.random.default_rng(1)
    state = np.array([20_260_101], np.uint64)
    spent, simulations, end = 0.0, 0, 0.0
    for lap in range(1_000_000):
        for tree in range(BATCH):
            position = new_positions(1, config.game.variant, config.game.board_size)[0]
            while position["ply"] < STONES and position["winner"] == IN_PLAY:
                play(position, random_point(position, state))
            if position["winner"] != IN_PLAY:
                continue
            forest.set_position(tree, position)
            forest.start(tree, rng, Exploration(config.generation.mcts_random, 1.0))
        before, begin = forest.simulations_done, time.perf_counter()
        while forest.busy():
            for tree in forest.step():
                forest.result(tree)
        elapsed = time.perf_counter() - begin
        if lap == 0:  # compiling
            forest.seconds = dict.fromkeys(PARTS, 0.0)
            end = time.perf_counter() + seconds
            continue
        spent += elapsed
        simulations += forest.simulations_done - before
        if time.perf_counter() > end:
            break
    shares = {part: seconds_of / spent for part, seconds_of in forest.seconds.items()}
    shares["the loop around them"] = 1.0 - sum(shares.values())
    return Result([Row("search.us_per_simulation", spent / simulations * 1e6, "microseconds")], shares)
