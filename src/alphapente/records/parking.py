"""Parked games: games in play when a generation ended. They stay in the database until they are finished.

A generation claims the games that it continues. A claim holds for CLAIM_S seconds and can be renewed, so that no other
generation plays these games meanwhile. A claim only avoids duplicate work; safety depends on the game's row alone. The
transaction that stores the finished game deletes the row, and stores nothing if the row is gone. So no game is lost,
however the generation ends, and none is stored twice.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, insert, or_, select, update

from alphapente.records import writing
from alphapente.records.model import GameRecord
from alphapente.records.schema import GAMES_IN_PLAY, POOLS
from alphapente.records.store import Store

CLAIM_S = 300
"""Seconds that a claim holds; after them the games of a killed generation are free again."""

_OF_ID = GAMES_IN_PLAY.c.id == bindparam("parked_id")
_RENEW = update(GAMES_IN_PLAY).where(_OF_ID).values(claimed_until=bindparam("until"))
_REPLACE = update(GAMES_IN_PLAY).where(_OF_ID).values(payload=bindparam("content"), claimed_until=0)


@dataclass(frozen=True, slots=True)
class ParkedGame:
    """A parked game: the number of its row, and its content as opaque bytes."""

    parked_id: int
    payload: bytes


class _GoneError(Exception):
    """The row of a parked game no longer exists."""


class Parking:
    """The parked games of one variant, board size and model type. Every method raises as those of Store do."""

    def __init__(self, store: Store, variant: str, size: int, model_type: str) -> None:
        writing.refuse_impossible(variant, size, [], "five")
        self._store, self._model_type = store, model_type
        self._pool = writing.pool_parameters(variant, size)

    def take_series(self) -> int:
        """Returns a number that no other run of self-play with this variant and board size gets.

        The first is 0. The number is never below the number of games, which earlier versions used.
        """
        with self._store.writing() as connection:
            pool = POOLS.c.id == writing.pool_id(connection, self._pool, create=True)
            row = connection.execute(select(POOLS.c.next_series, POOLS.c.num_games).where(pool).with_for_update()).one()
            series = max(int(row.next_series), int(row.num_games))
            connection.execute(update(POOLS).where(pool).values(next_series=series + 1))
            return series

    def claim(self, limit: int) -> list[ParkedGame]:
        """Claims and returns up to `limit` unclaimed games, the oldest first. They stay in the database.

        A claim that ends later than any claim made now could is due to a wrong clock and is ignored.
        """
        with self._store.writing() as connection:
            now = int(time.time())
            query = (
                select(GAMES_IN_PLAY.c.id, GAMES_IN_PLAY.c.payload)
                .where(
                    GAMES_IN_PLAY.c.pool_id == writing.pool_id(connection, self._pool),
                    GAMES_IN_PLAY.c.model_type == self._model_type,
                    or_(GAMES_IN_PLAY.c.claimed_until <= now, GAMES_IN_PLAY.c.claimed_until > now + 2 * CLAIM_S),
                )
                .order_by(GAMES_IN_PLAY.c.id)
                .limit(limit)
                .with_for_update(skip_locked=True)  # SQLite ignores it: its writers take turns anyway
            )
            found = [ParkedGame(int(row.id), bytes(row.payload)) for row in connection.execute(query)]
            _extend_claims(connection, [game.parked_id for game in found], CLAIM_S)
            return found

    def renew(self, parked_ids: Sequence[int], seconds: int = CLAIM_S) -> None:
        """Extends claims to this number of seconds from now; 0 releases the games unchanged."""
        with self._store.writing() as connection:
            _extend_claims(connection, parked_ids, seconds)

    def park(self, payloads: Sequence[bytes], claimed: Mapping[int, bytes] = {}, unchanged: Sequence[int] = ()) -> None:
        """Parks games that are still in play for the next generation, in one transaction.

        `payloads` are new games. `claimed` has the new contents of claimed games by parked_id; where the row is gone,
        another generation finished the game. `unchanged` are the ids of claimed games to release without a change.
        """
        if not payloads and not claimed and not unchanged:
            return
        with self._store.writing() as connection:
            _extend_claims(connection, unchanged, 0)
            if claimed:
                rows = [{"parked_id": parked_id, "content": content} for parked_id, content in claimed.items()]
                connection.execute(_REPLACE, rows)
            if payloads:
                pool_id = writing.pool_id(connection, self._pool, create=True)
                common = {"created_at": int(time.time()), "pool_id": pool_id, "model_type": self._model_type}
                connection.execute(insert(GAMES_IN_PLAY), [common | {"payload": payload} for payload in payloads])

    def finish(self, parked_id: int, game: GameRecord) -> bool:
        """Stores a finished game and deletes its parked row, in one transaction.

        Returns False, and stores nothing, if the row is gone.
        """

        def take_out(connection: Connection) -> None:
            if not _remove(connection, parked_id):
                raise _GoneError

        try:
            self._store.add_game(game, take_out)
        except _GoneError:
            return False
        return True

    def remove(self, parked_id: int) -> None:
        """Deletes a parked game that cannot be read."""
        with self._store.writing() as connection:
            _remove(connection, parked_id)


def _extend_claims(connection: Connection, parked_ids: Sequence[int], seconds: int) -> None:
    until = int(time.time()) + seconds if seconds else 0
    if parked_ids:
        connection.execute(_RENEW, [{"parked_id": parked_id, "until": until} for parked_id in parked_ids])


def _remove(connection: Connection, parked_id: int) -> bool:
    return connection.execute(delete(GAMES_IN_PLAY).where(GAMES_IN_PLAY.c.id == parked_id)).rowcount > 0
