"""What the parts of a simulation cost: the clocks of a forest, and its kernels called by themselves.

The search is three kernels: `select` fills a batch, the network answers, `expand` makes nodes and backs values up. A
clock beside each call costs nothing; a clock inside would cost more than what it measures. So what happens inside is
measured afterwards: leaves of real searches are recorded (`record_leaves`), the functions that `select` and `expand`
are made of are called on them one by one, and the cost for one leaf times the number of leaves is taken out of the
kernel's time. What is left of `select` are moves that are opened, simulations that need no network (finished,
remembered, kept), and all the waiting for memory: called one after the other a function finds its code and tables in
the processor's caches, while beside a network, whose weights push them out, it does not. What is left of `expand` is
the softmax, the priors, the first move, and again memory.
"""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import kernel
from alphapente.rules.identity import identify, stone_numbers
from alphapente.rules.kernels import copy_position, play
from alphapente.rules.position import IN_PLAY, MAX_PLIES, POSITION, Position, Positions
from alphapente.rules.symmetry import NUM_SYMMETRIES, copy_turned
from alphapente.rules.tactics import find_tactics, new_bitboards
from alphapente.search.edges import find_next
from alphapente.search.forest import Forest
from alphapente.search.gumbel import select_gumbel
from alphapente.search.kernels import back_up, expand, select, select_puct
from alphapente.search.root import SearchResult
from alphapente.search.tree import IDLE, SEARCHING, UNKNOWN, Leaves, SelectionConstants, Trees

LAPS = 5
"""How often each part is measured; the fastest counts, since whatever disturbs only slows."""


