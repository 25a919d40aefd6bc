"""The database's tables, its schema version, and the migrations from older versions.

A new database runs the same migrations as an old one, so tables are created in one place only. The `Table` objects
define what queries may use; a test compares the two. To change the schema, change the `Table` and append a step to
MIGRATIONS. Never edit a released step.
"""

import time
from collections.abc import Callable

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Double,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    insert,
    inspect,
    select,
    text,
    update,
)

KEY = BigInteger().with_variant(Integer(), "sqlite")  # in SQLite only an INTEGER PRIMARY KEY is the row number

METADATA = MetaData()

META = Table("meta", METADATA, Column("name", Text, primary_key=True), Column("value", Text, nullable=False))

POOLS = Table(
    "pools",
    METADATA,
    Column("id", KEY, primary_key=True),
    Column("variant", Text, nullable=False),
    Column("board_size", SmallInteger, nullable=False),
    Column("num_records", BigInteger, nullable=False),
    Column("num_games", BigInteger, nullable=False),
    Column("next_series", BigInteger, nullable=False, server_default="0"),
)

SETTINGS = Table(
    "settings",
    METADATA,
    Column("id", KEY, primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
    Column("config", Text, nullable=False),
)

GAMES = Table(
    "games",
    METADATA,
    Column("id", KEY, primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    Column("pool_id", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("moves", LargeBinary, nullable=False),
    Column("num_plies", Integer, nullable=False),
    Column("winner", SmallInteger),
    Column("won_by", Text, nullable=False),
    Column("opening_plies", Integer, nullable=False),
    Column("random_plies", LargeBinary, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("model_type", Text, nullable=False),
    Column("network_step", BigInteger, nullable=False),
    Column("simulations", Integer, nullable=False),
    Column("settings_id", BigInteger),
    Column("first_seq", BigInteger, nullable=False),
    Column("num_records", Integer, nullable=False),
    Column("headers", Text),
    Column("comments", Text),
)

RECORDS = Table(
    "records",
    METADATA,
    Column("id", KEY, primary_key=True, autoincrement=False),
    Column("game_id", BigInteger, nullable=False),
    Column("ply", SmallInteger, nullable=False),
    Column("board", LargeBinary, nullable=False),
    Column("captured1", SmallInteger, nullable=False),
    Column("captured2", SmallInteger, nullable=False),
    Column("to_move", SmallInteger, nullable=False),
    Column("policy", LargeBinary, nullable=False),
    Column("rest", Double, nullable=False),
    Column("search_value", Double, nullable=False),
    Column("random_value", Double),
    Column("outcome", SmallInteger, nullable=False),
    Column("simulations", Integer, nullable=False),
    Column("policy_weight", Double, nullable=False),
    Column("surprise", SmallInteger),
    Column("next_point", SmallInteger),
    Column("plies_left", SmallInteger),
    Column("end_captured1", SmallInteger),
    Column("end_captured2", SmallInteger),
)

GAMES_IN_PLAY = Table(
    "games_in_play",
    METADATA,
    Column("id", KEY, primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    Column("pool_id", BigInteger, nullable=False),
    Column("model_type", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("claimed_until", BigInteger, nullable=False, server_default="0"),
)

PLAYERS = Table(
    "players",
    METADATA,
    Column("id", KEY, primary_key=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("settings", Text, nullable=False),
    Column("model_type", Text),
    Column("network_step", BigInteger),
    Column("simulations", Integer),
    Column("seconds", Double),
)

MATCHES = Table(
    "matches",
    METADATA,
    Column("id", KEY, primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    Column("player_a", BigInteger, nullable=False),
    Column("player_b", BigInteger, nullable=False),
    Column("variant", Text, nullable=False),
    Column("board_size", SmallInteger, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("settings_id", BigInteger),
)

MATCH_GAMES = Table(
    "match_games",
    METADATA,
    Column("id", KEY, primary_key=True),
    Column("match_id", BigInteger, nullable=False),
    Column("number", Integer, nullable=False),
    Column("first", SmallInteger, nullable=False),
    Column("opening_plies", Integer, nullable=False),
    Column("moves", LargeBinary, nullable=False),
    Column("winner", SmallInteger, nullable=False),
    Column("won_by", Text, nullable=False),
)

_TYPES = {
    "sqlite": {"id": "INTEGER PRIMARY KEY", "key": "INTEGER PRIMARY KEY", "blob": "BLOB"},
    "postgresql": {
        "id": "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
        "key": "BIGINT PRIMARY KEY",
        "blob": "BYTEA",
    },
}


def _run(connection: Connection, statements: str) -> None:
    """Runs statements separated by empty lines, with the dialect's types for {id}, {key} and {blob}."""
    types = _TYPES[connection.dialect.name]
    for statement in statements.strip().split("\n\n"):
        connection.execute(text(statement.format(**types)))


def _games_and_records(connection: Connection) -> None:
    """Version 1: pools, settings, games, records."""
    _run(
        connection,
        """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)

CREATE TABLE pools (
    id {id}, variant TEXT NOT NULL, board_size SMALLINT NOT NULL,
    num_records BIGINT NOT NULL, num_games BIGINT NOT NULL, UNIQUE (variant, board_size))

CREATE TABLE settings (id {id}, created_at BIGINT NOT NULL, hash TEXT NOT NULL UNIQUE, config TEXT NOT NULL)

CREATE TABLE games (
    id {id}, created_at BIGINT NOT NULL, pool_id BIGINT NOT NULL REFERENCES pools (id), source TEXT NOT NULL,
    moves {blob} NOT NULL, num_plies INTEGER NOT NULL, winner SMALLINT, won_by TEXT NOT NULL,
    opening_plies INTEGER NOT NULL, random_plies {blob} NOT NULL, seed BIGINT NOT NULL,
    model_type TEXT NOT NULL, network_step BIGINT NOT NULL, simulations INTEGER NOT NULL,
    settings_id BIGINT REFERENCES settings (id), first_seq BIGINT NOT NULL, num_records INTEGER NOT NULL,
    headers TEXT)

CREATE TABLE records (
    id {key}, game_id BIGINT NOT NULL REFERENCES games (id), ply SMALLINT NOT NULL, board {blob} NOT NULL,
    captured1 SMALLINT NOT NULL, captured2 SMALLINT NOT NULL, to_move SMALLINT NOT NULL, policy {blob} NOT NULL,
    rest DOUBLE PRECISION NOT NULL, search_value DOUBLE PRECISION NOT NULL, random_value DOUBLE PRECISION,
    outcome SMALLINT NOT NULL, simulations INTEGER NOT NULL)
""",
    )
    connection.execute(insert(META).values(name="created_at", value=str(int(time.time()))))
    connection.execute(insert(META).values(name="schema_version", value="0"))


def _games_in_play(connection: Connection) -> None:
    """Version 2: games that were still in play when a generation stopped."""
    _run(
        connection,
        """
CREATE TABLE games_in_play (
    id {id}, created_at BIGINT NOT NULL, pool_id BIGINT NOT NULL REFERENCES pools (id),
    model_type TEXT NOT NULL, payload {blob} NOT NULL)
""",
    )


def _later_columns(connection: Connection) -> None:
    """Version 3: the policy weight of records, and what followed the position. Unknown for older records."""
    _run(
        connection,
        """
ALTER TABLE records ADD COLUMN policy_weight DOUBLE PRECISION NOT NULL DEFAULT 1

ALTER TABLE records ADD COLUMN surprise SMALLINT

ALTER TABLE records ADD COLUMN next_point SMALLINT

ALTER TABLE records ADD COLUMN plies_left SMALLINT

ALTER TABLE records ADD COLUMN end_captured1 SMALLINT

ALTER TABLE records ADD COLUMN end_captured2 SMALLINT
""",
    )


def _matches(connection: Connection) -> None:
    """Version 4: matches between players, game by game."""
    _run(
        connection,
        """
CREATE TABLE players (
    id {id}, name TEXT NOT NULL, kind TEXT NOT NULL, digest TEXT NOT NULL, settings TEXT NOT NULL, model_type TEXT,
    network_step BIGINT, simulations INTEGER, seconds DOUBLE PRECISION, UNIQUE (name, kind, digest, settings))

CREATE TABLE matches (
    id {id}, created_at BIGINT NOT NULL, player_a BIGINT NOT NULL REFERENCES players (id),
    player_b BIGINT NOT NULL REFERENCES players (id), variant TEXT NOT NULL, board_size SMALLINT NOT NULL,
    seed BIGINT NOT NULL, purpose TEXT NOT NULL, settings_id BIGINT REFERENCES settings (id))

CREATE TABLE match_games (
    id {id}, match_id BIGINT NOT NULL REFERENCES matches (id), number INTEGER NOT NULL, first SMALLINT NOT NULL,
    opening_plies INTEGER NOT NULL, moves {blob} NOT NULL, winner SMALLINT NOT NULL, won_by TEXT NOT NULL,
    UNIQUE (match_id, number))
""",
    )


def _claims(connection: Connection) -> None:
    """Version 5: claims on parked games, and a unique number for each run."""
    _run(
        connection,
        """
ALTER TABLE games_in_play ADD COLUMN claimed_until BIGINT NOT NULL DEFAULT 0

ALTER TABLE pools ADD COLUMN next_series BIGINT NOT NULL DEFAULT 0

UPDATE pools SET next_series = num_games + 1
""",
    )


def _comments(connection: Connection) -> None:
    """Version 6: the comments of imported games. Earlier versions did not store them."""
    _run(connection, "ALTER TABLE games ADD COLUMN comments TEXT")


Migration = Callable[[Connection], None]
MIGRATIONS: tuple[Migration, ...] = (
    _games_and_records,
    _games_in_play,
    _later_columns,
    _matches,
    _claims,
    _comments,
)
"""Step i migrates a database from version i to i + 1, in one transaction. Version 0 is an empty database."""

SCHEMA_VERSION = len(MIGRATIONS)


def stored_version(connection: Connection) -> int | None:
    """The schema version of a database; None if it is empty, -1 if its tables are not AlphaPente's."""
    names = set(inspect(connection).get_table_names())
    if not names:
        return None
    if not {"meta", "pools", "games", "records"} <= names:
        return -1
    value = connection.execute(select(META.c.value).where(META.c.name == "schema_version")).scalar()
    return int(value) if value is not None and value.isdigit() else -1


def apply_step(connection: Connection, step: int) -> None:
    """Runs MIGRATIONS[step] and stores the new version. The caller commits both together."""
    MIGRATIONS[step](connection)
    connection.execute(update(META).where(META.c.name == "schema_version").values(value=str(step + 1)))
