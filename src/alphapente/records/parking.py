"""Games that a generation left in play: they stay in the database until what became of them takes their place.

A generation claims the games that it continues, for CLAIM_S from the last time that it renewed the claim, so that no
other one plays them at the same time. A claim only saves work: what counts is the game's row. Whoever stores the
finished game deletes the row in the same transaction, and where the row is gone already stores nothing. So a game is
neither lost, whatever kills the generation, nor stored twice.
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
"""How long a claim holds. A generation that was killed leaves its games claimed for no longer."""

_OF_ID = GAMES_IN_PLAY.c.id == bindparam("parked_id")
_RENEW = update(GAMES_IN_PLAY).where(_OF_ID).values(claimed_until=bindparam("until"))
_REPLACE = update(GAMES_IN_PLAY).where(_OF_ID).values(payload=bindparam("content"), claimed_until=0)


@dataclass(frozen=True, slots=True)
class ParkedGame:
    """A game kept in play: the number of its row, and its content, opaque bytes, as it was parked."""

    parked_id: int
    payload: bytes


class _GoneError(Exception):
    """The row of a parked game is no longer there."""


class Parking:
    """The parked games of one variant, board size and model type. Every method raises as those of Store do."""

    def __init__(self, store: Store, variant: str, size: int, model_type: str) -> None:
        writing.refuse_impossible(variant, size, [], "five")
        self._store, self._model_type = store, model_type
        self._pool = writing.pool_parameters(variant, size)

    def take_series(self) -> int:
        """A number for a run of self-play that no other run over this variant and board size gets.

        0 for the first, and never below the number of games: earlier versions took that number.
        """
        with self._store.writing() as connection:
            pool = POOLS.c.id == writing.pool_id(connection, self._pool, create=True)
            row = connection.execute(select(POOLS.c.next_series, POOLS.c.num_games).where(pool).with_for_update()).one()
            series = max(int(row.next_series), int(row.num_games))
            connection.execute(update(POOLS).where(pool).values(next_series=series + 1))
            return series

    def claim(self, limit: int) -> list[ParkedGame]:
        """Claims up to `limit` games that nobody else has, the oldest first; they stay in the database.

        A claim that lasts much longer than any made now was made by a wrong clock, and does not count.
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
                .with_for_update(skip_locked=True)  # means nothing to SQLite, whose writers take turns anyway
            )
            found = [ParkedGame(int(row.id), bytes(row.payload)) for row in connection.execute(query)]
            _hold(connection, [game.parked_id for game in found], CLAIM_S)
            return found

    def renew(self, parked_ids: Sequence[int], seconds: int = CLAIM_S) -> None:
        """Keeps claimed games from others for this number of seconds from now; 0 releases them as they were parked."""
        with self._store.writing() as connection:
            _hold(connection, parked_ids, seconds)

    def park(self, payloads: Sequence[bytes], claimed: Mapping[int, bytes] = {}, unchanged: Sequence[int] = ()) -> None:
        """Keeps games that are still in play for the next generation: all of them or none.

        `payloads` are those that were not parked before, `claimed` the contents of those that were, by parked_id (one
        that is gone was finished by others), `unchanged` the numbers of those to release as they are.
        """
        if not payloads and not claimed and not unchanged:
            return
        with self._store.writing() as connection:
            _hold(connection, unchanged, 0)
            if claimed:
                rows = [{"parked_id": parked_id, "content": content} for parked_id, content in claimed.items()]
                connection.execute(_REPLACE, rows)
            if payloads:
                pool_id = writing.pool_id(connection, self._pool, create=True)
                common = {"created_at": int(time.time()), "pool_id": pool_id, "model_type": self._model_type}
                connection.execute(insert(GAMES_IN_PLAY), [common | {"payload": payload} for payload in payloads])

    def finish(self, parked_id: int, game: GameRecord) -> bool:
        """Stores a game in the place of its parked self, in one transaction; False, and nothing, where that is gone."""

        def take_out(connection: Connection) -> None:
            if not _remove(connection, parked_id):
                raise _GoneError

        try:
            self._store.add_game(game, take_out)
        except _GoneError:
            return False
        return True

    def remove(self, parked_id: int) -> None:
        """Takes a game out of the database that cannot be read."""
        with self._store.writing() as connection:
            _remove(connection, parked_id)


def _hold(connection: Connection, parked_ids: Sequence[int], seconds: int) -> None:
    until = int(time.time()) + seconds if seconds else 0
    if parked_ids:
        connection.execute(_RENEW, [{"parked_id": parked_id, "until": until} for parked_id in parked_ids])


def _remove(connection: Connection, parked_id: int) -> bool:
    return connection.execute(delete(GAMES_IN_PLAY).where(GAMES_IN_PLAY.c.id == parked_id)).rowcount > 0
