"""One search of one position, gone through in slices, so that many share the machine; and the trees kept after it.

A search that is to choose a move within so many simulations uses the configured root (by default Gumbel's, which
shares out a budget known beforehand). One that gives an opinion, or has a time instead, uses PUCT's: it can end at any
moment, and what it has found so far can be shown all the while.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alphapente.arena.engine import FIRST_NODES, Candidate, candidates, unsearched
from alphapente.config import Config
from alphapente.network.evaluator import Evaluator, Outputs, Wanted
from alphapente.rules.game import Game
from alphapente.rules.kernels import play
from alphapente.rules.position import IN_PLAY, POSITION, Positions, new_positions
from alphapente.rules.tactics import LOSES, tactics
from alphapente.search.choice import choose_point
from alphapente.search.forest import MOST_ROOT_POSITIONS, PRINCIPAL_VARIATION, Forest, most_nodes
from alphapente.search.root import SearchResult
from alphapente.search.solver import Solver
from alphapente.search.tree import PROVEN_WIN, UNKNOWN
from alphapente.web.networks import Loaded, Networks

SOLVER_POSITIONS = 20_000
"""The threat solver looks at no more positions for an opinion's forced win: about 30 ms."""
CACHED_POSITIONS = 4_096
"""Evaluations that one search remembers: 3 MB on 19x19."""
_NEAR_MOVES = 4
"""A kept tree serves a position up to so many moves further on."""


@dataclass(frozen=True, slots=True)
class SearchSpec:
    """What is to be searched, and how far: by `simulations`, by `seconds`, or by the first of them to be spent.

    `analyse`: the position is looked at for its own sake, and longer for forced wins. Else a move is chosen, drawn by
    policy ** (1 / `temperature`). Without simulations the move is the network's own. `reuse`: what was found by earlier
    searches of the same game counts, and what this one finds is kept.
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
    """A win by force: whose, within how many plies, and the whole line, as points."""

    winner: int
    plies: int
    line: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class SearchSnapshot:
    """What a search knows at some moment. Values are those of the player to move.

    `policy` float32[P] is the network's own, over the legal points.
    """

    game: Game
    result: SearchResult
    candidates: tuple[Candidate, ...]
    policy: NDArray[np.float32]
    simulations: int
    elapsed_s: float
    forced: ForcedWin | None
    finished: bool


Listener = Callable[["SearchSnapshot | Exception"], None]
"""Hears each look, the last one `finished`, or why the search could not go on. Called by the threads that search."""


class EvaluatorSlot:
    """An Evaluator of a search's own, behind which whichever evaluator is lent at the moment does the work."""

    def __init__(self, board_size: int, batch_size: int) -> None:
        self.board_size = board_size
        self.batch_size = batch_size
        self.name = "lent"
        self.input = new_positions(batch_size, "pente", board_size)
        self.evaluator: Evaluator | None = None

    def evaluate(self, positions: Positions, wanted: Wanted | None = None) -> Outputs:
        """See Evaluator.evaluate."""
        assert self.evaluator is not None, "a slice lends an evaluator first"
        return self.evaluator.evaluate(positions, wanted)

    def load_weights(self, source: Any) -> None:
        """A search has one network from start to end."""
        raise NotImplementedError("a search keeps its network")


@dataclass(slots=True)
class Tree:
    """A forest of one tree, what it was made for, and the moves that led to its root."""

    network_key: str
    forest: Forest
    slot: EvaluatorSlot
    variant: str
    moves: list[int] = field(default_factory=list)
    kept_at: float = 0.0


