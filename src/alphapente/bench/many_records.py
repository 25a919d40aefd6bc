"""Databases of millions of records, made in seconds: some games stored as usual, then copied inside SQLite."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from alphapente.errors import RequestError
from alphapente.records.model import GameRecord, SearchRecord

SIZE = 19
RECORDS_A_GAME = 40
POINTS_LISTED = 24
BYTES_A_RECORD = 300
"""Upper bound of a record's disk space, games and indexes included."""

_SPARE_BYTES = 200 * 2**20
_COPIED_RECORDS = 100_000
"""Number of records that are copied repeatedly; they are held in memory."""


def some_games(count: int, rng: np.random.Generator) -> list[GameRecord]:
    """Games of the usual size with random moves and positions."""
    return [_game(rng) for _ in range(count)]


def _game(rng: np.random.Generator) -> GameRecord:
    moves = rng.permutation(SIZE * SIZE)[: RECORDS_A_GAME + 3].tolist()
    records = []
    for ply in range(RECORDS_A_GAME):
        targets = rng.dirichlet(np.ones(POINTS_LISTED + 1)).astype(np.float32)
        records.append(
            SearchRecord(
                ply=ply + 3,
                board=rng.integers(0, 3, SIZE * SIZE).astype(np.int8),
                captured=(0, 2),
                to_move=1 + (ply + 3) % 2,
                points=np.sort(rng.permutation(SIZE * SIZE)[:POINTS_LISTED]).astype(np.int16),
                visits=rng.integers(0, 30, POINTS_LISTED).astype(np.int32),
                targets=targets[:-1],
                unlisted=float(targets[-1]),
                search_value=float(rng.uniform(-1, 1)),
                simulations=100,
            )
        )
    return GameRecord("pente", SIZE, moves, 1, "five", 3, (), int(rng.integers(1 << 60)), "simple", 0, 100, records)


@contextmanager
def folder_for(num_records: int) -> Iterator[Path]:
    """A temporary folder on a disk with space for databases of `num_records` in total, removed at the end.

    Raises RequestError if there is not enough space.
    """
    with TemporaryDirectory(prefix="alphapente-") as folder:
        needed, free = num_records * BYTES_A_RECORD + _SPARE_BYTES, shutil.disk_usage(folder).free
        if free < needed:
            raise RequestError(
                f"databases of {num_records:,} records take {needed / 1e9:.1f} GB, but {Path(folder).parent} has only "
                f"{free / 1e9:.1f} GB free: name another folder with the variable TMPDIR, or measure fewer records"
            )
        yield Path(folder)


def grow(database: Path, num_records: int) -> None:
    """Grows a SQLite database of one pool to `num_records` records by copying its first games, whole games only.

    The copies are as the store would have written them, with consecutive numbers and their own games. No other process
    may have the database open. A crash during the growth corrupts the file: there is no journal.
    """
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        for pragma in ("foreign_keys=OFF", "journal_mode=OFF", "synchronous=OFF", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        connection.execute("BEGIN")
        _copy(connection, num_records)
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode=WAL").fetchall()


def _copy(connection: sqlite3.Connection, num_records: int) -> None:
    """Copy n of the originals adds n times their number of games and records to each number."""
    present, games, first_key = connection.execute(
        "SELECT num_records, num_games, (SELECT min(id) FROM records) FROM pools"
    ).fetchone()
    bounds = {"present": present, "games": games, "first_key": first_key, "most": _COPIED_RECORDS, "end": num_records}
    connection.execute(
        "CREATE TEMP TABLE original_games AS SELECT * FROM games WHERE first_seq + num_records <= :most", bounds
    )
    bounds["lap_games"], bounds["lap_records"] = connection.execute(
        "SELECT count(*), max(first_seq + num_records) FROM original_games"
    ).fetchone()
    connection.execute(
        "CREATE TEMP TABLE original_records AS SELECT * FROM records WHERE id < :first_key + :lap_records", bounds
    )
    laps = (
        "WITH RECURSIVE laps(lap) AS "
        "(SELECT 0 UNION ALL SELECT lap + 1 FROM laps WHERE :present + (lap + 1) * :lap_records < :end) "
    )
    changed = {"id": "id + :games + lap * :lap_games", "first_seq": "first_seq + :present + lap * :lap_records"}
    connection.execute(
        f"{laps} INSERT INTO games SELECT {_columns(connection, 'games', changed)} FROM laps CROSS JOIN original_games "
        "WHERE :present + lap * :lap_records + first_seq + num_records <= :end",
        bounds,
    )
    bounds["end"], bounds["all_games"] = connection.execute(
        "SELECT max(first_seq + num_records), count(*) FROM games"
    ).fetchone()
    changed = {"id": "id + :present + lap * :lap_records", "game_id": "game_id + :games + lap * :lap_games"}
    connection.execute(
        f"{laps} INSERT INTO records SELECT {_columns(connection, 'records', changed)} "
        "FROM laps CROSS JOIN original_records WHERE :present + lap * :lap_records + id - :first_key < :end",
        bounds,
    )
    connection.execute("UPDATE pools SET num_records = :end, num_games = :all_games", bounds)


def _columns(connection: sqlite3.Connection, table: str, changed: dict[str, str]) -> str:
    """A table's columns in order, some replaced by the expressions of `changed`."""
    names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    return ", ".join(changed.get(name, name) for name in names)


def short(count: int) -> str:
    """A count as it is written in row names: 10k, 1m, or all its digits."""
    for unit, letter in ((1_000_000, "m"), (1_000, "k")):
        if count >= unit and count % unit == 0:
            return f"{count // unit}{letter}"
    return str(count)
