"""The Elo of the networks to choose from, computed from the matches in the database at intervals."""

import threading
import time

from alphapente.config import Config
from alphapente.errors import AlphaPenteError
from alphapente.records.model import PlayerIdentity
from alphapente.web.database import records_of
from alphapente.web.networks import Entry
from alphapente.web.schemas import Rating

FRESH_S = 60.0
"""Seconds for which computed ratings are reused."""


class Ratings:
    """The ratings of checkpoints that have played stored matches, of the configured variant and board size."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._worked_out: tuple[float, list[tuple[PlayerIdentity, Rating]]] | None = None

    def of(self, entry: Entry) -> Rating | None:
        """A network's rating at the largest number of simulations that was measured; None if it has played no match.

        A network is identified by its weights if they were read, else by its model type and step.
        """
        found = [rating for player, rating in self._all() if _is(player, entry)]
        return max(found, key=lambda rating: rating.simulations or 0, default=None)

    def _all(self) -> list[tuple[PlayerIdentity, Rating]]:
        with self._lock:
            if self._worked_out is None or time.monotonic() - self._worked_out[0] > FRESH_S:
                self._worked_out = time.monotonic(), self._work_out()
            return self._worked_out[1]

    def _work_out(self) -> list[tuple[PlayerIdentity, Rating]]:
        from alphapente.arena.ratings.ratings import rate_matches

        game = self._config.game
        try:
            with records_of(self._config) as store:
                matches = [] if store is None else store.matches(game.variant, game.board_size)
            players = rate_matches(matches, game.variant, game.board_size).players if matches else ()
        except AlphaPenteError:  # a database that is locked or damaged: then nothing is rated
            return []
        return [
            (one.identity, Rating(elo=one.elo, low=one.low, high=one.high, simulations=one.identity.simulations))
            for one in players
            if one.identity.kind == "checkpoint"
        ]


def _is(player: PlayerIdentity, entry: Entry) -> bool:
    if entry.digest:
        return player.digest == entry.digest
    return (player.model_type, player.network_step) == (entry.model_type, entry.step)