class TimedForest(Forest):
    """A forest that keeps count of the processor seconds its parts take (of all threads of this process)."""

    in_rounds = False  # a clock needs Python between selection, network and expansion
    seconds: dict[str, float]
    batches: int
    plies: int
    """Searches whose result was taken."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        """Takes what Forest takes."""
        super().__init__(*arguments, **settings)
        self._recorded, self._num_recorded = new_recorded(0), 0
        self.clear()

    def clear(self) -> None:
        """Starts to count."""
        self.seconds = dict.fromkeys(("start", "select", "network", "expand"), 0.0)
        self.batches = self.plies = 0

    @property
    def constants(self) -> SelectionConstants:
        """The numbers of the selection rule."""
        return self._constants

    @property
    def simulated(self) -> int:
        """Simulations that are finished, those of searches under way included."""
        under_way = self.trees.heads["finished"][self.trees.heads["stage"] == SEARCHING]
        return self.simulations_done + int(under_way.sum())

    def result(self, tree: int) -> SearchResult:
        """Forest.result, counted."""
        self.plies += 1
        return super().result(tree)

    def record(self, count: int, step_fn: Callable[[], Any]) -> "Recorded":
        """Calls `step_fn`, which steps this forest, until `count` leaves are recorded; and no more than that often."""
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
        """(seconds of a call of `select`, of `expand`) when no search is under way. The searches are lost."""
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
    """n leaves of searches: the root, the way down, and the position at its end."""

    root: Positions  # [n]
    points: NDArray[np.int16]  # [n, MAX_PLIES]
    depth: NDArray[np.int32]  # [n]
    leaf: Positions  # [n]
    symmetry: NDArray[np.int8]  # [n] how the network sees it turned


def new_recorded(count: int) -> Recorded:
    """Room for `count` leaves."""
    return Recorded(
        np.zeros(count, POSITION),
        np.zeros((count, MAX_PLIES), np.int16),
        np.zeros(count, np.int32),
        np.zeros(count, POSITION),
        np.zeros(count, np.int8),
    )


@kernel
def record_leaves(trees: Trees, leaves: Leaves, recorded: Recorded, count: int) -> int:
    """Adds the leaves that are in the batch now to the `count` there are, up to the room; returns how many there are.

    Roots without a node, and leaves that are decided, are left out.
    """
    for place in range(len(leaves.tree)):
        if count == len(recorded.depth):
            break
        depth = leaves.depth[place]
        if not leaves.active[place] or depth == 0 or leaves.position[place]["winner"] != IN_PLAY:
            continue
        tree = leaves.tree[place]
        copy_position(recorded.root[count], trees.root[tree])
        copy_position(recorded.leaf[count], leaves.position[place])
        recorded.depth[count], recorded.symmetry[count] = depth, leaves.symmetry[place]
        for level in range(depth):
            first = trees.nodes[tree, leaves.path_node[place, level]]["first_edge"]
            recorded.points[count, level] = trees.edges[tree, first + leaves.path_edge[place, level]]["point"]
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
def _identify_all(
    recorded: Recorded, bits: NDArray[np.uint64], numbers: NDArray[np.uint64], hashes: NDArray[np.uint64]
) -> None:
    for index in range(len(recorded.depth)):
        identify(recorded.leaf[index], bits[index], numbers, hashes)


@kernel
def _turn_all(recorded: Recorded, bits: NDArray[np.uint64], turned: Positions) -> None:
    for index in range(len(recorded.depth)):
        copy_turned(turned[index % len(turned)], recorded.leaf[index], bits[index], recorded.symmetry[index])


@kernel
def _back_up_all(trees: Trees, leaves: Leaves, laps: int) -> int:
    count = 0
    for _ in range(laps):
        for place in range(len(leaves.tree)):
            if leaves.active[place] and leaves.depth[place] > 0:
                back_up(trees, leaves, place, 0.0, UNKNOWN)
                count += 1
    return count


@kernel
def _choose_all(trees: Trees, constants: SelectionConstants, leaves: Leaves, laps: int) -> int:
    count = 0
    for _ in range(laps):
        for place in range(len(leaves.tree)):
            if leaves.active[place] and leaves.depth[place] > 0:
                tree = np.int64(leaves.tree[place])
                if constants.gumbel:
                    select_gumbel(trees, constants, tree)
                for level in range(1 if constants.gumbel else 0, leaves.depth[place]):
                    node = np.int64(leaves.path_node[place, level])
                    select_puct(trees, constants, tree, node, constants.first_play_reduction)
                count += 1
    return count


@kernel
def _find_next_all(trees: Trees, leaves: Leaves, laps: int) -> None:
    for _ in range(laps):
        for place in range(len(leaves.tree)):
            if leaves.active[place] and leaves.depth[place] > 0:
                find_next(trees, np.int64(leaves.tree[place]), leaves.path_node[place, leaves.depth[place] - 1])


def seconds_a_leaf(recorded: Recorded, forest: TimedForest) -> dict[str, float]:
    """Processor seconds of each part for one leaf; "next move" is to find a node's best unopened move, once.

    The forest has a batch selected; what works on the tree is measured on a copy of that.
    """
    count = len(recorded.depth)
    bits = np.stack([new_bitboards()] * count)
    turned = np.zeros(forest.evaluator.batch_size, POSITION)
    scratch = np.zeros(1, POSITION)[0]
    numbers, hashes = stone_numbers(forest.size), np.zeros(NUM_SYMMETRIES, np.uint64)
    found = {
        "play": _fastest(lambda: _play_all(recorded, scratch)) / count,
        "tactics": _fastest(lambda: _find_all(recorded, bits, scratch)) / count,
        "identity": _fastest(lambda: _identify_all(recorded, bits, numbers, hashes)) / count,
        "turn": _fastest(lambda: _turn_all(recorded, bits, turned)) / count,
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
    """Processor seconds by part: the forest's clocks, with what `select` and `expand` did told apart.

    Of the simulations that the clocks saw, `descents` went down the tree (a visit kept from before does not) and
    `leaves` asked the network. The forest has a batch selected; its searches are lost.
    """
    clocks, batches = dict(forest.seconds), forest.batches
    cost = seconds_a_leaf(recorded, forest)
    select_call, expand_call = (seconds * batches for seconds in forest.empty_calls())
    selecting = {part: cost[part] * descents for part in ("choose", "next move", "play", "tactics")}
    selecting |= {part: cost[part] * leaves for part in ("identity", "turn")}
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
    """The parts, made smaller in proportion where they come to more than the whole they were part of."""
    scale = min(1.0, max(0.0, whole) / max(sum(parts.values()), 1e-12))
    return {part: seconds * scale for part, seconds in parts.items()}
