"""A player with a time limit for each move. Each of its games has an engine of its own."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from alphapente.arena.players.base import ChosenMove, Player, Turn
from alphapente.arena.players.engine import Engine
from alphapente.config import SearchSettings
from alphapente.network.evaluator import Evaluator
from alphapente.rules.game import Game
from alphapente.rules.position import VARIANTS


class ClockPlayer(Player):
    """Searches for `seconds` a move. Each evaluator serves one game at a time, in a thread of its own.

    A game's tree is kept from move to move and deleted at the end of the game. Games share no tree.
    """

    def __init__(self, evaluators: Sequence[Evaluator], settings: SearchSettings, seconds: float, name: str) -> None:
        self.name = name
        self.games_at_once = len(evaluators)
        self._settings = settings
        self._seconds = seconds
        self._free = list(evaluators)
        self._playing: dict[int, tuple[Evaluator, Engine]] = {}
        self._threads = ThreadPoolExecutor(len(evaluators), "clock-player")

    def choose(self, turns: Sequence[Turn]) -> list[ChosenMove]:
        """See Player.choose. At most one game for each evaluator."""
        engines = [self._engine(turn) for turn in turns]
        return list(self._threads.map(_think, engines, turns))

    def end_game(self, game: int) -> None:
        """Deletes the game's tree and makes its evaluator available."""
        if game in self._playing:
            self._free.append(self._playing.pop(game)[0])

    def close(self) -> None:
        """Ends the threads."""
        self._threads.shutdown()

    def _engine(self, turn: Turn) -> Engine:
        if turn.game not in self._playing:
            evaluator = self._free.pop()
            seconds, engines = self._seconds, self.games_at_once
            engine = Engine(evaluator, self._settings, turn.rng, simulations=1, seconds=seconds, engines=engines)
            self._playing[turn.game] = evaluator, engine
        return self._playing[turn.game][1]


def _think(engine: Engine, turn: Turn) -> ChosenMove:
    started = time.perf_counter()
    position = turn.position
    game = Game.from_moves(turn.moves, VARIANTS[position["variant"]], int(position["size"]))
    point = engine.think(game).result.point
    return ChosenMove(point, time.perf_counter() - started)
