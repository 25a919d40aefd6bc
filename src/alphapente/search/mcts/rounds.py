"""Rounds of selection, network and expansion in one kernel, for a network made of kernels (`mixnet`).

A search of one position evaluates one leaf at a time. The calls from Python to kernels would cost more for each leaf
than the network does.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import kernel
from alphapente.network.mixnet_kernels import Network, evaluate_positions
from alphapente.search.mcts.cache import Cache
from alphapente.search.mcts.edges import any_must_grow
from alphapente.search.mcts.expansion import expand
from alphapente.search.mcts.selection import LeafSolver, select
from alphapente.search.mcts.state import DONE, NEEDS_START
from alphapente.search.mcts.tree import Leaves, Scratch, SelectionConstants, Trees


@kernel
def _num_waiting(heads: NDArray[np.void]) -> int:
    """The number of searches that are finished or wait for their start, by their heads: HEAD[T]."""
    waiting = 0
    for index in range(len(heads)):
        waiting += heads[index].stage == DONE or heads[index].stage == NEEDS_START
    return waiting


class RoundParts(NamedTuple):
    """What rounds need besides the trees."""

    leaves: Leaves
    cache: Cache
    scratch: Scratch
    solver: LeafSolver
    network: Network


@kernel
def run_rounds(trees: Trees, constants: SelectionConstants, parts: RoundParts, most_waiting: int, limit: int) -> int:
    """Repeats selection, evaluation and expansion until about `limit` positions are evaluated.

    Ends earlier, with the next leaves selected, when `most_waiting` searches are finished or wait for their start, when
    a tree must grow, or when there is no leaf. Returns the number of positions evaluated.
    """
    leaves, cache, scratch, solver, network = parts
    evaluated = 0
    while True:
        active = select(trees, constants, leaves, cache, scratch, solver)
        if active == 0 or evaluated >= limit or _num_waiting(trees.heads) >= most_waiting:
            return evaluated
        # Before a tree has grown, fewer leaves are in flight than with enough room, and the results would differ.
        if any_must_grow(trees, constants, len(leaves.tree)):
            return evaluated
        evaluate_positions(network, leaves.seen, leaves.active)
        evaluated += expand(trees, leaves, cache, (network.logits, network.values), scratch)
