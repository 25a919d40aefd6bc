"""Self-play by whole worker pools, as in `alphapente generate`: processes, and threads that share a GPU."""

import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from alphapente.bench.report import Result, Row
from alphapente.config import Config
from alphapente.errors import FailureError, RequestError
from alphapente.network.device import choose_device
from alphapente.network.evaluator import Evaluator
from alphapente.network.load import PlayableNetwork, playable
from alphapente.network.models import build_model
from alphapente.records.store import Store
from alphapente.selfplay.process_pool import ProcessPool
from alphapente.selfplay.sizing import games_at_once
from alphapente.selfplay.thread_pool import ThreadPool
from alphapente.selfplay.worker_pool import Task, WorkerPool

START_LIMIT_S = 120.0
"""Time limit for a pool's first simulations."""

SETTLE_S = 2.0
"""The first seconds of play are not counted: all games are at their openings, and caches are cold."""


def measure_workers(config: Config, model_type: str, workers: int, seconds: float) -> float:
    """Evaluations per second of `workers` processes with a fresh network, their games stored; excludes the start.

    Raises FailureError if they do not start in time.
    """
    network = playable(build_model(config, model_type, seed=1), config)
    return _rates(ProcessPool(workers), config, network, seconds)[0]


def measure_threads(config: Config, model_type: str, threads: int, seconds: float, device: str = "cuda") -> Result:
    """Threads over one device, compared with the bare network in the same number of threads at the same batch size.

    Each takes half of `seconds`. Raises RequestError if there is no such device, FailureError if the threads do not
    start in time.
    """
    if device == "cuda":
        choose_device("cuda")
    if threads < 1:
        raise RequestError(f"found {threads} threads, allowed: 1 or more")
    network = playable(build_model(config, model_type, seed=1), config, device)
    batch, size = games_at_once(config, device), config.game.board_size
    evaluators = network.evaluators(batch, size, threads)
    bare = _bare(evaluators, seconds / 2)
    name = f"generate.{model_type}.{evaluators[0].name.split()[1]}.gpu"
    del evaluators  # frees their memory on the device for the pool
    evaluations, simulations = _rates(ThreadPool(threads), config, network, seconds / 2)
    return Result(
        [
            Row(name, evaluations, "evaluations/s", bare, evaluations / bare),
            Row(f"{name}.simulations", simulations, "simulations/s"),
        ]
    )


def _rates(pool: WorkerPool, config: Config, network: PlayableNetwork, seconds: float) -> tuple[float, float]:
    """(evaluations per second, simulations per second) of a worker pool."""
    task = Task(config, network.device, games_at_once(config, network.device), run_seed=1, series=0, settings_id=None)
    try:
        with tempfile.TemporaryDirectory(prefix="alphapente-") as folder, Store(Path(folder, "bench.db")) as store:
            pool.begin(task, None, ())
            pool.load(network)
            limit = time.perf_counter() + START_LIMIT_S
            while not pool.counts.simulations:
                _play(pool, store, 0.1)
                if time.perf_counter() > limit:
                    raise FailureError(f"self-play made no move in {START_LIMIT_S:.0f} s: run alphapente generate")
            _play(pool, store, SETTLE_S)
            counts = np.array(_play(pool, store, seconds))
            evaluations, simulations = np.polyfit(counts[:, 0], counts[:, 1:], 1)[0]
            return float(evaluations), float(simulations)
    finally:
        pool.stop()
        pool.abandon()


def _play(pool: WorkerPool, store: Store, seconds: float) -> list[tuple[float, int, int]]:
    """Plays and stores; returns (time, evaluations, simulations) after each progress report of a worker.

    Reports arrive at irregular times, so the rate is the slope of a line through these points.
    """
    now = begin = time.perf_counter()
    counts = [(0.0, pool.counts.evaluations, pool.counts.simulations)]
    while now < begin + seconds or len(counts) < 3:
        for game in pool.poll(0.1):
            store.add_game(game)
        now = time.perf_counter()
        if pool.counts.evaluations > counts[-1][1]:
            counts.append((now - begin, pool.counts.evaluations, pool.counts.simulations))
    return counts[1:]


def _bare(evaluators: list[Evaluator], seconds: float) -> float:
    """Positions per second of evaluators without self-play, one thread for each."""
    calls = [0] * len(evaluators)
    begin = time.perf_counter()

    def work(place: int, evaluator: Evaluator) -> None:
        while time.perf_counter() - begin < seconds:
            evaluator.evaluate(evaluator.input)
            calls[place] += 1

    threads = [threading.Thread(target=work, args=pair) for pair in enumerate(evaluators)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(calls) * evaluators[0].batch_size / (time.perf_counter() - begin)
