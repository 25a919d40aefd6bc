"""The cost of the parts of a simulation, by the clocks of a forest and by calling its kernels separately.

A simulation has three parts: the kernel `select` fills a batch, the network evaluates it, and the kernel `expand` makes
nodes and backs values up. A clock around each call costs nothing; a clock inside a kernel would cost more than what it
measures. So the parts of the kernels are measured afterwards: leaves of real searches are recorded (`record_leaves`),
the functions called by `select` and `expand` are called on them one by one, and their cost for one leaf times the
number of leaves is subtracted from the kernel's time.

The rest of `select` is expanded moves, simulations that need no network (finished games, cached positions, reused
visits), and waiting for memory: called repeatedly, a function finds its code and tables in the processor's caches, but
beside a network, whose weights displace them, it does not. The rest of `expand` is the softmax, the priors, the first
move, and again memory.
"""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import kernel
from alphapente.rules.canonical import canonical_symmetry, stone_numbers
from alphapente.rules.kernels import copy_position, play
from alphapente.rules.position import IN_PLAY, MAX_PLIES, POSITION, Position, Positions
from alphapente.rules.symmetry import NUM_SYMMETRIES, copy_turned
from alphapente.rules.tactics import UNDECIDED, find_tactics, new_bitboards
from alphapente.search.mcts import gumbel_root
from alphapente.search.mcts.backup import back_up
from alphapente.search.mcts.edges import edge_on_path, find_next
from alphapente.search.mcts.expansion import expand
from alphapente.search.mcts.forest import Forest
from alphapente.search.mcts.puct import select_puct
from alphapente.search.mcts.selection import select
from alphapente.search.mcts.state import IDLE, SEARCHING, SearchResult
from alphapente.search.mcts.tree import Leaves, SelectionConstants, Trees, tree_at

LAPS = 5
"""How often each part is measured; the fastest counts, since disturbances only slow it down."""


