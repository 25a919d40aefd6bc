"""Searches that run in slices, so that many share the machine, and the trees that are kept afterwards.

A search that chooses a move within a number of simulations uses the configured root (default: Gumbel, which plans a
budget known in advance). An analysis, or a search with a time limit, uses the PUCT root: it can end at any moment and
show its result at any time.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alphapente.arena.players.engine import FIRST_NODES, Candidate, GameTree, candidates, unsearched
from alphapente.config import Config
from alphapente.network.evaluator import Evaluator, Outputs, Wanted
from alphapente.rules.game import Game
from alphapente.rules.kernels import play
from alphapente.rules.position import IN_PLAY, POSITION, Positions, new_positions
from alphapente.rules.tactics import LOSES, UNDECIDED, WINS, tactics
from alphapente.search import (
    MOST_ROOT_POSITIONS,
    PRINCIPAL_VARIATION,
    Budget,
    Forest,
    SearchResult,
    Solver,
    TimedSearch,
    choose_point,
    most_nodes,
)
from alphapente.web.networks import Loaded, Networks

SOLVER_POSITIONS = 20_000
"""Maximum positions of the threat solver in an analysis: about 30 ms."""
CACHED_POSITIONS = 4_096
"""Cached evaluations of one search: 3 MB on 19x19."""
_NEAR_MOVES = 4
"""A kept tree is reused for a position up to this number of moves later."""


@dataclass(frozen=True, slots=True)
class SearchSpec:
    """The position and the budget of a search: `simulations`, `seconds`, or the first of both to be reached.

    `analyse`: evaluate the position, with a larger solver budget for forced wins. Else a move is chosen, drawn by
    policy ** (1 / `temperature`). With 0 simulations it is drawn from the network's policy. `reuse`: continue the tree
    of an earlier search of the same game, and keep the tree afterwards.
    """

    network: Loaded
    game: Game
    simulations: int
    seconds: float | None = None
    analyse: bool = True
    reuse: bool = True
    temperature: float = 0.0
    every_s: float = 0.25


@dataclass(frozen=True, slots=True)
class ForcedWin:
    """A forced win: the winner, the plies to win, and all moves of the line as points."""

    winner: int
    plies: int
    line: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class SearchSnapshot:
    """The result of a search so far. Values are from the view of the player to move.

    `policy` float32[P] is the network's policy over the legal points.
    """

    game: Game
    result: SearchResult
    candidates: tuple[Candidate, ...]
    policy: NDArray[np.float32]
    elapsed_s: float
    forced: ForcedWin | None
    finished: bool


Listener = Callable[["SearchSnapshot | Exception"], None]
"""Called by the search threads with each snapshot, the last one `finished`, or with the error that ended the search."""


class EvaluatorSlot:
    """The Evaluator of a search. It delegates to the evaluator that the current slice has borrowed."""

    def __init__(self, board_size: int, batch_size: int) -> None:
        self.board_size = board_size
        self.batch_size = batch_size
        self.name = "borrowed"
        self.input = new_positions(batch_size, "pente", board_size)
        self.evaluator: Evaluator | None = None

    def evaluate(self, positions: Positions, wanted: Wanted | None = None) -> Outputs:
        """See Evaluator.evaluate."""
        assert self.evaluator is not None, "a slice must set the evaluator first"
        return self.evaluator.evaluate(positions, wanted)

    def load_weights(self, source: Any) -> None:
        """Not supported: a search has one network from start to end."""
        raise NotImplementedError("a search keeps its network")


class Tree(GameTree):
    """The tree of a game that a network searches."""

    def __init__(self, forest: Forest, slot: EvaluatorSlot, network_key: str) -> None:
        super().__init__(forest)
        self.slot = slot
        self.network_key = network_key
        self.kept_at = 0.0


class Trees:
    """The trees of finished analyses, kept for later searches of the same games. Thread-safe."""

    def __init__(self, config: Config) -> None:
        web, search = config.web, config.search
        self._most, self._nodes = web.max_trees, web.max_tree_nodes
        cached = min(search.cached_positions, CACHED_POSITIONS)
        self._for_moves = search.model_copy(update={"cached_positions": cached})
        self._for_analysis = self._for_moves.model_copy(update={"root": "puct"})
        self._lock = threading.Lock()
        self._kept: list[Tree] = []

    def take(self, spec: SearchSpec) -> Tree:
        """A tree whose root is the spec's position: a kept tree of the same game, advanced, or a new one."""
        kept = self._take_kept(spec) if spec.analyse and spec.reuse else None
        tree = kept or self._new(spec)
        tree.follow(spec.game)
        return tree

    def _new(self, spec: SearchSpec) -> Tree:
        slot = EvaluatorSlot(spec.game.size, self._for_moves.leaves_at_once)
        settings = self._for_analysis if spec.analyse or spec.seconds is not None else self._for_moves
        nodes = self._nodes
        if spec.seconds is None and not (spec.analyse and spec.reuse):  # this tree is not reused
            nodes = min(nodes, most_nodes(spec.simulations))
        forest = Forest(slot, settings, num_trees=1, simulations=nodes // 2, max_nodes=nodes, first_nodes=FIRST_NODES)
        return Tree(forest, slot, spec.network.key)

    def keep(self, tree: Tree) -> None:
        """Keeps a tree that has no leaves in flight. Beyond the limit the oldest tree is deleted."""
        tree.slot.evaluator = None
        tree.kept_at = time.monotonic()
        with self._lock:
            self._kept.append(tree)
            del self._kept[: max(0, len(self._kept) - self._most)]

    def free_idle(self, idle_s: float) -> None:
        """Frees the trees that were idle for `idle_s` seconds."""
        now = time.monotonic()
        with self._lock:
            self._kept = [tree for tree in self._kept if now - tree.kept_at < idle_s]

    def num_kept(self) -> int:
        """Number of kept trees."""
        with self._lock:
            return len(self._kept)

    def _take_kept(self, spec: SearchSpec) -> Tree | None:
        """Removes and returns the kept tree that is nearest before the spec's position; None if there is none."""
        game, least = spec.game, len(spec.game.moves) - _NEAR_MOVES
        with self._lock:
            fitting = [
                tree
                for tree in self._kept
                if tree.network_key == spec.network.key and least <= len(tree.moves) and tree.leads_to(game)
            ]
            if not fitting:
                return None
            nearest = max(fitting, key=lambda tree: len(tree.moves))
            self._kept = [tree for tree in self._kept if tree is not nearest]
            return nearest


class Search:
    """An active search. One thread at a time calls `run_slice`; any thread may call `cancel`."""

    def __init__(self, spec: SearchSpec, networks: Networks, trees: Trees, listener: Listener) -> None:
        self.spec = spec
        self.cancelled = threading.Event()
        self._networks = networks
        self._trees = trees
        self._listener = listener
        self._rng = np.random.default_rng()
        self._began = self._reported_at = time.monotonic()
        self._tree: Tree | None = None
        self._search: TimedSearch | None = None
        self._policy: NDArray[np.float32] | None = None
        self._raw_value = 0.0
        self._forced: ForcedWin | None = None

    def cancel(self) -> None:
        """Ends the search after its current batch."""
        self.cancelled.set()

    def fail(self, error: Exception) -> None:
        """Ends the search with an error. Its tree is discarded, since it may be inconsistent."""
        self._tree = self._search = None
        self._listener(error)

    def run_slice(self, solver: Solver, seconds: float) -> bool:
        """Searches for `seconds`; True once the search is finished. `solver` is the thread's own.

        Raises what the network raises; the caller then calls `fail`.
        """
        end = time.monotonic() + seconds
        spec = self.spec
        if self.cancelled.is_set():
            return self._release_tree()
        with self._networks.borrow(spec.network, spec.game.size) as evaluator:
            if self._policy is None:
                self._begin(solver, evaluator)
            if spec.simulations == 0:
                return self._answer_from_policy()
            if (win := self._own_win()) is not None:
                return self._answer_with_win(win)
            tree, search = self._tree, self._search
            assert tree is not None, "a search begins with a tree"
            assert search is not None, "which it searches"
            tree.slot.evaluator = evaluator
            while True:
                if search.step():
                    self._report(search.result, finished=True)
                    return self._release_tree()
                if self.cancelled.is_set():
                    return self._release_tree()
                now = time.monotonic()
                if now - self._reported_at >= spec.every_s:
                    self._report(search.look(), finished=False)
                if now >= end:
                    return False

    def _begin(self, solver: Solver, evaluator: Evaluator) -> None:
        """Evaluates the position, looks for a forced win, and starts the search of the tree."""
        spec = self.spec
        self._policy, self._raw_value = network_evaluation(spec.game, evaluator)
        self._forced = forced_win(spec.game, solver, SOLVER_POSITIONS if spec.analyse else MOST_ROOT_POSITIONS)
        if spec.simulations and self._own_win() is None:
            self._tree = self._trees.take(spec)
            budget = Budget(spec.simulations, spec.seconds)
            self._search = TimedSearch(
                self._tree.forest, self._rng, budget, began=self._began, even_if_forced=spec.analyse
            )

    def _answer_from_policy(self) -> bool:
        """Reports a move without search, drawn from the network's policy."""
        policy = self._policy
        assert policy is not None
        point = choose_point(policy, self.spec.temperature, self._rng)
        nothing = np.zeros(len(policy), np.int32)
        result = SearchResult(point, policy, nothing, self._raw_value, UNDECIDED, 0, self._raw_value, (point,))
        self._report(result, finished=True)
        return True

    def _own_win(self) -> ForcedWin | None:
        """The forced win of the player to move, if one was found."""
        return self._forced if self._forced is not None and self._forced.winner == self.spec.game.to_move else None

    def _answer_with_win(self, win: ForcedWin) -> bool:
        """Reports the first move of a forced win, without simulations."""
        points = len(self._policy) if self._policy is not None else 0
        policy = np.zeros(points, np.float32)
        policy[win.line[0]] = 1.0
        line = win.line[:PRINCIPAL_VARIATION]
        visits = np.zeros(points, np.int32)
        result = SearchResult(win.line[0], policy, visits, 1.0, WINS, 0, self._raw_value, line)
        self._report(result, finished=True)
        return True

    def _release_tree(self) -> bool:
        """Releases the tree; that of an analysis may be kept."""
        if self._tree is not None and self.spec.analyse and self.spec.reuse:
            self._trees.keep(self._tree)
        self._tree = self._search = None
        return True

    def _report(self, result: SearchResult | None, finished: bool) -> None:
        """Calls the listener with a snapshot, unless there is no result yet."""
        if result is None:
            return
        self._reported_at = time.monotonic()
        assert self._policy is not None
        spec = self.spec
        looked_at = unsearched(result) if self._tree is None else candidates(self._tree.forest, 0, result)
        if finished and spec.temperature and spec.simulations and not result.proven:
            result = _drawn(result, spec.temperature, self._rng)
        self._listener(
            SearchSnapshot(
                game=spec.game,
                result=result,
                candidates=looked_at,
                policy=self._policy,
                elapsed_s=self._reported_at - self._began,
                forced=self._forced,
                finished=finished,
            )
        )


def _drawn(result: SearchResult, temperature: float, rng: np.random.Generator) -> SearchResult:
    """The result with a move drawn by policy ** (1 / temperature)."""
    point = choose_point(result.policy, temperature, rng)
    line = result.principal_variation if point == result.point else (point,)
    return replace(result, point=point, principal_variation=line)


def network_evaluation(game: Game, evaluator: Evaluator) -> tuple[NDArray[np.float32], float]:
    """The network's evaluation: policy float32[P] over the legal points, and the value of the player to move."""
    positions = new_positions(1, game.variant, game.size)
    positions[0] = game.position
    logits, values = evaluator.evaluate(positions)
    policy = np.zeros(game.size**2, np.float32)
    legal = game.legal_points()
    weights = np.exp(logits[0][legal] - logits[0][legal].max())
    policy[legal] = weights / weights.sum()
    return policy, float(values[0])


def forced_win(game: Game, solver: Solver, budget: int) -> ForcedWin | None:
    """A forced win that the threat solver finds for the player to move, or for the opponent in a lost position.

    The solver examines at most `budget` positions.
    """
    position = game.position
    found = solver.solve(position, budget)
    if found.won:
        return ForcedWin(game.to_move, found.plies, found.line)
    verdict, points = tactics(position)
    if verdict != LOSES:
        return None
    after = np.zeros(1, POSITION)
    after[0] = position
    play(after[0], points["replies"][0])
    if after[0]["winner"] != IN_PLAY:
        return None
    last = solver.solve(after[0])
    line = (points["replies"][0], *last.line)
    return ForcedWin(3 - game.to_move, 1 + last.plies, line) if last.won else None
