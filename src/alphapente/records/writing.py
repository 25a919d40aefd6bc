"""The statements of a writing transaction: games, pools and records.

Records are thousands of rows, so they go to the driver as plain tuples. Statements that run once per game go through
SQLAlchemy.
"""

import itertools
import json
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table, bindparam, insert, select, update

from alphapente.errors import RequestError
from alphapente.records import codec
from alphapente.records.model import GameRecord, ImportedGame
from alphapente.records.schema import GAMES, POOLS
from alphapente.rules.position import ENDINGS, MAX_PLIES, MAX_SIZE, MIN_SIZE, WINNER_NAMES, variant_index

SEQ_BITS = 40
"""Record `seq` of pool `p` has the key ``(p << SEQ_BITS) + seq``."""

_ENDINGS = (*ENDINGS, "unfinished")
_PLAIN = ("winner", "won_by", "opening_plies", "seed", "model_type", "network_step", "simulations", "settings_id")
"""The columns of a game that hold the field of `GameRecord` with their name."""

IS_POOL = (POOLS.c.variant == bindparam("of_variant")) & (POOLS.c.board_size == bindparam("of_size"))
"""Selects the pool of a variant and board size; its parameters come from `pool_parameters`."""
_COUNT_GAMES = (
    update(POOLS)
    .where(IS_POOL)
    .values(
        num_records=POOLS.c.num_records + bindparam("new_records"), num_games=POOLS.c.num_games + bindparam("new_games")
    )
)
_POOL = select(POOLS.c.id, POOLS.c.num_records).where(IS_POOL)
_INSERT_GAME = insert(GAMES)


def pool_parameters(variant: str, size: int) -> dict[str, Any]:
    """The parameters of IS_POOL."""
    return {"of_variant": variant, "of_size": size}


def refuse_impossible(variant: str, size: int, moves: Sequence[int], won_by: str) -> None:
    """Raises RequestError for a game that cannot be stored."""
    variant_index(variant)
    if not MIN_SIZE <= size <= MAX_SIZE:
        raise RequestError(f"board size {size} is not supported: choose {MIN_SIZE} to {MAX_SIZE}")
    if won_by not in _ENDINGS:
        raise RequestError(f"a game cannot be won by {won_by!r}: allowed are {', '.join(_ENDINGS)}")
    if len(moves) > MAX_PLIES or (len(moves) and not 0 <= min(moves) <= max(moves) < size * size):
        raise RequestError(f"a game of {len(moves)} moves {min(moves)}..{max(moves)} does not fit {size}x{size}")


def played_row(game: GameRecord) -> dict[str, Any]:
    """The values of a row for a game of self-play, without its pool. Raises RequestError for an impossible game."""
    refuse_impossible(game.variant, game.board_size, game.moves, game.won_by)
    if game.winner not in WINNER_NAMES or game.won_by == "unfinished":
        raise RequestError(f"a game of self-play is won by 1, 2 or 0, not {game.winner} ({game.won_by})")
    if not -(2**63) <= game.seed < 2**63:
        raise RequestError(f"the game's seed is {game.seed}: allowed are signed 64-bit integers")
    return {name: getattr(game, name) for name in _PLAIN} | {
        "source": "selfplay",
        "moves": codec.pack_plies(game.moves),
        "num_plies": len(game.moves),
        "random_plies": codec.pack_plies(game.random_plies),
    }


def imported_row(game: ImportedGame) -> dict[str, Any]:
    """The values of a row for an imported game, without its pool. Raises RequestError for an impossible game."""
    refuse_impossible(game.variant, game.board_size, game.moves, game.won_by)
    return {
        "source": "import",
        "moves": codec.pack_plies(game.moves),
        "num_plies": len(game.moves),
        "winner": game.winner,
        "won_by": game.won_by,
        "opening_plies": 0,
        "random_plies": b"",
        "seed": 0,
        "model_type": "",
        "network_step": 0,
        "simulations": 0,
        "headers": json.dumps(game.headers),
        "comments": json.dumps(game.comments) if game.comments else None,
    }


def insert_game(connection: Connection, pool: dict[str, Any], row: dict[str, Any], num_records: int) -> tuple[int, int]:
    """Adds a game to the pool and reserves keys for its records; returns the game's id and the first key."""
    pool_key, total = _count_games(connection, pool, 1, num_records)
    first_seq = total - num_records
    place = {"pool_id": pool_key, "first_seq": first_seq, "num_records": num_records, "created_at": int(time.time())}
    inserted = connection.execute(_INSERT_GAME, row | place).inserted_primary_key
    assert inserted is not None
    return int(inserted[0]), (pool_key << SEQ_BITS) + first_seq


def insert_imported(connection: Connection, pools: Sequence[tuple[str, int]], rows: Sequence[dict[str, Any]]) -> None:
    """Adds games without records, in the order of `rows`; `pools` has the variant and board size of each."""
    created_at = int(time.time())
    places: dict[tuple[str, int], dict[str, Any]] = {}
    for pool, num_games in sorted(Counter(pools).items()):  # sorted: all writers lock the pools in the same order
        pool_key, total = _count_games(connection, pool_parameters(*pool), num_games, 0)
        places[pool] = {"pool_id": pool_key, "first_seq": total, "num_records": 0}
    if rows:
        connection.execute(
            _INSERT_GAME,
            [row | places[pool] | {"created_at": created_at} for pool, row in zip(pools, rows, strict=True)],
        )


def _count_games(connection: Connection, pool: dict[str, Any], num_games: int, num_records: int) -> tuple[int, int]:
    """Increases the counts of a pool, creating it if needed; returns its id and its new number of records."""
    new = {"new_games": num_games, "new_records": num_records}
    connection.execute(_COUNT_GAMES, pool | new)
    counted = connection.execute(_POOL, pool).first()
    if counted is not None:
        return int(counted.id), int(counted.num_records)
    pool_id(connection, pool, create=True)
    return _count_games(connection, pool, num_games, num_records)


def insert_records(
    connection: Connection, sql: str, columns: Sequence[Sequence[Any]], game_id: int, first_key: int
) -> None:
    """Adds a game's records, encoded by `codec.encode_records`; `sql` is `driver.insert_records` of the dialect."""
    keys = range(first_key, first_key + len(columns[0]))
    if keys:
        connection.exec_driver_sql(sql, list(zip(keys, itertools.repeat(game_id), *columns, strict=False)))


def pool_id(connection: Connection, pool: dict[str, Any], create: bool = False) -> int | None:
    """The id of a pool; if there is none, None or, with `create`, the id of a new one."""
    found = connection.execute(_POOL, pool).first()
    if found is None and create:
        values = {
            "variant": pool["of_variant"],
            "board_size": pool["of_size"],
            "num_records": 0,
            "num_games": 0,
        }
        connection.execute(insert_new(connection, POOLS), values)
        found = connection.execute(_POOL, pool).one()
    return None if found is None else int(found.id)


def insert_new(connection: Connection, table: Table) -> Any:
    """An INSERT that does nothing if another writer has inserted the row already."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as dialect_insert
    else:
        from sqlalchemy.dialects.sqlite import insert as dialect_insert  # type: ignore[assignment]
    return dialect_insert(table).on_conflict_do_nothing()
