"""Reference players whose strength never changes: the tactician, and tree search with random playouts."""

import queue
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from alphapente.arena.players.base import ChosenMove, Player, Turn, shared_time
from alphapente.arena.players.rollouts import CHILDREN, MOST_NODES, RolloutTree, begin, chosen_child, new_tree, simulate
from alphapente.arena.players.tactician import new_scoring_memory, score_moves
from alphapente.rules.tactics import LOSES, WINS

CHUNK = 128
"""With a time limit: playouts between two checks of the clock."""


class TacticalPlayer(Player):
    """Plays the move of the highest score of arena/tactician.py; the game's generator decides between equal scores."""

    def __init__(self, size: int) -> None:
        self.name = "tactical"
        self.games_at_once = 2048
        self._memory = new_scoring_memory(size)

    def choose(self, turns: Sequence[Turn]) -> list[ChosenMove]:
        """See Player.choose."""
        started = time.perf_counter()
        return shared_time([self._choose(turn) for turn in turns], started)

    def _choose(self, turn: Turn) -> int:
        score_moves(turn.position, self._memory)
        best = np.flatnonzero(self._memory.scores == self._memory.scores.max())
        return int(turn.rng.choice(best))


class RolloutPlayer(Player):
    """UCT with random playouts (arena/rollouts.py), `simulations` or `seconds` a move, a new tree for each
    position.

    `threads` games are searched in parallel. Random numbers come from the game's own generator, and a tree is emptied
    before use, so a move depends only on its game.
    """

    def __init__(
        self, size: int, *, simulations: int | None = None, seconds: float | None = None, threads: int = 1
    ) -> None:
        assert (simulations is None) != (seconds is None), "a budget: simulations or seconds"
        self.name = f"rollouts, {simulations} simulations" if simulations is not None else f"rollouts, {seconds:g} s"
        self.games_at_once = threads if simulations is None else 2 * threads
        self._simulations = simulations
        self._seconds = seconds
        self._trees: queue.SimpleQueue[RolloutTree] = queue.SimpleQueue()
        nodes = MOST_NODES if simulations is None else min(MOST_NODES, CHILDREN * simulations + size * size)
        for _ in range(threads):
            self._trees.put(new_tree(size, nodes))
        self._threads = ThreadPoolExecutor(threads, "rollouts")

    def choose(self, turns: Sequence[Turn]) -> list[ChosenMove]:
        """See Player.choose."""
        return list(self._threads.map(self._choose, turns))

    def close(self) -> None:
        """Ends the threads."""
        self._threads.shutdown()

    def _choose(self, turn: Turn) -> ChosenMove:
        started = time.perf_counter()
        tree = self._trees.get()
        try:
            verdict = begin(tree, turn.position, int(turn.rng.integers(1, 2**63)))
            if verdict not in (WINS, LOSES) and int(tree.num_children[0]) > 1:
                self._search(tree, started)
            point = int(tree.point[chosen_child(tree)])
        finally:
            self._trees.put(tree)
        return ChosenMove(point, time.perf_counter() - started)

    def _search(self, tree: RolloutTree, started: float) -> None:
        if self._simulations is not None:
            simulate(tree, self._simulations)
            return
        assert self._seconds is not None
        while simulate(tree, CHUNK) == CHUNK and time.perf_counter() - started < self._seconds:
            pass
