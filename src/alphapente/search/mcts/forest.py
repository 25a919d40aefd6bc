"""Searches many games at once, one leaf of each per network call, or one game with several leaves in flight."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from alphapente.config import SearchSettings
from alphapente.errors import FailureError
from alphapente.network.evaluator import Evaluator
from alphapente.network.mixnet_backend import MixnetEvaluator
from alphapente.network.mixnet_kernels import Network
from alphapente.rules.kernels import copy_position
from alphapente.rules.position import IN_PLAY, Position
from alphapente.search.mcts.cache import new_cache
from alphapente.search.mcts.choice import choose_point
from alphapente.search.mcts.edges import any_must_grow, edge_value
from alphapente.search.mcts.expansion import expand
from alphapente.search.mcts.reuse import advance_root, new_compaction
from alphapente.search.mcts.root import principal_variation, read_root, start_search
from alphapente.search.mcts.root_priors import draw_exploration, restrict_root
from alphapente.search.mcts.rounds import RoundParts, run_rounds
from alphapente.search.mcts.selection import LeafSolver, select
from alphapente.search.mcts.state import (
    DONE,
    IDLE,
    NEEDS_START,
    PRINCIPAL_VARIATION,
    SEARCHING,
    Exploration,
    SearchResult,
    SearchState,
)
from alphapente.search.mcts.tree import SelectionConstants, Tree, new_leaves, new_scratch, new_trees, with_room
from alphapente.search.solver.solve import examine, new_solver_memory
from alphapente.search.solver.threats import THREES, new_threats

EVALUATIONS_A_CALL = 64
"""For a network made of kernels: evaluations of one call of `run_rounds`, for each search that may wait meanwhile."""
TREES_PER_WAITING = 4
"""One search in this number may wait for its caller until others are done as well: each call costs about 0.2 ms."""
MOST_ROOT_POSITIONS = 5_000
"""The most positions that the threat solver searches for one root, whatever the number of simulations: about 10 ms."""


def most_nodes(simulations: int) -> int:
    """The default maximum of a tree's nodes: those of one search, and the same number kept from the search before."""
    return 2 * simulations + 16  # and a few for leaves in flight


