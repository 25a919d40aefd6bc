"""Statistics of a database, by SQL queries over games, never over records."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, case, func, select, text

from alphapente.records.model import GameWindow, PoolStats, StoreStats
from alphapente.records.schema import GAMES, GAMES_IN_PLAY, MATCH_GAMES, MATCHES, POOLS, stored_version
from alphapente.rules.position import ENDINGS, WINNER_NAMES


def gather(connection: Connection, name: str, file: Path | None) -> StoreStats:
    """Computes the statistics of all pools; `file` is the SQLite file, None for a server."""
    endings = connection.execute(
        select(
            GAMES.c.pool_id,
            GAMES.c.source,
            GAMES.c.winner,
            GAMES.c.won_by,
            func.count().label("games"),
            func.sum(GAMES.c.num_plies).label("plies"),
            func.max(GAMES.c.created_at).label("newest"),
        ).group_by(GAMES.c.pool_id, GAMES.c.source, GAMES.c.winner, GAMES.c.won_by)
    ).all()
    steps = connection.execute(
        select(GAMES.c.pool_id, GAMES.c.model_type, func.max(GAMES.c.network_step).label("step"))
        .where(GAMES.c.source == "selfplay")
        .group_by(GAMES.c.pool_id, GAMES.c.model_type)
        .order_by(GAMES.c.model_type)
    ).all()
    parked = connection.execute(
        select(GAMES_IN_PLAY.c.pool_id, func.count().label("games")).group_by(GAMES_IN_PLAY.c.pool_id)
    ).all()
    pools = [
        _pool_stats(
            pool,
            [row for row in endings if row.pool_id == pool.id],
            {row.model_type: int(row.step) for row in steps if row.pool_id == pool.id},
            sum(row.games for row in parked if row.pool_id == pool.id),
        )
        for pool in connection.execute(select(POOLS).order_by(POOLS.c.id)).all()
    ]
    return StoreStats(
        database=name,
        schema_version=stored_version(connection) or 0,
        size_bytes=_size_bytes(connection, file),
        pools=pools,
        matches=connection.execute(select(func.count()).select_from(MATCHES)).scalar_one(),
        match_games=connection.execute(select(func.count()).select_from(MATCH_GAMES)).scalar_one(),
    )


def _pool_stats(pool: Row[Any], endings: list[Row[Any]], steps: dict[str, int], parked: int) -> PoolStats:
    wins = dict.fromkeys(WINNER_NAMES.values(), 0)
    won_by = dict.fromkeys(ENDINGS, 0)
    games = plies = imported = 0
    for row in endings:
        games += row.games
        plies += int(row.plies)
        imported += row.games if row.source == "import" else 0
        winner = "unknown" if row.winner is None else WINNER_NAMES[row.winner]
        wins[winner] = wins.get(winner, 0) + row.games
        won_by[row.won_by] = won_by.get(row.won_by, 0) + row.games
    return PoolStats(
        variant=pool.variant,
        board_size=pool.board_size,
        records=pool.num_records,
        games=pool.num_games,
        imported_games=imported,
        parked_games=parked,
        mean_plies=plies / games if games else 0.0,
        wins_by_player=wins,
        won_by=won_by,
        newest_game_at=max((row.newest for row in endings), default=None),
        newest_step=steps,
    )


def _size_bytes(connection: Connection, file: Path | None) -> int:
    if file is None:
        return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
    parts = (file, Path(f"{file}-wal"))
    return sum(part.stat().st_size for part in parts if part.exists())


def game_windows(connection: Connection, variant: str, sizes: Sequence[int], count: int) -> list[GameWindow]:
    """Averages over the games of self-play of these pools, oldest first, in at most `count` equal windows."""

    def share(condition: Any) -> Any:
        return func.avg(case((condition, 1.0), else_=0.0))

    games = (
        select(GAMES, func.ntile(count).over(order_by=GAMES.c.id).label("part"))
        .join(POOLS, POOLS.c.id == GAMES.c.pool_id)
        .where(POOLS.c.variant == variant, POOLS.c.board_size.in_(sizes), GAMES.c.source == "selfplay")
        .subquery()
    )
    rows = connection.execute(
        select(
            func.max(games.c.created_at).label("at"),
            func.count().label("games"),
            func.sum(games.c.num_records).label("records"),
            func.avg(games.c.num_plies * 1.0).label("plies"),
            *(share(games.c.won_by == ending).label(ending) for ending in ENDINGS),
            share(games.c.winner == 1).label("player_1"),
        )
        .group_by(games.c.part)
        .order_by(games.c.part)
    ).all()
    found, records = [], 0
    for row in rows:
        records += int(row.records)
        shares = (float(row.plies), float(row.five), float(row.captures), float(row.draw), float(row.player_1))
        found.append(GameWindow(int(row.at), row.games, records, *shares))
    return found
