"""The database of games and records. Several processes can write to it and read from it at the same time.

A pool contains the records of one variant and board size. Record number ``seq`` of pool ``p`` has the key
``p * 2**40 + seq``, where seq is 0, 1, 2, ... without gaps. So a strategy draws numbers, and exactly the drawn records
are read, by key. A writer reserves numbers by increasing the pool's count in its transaction.
"""

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, Select, bindparam, select

from alphapente.errors import FailureError, RequestError
from alphapente.files import StrPath
from alphapente.records import codec, connect, driver, matches, reading, sampling, statistics, writing
from alphapente.records.model import (
    GameRecord,
    GameWindow,
    ImportedGame,
    Match,
    MatchGame,
    RecordBatch,
    StoredGame,
    StoreStats,
)
from alphapente.records.rows import stored_game
from alphapente.records.schema import GAMES, POOLS, SETTINGS
from alphapente.records.writing import IS_POOL, SEQ_BITS, pool_parameters
from alphapente.rules.position import MAX_SIZE

_GAMES_PER_QUERY = 500
_RECORDS_PER_BATCH = 5000

_POOL = select(POOLS).where(IS_POOL)


class Store:
    """An open database. Use it as a context manager. It pickles as its address and survives a fork.

    ``database`` is a file's path or an SQLAlchemy URL. A missing file is created unless ``read_only``. Waits up to
    ``busy_timeout_s`` seconds for other writers. Every method raises DatabaseError when the database fails.
    """

    def __init__(self, database: StrPath, busy_timeout_s: float = 60, *, read_only: bool = False) -> None:
        """Opens the database; creates or migrates its tables if needed.

        Raises RequestError for an invalid address, or a missing or empty database that is to be read; DatabaseError for
        one that is of another program, of a newer version, damaged or unreachable.
        """
        self._url = connect.parse_database(database)
        self._busy_timeout_s = busy_timeout_s
        self._read_only = read_only
        self.name = connect.display_name(self._url)
        self._pid = os.getpid()
        connect.prepare_file(self._url, read_only)
        access = connect.access_for(self._url, read_only)
        self._engine = connect.open_engine(self._url, busy_timeout_s, "write" if access == "read" else access)
        try:
            with connect.translated(self.name, busy_timeout_s):
                connect.prepare_schema(self._engine, self.name, read_only, busy_timeout_s)
        except BaseException:
            self._engine.dispose()
            raise
        if access == "read":  # writing was needed for a migration only
            self._engine.dispose()
            self._engine = connect.open_engine(self._url, busy_timeout_s, "read")

    def close(self) -> None:
        """Closes the connections of this process."""
        self._engine.dispose(close=self._pid == os.getpid())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return _reopen, (self._url.render_as_string(hide_password=False), self._busy_timeout_s, self._read_only)

    # --- writing ---

    def add_game(self, game: GameRecord, before: Callable[[Connection], None] | None = None) -> int:
        """Stores a finished game with all its records, in one transaction; returns the game's id.

        `before` runs first in the same transaction; if it raises, nothing is stored.
        Raises RequestError, and stores nothing, for an impossible game or record.
        """
        row, columns = writing.played_row(game), codec.encode_records(game)
        pool = pool_parameters(game.variant, game.board_size)
        with self.writing() as connection:
            if before is not None:
                before(connection)
            game_id, first_key = writing.insert_game(connection, pool, row, len(game.records))
            writing.insert_records(connection, self._insert_records, columns, game_id, first_key)
        return game_id

    def add_imported(self, games: Sequence[ImportedGame]) -> int:
        """Stores games read from text, without records, in one transaction; returns their number.

        Raises RequestError, and stores nothing, if one of the games is impossible.
        """
        rows = [writing.imported_row(game) for game in games]
        pools = [(game.variant, game.board_size) for game in games]
        with self.writing() as connection:
            writing.insert_imported(connection, pools, rows)
        return len(games)

    def settings_id(self, config_json: str) -> int:
        """Stores a resolved configuration, unless an equal one is stored already, and returns its id."""
        digest = hashlib.sha256(config_json.encode()).hexdigest()
        find = select(SETTINGS.c.id).where(SETTINGS.c.hash == digest)
        with self.reading() as connection:
            found = connection.execute(find).scalar()
        if found is not None:
            return int(found)
        values = {"created_at": int(time.time()), "hash": digest, "config": config_json}
        with self.writing() as connection:
            connection.execute(writing.insert_new(connection, SETTINGS), values)
            return int(connection.execute(find).scalar_one())

    def add_match(self, match: Match, match_id: int | None = None) -> int:
        """Stores a match, or more games of the match with this id, in one transaction; returns the id.

        Raises RequestError, and stores nothing, for an impossible match.
        """
        matches.refuse_impossible_match(match)
        with self.writing() as connection:
            return matches.insert_match(connection, match, match_id)

    def join_match(self, match: Match, is_same: Callable[[Sequence[MatchGame]], bool]) -> int:
        """Adds the games to the first match that `begin_match` finds and whose games `is_same` accepts; returns its id.

        Stores a new match if there is none. Finding and storing are one transaction, so that two processes that play
        the same match at the same time store it once.
        """
        matches.refuse_impossible_match(match)
        with self.writing() as connection:
            found = matches.find_games(connection, match, self.name)
            match_id = next((match_id for match_id, games in found.items() if is_same(games)), None)
            return matches.insert_match(connection, match, match_id)

    def begin_match(self, match: Match) -> dict[int, list[MatchGame]]:
        """Returns the stored games of each match with the players, rules, seed and purpose of `match`, by match id.

        Stores the players in a writing transaction, so it raises DatabaseError if the database cannot be written.
        """
        with self.writing() as connection:
            return matches.find_games(connection, match, self.name)

    # --- reading ---

    def matches(self, variant: str | None = None, size: int | None = None) -> list[Match]:
        """The matches of a variant and board size (None: all), in the order of storing."""
        with self.reading() as connection:
            return matches.read_matches(connection, variant, size, self.name)

    def num_records(self, variant: str, size: int) -> int:
        """The number of records of this variant and board size."""
        return self._pool_counts(variant, size)[0]

    def num_games(self, variant: str, size: int) -> int:
        """The number of games of this variant and board size, including imported ones."""
        return self._pool_counts(variant, size)[1]

    def _pool_counts(self, variant: str, size: int) -> tuple[int, int]:
        with self.reading() as connection:
            pool = self._pool(connection, variant, size)
        return (pool.num_records, pool.num_games) if pool else (0, 0)

    def _pool(self, connection: Connection, variant: str, size: int) -> Row[Any] | None:
        """The pool's row, None if there is none. Raises DatabaseError for invalid counts."""
        pool = connection.execute(_POOL, pool_parameters(variant, size)).first()
        if pool is not None and not all(isinstance(n, int) and n >= 0 for n in (pool.num_records, pool.num_games)):
            raise self._damaged(f"{variant} {size}x{size} says {pool.num_records!r} records, {pool.num_games!r} games")
        return pool

    def sample(
        self,
        strategy: str,
        count: int,
        rng: np.random.Generator,
        variant: str,
        size: int,
        top_percent: float = 0.7,
        window: sampling.Window = sampling.DEFAULT_WINDOW,
    ) -> RecordBatch:
        """Draws up to `count` distinct records by a strategy of `sampling.STRATEGIES`, oldest first.

        `requested` and `available` of the batch show whether there were fewer. Raises RequestError for an unknown
        strategy, a count below 1, or when there is no record.
        """
        sampling.strategy_named(strategy)
        with self.reading() as connection:
            pool = self._pool(connection, variant, size)
            if pool is None or pool.num_records == 0:
                raise RequestError(self._no_records(connection, variant, size))
        seqs = sampling.draw(strategy, pool.num_records, count, sampling.Draw(rng, top_percent, window))
        return self._read(pool, seqs, count)

    def _read(self, pool: Row[Any], seqs: NDArray[np.int64], requested: int) -> RecordBatch:
        """Reads the records with the numbers `seqs` (rising, at least one) of a pool."""

        def decode(keys: Sequence[int], rows: reading.Rows) -> RecordBatch:
            if len(rows) != len(keys):
                raise self._damaged(
                    f"of records {keys[0]}..{keys[-1]}, {len(keys) - len(rows)} are missing; "
                    "run `alphapente records check`"
                )
            try:
                return codec.decode_records(rows, pool.variant, pool.board_size)
            except FailureError as error:
                raise self._damaged(str(error)) from error

        keys = seqs + (pool.id << SEQ_BITS)
        batches = reading.read_by_key(self.reading, keys, self._select_records, decode)
        return codec.concatenate(batches, requested, pool.num_records)

    def _no_records(self, connection: Connection, variant: str, size: int) -> str:
        options = "" if (variant, size) == ("pente", MAX_SIZE) else f" --variant {variant} --board-size {size}"
        others = connection.execute(select(POOLS).where(POOLS.c.num_records > 0)).all()
        held = ", ".join(
            f"{pool.num_records:,} of {pool.variant} {pool.board_size}x{pool.board_size}" for pool in others
        )
        return (
            f"{self.name} holds no records of {variant} {size}x{size}{f' (but {held})' if held else ''}: "
            f"play some games first with `python generate_v2.py{options}`"
        )

    def record_batches(
        self, variant: str, size: int, first_seq: int = 0, num_records: int | None = None
    ) -> Iterator[RecordBatch]:
        """Yields the records from number first_seq (`num_records` of them, None: all), a few thousand at a time."""
        with self.reading() as connection:
            pool = self._pool(connection, variant, size)
        if pool is None:
            return
        end = pool.num_records if num_records is None else min(pool.num_records, first_seq + num_records)
        for start in range(first_seq, end, _RECORDS_PER_BATCH):
            seqs = np.arange(start, min(end, start + _RECORDS_PER_BATCH), dtype=np.int64)
            yield self._read(pool, seqs, len(seqs))

    def games(
        self,
        variant: str | None = None,
        size: int | None = None,
        after_id: int = 0,
        on_damage: Callable[[int, str], None] | None = None,
    ) -> Iterator[StoredGame]:
        """Yields the games in the order of their ids (the order of writing), from the first after `after_id`.

        An unreadable row raises DatabaseError, or is passed to `on_damage(game_id, problem)` and skipped.
        """
        query = _games_of(variant, size)
        query = query.where(GAMES.c.id > bindparam("after_id")).order_by(GAMES.c.id).limit(_GAMES_PER_QUERY)
        while True:
            with self.reading() as connection:
                rows = connection.execute(query, {"after_id": after_id}).all()
            if not rows:
                return
            for row in rows:
                try:
                    game = stored_game(row)
                except FailureError as error:
                    if on_damage is None:
                        raise self._damaged(f"game {row.id}: {error}") from error
                    on_damage(row.id, str(error))
                else:
                    yield game
            after_id = rows[-1].id

    def newest_games(self, variant: str, size: int, limit: int) -> list[StoredGame]:
        """The newest `limit` games of self-play of this variant and board size, oldest first.

        An unreadable row raises DatabaseError.
        """
        return self._newest(_games_of(variant, size).where(GAMES.c.source == "selfplay"), limit)[::-1]

    def page_of_games(
        self, limit: int, before_id: int | None = None, variant: str | None = None, size: int | None = None
    ) -> list[StoredGame]:
        """Up to `limit` games of this variant and board size (None: all) before the game `before_id`, newest first.

        An unreadable row raises DatabaseError.
        """
        query = _games_of(variant, size)
        if before_id is not None:
            query = query.where(GAMES.c.id < before_id)
        return self._newest(query, limit)

    def game(self, game_id: int) -> StoredGame | None:
        """The game of this id, None if there is none. An unreadable row raises DatabaseError."""
        return next(iter(self._newest(_games_of(None, None).where(GAMES.c.id == game_id), 1)), None)

    def _newest(self, query: Select[Any], limit: int) -> list[StoredGame]:
        """Up to `limit` games of a query, newest first. An unreadable row raises DatabaseError."""
        with self.reading() as connection:
            rows = connection.execute(query.order_by(GAMES.c.id.desc()).limit(limit)).all()
        return [self._readable(row) for row in rows]

    def _readable(self, row: Row[Any]) -> StoredGame:
        try:
            return stored_game(row)
        except FailureError as error:
            raise self._damaged(f"game {row.id}: {error}") from error

    def _damaged(self, what: str) -> connect.DatabaseError:
        return connect.DatabaseError(f"{self.name} is damaged: {what}")

    def stats(self) -> StoreStats:
        """Statistics of the database, by pool."""
        with self._counting(), self.reading() as connection:
            return statistics.gather(connection, self.name, connect.file_of(self._url))

    def game_windows(self, variant: str, sizes: Sequence[int], count: int) -> list[GameWindow]:
        """Averages over the games of self-play of a variant and board sizes, in at most `count` equal windows."""
        with self._counting(), self.reading() as connection:
            return statistics.game_windows(connection, variant, sizes, count)

    @contextmanager
    def _counting(self) -> Iterator[None]:
        """Raises DatabaseError if statistics meet a value of a wrong type."""
        try:
            yield
        except (ValueError, TypeError, LookupError) as error:
            raise self._damaged(
                f"a value of its games cannot be counted ({error!r}); `alphapente records check` names the game"
            ) from error

    # --- connections ---

    @cached_property
    def _insert_records(self) -> str:
        return driver.insert_records(self._engine.dialect)

    @cached_property
    def _select_records(self) -> str:
        return driver.select_records(self._engine.dialect)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A read transaction (a consistent snapshot on SQLite) for queries over the tables of `schema`."""
        self._follow_fork()
        guard = connect.translated(self.name, self._busy_timeout_s)
        with guard, self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction for statements that change the tables of `schema`."""
        if self._read_only:
            raise RequestError(f"{self.name} was opened for reading only")
        self._follow_fork()
        guard = connect.translated(self.name, self._busy_timeout_s)
        with guard, self._engine.connect().execution_options(**connect.WRITE) as connection, connection.begin():
            yield connection

    def _follow_fork(self) -> None:
        """Drops the parent's connections in a forked child, which must not use them; the child opens its own."""
        if self._pid != os.getpid():
            self._engine.dispose(close=False)
            self._pid = os.getpid()


def _reopen(database: str, busy_timeout_s: float, read_only: bool) -> Store:
    return Store(database, busy_timeout_s, read_only=read_only)


def _games_of(variant: str | None, size: int | None) -> Select[Any]:
    """A query for games with their pools, of a variant and a board size (None: all)."""
    query = select(GAMES, POOLS.c.variant, POOLS.c.board_size).join(POOLS, POOLS.c.id == GAMES.c.pool_id)
    if variant is not None:
        query = query.where(POOLS.c.variant == variant)
    return query if size is None else query.where(POOLS.c.board_size == size)
