"""The schema version: older databases are migrated without loss, newer ones are refused."""

import re
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import create_engine, inspect

from alphapente.records import connect
from alphapente.records.connect import DatabaseError
from alphapente.records.parking import Parking
from alphapente.records.schema import METADATA, SCHEMA_VERSION
from alphapente.records.store import Store

from .samples import plain_game


def database_of_version(path: Path, version: int) -> None:
    """An empty database of that schema version."""
    engine = connect.open_engine(connect.parse_database(path), 5, "write")
    connect.migrate(engine, str(path), version)
    engine.dispose()


def set_version(path: Path, version: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute("UPDATE meta SET value = ? WHERE name = 'schema_version'", (version,))
    connection.commit()
    connection.close()


def test_the_migrations_create_the_tables_that_the_code_expects(tmp_path: Path) -> None:
    with Store(tmp_path / "records.db"):
        pass
    engine = create_engine(f"sqlite:///{tmp_path / 'records.db'}")
    found = inspect(engine)
    assert set(found.get_table_names()) == set(METADATA.tables)
    for name, table in METADATA.tables.items():
        columns = {column["name"]: column["nullable"] for column in found.get_columns(name)}
        for column in table.columns:
            assert column.name in columns, f"{name}.{column.name}"
            if not column.primary_key:
                assert columns.pop(column.name) == column.nullable, f"{name}.{column.name}"
            else:
                columns.pop(column.name)
        assert not columns, f"{name} has columns that the code does not know"
    engine.dispose()


RELEASED = {
    1: "id INTEGER PRIMARY KEY, game_id BIGINT NOT NULL REFERENCES games (id), ply SMALLINT NOT NULL, "
    "board BLOB NOT NULL, captured1 SMALLINT NOT NULL, captured2 SMALLINT NOT NULL, to_move SMALLINT NOT NULL, "
    "policy BLOB NOT NULL, rest DOUBLE PRECISION NOT NULL, search_value DOUBLE PRECISION NOT NULL, "
    "random_value DOUBLE PRECISION, outcome SMALLINT NOT NULL, simulations INTEGER NOT NULL",
    3: "policy_weight DOUBLE PRECISION NOT NULL DEFAULT 1, surprise SMALLINT, next_point SMALLINT, "
    "plies_left SMALLINT, end_captured1 SMALLINT, end_captured2 SMALLINT",
}
"""The columns of records as released versions created them, by version: these never change."""


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION + 1))
def test_a_released_version_s_table_of_records_stays_as_it_was(tmp_path: Path, version: int) -> None:
    database_of_version(tmp_path / "records.db", version)
    connection = sqlite3.connect(tmp_path / "records.db")
    (found,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'records'").fetchone()
    connection.close()
    columns = ", ".join(columns for since, columns in RELEASED.items() if since <= version)
    assert re.sub(r"\s+(?=[,)])", "", " ".join(found.split())) == f"CREATE TABLE records ({columns})"


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION))
@pytest.mark.parametrize("read_only", [True, False])
def test_an_older_database_is_migrated_without_loss(tmp_path: Path, version: int, read_only: bool) -> None:
    database = tmp_path / "records.db"
    with Store(database) as store:
        game_id = store.add_game(plain_game(30))
        before = store.sample("recent", 100, np.random.default_rng(1), "pente", 19)
    older = tmp_path / "older.db"
    database_of_version(older, version)
    connection = sqlite3.connect(older)
    connection.execute("ATTACH ? AS newer", (str(database),))
    for table in ("pools", "settings", "games", "records"):
        names = ", ".join(row[1] for row in connection.execute(f"PRAGMA main.table_info({table})"))
        connection.execute(f"INSERT INTO main.{table} ({names}) SELECT {names} FROM newer.{table}")
    connection.commit()
    connection.close()

    with Store(older, read_only=read_only) as store:
        assert store.stats().schema_version == SCHEMA_VERSION
        after = store.sample("recent", 100, np.random.default_rng(1), "pente", 19)
        assert [game.game_id for game in store.games()] == [game_id]
        if not read_only:
            parking = Parking(store, "pente", 19, "simple")
            parking.park([b"in play"])
            assert [game.payload for game in parking.claim(5)] == [b"in play"]
            # Versions below 5 used the series 0 to the number of games.
            assert parking.take_series() == (2 if version < 5 else 1)
    np.testing.assert_array_equal(after.boards, before.boards)
    np.testing.assert_array_equal(after.targets, before.targets)
    if version >= 3:
        for name in ("policy_weight", "surprise", "next_point", "plies_left", "end_captured"):
            np.testing.assert_array_equal(getattr(after, name), getattr(before, name))
        return
    assert (after.policy_weight == 1).all()
    assert np.isnan(after.surprise).all()
    for unknown in (after.next_point, after.plies_left, after.end_captured):
        assert (unknown == -1).all()


def test_a_step_that_fails_leaves_the_older_version_whole(tmp_path: Path) -> None:
    database = tmp_path / "records.db"
    database_of_version(database, 1)
    connection = sqlite3.connect(database)
    connection.execute("CREATE TABLE games_in_play (something_else INTEGER)")
    connection.commit()
    connection.close()
    with pytest.raises(DatabaseError, match=r"refused a statement.*already exists"):
        Store(database)
    connection = sqlite3.connect(database)
    assert connection.execute("SELECT value FROM meta WHERE name = 'schema_version'").fetchone() == ("1",)
    connection.close()


@pytest.mark.parametrize("read_only", [True, False])
def test_a_newer_version_is_refused_with_both_numbers(tmp_path: Path, read_only: bool) -> None:
    database = tmp_path / "records.db"
    with Store(database) as store:
        store.add_game(plain_game(3))
    set_version(database, "99")
    before = database.read_bytes()
    with pytest.raises(DatabaseError, match=f"version 99.*up to {SCHEMA_VERSION}"):
        Store(database, read_only=read_only)
    assert database.read_bytes() == before


@pytest.mark.parametrize("statement", ["CREATE TABLE songs (title TEXT)", "CREATE TABLE meta (name TEXT, value TEXT)"])
def test_a_database_of_another_program_is_not_changed(tmp_path: Path, statement: str) -> None:
    database = tmp_path / "songs.db"
    connection = sqlite3.connect(database)
    connection.execute(statement)
    connection.commit()
    connection.close()
    before = database.read_bytes()
    with pytest.raises(DatabaseError, match="not one of AlphaPente's"):
        Store(database)
    assert database.read_bytes() == before


def test_a_version_that_is_not_a_number_is_refused(tmp_path: Path) -> None:
    with Store(tmp_path / "records.db"):
        pass
    set_version(tmp_path / "records.db", "two")
    with pytest.raises(DatabaseError, match="not one of AlphaPente's"):
        Store(tmp_path / "records.db")