class TimedForest(Forest):
    """A forest that measures the processor seconds of its parts (of all threads of this process)."""

    in_rounds = False  # a clock needs Python between selection, network and expansion
    seconds: dict[str, float]
    batches: int
    plies: int
    """Searches whose result was read."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        """Takes the arguments of Forest."""
        super().__init__(*arguments, **settings)
        self._recorded, self._num_recorded = new_recorded(0), 0
        self.clear()

    def clear(self) -> None:
        """Resets the clocks and counts."""
        self.seconds = dict.fromkeys(("start", "select", "network", "expand"), 0.0)
        self.batches = self.plies = 0

    @property
    def constants(self) -> SelectionConstants:
        """The numbers of the selection rule."""
        return self._constants

    @property
    def simulated(self) -> int:
        """Finished simulations, those of searches in progress included."""
        under_way = self.trees.heads["finished"][self.trees.heads["stage"] == SEARCHING]
        return self.simulations_done + int(under_way.sum())

    def result(self, tree: int) -> SearchResult:
        """Forest.result, counted."""
        self.plies += 1
        return super().result(tree)

    def record(self, count: int, step_fn: Callable[[], Any]) -> "Recorded":
        """Calls `step_fn`, which steps this forest, until `count` leaves are recorded, at most `count` times."""
        self._recorded, self._num_recorded = new_recorded(count), 0
        for _ in range(count):
            if self._num_recorded == count:
                break
            step_fn()
        cut: list[Any] = [array[: self._num_recorded] for array in self._recorded]
        self._recorded = new_recorded(0)
        return Recorded(*cut)

    def select(self) -> None:
        """Forest.select with a clock."""
        begin, started = time.process_time(), self.seconds["start"]
        super().select()
        self.seconds["select"] += time.process_time() - begin - (self.seconds["start"] - started)

    def evaluate(self) -> None:
        """Forest.evaluate with a clock beside each part."""
        if len(self._recorded.depth):
            self._num_recorded = record_leaves(self.trees, self.leaves, self._recorded, self._num_recorded)
        if not self.leaves.active.any():
            return
        begin = time.process_time()
        answers = self.evaluator.evaluate(self.evaluator.input, self.leaves.active)
        evaluated = time.process_time()
        self.evaluations += expand(self.trees, self.leaves, self.cache, answers, self._scratch)
        self.seconds["network"] += evaluated - begin
        self.seconds["expand"] += time.process_time() - evaluated
        self.batches += 1

    def _begin(self, tree: int) -> None:
        begin = time.process_time()
        super()._begin(tree)
        self.seconds["start"] += time.process_time() - begin

    def empty_calls(self) -> tuple[float, float]:
        """(seconds of a call of `select`, of `expand`) without any search in progress. The searches are lost."""
        self.trees.heads["stage"] = IDLE
        self.leaves.active[:] = 0
        answers = self.evaluator.evaluate(self.evaluator.input, self.leaves.active)
        calls = 200
        return (
            _fastest(
                lambda: select(self.trees, self._constants, self.leaves, self.cache, self._scratch, self._leaf_solver),
                calls,
            ),
            _fastest(lambda: expand(self.trees, self.leaves, self.cache, answers, self._scratch), calls),
        )


class Recorded(NamedTuple):
    """n leaves of searches: the root, the moves to the leaf, and its position."""

    root: Positions  # [n]
    points: NDArray[np.int16]  # [n, MAX_PLIES]
    depth: NDArray[np.int32]  # [n]
    leaf: Positions  # [n]
    symmetry: NDArray[np.int8]  # [n] by which the network sees it transformed


def new_recorded(count: int) -> Recorded:
    """Space for `count` leaves."""
    return Recorded(
        np.zeros(count, POSITION),
        np.zeros((count, MAX_PLIES), np.int16),
        np.zeros(count, np.int32),
        np.zeros(count, POSITION),
        np.zeros(count, np.int8),
    )


@kernel
def record_leaves(trees: Trees, leaves: Leaves, recorded: Recorded, count: int) -> int:
    """Adds the leaves of the current batch to the first `count`, while there is space; returns the new count.

    Roots without a node, and leaves where the game is over, are omitted.
    """
    for place in range(len(leaves.tree)):
        if count == len(recorded.depth):
            break
        depth = leaves.depth[place]
        if not leaves.active[place] or depth == 0 or leaves.position[place]["winner"] != IN_PLAY:
            continue
        tree = tree_at(trees, leaves.tree[place])
        copy_position(recorded.root[count], tree.root)
        copy_position(recorded.leaf[count], leaves.position[place])
        recorded.depth[count], recorded.symmetry[count] = depth, leaves.symmetry[place]
        for level in range(depth):
            recorded.points[count, level] = tree.edges[edge_on_path(tree, leaves, place, level)].point
        count += 1
    return count


@kernel
def _play_all(recorded: Recorded, position: Position) -> None:
    for index in range(len(recorded.depth)):
        copy_position(position, recorded.root[index])
        for level in range(recorded.depth[index]):
            play(position, np.int64(recorded.points[index, level]))


@kernel
def _find_all(recorded: Recorded, bits: NDArray[np.uint64], scratch: Position) -> None:
    for index in range(len(recorded.depth)):
        find_tactics(recorded.leaf[index], bits[index], scratch)


@kernel
def _find_canonical_symmetries(
    recorded: Recorded, bits: NDArray[np.uint64], numbers: NDArray[np.uint64], hashes: NDArray[np.uint64]
) -> None:
    for index in range(len(recorded.depth)):
        canonical_symmetry(recorded.leaf[index], bits[index], numbers, hashes)


@kernel
def _transform_all(recorded: Recorded, bits: NDArray[np.uint64], transformed: Positions) -> None:
    for index in range(len(recorded.depth)):
        copy_turned(transformed[index % len(transformed)], recorded.leaf[index], bits[index], recorded.symmetry[index])


@kernel
def _back_up_all(trees: Trees, leaves: Leaves, laps: int) -> int:
    count = 0
    for _ in range(laps):
        for place in range(len(leaves.tree)):
            if leaves.active[place] and leaves.depth[place] > 0:
                back_up(tree_at(trees, leaves.tree[place]), leaves, place, 0.0, UNDECIDED)
                count += 1
    return count


@kernel
def _choose_all(trees: Trees, constants: SelectionConstants, leaves: Leaves, laps: int) -> int:
    count = 0
    for _ in range(laps):
        for place in range(len(leaves.tree)):
            if leaves.active[place] and leaves.depth[place] > 0:
                tree = tree_at(trees, leaves.tree[place])
                if constants.gumbel:
                    gumbel_root.choose(tree, constants)
                for level in range(1 if constants.gumbel else 0, leaves.depth[place]):
                    node = np.int64(leaves.path_node[place, level])
                    select_puct(tree, constants, node, constants.first_play_reduction)
                count += 1
    return count


@kernel
def _find_next_all(trees: Trees, leaves: Leaves, laps: int) -> None:
    for _ in range(laps):
        for place in range(len(leaves.tree)):
            if leaves.active[place] and leaves.depth[place] > 0:
                tree, node = tree_at(trees, leaves.tree[place]), leaves.path_node[place, leaves.depth[place] - 1]
                find_next(tree, np.int64(node))


def seconds_a_leaf(recorded: Recorded, forest: TimedForest) -> dict[str, float]:
    """Processor seconds of each part for one leaf; "next move" finds a node's best unexpanded move, once.

    The forest must have a batch selected; parts that change the tree are measured on a copy.
    """
    count = len(recorded.depth)
    bits = np.stack([new_bitboards()] * count)
    transformed = np.zeros(forest.evaluator.batch_size, POSITION)
    scratch = np.zeros(1, POSITION)[0]
    numbers, hashes = stone_numbers(forest.size), np.zeros(NUM_SYMMETRIES, np.uint64)
    found = {
        "play": _fastest(lambda: _play_all(recorded, scratch)) / count,
        "tactics": _fastest(lambda: _find_all(recorded, bits, scratch)) / count,
        "identity": _fastest(lambda: _find_canonical_symmetries(recorded, bits, numbers, hashes)) / count,
        "transform": _fastest(lambda: _transform_all(recorded, bits, transformed)) / count,
    }
    trees, leaves = (kind(*(array.copy() for array in part)) for kind, part in _search_arrays(forest))
    backed_up = _back_up_all(trees, leaves, 64)
    found["next move"] = _fastest(lambda: _find_next_all(trees, leaves, 16)) / max(1, backed_up // 4)
    found["choose"] = _fastest(lambda: _choose_all(trees, forest.constants, leaves, 16)) / max(1, backed_up // 4)
    found["back up"] = _fastest(lambda: _back_up_all(trees, leaves, 64)) / max(1, backed_up)
    return found


def _search_arrays(forest: Forest) -> list[tuple[Any, Any]]:
    return [(Trees, forest.trees), (Leaves, forest.leaves)]


def _fastest(work: Callable[[], Any], calls: int = 1) -> float:
    """Processor seconds of one call: the fastest of LAPS times `calls` calls."""
    work()
    found = []
    for _ in range(LAPS):
        begin = time.process_time()
        for _ in range(calls):
            work()
        found.append((time.process_time() - begin) / calls)
    return min(found)


def parts_of(forest: TimedForest, recorded: Recorded, descents: int, leaves: int) -> dict[str, float]:
    """Processor seconds by part: the forest's clocks, with `select` and `expand` divided into their parts.

    Of the simulations measured, `descents` descended the tree (reused visits do not) and `leaves` needed the network.
    The forest must have a batch selected; its searches are lost.
    """
    clocks, batches = dict(forest.seconds), forest.batches
    cost = seconds_a_leaf(recorded, forest)
    select_call, expand_call = (seconds * batches for seconds in forest.empty_calls())
    selecting = {part: cost[part] * descents for part in ("choose", "next move", "play", "tactics")}
    selecting |= {part: cost[part] * leaves for part in ("identity", "transform")}
    selecting = _within(clocks["select"] - select_call, selecting)
    expanding = _within(clocks["expand"] - expand_call, {"back up": cost["back up"] * leaves})
    return {
        "network": clocks["network"],
        **selecting,
        "rest of select": clocks["select"] - select_call - sum(selecting.values()),
        "expand": clocks["expand"] - expand_call - sum(expanding.values()),
        **expanding,
        "calls": select_call + expand_call,
        "start of searches": clocks["start"],
    }


def _within(whole: float, parts: dict[str, float]) -> dict[str, float]:
    """The parts, scaled down if their sum exceeds the whole."""
    scale = min(1.0, max(0.0, whole) / max(sum(parts.values()), 1e-12))
    return {part: seconds * scale for part, seconds in parts.items()}
