"""The thread pool over one network, here on the CPU instead of the GPU."""

import importlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from alphapente.config import Config, load_config
from alphapente.errors import FailureError, RequestError
from alphapente.events import Event, GenerationProgress, Note
from alphapente.network.load import PlayableNetwork, playable
from alphapente.network.models import build_model
from alphapente.records.check import check
from alphapente.records.model import GameRecord
from alphapente.records.parking import Parking
from alphapente.records.store import Store
from alphapente.selfplay.game import seed_of
from alphapente.selfplay.loop import SelfPlay
from alphapente.selfplay.sizing import PoolSize
from alphapente.selfplay.thread_pool import ThreadPool
from alphapente.selfplay.worker import self_play
from alphapente.selfplay.worker_pool import Task, WorkerPool, assignments

GAMES = 3
"""Games in play in each thread."""
generation = importlib.import_module("alphapente.selfplay.generate")  # the package's `generate` is the function in it


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load_config(
        None,
        [
            "game.board_size=7",
            "generation.simulations=8",
            "generation.record_limit=60",
            "models.simple.channels=8",
            f"records.database={tmp_path / 'records.db'}",
            f"pipeline.checkpoint_dir={tmp_path}",
        ],
    )


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    for thread in threading.enumerate():
        if thread.name.startswith("self-play"):
            thread.join(30)
            assert not thread.is_alive()


def task_on(config: Config, device: str) -> Task:
    return Task(config, device, GAMES, run_seed=5, series=0, settings_id=None)


def network_for(config: Config, device: str, seed: int = 1, step: int = 0) -> PlayableNetwork:
    return playable(build_model(config, "simple", seed=seed), config, device, step)


def pool_of(config: Config, device: str, games: int | None, carried_over: tuple[bytes, ...] = ()) -> ThreadPool:
    pool = ThreadPool(2)
    pool.begin(task_on(config, device), games, carried_over)
    pool.load(network_for(config, device))
    return pool


def games_until(pool: WorkerPool, enough: Callable[[list[GameRecord]], bool]) -> list[GameRecord]:
    games: list[GameRecord] = []
    end = time.monotonic() + 120
    while not enough(games):
        assert time.monotonic() < end, f"{len(games)} games, {pool.counts.in_play} in play"
        games += pool.poll(0.1)
    return games


@pytest.mark.parametrize("device", ["openvino", "cpu"])
def test_threads_play_the_games_that_separate_workers_would(config: Config, device: str) -> None:
    pool = pool_of(config, device, games=7)
    found = games_until(pool, lambda games: len(games) == 7 and pool.counts.in_play == 0)
    assert pool.stop() == ([], [])
    expected = []
    for assignment in assignments(2, 7, ()):
        evaluator = network_for(config, device).evaluator(GAMES, 7)
        play = self_play(task_on(config, device), assignment, evaluator, 0)
        while play.num_in_play:
            expected += play.step()
    assert {game.seed: game.moves for game in found} == {game.seed: game.moves for game in expected}
    assert pool.counts.evaluations > 0
    assert pool.counts.simulations > 0


def test_games_in_play_are_returned_at_a_stop_and_continued(config: Config) -> None:
    pool = pool_of(config, "openvino", games=None)
    games = games_until(pool, lambda games: len(games) >= 3)
    late, parked = pool.stop()
    assert 0 < len(parked) <= 2 * GAMES
    carried = pool_of(config, "openvino", games=0, carried_over=tuple(parked))
    rest = games_until(carried, lambda games: len(games) == len(parked))
    seeds = [game.seed for game in games + late + rest]
    assert len(set(seeds)) == len(seeds)
    carried.stop()


def test_workers_wait_while_their_games_are_not_stored(config: Config) -> None:
    """Only a few messages wait, for any length of time, and no game is lost; an abandoned pool ends too."""
    pool = pool_of(config, "openvino", games=40)
    end = time.monotonic() + 60
    while not pool._messages.full() and time.monotonic() < end:
        time.sleep(0.05)
    played = pool._messages.qsize()
    time.sleep(1.0)
    assert pool._messages.qsize() == played == 4
    assert len(games_until(pool, lambda games: len(games) == 40 and pool.counts.in_play == 0)) == 40
    pool.stop()
    abandoned = pool_of(config, "openvino", games=None)
    abandoned.abandon()  # the threads end by themselves: no_thread_is_left


def test_a_stop_before_the_first_network_returns_the_games_carried_over(config: Config) -> None:
    pool = ThreadPool(2)
    pool.begin(task_on(config, "openvino"), None, [b"one", b"two", b"three"])
    late, parked = pool.stop()
    assert (late, sorted(parked)) == ([], [b"one", b"three", b"two"])


@pytest.mark.parametrize("device", ["openvino", "cpu"])
def test_a_newer_network_is_loaded_by_all_threads_while_games_continue(config: Config, device: str) -> None:
    pool = pool_of(config, device, games=None)
    games_until(pool, lambda games: len(games) >= 2)
    pool.load(network_for(config, device, seed=2, step=9))
    games = games_until(pool, lambda games: sum(game.network_step == 9 for game in games) >= 6)
    assert {game.network_step for game in games} <= {0, 9}
    pool.stop()


@pytest.mark.parametrize(
    ("error", "words"),
    [(RequestError("the planes do not fit"), "failed: the planes do not fit$"), (ValueError("odd"), "Traceback")],
)
def test_an_error_in_a_thread_is_a_failure_and_the_games_in_play_are_kept(
    config: Config, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    step = SelfPlay.step

    def failing(play: SelfPlay) -> list[GameRecord]:
        if threading.current_thread().name == "self-play 2":
            raise error
        return step(play)

    monkeypatch.setattr(SelfPlay, "step", failing)
    pool = pool_of(config, "openvino", games=None)
    with pytest.raises(FailureError, match="self-play thread 2 failed") as failure:
        games_until(pool, lambda _: False)
    assert failure.match(words)
    _late, parked = pool.stop()
    assert len({seed_of(payload) for payload in parked}) == 2 * GAMES, "those of the thread that failed are kept too"
    assert pool.losses == []


def over_threads(monkeypatch: pytest.MonkeyPatch) -> list[WorkerPool]:
    """Makes a generation play with two threads; returns the pools that it creates."""
    pools: list[WorkerPool] = []

    def new_worker_pool(_size: PoolSize) -> WorkerPool:
        pools.append(ThreadPool(2))
        return pools[-1]

    monkeypatch.setattr(generation, "pool_size", lambda *_: PoolSize(2, GAMES, "openvino", "for a test"))
    monkeypatch.setattr(generation, "new_worker_pool", new_worker_pool)
    return pools


def test_a_whole_generation_over_threads(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    over_threads(monkeypatch)
    notes: list[str] = []
    summary = generation.generate(config, lambda event: notes.append(event.text) if isinstance(event, Note) else None)
    assert summary.records >= 60
    assert any("3 games at once in each" in note for note in notes)
    with Store(config.records.database) as store:
        assert not check(store).findings
        assert store.num_games("pente", 7) == summary.games
        assert len(Parking(store, "pente", 7, "simple").claim(100)) == summary.carried_over > 0


def test_a_second_ctrl_c_ends_the_threads_at_once(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    pools = over_threads(monkeypatch)

    def interrupted(event: Event) -> None:
        if isinstance(event, GenerationProgress) and event.evaluations_per_s:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generation.generate(config, interrupted)
    assert len(pools) == 1  # and the fixture sees that its threads end
