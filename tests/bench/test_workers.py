"""Whole worker pools are measured after their start, and none of their processes or threads is left."""

import multiprocessing
import threading

import pytest

from alphapente.bench.workers import measure_threads, measure_workers
from alphapente.config import Config, load_config
from alphapente.errors import RequestError
from alphapente.network.device import choose_device


@pytest.fixture
def config() -> Config:
    small = ["game.board_size=7", "generation.simulations=8", "generation.games_per_worker=4"]
    return load_config(None, [*small, "models.simple.channels=8"])


def test_workers_are_measured_over_a_store_and_end(config: Config) -> None:
    assert measure_workers(config, "simple", 2, 0.5) > 0
    assert not multiprocessing.active_children()


def test_threads_are_compared_with_the_bare_network(config: Config) -> None:
    rows = measure_threads(config, "simple", 2, 1.0, "cpu").rows
    assert [row.name.split(".")[-1] for row in rows] == ["gpu", "simulations"]
    assert rows[0].name.startswith("generate.simple.")
    assert rows[0].ratio is not None
    assert 0 < rows[0].ratio < 1.5
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("self-play")]


def test_a_missing_gpu_is_reported(config: Config) -> None:
    if choose_device("auto").device != "cuda":
        with pytest.raises(RequestError, match="sees no GPU"):
            measure_threads(config, "simple", 2, 1.0)
