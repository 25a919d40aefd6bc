"""Opens the database, on SQLite or a PostgreSQL server, and reports its errors in one line each.

On SQLite this module begins every transaction itself: ``BEGIN IMMEDIATE`` to write (so that a writer waits for the lock
at the start, and never fails half-way), plain ``BEGIN`` to read (a consistent snapshot of the data).
"""

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError

from alphapente.errors import FailureError, RequestError
from alphapente.files import StrPath, configured_path, real_path
from alphapente.records.schema import SCHEMA_VERSION, apply_step, stored_version

WRITE = {"alphapente_write": True}
"""Execution options of a connection that is about to write."""
_MIGRATION_LOCK = 7353683
"""The key of PostgreSQL's advisory lock that a process holds while it migrates."""
_WAL_LIMIT = 64 * 2**20

Access = Literal["write", "read", "snapshot"]
"""How a SQLite file is opened: to write; to read beside writers; to read a file that this process cannot write."""


class DatabaseError(FailureError):
    """The database of records cannot be used. The message names the database, the cause and the remedy."""


def parse_database(database: StrPath) -> URL:
    """Parses a file's path or an SQLAlchemy URL. Raises RequestError for an address that cannot be used.

    The result holds a file's real path, so that the names of its side files are the same through every link.
    """
    name = os.fspath(database)
    if "://" not in name:
        if not name or name == ":memory:":
            raise RequestError(f"records.database is {name!r}: name a file, such as ./data/records.db, or a URL")
        return URL.create("sqlite", database=_real_file(name))
    try:
        url = make_url(name)
    except (ArgumentError, ValueError) as error:
        raise RequestError(f"records.database is {name!r}: not a path, nor a URL such as sqlite:///file.db") from error
    if url.drivername in ("sqlite", "sqlite+pysqlite"):
        if not url.database or url.database == ":memory:":
            raise RequestError(f"records.database is {name!r}: name a file, as in sqlite:///./data/records.db")
        return url.set(database=_real_file(url.database))
    if url.drivername in ("postgresql", "postgresql+psycopg"):
        return url.set(drivername="postgresql+psycopg")
    raise RequestError(
        f"records.database is of kind {url.drivername!r}: allowed are a file's path, sqlite:/// and postgresql+psycopg://"
    )


def _real_file(name: str) -> str:
    try:
        return str(real_path(configured_path(name)))
    except OSError as error:
        raise RequestError(f"records.database is {name!r}: {error.strerror}; name another file") from error


def display_name(url: URL) -> str:
    """The name of the database in messages: a file's path, or a URL with its password hidden."""
    if url.get_backend_name() == "sqlite":
        return relative(url.database or "")
    return url.render_as_string(hide_password=True)


def relative(path: str) -> str:
    """The path relative to the current folder if it lies inside, else unchanged."""
    with contextlib.suppress(ValueError, OSError):
        return str(Path(path).relative_to(Path.cwd()))
    return path


def file_of(url: URL) -> Path | None:
    """The SQLite file of a URL; None for a server."""
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def database_exists(database: StrPath) -> bool:
    """Whether the file exists; always true for a server. Raises RequestError as `parse_database`."""
    path = file_of(parse_database(database))
    return path is None or path.is_file()


def access_for(url: URL, read_only: bool) -> Access:
    """Selects the access: "snapshot" for reading a file that cannot be written and has no write-ahead log beside it."""
    path = file_of(url)
    if not read_only:
        return "write"
    writable = path is None or (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK))
    return "read" if writable or Path(f"{path}-wal").exists() else "snapshot"


def open_engine(url: URL, busy_timeout_s: float, access: Access) -> Engine:
    """Creates an SQLAlchemy engine with the pragmas and transactions of this module. Opens no connection yet.

    Raises RequestError when the URL's driver is not installed.
    """
    try:
        if url.get_backend_name() == "sqlite":
            if access == "snapshot":
                location = f"file:{quote(os.fsencode(url.database or ''))}"
                url = url.set(database=location, query={"mode": "ro", "immutable": "1", "uri": "true"})
            engine = create_engine(url, connect_args={"timeout": busy_timeout_s})
            _prepare_sqlite(engine, access)
        else:
            lock_timeout_ms = max(1, int(busy_timeout_s * 1000))  # 0 would mean no limit
            # As on SQLite: a power cut may lose the last games, each as a whole. It never damages the database.
            options = f"-c lock_timeout={lock_timeout_ms} -c synchronous_commit=off"
            engine = create_engine(url, connect_args={"options": options}, pool_pre_ping=True, paramstyle="format")
    except ModuleNotFoundError as error:
        raise RequestError(
            f"{display_name(url)} needs a driver that is not installed ({error}): "
            "install it with `pip install 'alphapente[postgresql]'`"
        ) from error
    return engine


