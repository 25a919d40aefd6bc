"""Who plays in the arena: what a player is asked and answers, and the players that think about many games at once."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from alphapente.config import SearchSettings
from alphapente.network.evaluator import Evaluator
from alphapente.rules.kernels import legal_points
from alphapente.rules.position import POSITION, Position
from alphapente.search.forest import Exploration, Forest


@dataclass(frozen=True, slots=True)
class Turn:
    """A player's turn in one game: `game` tells the games of a match apart, `moves` led to `position`, in play.

    `rng` is the game's own generator: chance comes from nowhere else.
    """

    game: int
    moves: Sequence[int]
    position: Position
    rng: np.random.Generator


@dataclass(frozen=True, slots=True)
class ChosenMove:
    """A move, and what it took in seconds of wall time. Without a point the game is lost, and `note` says why."""

    point: int | None
    elapsed_s: float
    note: str = ""


class Player(ABC):
    """Chooses moves for many games together. What it keeps of a game no other game sees, and `end_game` drops it.

    `name` says who it is and how long it thinks: what is rated under one name must play alike. `games_at_once` is how
    many games it plays side by side, at most or at its best.
    """

    name: str
    games_at_once: int

    @abstractmethod
    def choose(self, turns: Sequence[Turn]) -> list[ChosenMove]:
        """A legal point for each turn, or none where the player is lost for an answer; all on one board size."""

    def end_game(self, game: int) -> None:  # noqa: B027 - most players keep nothing
        """Hears that a game is over."""

    def close(self) -> None:  # noqa: B027
        """Gives back what it holds: processes, threads. It plays no more."""


class StoppedError(Exception):
    """A player was asked for moves after its match had been asked to stop."""


class StoppablePlayer(Player):
    """Plays as another player does, until `stop` returns True. Closing it leaves the other player open."""

    def __init__(self, player: Player, stop: Callable[[], bool]) -> None:
        self.name, self.games_at_once = player.name, player.games_at_once
        self._player, self._stop = player, stop

    def choose(self, turns: Sequence[Turn]) -> list[ChosenMove]:
        """See Player.choose. Raises StoppedError."""
        if self._stop():
            raise StoppedError
        return self._player.choose(turns)

    def end_game(self, game: int) -> None:
        """See Player.end_game."""
        self._player.end_game(game)


def legal_list(position: Position) -> list[int]:
    """The legal points of a position, in rising order."""
    out = np.empty(int(position["size"]) ** 2, np.int16)
    return [int(point) for point in out[: legal_points(position, out)]]


def shared_time(points: Sequence[int], started: float) -> list[ChosenMove]:
    """Answers found together since `started` (time.perf_counter), each with an equal share of the time."""
    share = (time.perf_counter() - started) / max(len(points), 1)
    return [ChosenMove(point, share) for point in points]


class RandomPlayer(Player):
    """Plays uniformly among the legal points."""

    def __init__(self, name: str = "random") -> None:
        self.name = name
        self.games_at_once = 2048

    def choose(self, turns: Sequence[Turn]) -> list[ChosenMove]:
        """See Player.choose."""
        started = time.perf_counter()
        return shared_time([int(turn.rng.choice(legal_list(turn.position))) for turn in turns], started)


class PolicyPlayer(Player):
    """Plays the legal point to which the network gives the largest logit: no search at all."""

    def __init__(self, evaluator: Evaluator, name: str | None = None) -> None:
        self.name = name or f"policy of {evaluator.name}"
        self.games_at_once = 2 * evaluator.batch_size
        self._evaluator = evaluator

    def choose(self, turns: Sequence[Turn]) -> list[ChosenMove]:
        """See Player.choose."""
        started = time.perf_counter()
        points: list[int] = []
        batch_size = self._evaluator.batch_size
        for first in range(0, len(turns), batch_size):
            part = turns[first : first + batch_size]
            batch = np.zeros(len(part), POSITION)
            for place, turn in enumerate(part):
                batch[place] = turn.position
            logits, _ = self._evaluator.evaluate(batch)
            for row, turn in zip(logits, part, strict=True):
                legal = legal_list(turn.position)
                points.append(legal[int(np.argmax(row[legal]))])
        return shared_time(points, started)


class SearchPlayer(Player):
    """Searches each position afresh with `simulations`, as many positions at once as the evaluator's batch.

    The network's answers are remembered across games. That is safe: an answer from memory is, number by number, what
    the network would say again (see search/cache.py), so it saves time and cannot change a move.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        settings: SearchSettings,
        simulations: int,
        name: str | None = None,
        exploration: Exploration = Exploration(),
    ) -> None:
        self.name = name or f"{evaluator.name}, {simulations} simulations"
        self.games_at_once = 2 * evaluator.batch_size
        self._num_trees = evaluator.batch_size
        self._exploration = exploration
        self._forest = Forest(evaluator, settings, num_trees=self._num_trees, simulations=simulations)

    def choose(self, turns: Sequence[Turn]) -> list[ChosenMove]:
        """See Player.choose. A tree whose search is done takes the next position at once, so batches stay full."""
        started = time.perf_counter()
        points = [-1] * len(turns)
        waiting = iter(enumerate(turns))
        searched: dict[int, int] = {}

        def start_next(tree: int) -> None:
            for index, turn in waiting:
                self._forest.set_position(tree, turn.position)
                self._forest.start(tree, turn.rng, self._exploration)
                searched[tree] = index
                return

        for tree in range(self._num_trees):
            start_next(tree)
        while searched:
            for tree in self._forest.step():
                points[searched.pop(tree)] = self._forest.result(tree).point
                start_next(tree)
        return shared_time(points, started)