class Trees:
    """The trees of opinions that have ended, for whoever goes on from there. Any thread may call."""

    def __init__(self, config: Config) -> None:
        web, search = config.web, config.search
        self._most, self._nodes = web.max_trees, web.max_tree_nodes
        cached = min(search.cached_positions, CACHED_POSITIONS)
        self._for_moves = search.model_copy(update={"cached_positions": cached})
        self._for_analysis = self._for_moves.model_copy(update={"root": "puct"})
        self._lock = threading.Lock()
        self._kept: list[Tree] = []

    def take(self, spec: SearchSpec) -> Tree:
        """A tree whose root is the spec's position: a kept one of the same game, brought there, or a new one."""
        game = spec.game
        tree = self._take_kept(spec) if spec.analyse and spec.reuse else None
        if tree is not None:
            for point in game.moves[len(tree.moves) :]:
                tree.forest.advance(0, point)
        else:
            slot = EvaluatorSlot(game.size, self._for_moves.leaves_at_once)
            settings = self._for_analysis if spec.analyse or spec.seconds is not None else self._for_moves
            nodes = self._nodes
            if spec.seconds is None and not (spec.analyse and spec.reuse):  # nobody goes on from this tree
                nodes = min(nodes, most_nodes(spec.simulations))
            forest = Forest(
                slot, settings, num_trees=1, simulations=nodes // 2, max_nodes=nodes, first_nodes=FIRST_NODES
            )
            forest.set_position(0, game.position)
            tree = Tree(spec.network.key, forest, slot, game.variant)
        tree.moves = game.moves
        return tree

    def keep(self, tree: Tree) -> None:
        """Keeps a tree of which nothing is in flight; of too many, the oldest goes."""
        tree.slot.evaluator = None
        tree.kept_at = time.monotonic()
        with self._lock:
            self._kept.append(tree)
            del self._kept[: max(0, len(self._kept) - self._most)]

    def free_idle(self, idle_s: float) -> None:
        """Frees the trees that nobody asked for in so many seconds."""
        now = time.monotonic()
        with self._lock:
            self._kept = [tree for tree in self._kept if now - tree.kept_at < idle_s]

    def num_kept(self) -> int:
        """How many trees wait for somebody to go on."""
        with self._lock:
            return len(self._kept)

    def _take_kept(self, spec: SearchSpec) -> Tree | None:
        """The kept tree that is nearest before the spec's position, taken out."""
        game = spec.game
        moves, wanted = game.moves, (spec.network.key, game.variant, game.size)
        with self._lock:
            fitting = [
                tree
                for tree in self._kept
                if (tree.network_key, tree.variant, tree.forest.size) == wanted
                and len(moves) - _NEAR_MOVES <= len(tree.moves)
                and tree.moves == moves[: len(tree.moves)]
            ]
            if not fitting:
                return None
            nearest = max(fitting, key=lambda tree: len(tree.moves))
            self._kept = [tree for tree in self._kept if tree is not nearest]
            return nearest


