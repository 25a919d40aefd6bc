"""Numbers of workers and games: configured values apply, 0 chooses by device and cores, small limits play fewer."""

import os

import pytest

from alphapente.config import Config, load_config
from alphapente.errors import RequestError
from alphapente.network.device import Choice
from alphapente.selfplay.sizing import PoolSize, games_at_once, pool_size, require_memory


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)


def config(*overrides: str) -> Config:
    return load_config(None, ["generation.record_limit=1000000", *overrides])


def size(device: str, *overrides: str) -> tuple[int, int]:
    chosen = pool_size(config(*overrides), Choice(device, "because"))
    return chosen.workers, chosen.games


def test_zero_chooses_by_device_and_cores() -> None:
    assert size("openvino") == size("cpu") == (8, 64)
    assert size("cuda") == (4, 1024)
    assert games_at_once(config(), "cuda") == 1024


def test_configured_numbers_apply_on_every_device() -> None:
    words = "generation.workers=3", "generation.games_per_worker=48"
    assert size("openvino", *words) == size("cuda", *words) == (3, 48)


def test_few_records_or_games_need_fewer_workers() -> None:
    assert size("openvino", "generation.record_limit=1000") == (8, 5)
    assert size("openvino", "generation.games=5") == (1, 5)
    assert size("cuda", "generation.games=40") == (4, 10)


def test_the_log_names_workers_and_threads() -> None:
    assert str(PoolSize(2, 32, "openvino", "")) == "2 workers, 32 games at once in each"
    assert str(PoolSize(1, 1024, "cuda", "")) == "1 thread, 1,024 games at once in each"


def test_trees_that_do_not_fit_into_memory_are_refused() -> None:
    require_memory(config(), PoolSize(2, 32, "openvino", ""))
    huge = config("generation.simulations=100000")
    with pytest.raises(RequestError, match=r"4,096 games at once .* lower generation\.games_per_worker \(now 1,024\)"):
        require_memory(huge, PoolSize(4, 1024, "cuda", ""))
