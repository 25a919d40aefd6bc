"""Failures of databases: each is reported in one line that says what to do."""

import os
import sqlite3
import sys
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, event

from alphapente.errors import AlphaPenteError, RequestError
from alphapente.records import connect
from alphapente.records.check import check
from alphapente.records.connect import DatabaseError
from alphapente.records.model import GameRecord
from alphapente.records.store import Store

from .samples import fill_and_report, plain_game, random_game, with_file_limit


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database of 20 games and 1000 records."""
    path = tmp_path / "records.db"
    with Store(path) as store:
        for seed in range(20):
            store.add_game(plain_game(50, seed))
    return path


def read_everything(path: Path) -> None:
    with Store(path, 0.2, read_only=True) as store:
        store.sample("recent", 1000, np.random.default_rng(1), "pente", 19)
        list(store.games())


def test_a_missing_database_names_the_command_that_creates_it(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"there is no database .*none\.db.*python generate_v2\.py"):
        Store(tmp_path / "none.db", read_only=True)
    assert not (tmp_path / "none.db").exists()


def test_an_empty_file_is_a_new_database_to_a_writer_only(tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    path.touch()
    with pytest.raises(RequestError, match=r"no records yet.*python generate_v2\.py"):
        Store(path, read_only=True)
    with Store(path) as store:
        assert store.num_records("pente", 19) == 0


@pytest.mark.parametrize("read_only", [True, False])
def test_a_file_that_is_no_database(tmp_path: Path, read_only: bool) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("dear diary, " * 1000)
    with pytest.raises(DatabaseError, match=r"notes\.txt is not a database: move"):
        Store(path, read_only=read_only)
    assert path.read_text().startswith("dear diary")


def test_a_folder_in_the_place_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="a folder"):
        Store(tmp_path)


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(DatabaseError, match="cannot be created"):
        Store(tmp_path / "data" / "records.db")


@pytest.mark.parametrize("address", ["", ":memory:", "sqlite://", "mysql://host/db", "://", "postgresql+nothing://h/d"])
def test_addresses_that_cannot_be_used(address: str) -> None:
    with pytest.raises(RequestError) as caught:
        Store(address)
    assert len(str(caught.value).splitlines()) == 1


def test_a_url_of_a_file_is_that_file(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path}/by_url.db") as store:
        store.add_game(plain_game(3))
    with Store(tmp_path / "by_url.db", read_only=True) as store:
        assert store.num_records("pente", 19) == 3


def test_a_missing_driver_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)  # as if it were not installed
    with pytest.raises(RequestError, match=r"pip install 'alphapente\[postgresql\]'") as caught:
        Store("postgresql://me:secret@localhost/pente")
    assert "secret" not in str(caught.value)


def test_a_server_out_of_reach() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(DatabaseError, match="cannot be reached") as caught:
        Store("postgresql://me:secret@127.0.0.1:1/pente", 1)
    assert "secret" not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_locked_database_is_waited_for_and_then_reported(database: Path) -> None:
    other = sqlite3.connect(database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with Store(database, 0.2) as store:
        with pytest.raises(DatabaseError, match=r"is locked: .*0\.2 s.*records\.busy_timeout_s"):
            store.add_game(plain_game(3))
        assert store.num_records("pente", 19) == 1000  # readers do not wait
        other.execute("COMMIT")
        store.add_game(plain_game(3))
        assert store.num_records("pente", 19) == 1003
    other.close()


def test_a_database_locked_while_another_process_creates_it(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "records.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    other.execute("CREATE TABLE t (a)")
    with pytest.raises(DatabaseError, match="is locked"):
        Store(tmp_path / "records.db", 0.2)
    other.close()


def add_for_ever(store: Store, game: GameRecord) -> None:
    while True:
        store.add_game(game)


@pytest.fixture
def small_disk() -> Iterator[None]:
    """Limits databases to 120 pages: SQLite then fails as on a full disk."""

    def limit(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA max_page_count=120")

    event.listen(Engine, "connect", limit)
    yield
    event.remove(Engine, "connect", limit)


def test_a_full_disk_loses_only_the_game_being_written(tmp_path: Path, small_disk: None) -> None:
    path = tmp_path / "records.db"
    game = random_game(1, max_records=40)
    with Store(path) as store:
        with pytest.raises(DatabaseError, match=r"disk is full.*nothing of what was being written"):
            add_for_ever(store, game)
        stored = store.num_games("pente", 9)
        assert stored > 1
        report = check(store)
        assert (report.games, report.records, report.findings) == (stored, 40 * stored, [])
        store.settings_id("{}")  # the connection can still write


@pytest.mark.skipif(sys.platform == "win32", reason="no file limits on this system")
def test_a_file_that_may_not_grow_loses_only_the_game_being_written(tmp_path: Path) -> None:
    context = get_context("spawn")
    results = context.Queue()
    path = tmp_path / "records.db"
    games = [random_game(seed, max_records=40) for seed in range(3)]
    child = context.Process(target=with_file_limit, args=(300_000, fill_and_report, path, games, results))
    child.start()
    stored, kind, line = results.get(timeout=60)
    child.join()
    assert stored > 1
    assert kind == "DatabaseError"
    assert "disk" in line
    assert len(line.splitlines()) == 1
    with Store(path) as store:
        assert store.num_games("pente", 9) == stored
        assert check(store).findings == []
        store.add_game(games[0])


@pytest.mark.parametrize("kept", [0.9, 0.5, 0.1])
def test_a_truncated_database_is_reported(database: Path, kept: float) -> None:
    whole = database.read_bytes()
    database.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(DatabaseError, match="damaged"):
        read_everything(database)


def test_a_file_cut_in_its_first_page_is_reported(database: Path) -> None:
    database.write_bytes(database.read_bytes()[:60])
    with pytest.raises(AlphaPenteError, match=r"is not a database|damaged|no records yet"):
        read_everything(database)


def test_overwritten_pages_are_reported(database: Path) -> None:
    content = bytearray(database.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 40_960] = b"\xaa" * 40_960
    database.write_bytes(content)
    with pytest.raises(DatabaseError, match="damaged"):
        read_everything(database)


def test_deleted_records_are_reported(database: Path) -> None:
    connection = sqlite3.connect(database)
    connection.execute("DELETE FROM records WHERE ply = 7")
    connection.commit()
    connection.close()
    with pytest.raises(DatabaseError, match=r"10 are missing.*records check"):
        read_everything(database)


def test_a_file_that_nobody_can_write_is_still_read(database: Path) -> None:
    url = connect.parse_database(database)
    engine = connect.open_engine(url, 1, "snapshot")
    with engine.connect() as connection, connection.begin():
        assert connection.exec_driver_sql("SELECT count(*) FROM records").scalar() == 1000
        with pytest.raises(Exception, match="readonly"):
            connection.exec_driver_sql("DELETE FROM records")
    engine.dispose()
    assert not Path(f"{database}-shm").exists()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_read_only_file_can_be_read_and_not_written(database: Path) -> None:
    database.chmod(0o444)
    database.parent.chmod(0o555)
    try:
        read_everything(database)
        with pytest.raises(DatabaseError, match=r"cannot be (written|opened)"):
            Store(database, 1).add_game(plain_game(1))
    finally:
        database.parent.chmod(0o755)


def test_sqlite_s_error_for_read_only_files(database: Path) -> None:
    engine = connect.open_engine(connect.parse_database(database), 1, "read")
    with (
        pytest.raises(DatabaseError, match="cannot be written: it is read-only"),
        connect.translated("records.db", 1),
        engine.connect() as connection,
    ):
        connection.exec_driver_sql("DELETE FROM records")
    engine.dispose()
