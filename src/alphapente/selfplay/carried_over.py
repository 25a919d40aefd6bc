"""The games that an earlier generation left in play and this one continues: see records/parking.py.

A game is identified by its seed, which is in its record when finished and in its packed state while in play.
"""

import time
from collections.abc import Sequence

from alphapente.config import Config
from alphapente.errors import FailureError
from alphapente.records.model import GameRecord
from alphapente.records.parking import CLAIM_S, Parking
from alphapente.records.store import Store
from alphapente.selfplay.game import seed_of, unpack

RENEW_EVERY_S = CLAIM_S / 5


class CarriedOver:
    """Parked games that this generation has claimed and neither finished nor parked again."""

    def __init__(self, store: Store, config: Config) -> None:
        self._pool = config.game.variant, config.game.board_size
        self._parking = Parking(store, *self._pool, config.generation.model_type)
        self._claimed: dict[int, int] = {}
        """Database id of the parked game by seed."""
        self._renewed = time.monotonic()

    def take_series(self) -> int:
        """See Parking."""
        return self._parking.take_series()

    def claim(self, limit: int) -> tuple[list[bytes], list[str]]:
        """Claims up to `limit` games. Returns their contents, and a message for each that cannot be read.

        Unreadable games are deleted: otherwise every generation would fail on them.
        """
        self._renewed = time.monotonic()
        payloads: list[bytes] = []
        problems: list[str] = []
        again: list[int] = []
        for game in self._parking.claim(limit):
            try:
                seed = unpack(game.payload, *self._pool).seed
            except FailureError as error:
                self._parking.remove(game.parked_id)
                problems.append(str(error))
                continue
            if seed in self._claimed:  # older versions could use a seed twice: the other game waits
                again.append(game.parked_id)
                continue
            self._claimed[seed] = game.parked_id
            payloads.append(game.payload)
        self._parking.park([], unchanged=again)
        return payloads, problems

    def renew(self) -> None:
        """Renews the claims if it is time to."""
        if self._claimed and time.monotonic() - self._renewed > RENEW_EVERY_S:
            self._renewed = time.monotonic()
            self._parking.renew(list(self._claimed.values()))

    def finish(self, game: GameRecord) -> bool | None:
        """Stores a game that was carried over. None if it was not; False if another run has stored it."""
        if game.seed not in self._claimed:
            return None
        stored = self._parking.finish(self._claimed[game.seed], game)
        del self._claimed[game.seed]
        return stored

    def park(self, payloads: Sequence[bytes]) -> int:
        """Stores games in play for the next generation, and releases the claimed games that are not among them.

        Returns the number of games left in play.
        """
        contents = {seed_of(payload): payload for payload in payloads}
        claimed = {self._claimed[seed]: payload for seed, payload in contents.items() if seed in self._claimed}
        new = [payload for seed, payload in contents.items() if seed not in self._claimed]
        unchanged = [parked_id for seed, parked_id in self._claimed.items() if seed not in contents]
        self._parking.park(new, claimed, unchanged)
        self._claimed.clear()
        return len(contents) + len(unchanged)
