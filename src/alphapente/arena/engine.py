"""The engine that plays a person: one big tree, several leaves in flight, kept from move to move."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from alphapente.config import SearchSettings
from alphapente.network.evaluator import Evaluator
from alphapente.rules.game import Game
from alphapente.search.edges import edge_value
from alphapente.search.forest import PRINCIPAL_VARIATION, Forest
from alphapente.search.root import SearchResult, principal_variation

BATCH = 8
"""Leaves in flight at once."""
SIMULATIONS_BY_CLOCK = 64
"""With a time limit, the clock is looked at after so many simulations."""
MAX_NODES = 60_000
"""Positions that one tree holds at most: about 50 MB on 19x19. A full tree goes on a little less deep."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A move that the engine looked at, as the player to move sees it: `line` begins with the move itself."""

    point: int
    visits: int
    policy: float
    value: float
    line: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the engine thinks of a position: the search's result, the moves it looked at, best first, and the time."""

    result: SearchResult
    candidates: tuple[Candidate, ...]
    elapsed_s: float


class Engine:
    """Searches the positions of one game at a time, with `simulations` a move or, if given, for `seconds` a move.

    The tree is kept while the game only moves forward. With `seconds` the root is PUCT's: sequential halving must
    know beforehand how many simulations there will be.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        settings: SearchSettings,
        rng: np.random.Generator,
        *,
        simulations: int,
        seconds: float | None = None,
    ) -> None:
        self.evaluator = evaluator
        self.simulations = simulations
        self.seconds = seconds
        self._rng = rng
        if seconds is not None:
            settings = settings.model_copy(update={"root": "puct"})
            simulations = SIMULATIONS_BY_CLOCK
        nodes = MAX_NODES if seconds is not None else min(MAX_NODES, 4 * simulations + 64)
        self._forest = Forest(
            evaluator, settings, num_trees=1, simulations=simulations, max_nodes=max(nodes, simulations + 16)
        )
        self._at: tuple[str, int, list[int]] | None = None
        self._last: Opinion | None = None

    def think(self, game: Game, stop: Callable[[], bool] = lambda: False) -> Opinion:
        """Searches the game's position, which must be in play. `stop` ends a search by the clock early.

        Asked again about the same moves, it answers what it found before.
        """
        if self._last is not None and self._at == (game.variant, game.size, game.moves):
            return self._last
        self._follow(game)
        self._last = self._search(stop)
        return self._last

    def _search(self, stop: Callable[[], bool]) -> Opinion:
        started = time.monotonic()
        while True:
            self._forest.start(0, self._rng)
            while 0 not in self._forest.step():
                pass
            result = self._forest.result(0)
            elapsed_s = time.monotonic() - started
            if self.seconds is None or result.proven or elapsed_s >= self.seconds or stop():
                return Opinion(result, self._candidates(result), elapsed_s)
            if result.simulations < SIMULATIONS_BY_CLOCK:  # one legal reply
                return Opinion(result, self._candidates(result), elapsed_s)

    def _follow(self, game: Game) -> None:
        """Brings the tree to the game's position: on from where it was, or afresh."""
        moves = game.moves
        known = self._at
        if known is not None and known[:2] == (game.variant, game.size) and moves[: len(known[2])] == known[2]:
            for point in moves[len(known[2]) :]:
                self._forest.advance(0, point)
        else:
            self._forest.set_position(0, game.position)
        self._at = game.variant, game.size, moves

    def _candidates(self, result: SearchResult) -> tuple[Candidate, ...]:
        trees = self._forest.trees
        if result.simulations == 0 and not result.visits.any():
            points: Sequence[int] = [int(point) for point in np.flatnonzero(result.policy)]
            return tuple(Candidate(point, 0, float(result.policy[point]), result.value, (point,)) for point in points)
        found = []
        line = np.zeros(PRINCIPAL_VARIATION, np.int32)
        first = int(trees.nodes[0, 0]["first_edge"])
        for edge in range(first, first + int(trees.nodes[0, 0]["num_edges"])):
            point, visits = int(trees.edges[0, edge]["point"]), int(trees.edges[0, edge]["visits"])
            if visits or trees.edges[0, edge]["proven"]:
                length = principal_variation(trees, 0, point, line)
                value = float(edge_value(trees, 0, edge, 0.0))
                expected = tuple(int(p) for p in line[:length])
                found.append(Candidate(point, visits, float(result.policy[point]), value, expected))
        chosen = result.point
        return tuple(sorted(found, key=lambda one: (one.point != chosen, -one.visits, -one.policy)))
