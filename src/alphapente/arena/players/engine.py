"""The engine that plays one game, for a person or with a time limit: one large tree, kept from move to move."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from alphapente.config import SearchSettings
from alphapente.network.evaluator import Evaluator
from alphapente.rules.game import Game
from alphapente.search import Budget, Forest, SearchResult, TimedSearch, nodes_in_memory

FIRST_NODES = 4096
"""Initial capacity of a tree in positions: 4 MB on 19x19. It doubles when a search needs more."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A move that the engine considered, from the view of the player to move. `line` begins with the move itself."""

    point: int
    visits: int
    policy: float
    value: float
    line: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Analysis:
    """The engine's evaluation of a position: the search's result, the moves considered, best first, and the time."""

    result: SearchResult
    candidates: tuple[Candidate, ...]
    elapsed_s: float


class GameTree:
    """A forest of one tree that follows a game."""

    def __init__(self, forest: Forest) -> None:
        self.forest = forest
        self.variant = ""
        self.moves: list[int] = []
        """The moves that led to the root."""

    def leads_to(self, game: Game) -> bool:
        """Whether the game continues from the root, or has just reached it."""
        reached = self.variant, self.forest.size, self.moves
        return reached == (game.variant, game.size, game.moves[: len(self.moves)])

    def follow(self, game: Game) -> None:
        """Moves the root to the game's position: keeps the subtree if the game continues, else starts a new tree."""
        if self.leads_to(game):
            for point in game.moves[len(self.moves) :]:
                self.forest.advance(0, point)
        else:
            self.forest.set_position(0, game.position)
        self.variant, self.moves = game.variant, game.moves


class Engine:
    """Searches the positions of one game at a time, with `simulations` a move or, if given, for `seconds` a move.

    The tree is kept while the game only moves forward. A search is a TimedSearch of the settings' root.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        settings: SearchSettings,
        rng: np.random.Generator,
        *,
        simulations: int,
        seconds: float | None = None,
        engines: int = 1,
    ) -> None:
        """`engines`: number of engines whose trees share half of the machine's memory."""
        self._budget = Budget(simulations) if seconds is None else Budget(seconds=seconds)
        self._rng = rng
        nodes = nodes_in_memory(engines, evaluator.board_size**2)
        if seconds is None:
            nodes = max(min(nodes, 4 * simulations + 64), simulations + 16)
        else:
            simulations = nodes // 2
        self._tree = GameTree(
            Forest(evaluator, settings, num_trees=1, simulations=simulations, max_nodes=nodes, first_nodes=FIRST_NODES)
        )
        self._speed = 0.0  # simulations a second, as measured last
        self._last: Analysis | None = None

    def think(self, game: Game, stop: Callable[[], bool] = lambda: False) -> Analysis:
        """Searches the game's position, which must be in play. `stop` ends the search early.

        A second call with the same moves returns the same analysis without a new search.
        """
        tree = self._tree
        if self._last is not None and tree.leads_to(game) and tree.moves == game.moves:
            return self._last
        started = time.monotonic()
        tree.follow(game)
        search = TimedSearch(tree.forest, self._rng, self._budget, began=started, speed=self._speed)
        while not search.step():
            if stop():
                search.stop()
        self._speed, result = search.speed, search.result
        assert result is not None, "a finished search has a result"
        self._last = Analysis(result, candidates(tree.forest, 0, result), time.monotonic() - started)
        return self._last


def candidates(forest: Forest, tree: int, result: SearchResult) -> tuple[Candidate, ...]:
    """The moves that a tree's search considered: the move of `result` first, then by visits."""
    if result.simulations == 0 and not result.visits.any():
        return unsearched(result)
    found = [
        Candidate(point, visits, float(result.policy[point]), value, line)
        for point, visits, value, line in forest.considered(tree)
    ]
    return _best_first(found, result)


def unsearched(result: SearchResult) -> tuple[Candidate, ...]:
    """The moves of a result that needed no search: found by tactics, the solver or the network alone."""
    lines: dict[int, tuple[int, ...]] = {int(point): (int(point),) for point in np.flatnonzero(result.policy)}
    lines[result.point] = result.principal_variation
    found = [Candidate(point, 0, float(result.policy[point]), result.value, line) for point, line in lines.items()]
    return _best_first(found, result)


def _best_first(found: list[Candidate], result: SearchResult) -> tuple[Candidate, ...]:
    return tuple(sorted(found, key=lambda one: (one.point != result.point, -one.visits, -one.policy)))