class Search:
    """A search under way. One thread at a time goes on with it, by `run_slice`; `cancel` may come from anywhere."""

    def __init__(self, spec: SearchSpec, networks: Networks, trees: Trees, listener: Listener) -> None:
        self.spec = spec
        self.cancelled = threading.Event()
        self._networks = networks
        self._trees = trees
        self._listener = listener
        self._rng = np.random.default_rng()
        self._began = self._reported_at = time.monotonic()
        self._tree: Tree | None = None
        self._policy: NDArray[np.float32] | None = None
        self._raw_value = 0.0
        self._forced: ForcedWin | None = None
        self._done_before = 0
        """Simulations of the rounds that are over: a round is what a tree is asked for at once."""

    def cancel(self) -> None:
        """Nobody wants to know any more: the search ends after the batch that it is at."""
        self.cancelled.set()

    def fail(self, error: Exception) -> None:
        """The search cannot go on, and its tree is not to be trusted."""
        self._tree = None
        self._listener(error)

    def run_slice(self, solver: Solver, seconds: float) -> bool:
        """Searches for so long; True once there is nothing more to do. `solver` is the thread's own.

        Raises what the network raises; whoever called tells the listener.
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
            tree = self._tree
            assert tree is not None, "a search begins with a tree"
            tree.slot.evaluator = evaluator
            while True:
                if self._step(tree.forest):
                    return True
                if self.cancelled.is_set():
                    return self._release_tree()
                now = time.monotonic()
                if now - self._reported_at >= spec.every_s:
                    self._report(tree.forest.look(0), finished=False)
                if now >= end:
                    return False

    def _begin(self, solver: Solver, evaluator: Evaluator) -> None:
        """What is known before any simulation: the network's policy, and a forced win."""
        spec = self.spec
        self._policy, self._raw_value = network_evaluation(spec.game, evaluator)
        self._forced = forced_win(spec.game, solver, SOLVER_POSITIONS if spec.analyse else MOST_ROOT_POSITIONS)
        if spec.simulations and self._own_win() is None:
            self._tree = self._trees.take(spec)
            self._start_round(self._tree.forest)

    def _start_round(self, forest: Forest) -> None:
        left = self.spec.simulations - self._done_before
        forest.start(0, self._rng, simulations=left, even_if_forced=self.spec.analyse)

    def _step(self, forest: Forest) -> bool:
        """One batch, or the end of a round; True once the answer is told."""
        if self._out_of_time():
            forest.stop(0)
        if 0 not in forest.step():
            return False
        result = forest.result(0)
        self._done_before += result.simulations
        more = self.spec.simulations - self._done_before
        if more > 0 and result.simulations > 1 and not result.proven and not self._out_of_time():
            self._start_round(forest)
            return False
        self._report(result, finished=True)
        return self._release_tree()

    def _out_of_time(self) -> bool:
        seconds = self.spec.seconds
        return seconds is not None and time.monotonic() - self._began >= seconds

    def _answer_from_policy(self) -> bool:
        """The move of a player who does not search: drawn from the network's policy."""
        policy = self._policy
        assert policy is not None
        point = choose_point(policy, self.spec.temperature, self._rng)
        nothing = np.zeros(len(policy), np.int32)
        result = SearchResult(point, policy, nothing, self._raw_value, UNKNOWN, 0, self._raw_value, (point,))
        self._report(result, finished=True)
        return True

    def _own_win(self) -> ForcedWin | None:
        """The win by force that was found for the player to move."""
        return self._forced if self._forced is not None and self._forced.winner == self.spec.game.to_move else None

    def _answer_with_win(self, win: ForcedWin) -> bool:
        """The first move of a win that was found before any simulation."""
        points = len(self._policy) if self._policy is not None else 0
        policy = np.zeros(points, np.float32)
        policy[win.line[0]] = 1.0
        line = win.line[:PRINCIPAL_VARIATION]
        visits = np.zeros(points, np.int32)
        result = SearchResult(win.line[0], policy, visits, 1.0, PROVEN_WIN, 0, self._raw_value, line)
        self._report(result, finished=True)
        return True

    def _release_tree(self) -> bool:
        """Gives the tree back; an opinion's may be kept."""
        if self._tree is not None and self.spec.analyse and self.spec.reuse:
            self._trees.keep(self._tree)
        self._tree = None
        return True

    def _report(self, result: SearchResult | None, finished: bool) -> None:
        """Tells the listener what is known; nothing as long as that is nothing."""
        if result is None:
            return
        self._reported_at = time.monotonic()
        assert self._policy is not None
        spec, simulations = self.spec, self._done_before
        looked_at = unsearched(result) if self._tree is None else candidates(self._tree.forest, 0, result)
        if not finished:
            simulations += result.simulations
        elif spec.temperature and spec.simulations and not result.proven:
            result = _drawn(result, spec.temperature, self._rng)
        self._listener(
            SearchSnapshot(
                game=spec.game,
                result=result,
                candidates=looked_at,
                policy=self._policy,
                simulations=simulations,
                elapsed_s=self._reported_at - self._began,
                forced=self._forced,
                finished=finished,
            )
        )


def _drawn(result: SearchResult, temperature: float, rng: np.random.Generator) -> SearchResult:
    """The same with another move: one drawn by policy ** (1 / temperature)."""
    point = choose_point(result.policy, temperature, rng)
    line = result.principal_variation if point == result.point else (point,)
    return replace(result, point=point, principal_variation=line)


def network_evaluation(game: Game, evaluator: Evaluator) -> tuple[NDArray[np.float32], float]:
    """What the network itself thinks: policy float32[P] over the legal points, and the value of the player to move."""
    positions = new_positions(1, game.variant, game.size)
    positions[0] = game.position
    logits, values = evaluator.evaluate(positions)
    policy = np.zeros(game.size**2, np.float32)
    legal = game.legal_points()
    weights = np.exp(logits[0][legal] - logits[0][legal].max())
    policy[legal] = weights / weights.sum()
    return policy, float(values[0])


def forced_win(game: Game, solver: Solver, budget: int) -> ForcedWin | None:
    """A win by force that the threat solver finds for the player to move, or for the other where all is lost.

    It looks at no more positions than `budget`.
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
