"""The memory of one worker process at its maximum (256 games, 800 simulations a move), and its growth."""

import multiprocessing
import time
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from alphapente.bench.frozen import FrozenEvaluator
from alphapente.bench.report import Row
from alphapente.config import Config
from alphapente.errors import FailureError
from alphapente.network.load import PlayableNetwork
from alphapente.search import Forest
from alphapente.selfplay.loop import SelfPlay
from alphapente.selfplay.worker_pool import Task, seeds_of

GAMES, SIMULATIONS = 256, 800
SAMPLE_EVERY_S = 1.0
START_S = 300.0
"""Time limit for a worker's start (it may have to compile kernels)."""


def bench_memory(
    config: Config, network: PlayableNetwork, seconds: float, games: int = GAMES, simulations: int = SIMULATIONS
) -> list[Row]:
    """Rows `generate.memory` (the maximum memory of a worker process, in GiB) and `generate.memory.growth`.

    A separate process of one thread does the work of a worker. First it writes to every page of its trees, so that no
    later search needs more memory. Then it plays at the tree's speed (the network's outputs are constant) for a third
    of `seconds`, and with the network for the rest. Growth is measured over that rest, in MiB. Raises FailureError if
    the process dies.
    """
    generation = config.generation.model_copy(update={"games_per_worker": games, "simulations": simulations})
    config = config.model_copy(update={"generation": generation})
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_worker, args=(theirs, config, seconds), daemon=True)
    process.start()
    theirs.close()
    try:
        # Not an argument: it exceeds the size of a pipe, and this process would hang if the other died early.
        ours.send(network)
        if not ours.poll(START_S + seconds):
            raise FailureError(f"the worker whose memory is measured gave no answer in {START_S + seconds:.0f} s")
        found: NDArray[np.int64] = np.array(ours.recv())
    except (EOFError, OSError) as error:
        raise FailureError("the worker whose memory is measured died: is there enough memory?") from error
    finally:
        process.kill()
        process.join()
    watched = 2 * seconds / 3
    grown = f"MiB in {watched / 60:.0f} min" if watched >= 120 else f"MiB in {watched:.0f} s"
    return [
        Row("generate.memory", float(found.max()) / 2**30, "GiB"),
        Row("generate.memory.growth", float(found[-1] - found[0]) / 2**20, grown),
    ]


def _worker(pipe: Connection, config: Config, seconds: float) -> None:
    """Plays without, then with the network; sends samples of this process's memory in bytes, taken with the network."""
    network: PlayableNetwork = pipe.recv()
    evaluator = network.evaluator(config.generation.games_per_worker, config.game.board_size)
    task = Task(config, "openvino", evaluator.batch_size, 1, 0, None)
    play = SelfPlay(evaluator, config, seeds_of(task, 0, None))
    _touch(play.forest)
    play.forest.evaluator = FrozenEvaluator(evaluator)
    _play(play, seconds / 3)
    play.forest.evaluator = evaluator
    pipe.send(_play(play, 2 * seconds / 3))


def _play(play: SelfPlay, seconds: float) -> list[int]:
    """Continues play; returns the memory in bytes every SAMPLE_EVERY_S, and at the end."""
    process = psutil.Process()
    found: list[int] = []
    begin = time.monotonic()
    while (elapsed := time.monotonic() - begin) < seconds:
        play.step()
        if elapsed >= len(found) * SAMPLE_EVERY_S:
            found.append(int(process.memory_info().rss))
    return [*found, int(process.memory_info().rss)]


def _touch(forest: Forest) -> None:
    """Writes to every page of the forest's arrays, without changing them, so that the process holds them all."""
    arrays: list[Any] = [*forest.trees, *forest.leaves, *forest.cache]
    for array in arrays:
        flat = array.reshape(-1).view(np.uint8)
        flat[:: 4096 // 2] = flat[:: 4096 // 2]