def _prepare_sqlite(engine: Engine, access: Access) -> None:
    @event.listens_for(engine, "connect")
    def set_pragmas(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions itself
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute(f"PRAGMA journal_size_limit={_WAL_LIMIT}")
        if access != "write":
            connection.execute("PRAGMA query_only=ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("alphapente_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


@contextlib.contextmanager
def translated(name: str, busy_timeout_s: float) -> Iterator[None]:
    """Converts errors of the driver to a DatabaseError with a message of one line."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        raise translate(error, name, busy_timeout_s) from error


def translate(error: DBAPIError | sqlite3.Error, name: str, busy_timeout_s: float) -> DatabaseError:
    """Returns the DatabaseError for an error of the driver: one line with database, cause and remedy."""
    original = error.orig if isinstance(error, DBAPIError) else error
    detail = (str(original).strip().splitlines() or ["unknown error"])[0]
    code = getattr(original, "sqlite_errorcode", None)
    primary = code & 0xFF if code is not None else None
    state = getattr(original, "sqlstate", None)
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) or state == "55P03":
        return DatabaseError(
            f"{name} is locked: another process has been writing for more than {busy_timeout_s:g} s; wait until it "
            "has finished, or increase records.busy_timeout_s"
        )
    if primary == sqlite3.SQLITE_FULL or state == "53100":
        return DatabaseError(
            f"{name} cannot grow: the disk is full; nothing of what was being written was stored, all earlier data "
            "is safe; free some space and run the same command again"
        )
    if primary == sqlite3.SQLITE_READONLY or state == "25006":
        return DatabaseError(f"{name} cannot be written: it is read-only ({detail}); change its permissions")
    if primary == sqlite3.SQLITE_NOTADB:
        return DatabaseError(f"{name} is not a database: move that file away, or name another as records.database")
    if primary == sqlite3.SQLITE_CORRUPT:
        return DatabaseError(
            f"{name} is damaged ({detail}): restore a copy, or save what can be read with "
            f"`sqlite3 {name} .recover | sqlite3 recovered.db`"
        )
    if primary == sqlite3.SQLITE_CANTOPEN:
        return DatabaseError(f"{name} cannot be opened ({detail}): check that its folder exists and can be written")
    if primary == sqlite3.SQLITE_IOERR:
        kind = getattr(original, "sqlite_errorname", "SQLITE_IOERR")
        return DatabaseError(f"{name} cannot be read or written ({detail}, {kind}): check the disk and its limits")
    if state is None and primary is None:
        return DatabaseError(f"{name} cannot be reached ({detail}): check the address, and that the server runs")
    return DatabaseError(f"{name} refused a statement ({detail})")


def prepare_file(url: URL, read_only: bool) -> None:
    """Creates the folder of a SQLite file that is to be written.

    Raises RequestError when a file to read is missing or the path is a folder, DatabaseError when the folder cannot be
    created.
    """
    path = file_of(url)
    if path is None:
        return
    if path.is_dir():
        raise RequestError(f"records.database is {display_name(url)}, a folder: name a file in it")
    if read_only:
        if not path.exists():
            raise RequestError(f"there is no database {display_name(url)}: create it with `python generate_v2.py`")
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseError(
            f"the folder {path.parent} cannot be created ({error.strerror}): choose another path"
        ) from error


def prepare_schema(engine: Engine, name: str, read_only: bool, busy_timeout_s: float) -> None:
    """Creates the tables of a new database, or migrates an older version.

    Raises RequestError for an empty database that is to be read, DatabaseError for a newer version or for tables of
    another program.
    """
    with engine.connect() as connection, connection.begin():
        version = stored_version(connection)
    if version is not None:
        _refuse_unusable(version, name)
    if version == SCHEMA_VERSION:
        return
    if version is None:
        if read_only:
            raise RequestError(f"{name} holds no records yet: play some games first with `python generate_v2.py`")
        _use_write_ahead_log(engine, busy_timeout_s)
    migrate(engine, name, SCHEMA_VERSION)


def _refuse_unusable(version: int, name: str) -> None:
    if version < 0:
        raise DatabaseError(f"{name} is a database, but not one of AlphaPente's records: name another file")
    if version > SCHEMA_VERSION:
        raise DatabaseError(
            f"{name} has schema version {version}, made by a newer AlphaPente; this one supports versions up to "
            f"{SCHEMA_VERSION}: update it, or name another database with --set records.database=FILE"
        )


def migrate(engine: Engine, name: str, to_version: int) -> None:
    """Applies the missing migrations, each in its own transaction. Other processes may do the same at once."""
    while True:
        with engine.connect().execution_options(**WRITE) as connection, connection.begin():
            if connection.dialect.name == "postgresql":
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
            version = stored_version(connection)
            if version is not None:
                _refuse_unusable(version, name)
            if (version or 0) >= to_version:
                return
            apply_step(connection, version or 0)


def _use_write_ahead_log(engine: Engine, busy_timeout_s: float) -> None:
    """Switches a new SQLite file to a write-ahead log, so that readers and a writer do not block each other."""
    if engine.dialect.name != "sqlite":
        return
    deadline = time.monotonic() + busy_timeout_s
    with contextlib.closing(engine.raw_connection()) as connection:
        while True:
            try:
                connection.cursor().execute("PRAGMA journal_mode=WAL")
                return
            except sqlite3.OperationalError as error:  # SQLite does not wait here when two processes open a new file
                busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                if not busy or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
