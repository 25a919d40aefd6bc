"""The interface of a player, and the players that choose moves for many games at once."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from alphapente.config import SearchSettings
from alphapente.network.evaluator import Evaluator
from alphapente.rules.kernels import legal_points
from alphapente.rules.position import POSITION, Position
from alphapente.search import Exploration, Forest


@dataclass(frozen=True, slots=True)
class Turn:
    """A player's turn in one game. `game` identifies the game in its match; `moves` led to `position`, still in play.

    `rng` is the game's own generator, the only source of randomness.
    """

    game: int
    moves: Sequence[int]
    position: Position
    rng: np.random.Generator


@dataclass(frozen=True, slots=True)
class ChosenMove:
    """A move and its wall time in seconds. `point` None forfeits the game; `note` is the reason."""

    point: int | None
    elapsed_s: float
    note: str = ""


class Player(ABC):
    """Chooses moves for many games together. Games share no state; `end_game` deletes a game's state.

    `name` includes the budget: players of equal name must play equally. `games_at_once` is the maximum or the best
    number of parallel games.
    """

    name: str
    games_at_once: int

    @abstractmethod
    def choose(self, turns: Sequence[Turn]) -> list[ChosenMove]:
        """A legal point for each turn, or None to forfeit the game. All turns have one board size."""

    def end_game(self, game: int) -> None:  # noqa: B027 - most players have no state
        """Called when a game is over."""

    def close(self) -> None:  # noqa: B027
        """Releases processes and threads. The player cannot be used afterwards."""


class StoppedError(Exception):
    """Moves were requested after the match was asked to stop."""


class StoppablePlayer(Player):
    """Wraps a player until `stop` returns True. Closing the wrapper does not close the player."""

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
    """Moves chosen together since `started` (time.perf_counter), each with an equal share of the time."""
    share = (time.perf_counter() - started) / max(len(points), 1)
    return [ChosenMove(point, share) for point in points]


class RandomPlayer(Player):
    """Plays a uniformly random legal point."""

    def __init__(self, name: str = "random") -> None:
        self.name = name
        self.games_at_once = 2048

    def choose(self, turns: Sequence[Turn]) -> list[ChosenMove]:
        """See Player.choose."""
        started = time.perf_counter()
        return shared_time([int(turn.rng.choice(legal_list(turn.position))) for turn in turns], started)


class PolicyPlayer(Player):
    """Plays the legal point of the largest policy logit, without search."""

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
    """Searches each position in a new tree with `simulations`, a whole batch of the evaluator in parallel.

    Evaluations are cached across games. A cached evaluation equals, number by number, what the network would compute
    (see search/mcts/cache.py), so the cache saves time and cannot change a move.
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
        """See Player.choose. A tree whose search is done starts the next position at once, so batches stay full."""
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
