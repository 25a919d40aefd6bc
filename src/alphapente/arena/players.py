"""Who plays in the arena: a search over a network, the network's first choice, or a player of random legal moves."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from alphapente.config import SearchSettings
from alphapente.network.evaluator import Evaluator
from alphapente.network.planes import encode_batch
from alphapente.rules.kernels import legal_points
from alphapente.rules.position import POSITION, Position
from alphapente.search.forest import Exploration, Forest


class Player(Protocol):
    """Chooses moves for many games together. Keeps nothing between calls, so no game can leak into another."""

    name: str
    seats: int
    """Positions that it thinks about at once most cheaply."""

    def choose(self, positions: Sequence[Position], rngs: Sequence[np.random.Generator]) -> list[int]:
        """A legal point for each position, all in play, of one board size; each game brings its own generator."""
        ...


def _legal(position: Position) -> list[int]:
    out = np.empty(int(position["size"]) ** 2, np.int16)
    return [int(point) for point in out[: legal_points(position, out)]]


class RandomPlayer:
    """Plays uniformly among the legal points."""

    def __init__(self, name: str = "random") -> None:
        self.name = name
        self.seats = 1024

    def choose(self, positions: Sequence[Position], rngs: Sequence[np.random.Generator]) -> list[int]:
        """See Player.choose."""
        return [int(rng.choice(_legal(position))) for position, rng in zip(positions, rngs, strict=True)]


class PolicyPlayer:
    """Plays the legal point to which the network gives the largest logit: no search at all."""

    def __init__(self, evaluator: Evaluator, name: str | None = None) -> None:
        self.name = name or f"policy of {evaluator.name}"
        self.seats = evaluator.batch_size
        self._evaluator = evaluator

    def choose(
        self,
        positions: Sequence[Position],
        rngs: Sequence[np.random.Generator],  # noqa: ARG002 - nothing is left to chance
    ) -> list[int]:
        """See Player.choose."""
        points: list[int] = []
        for first in range(0, len(positions), self.seats):
            part = positions[first : first + self.seats]
            batch = np.zeros(len(part), POSITION)
            for place, position in enumerate(part):
                batch[place] = position
            logits, _ = self._evaluator.evaluate(encode_batch(batch))
            for row, position in zip(logits, part, strict=True):
                legal = _legal(position)
                points.append(legal[int(np.argmax(row[legal]))])
        return points


class SearchPlayer:
    """Searches each position afresh with `simulations`, as many positions at once as the evaluator's batch."""

    def __init__(
        self,
        evaluator: Evaluator,
        settings: SearchSettings,
        simulations: int,
        name: str | None = None,
        exploration: Exploration = Exploration(),
    ) -> None:
        self.name = name or f"{evaluator.name}, {simulations} simulations"
        self.seats = evaluator.batch_size
        self._exploration = exploration
        self._forest = Forest(evaluator, settings, num_trees=self.seats, simulations=simulations)

    def choose(self, positions: Sequence[Position], rngs: Sequence[np.random.Generator]) -> list[int]:
        """See Player.choose. A seat whose search is done takes the next position at once, so batches stay full."""
        points = [-1] * len(positions)
        waiting = iter(enumerate(zip(positions, rngs, strict=True)))
        served: dict[int, int] = {}

        def seat_next(seat: int) -> None:
            for index, (position, rng) in waiting:
                self._forest.set_position(seat, position)
                self._forest.start(seat, rng, self._exploration)
                served[seat] = index
                return

        for seat in range(self.seats):
            seat_next(seat)
        while served:
            for seat in self._forest.step():
                points[served.pop(seat)] = self._forest.result(seat).point
                seat_next(seat)
        return points
