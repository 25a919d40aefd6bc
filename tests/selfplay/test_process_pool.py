"""Worker processes: the games of their seeds, and a clean end at every stage of their start."""

import array
import fcntl
import multiprocessing
import termios
import threading
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection

import pytest

from alphapente.config import Config, load_config
from alphapente.errors import FailureError
from alphapente.network.load import PlayableNetwork, playable
from alphapente.network.models import build_model
from alphapente.network.openvino_backend import PortableNetwork
from alphapente.records.model import GameRecord
from alphapente.selfplay.process_pool import ProcessPool
from alphapente.selfplay.worker import self_play
from alphapente.selfplay.worker_pool import Assignment, Task


@pytest.fixture
def task() -> Task:
    config: Config = load_config(None, ["game.board_size=7", "generation.simulations=8", "models.simple.channels=8"])
    return Task(config, "openvino", 3, run_seed=5, series=0, settings_id=None)


def broken_network(task: Task) -> PlayableNetwork:
    return PlayableNetwork(PortableNetwork(b"<net/>", b""), "openvino", task.config.network)


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    yield
    assert not multiprocessing.active_children()


def test_a_worker_plays_the_games_of_its_seeds(task: Task) -> None:
    network = playable(build_model(task.config, "simple", seed=1), task.config, "openvino", step=3)
    pool = ProcessPool(1)
    pool.begin(task, 4, ())
    pool.load(network)
    found: list[GameRecord] = []
    while len(found) < 4:
        found += pool.poll(1.0)
    assert pool.stop() == ([], [])
    play = self_play(task, Assignment(0, 4, ()), network.evaluator(3, 7), 3)
    expected = []
    while play.num_in_play:
        expected += play.step()
    assert {game.seed: game.moves for game in found} == {game.seed: game.moves for game in expected}
    assert {game.network_step for game in found} == {3}


def test_a_stop_before_the_first_network_returns_the_games_carried_over(task: Task) -> None:
    pool = ProcessPool(1)
    pool.begin(task, None, [b"one", b"two"])
    assert pool.stop() == ([], [b"one", b"two"])


def test_a_stop_before_the_task_ends_the_workers(task: Task) -> None:
    assert ProcessPool(1).stop() == ([], [])


def test_a_network_that_does_not_load_is_a_failure_with_its_reason(task: Task) -> None:
    pool = ProcessPool(1)
    pool.begin(task, None, ())
    pool.load(broken_network(task))
    with pytest.raises(FailureError, match="self-play worker 1 failed: ") as failure:
        _poll_for_ever(pool)
    assert "died" not in str(failure.value)
    pool.stop()


def test_a_worker_that_dies_at_its_start_is_reported_by_the_next_poll(task: Task) -> None:
    pool = ProcessPool(1)
    pool.begin(task, None, ())
    pool.abandon()
    for process in multiprocessing.active_children():
        process.join(30)
    pool.load(broken_network(task))
    with pytest.raises(FailureError, match=r"worker 1 died \(exit status -9\)"):
        _poll_for_ever(pool)


def waiting_bytes(pipe: Connection) -> int:
    """Number of bytes waiting to be read from a pipe."""
    count = array.array("i", [0])
    fcntl.ioctl(pipe.fileno(), termios.FIONREAD, count)
    return count[0]


def test_a_network_larger_than_a_pipe_reaches_a_worker_that_waits_until_its_games_are_read(task: Task) -> None:
    """With both pipes full, parent and worker once waited for each other forever."""
    small = playable(build_model(task.config, "simple", seed=1), task.config, "openvino", step=1)
    wide = load_config(None, ["game.board_size=7", "models.simple.channels=96"])
    large = playable(build_model(wide, "simple", seed=2), wide, "openvino", step=2)
    assert isinstance(large.form, PortableNetwork)
    assert len(large.form.weights) > 500_000
    pool = ProcessPool(1)
    pool.begin(task, None, ())
    pool.load(small)
    full, before, end = 0, -1, time.monotonic() + 120
    while (full != before or full < 100_000) and time.monotonic() < end:
        time.sleep(0.5)
        before, full = full, waiting_bytes(pool._pipes[0])
    loading = threading.Thread(target=pool.load, args=(large,), daemon=True)
    loading.start()
    loading.join(10)
    stuck = loading.is_alive()
    games: list[GameRecord] = []
    while not stuck and (not games or games[-1].network_step != 2) and time.monotonic() < end:
        games += pool.poll(0.5)
    pool.abandon()
    for process in multiprocessing.active_children():
        process.join(30)
    assert not stuck
    assert games[-1].network_step == 2


def _poll_for_ever(pool: ProcessPool) -> None:
    while True:
        pool.poll(1.0)