class Forest:
    """`num_trees` concurrent searches that share one Evaluator.

    The calls for each tree: `set_position` (or `advance`), `start`, `step` until it returns the tree's number, then
    `result`. The slots of the batch are assigned to the trees in turn. With many games there is one slot for each
    tree; in analysis and play one tree has several slots, and virtual loss makes their selections differ.
    """

    in_rounds = True
    """Whether a network made of kernels is called from within the kernel that selects (see search/mcts/rounds.py)."""

    def __init__(
        self,
        evaluator: Evaluator,
        settings: SearchSettings,
        *,
        num_trees: int,
        simulations: int,
        max_nodes: int | None = None,
        first_nodes: int | None = None,
    ) -> None:
        """`simulations` is the largest budget of a search; `max_nodes` (default: two searches) limits each tree.

        `first_nodes`: the nodes allocated for each tree at first; the tree grows when a search needs more.
        """
        self.settings = settings
        self.evaluator = evaluator
        self.simulations = simulations
        self.size = evaluator.board_size
        points = self.size * self.size
        self.max_nodes = most_nodes(simulations) if max_nodes is None else max_nodes
        nodes = self.max_nodes if first_nodes is None else min(first_nodes, self.max_nodes)
        self.trees = new_trees(num_trees, nodes, points)
        self.trees.heads["may_grow"] = nodes < self.max_nodes
        places = np.arange(evaluator.batch_size) % num_trees
        self.leaves = new_leaves(places.astype(np.int32), evaluator.input)
        self.cache = new_cache(settings.cached_positions, points)
        self.gumbel = settings.root == "gumbel"
        self._constants = SelectionConstants(
            exploration=_exploration(settings, nodes),
            first_play_reduction=float(settings.first_play_reduction),
            virtual_loss=float(settings.virtual_loss),
            gumbel=self.gumbel,
            visit_offset=float(settings.visit_offset),
            value_scale=float(settings.value_scale),
        )
        self._compaction = new_compaction(self.trees)
        self._scratch = new_scratch(self.size)
        most = min(settings.root_solver_nodes * simulations, MOST_ROOT_POSITIONS)
        self._solver = new_solver_memory(max(1, most))
        self._line = np.zeros(PRINCIPAL_VARIATION, np.int32)
        self._priors = np.zeros(points, np.float32)
        budget = settings.leaf_solver_nodes
        self._leaf_solver = LeafSolver(new_threats(budget), budget)
        self._views = self._view_each()
        self._states = [SearchState(tree.head) for tree in self._views]
        self.evaluations = 0
        """Positions evaluated by the network."""
        self.simulations_done = 0
        """Simulations of finished searches."""

    def load_weights(self, source: Any) -> None:
        """Continues with other weights (see Evaluator.load_weights) and clears the cache."""
        self.evaluator.load_weights(source)
        self.cache.keys[:] = 0

    def set_position(self, tree: int, position: Position) -> None:
        """Clears the tree and sets its root to a copy of `position`, which must be in play."""
        copy_position(self.trees.root[tree], position)
        head = self.trees.heads[tree]
        head.num_nodes, head.edges_used, head.stage = 0, 0, IDLE

    def advance(self, tree: int, point: int) -> None:
        """Plays `point` (legal) at the root; with tree reuse, its subtree is kept for the next search of this tree."""
        most = self.max_nodes - self.simulations if self.settings.tree_reuse else 0
        advance_root(self.tree(tree), point, most, self._compaction)

    def tree(self, tree: int) -> Tree:
        """The views of one tree. They are valid until the next `step`, in which the trees may grow."""
        return self._views[tree]

    def _view_each(self) -> list[Tree]:
        return [Tree(*(array[tree] for array in self.trees)) for tree in range(len(self.trees.heads))]

    def position(self, tree: int) -> Position:
        """The position at the tree's root: not a copy."""
        return self.trees.root[tree]

    def start(
        self,
        tree: int,
        rng: np.random.Generator,
        exploration: Exploration = Exploration(),
        simulations: int | None = None,
        even_if_forced: bool = False,
    ) -> None:
        """Starts a search of the tree's position, of `simulations` (default and maximum: the forest's).

        A position that tactics decide, or that the solver finds won by force, is finished at once. If the enemy
        threatens a VCF, only the moves that may refute it are searched. If a single move remains, one simulation is
        made, unless `even_if_forced` requests all of them: for an evaluation of the position, not for a move.
        Call `result` after `step` has returned the tree's number.
        """
        budget = self.simulations if simulations is None else min(simulations, self.simulations)
        to_solve = min(self.settings.root_solver_nodes * budget, MOST_ROOT_POSITIONS)
        verdict, count, _, _ = examine(self.trees.root[tree], self._solver, to_solve, THREES, True)
        if count == 1 and not even_if_forced:
            budget = 1
        points = self._solver.points[:count]
        self._states[tree].start(rng, exploration, verdict, points, len(self._priors), budget)

    def step(self) -> list[int]:
        """Fills the batch. Returns the trees whose search is finished; evaluates the batch only if there are none.

        So no slot is ever empty if the caller takes the results, sets the next positions and calls `step` again.
        """
        if self.in_rounds and isinstance(self.evaluator, MixnetEvaluator):
            return self._step_in_rounds(self.evaluator.network)
        self.select()
        done = self.done()
        if not done:
            self.evaluate()
        return done

    def _step_in_rounds(self, network: Network) -> list[int]:
        """`step` for a network made of kernels: selection and network alternate within one call.

        It costs nothing to leave a slot empty here, since positions are evaluated one after the other: so finished
        searches wait until there are several (TREES_PER_WAITING), or until enough positions are evaluated.
        """
        parts = RoundParts(self.leaves, self.cache, self._scratch, self._leaf_solver, network)
        most_waiting = max(1, len(self.trees.heads) // TREES_PER_WAITING)
        while True:
            self._begin_waiting()
            self.evaluations += run_rounds(
                self.trees, self._constants, parts, most_waiting, EVALUATIONS_A_CALL * most_waiting
            )
            if not self._grow() and not self._begin_waiting():
                return self.done()

    def select(self) -> None:
        """Assigns a leaf to each free slot of the batch, and starts the searches whose roots are evaluated by now."""
        self._begin_waiting()
        while True:
            select(self.trees, self._constants, self.leaves, self.cache, self._scratch, self._leaf_solver)
            if not self._grow() and not self._begin_waiting():
                return

    def _begin_waiting(self) -> bool:
        """Starts the searches whose roots are evaluated by now; returns whether there were any."""
        waiting = np.flatnonzero(self.trees.heads["stage"] == NEEDS_START)
        for tree in waiting:
            self._begin(int(tree))
        return len(waiting) > 0

    def _grow(self) -> bool:
        """Doubles the size of all trees, up to `max_nodes`, if a search waits for it; returns whether it did."""
        trees, nodes = self.trees, self.trees.nodes.shape[1]
        if nodes >= self.max_nodes:
            return False
        if not any_must_grow(trees, self._constants, len(self.leaves.tree)):
            return False
        nodes = min(2 * nodes, self.max_nodes)
        self.trees = with_room(trees, nodes)
        self.trees.heads["may_grow"] = nodes < self.max_nodes
        self._constants = self._constants._replace(exploration=_exploration(self.settings, nodes))
        self._compaction = new_compaction(self.trees)
        self._views = self._view_each()
        return True

    def evaluate(self) -> None:
        """Evaluates the leaves in the batch by one call of the network, expands them and backs up their values."""
        if self.leaves.active.any():
            answers = self.evaluator.evaluate(self.evaluator.input, self.leaves.active)
            self.evaluations += expand(self.trees, self.leaves, self.cache, answers, self._scratch)

    def done(self) -> list[int]:
        """The trees whose search is finished and whose result was not read yet."""
        return [int(tree) for tree in np.flatnonzero(self.trees.heads["stage"] == DONE)]

    def _begin(self, tree: int) -> None:
        state, head = self._states[tree], self.trees.heads[tree]
        if state.allowed is not None:
            self._scratch.mask[:] = 0
            self._scratch.mask[state.allowed] = 1
            restrict_root(self.tree(tree), self._scratch.mask)
        draws = draw_exploration(self.settings, state, self.tree(tree), self._priors)
        considered = min(self.settings.considered_points, int(head.budget))
        start_search(self.tree(tree), self.gumbel, considered, draws, self._priors)

    def raw_policy(self, tree: int) -> NDArray[np.float32]:
        """float32[P]: the network's own policy at the root of the tree's last search, before noise.

        For a position decided without the network, the policy of its result.
        """
        decided = self._states[tree].decided
        return decided.policy if decided is not None else np.exp(self.trees.root_logits[tree])

    def result(self, tree: int) -> SearchResult:
        """The result of the tree's finished search; the tree is kept for `advance`."""
        state = self._states[tree]
        state.head.stage = IDLE
        if state.decided is not None:
            return state.decided
        found = self._read(tree, state.exploration.temperature)
        self.simulations_done += found.simulations
        return found

    def look(self, tree: int) -> SearchResult | None:
        """The result of the tree's search so far; the search continues. None until its root is evaluated."""
        state = self._states[tree]
        if state.decided is not None:
            return state.decided
        return self._read(tree, 0.0) if state.head.stage in (SEARCHING, DONE) else None

    def considered(self, tree: int) -> list[tuple[int, int, float, tuple[int, ...]]]:
        """The root's moves with visits or a proof: (point, visits, value, principal variation), as opened."""
        view, found = self.tree(tree), []
        first = int(view.nodes[0].first_edge)
        for edge in range(first, first + int(view.nodes[0].num_edges)):
            point, visits = int(view.edges[edge].point), int(view.edges[edge].visits)
            if visits or view.edges[edge].proven:
                length = principal_variation(view, point, self._line)
                line = tuple(self._line[:length].tolist())
                found.append((point, visits, float(edge_value(view, edge, 0.0)), line))
        return found

    def stop(self, tree: int) -> None:
        """Stops the tree's search: it begins no more simulations, and `step` returns it once those in flight are done.

        A search stopped before its first simulation ends with the network's evaluation of its position.
        """
        self._states[tree].stop()

    def _read(self, tree: int, temperature: float) -> SearchResult:
        """The result at the root. Raises FailureError if the network's outputs were not finite numbers."""
        policy = np.zeros(self.size**2, np.float32)
        visits = np.zeros(self.size**2, np.int32)
        head, root, rng = self.trees.heads[tree], self.tree(tree).nodes[0], self._states[tree].rng
        assert rng is not None, "start() comes before result()"
        value, finite, point, length = read_root(self.tree(tree), self._constants, policy, visits, self._line)
        if not finite:
            raise FailureError(
                f"the network ({self.evaluator.name}) returns values or policies that are not finite numbers: "
                "play with an earlier checkpoint, or continue its training with a lower training.learning_rate"
            )
        if not self.gumbel:
            point = choose_point(policy, temperature, rng)
            length = principal_variation(self.tree(tree), point, self._line)
        return SearchResult(
            point=int(point),
            policy=policy,
            visits=visits,
            value=float(value),
            proven=int(root.proven),
            simulations=int(head.finished),
            raw_value=float(root.raw_value),
            principal_variation=tuple(self._line[:length].tolist()),
        )

    def busy(self) -> bool:
        """Whether any search is running."""
        return bool(np.any((self.trees.heads["stage"] != IDLE) & (self.trees.heads["stage"] != DONE)))


def _exploration(settings: SearchSettings, nodes: int) -> NDArray[np.float32]:
    """float32[nodes + 1]: `SelectionConstants.exploration`, see there."""
    counts = np.arange(nodes + 1)
    growth = np.log((counts + settings.exploration_base) / settings.exploration_base)
    explore: NDArray[np.float64] = (settings.exploration + settings.exploration_log * growth) * np.sqrt(counts)
    return explore.astype(np.float32)


def search_position(
    forest: Forest,
    position: Position,
    rng: np.random.Generator,
    exploration: Exploration = Exploration(),
    simulations: int | None = None,
) -> SearchResult:
    """Runs one whole search of a position in the forest's first tree.

    The position must be in play, and all other trees idle.
    """
    assert position["winner"] == IN_PLAY, "a finished game has no next move"
    forest.set_position(0, position)
    forest.start(0, rng, exploration, simulations)
    while 0 not in forest.step():
        pass
    return forest.result(0)
