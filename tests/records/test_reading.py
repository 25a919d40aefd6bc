"""Records read by several threads: the same records in the same order, and no error lost."""

import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest

from alphapente.records import reading
from alphapente.records.connect import DatabaseError
from alphapente.records.driver import KEYS_PER_QUERY
from alphapente.records.model import RecordBatch
from alphapente.records.store import Store

from .samples import plain_game

RECORDS = 20 * KEYS_PER_QUERY


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("reading") / "records.db"
    game = plain_game(200)
    with Store(path) as store:
        for _ in range(RECORDS // 200):
            store.add_game(game)
    return path


def sampled(database: Path, count: int, monkeypatch: pytest.MonkeyPatch, readers: int) -> RecordBatch:
    monkeypatch.setattr(reading, "READERS", readers)
    with Store(database, read_only=True) as store:
        return store.sample("top_random", count, np.random.default_rng(3), "pente", 19, top_percent=0.3)


@pytest.mark.parametrize("count", [1, KEYS_PER_QUERY, 7 * KEYS_PER_QUERY + 13])
def test_threads_find_what_one_thread_finds(database: Path, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = sampled(database, count, monkeypatch, 1000)
    for readers in (1, 2, 5):
        batch = sampled(database, count, monkeypatch, readers)
        for name in ("ids", "boards", "points", "targets", "offsets", "ply"):
            np.testing.assert_array_equal(getattr(batch, name), getattr(alone, name), err_msg=name)
    assert (np.diff(alone.ids) > 0).all()


def test_scattered_records_are_read_by_threads_and_neighbours_are_not(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, set[str]] = {"random": set(), "recent": set()}
    find = reading._find

    def note(connection: object, sql: str, part: list[int]) -> object:
        seen[strategy].add(threading.current_thread().name.split("_")[0])
        return find(connection, sql, part)  # type: ignore[arg-type]

    monkeypatch.setattr(reading, "_find", note)
    with Store(database, read_only=True) as store:
        for strategy in seen:
            store.sample(strategy, RECORDS // 2, np.random.default_rng(3), "pente", 19)
    assert seen == {"random": {"read-records"}, "recent": {"MainThread"}}


def test_an_error_in_a_thread_is_raised_by_the_sample(database: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(database.read_bytes())
    connection = sqlite3.connect(damaged)
    connection.execute("DELETE FROM records WHERE ply % 2 = 1")
    connection.commit()
    connection.close()
    with Store(damaged, read_only=True) as store, pytest.raises(DatabaseError, match=r"are missing.*records check"):
        store.sample("random", RECORDS // 2, np.random.default_rng(3), "pente", 19)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("read-records")]
