"""Rounds of selection, network and expansion in one kernel, for a network that is kernels itself.

A search of one position asks for one leaf after the other. Between Python and kernels each of them would cost more than
the network does.
"""

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import kernel
from alphapente.network.mixnet_kernels import Network, evaluate_positions
from alphapente.search.cache import Cache
from alphapente.search.kernels import LeafSolver, expand, select
from alphapente.search.tree import SEARCHING, Leaves, Rates, Scratch, Trees


@kernel
def _all_searching(stages: NDArray[np.int32], leaves: Leaves) -> bool:
    """Whether every place that holds no leaf belongs to a search that goes on: nothing waits for the caller."""
    for place in range(len(leaves.tree)):
        if not leaves.active[place] and stages[leaves.tree[place]] != SEARCHING:
            return False
    return True


@kernel
def run_rounds(
    trees: Trees,
    rates: Rates,
    leaves: Leaves,
    cache: Cache,
    scratch: Scratch,
    solver: LeafSolver,
    network: Network,
    limit: int,
) -> int:
    """Evaluates and expands the leaves in the batch, then selects the next ones, until `limit` positions are evaluated.

    Ends earlier when a search is finished or waits for its start. The batch must hold a leaf. Returns how many
    positions the network has evaluated.
    """
    evaluated = 0
    while True:
        evaluate_positions(network, leaves.seen, leaves.active)
        evaluated += expand(trees, leaves, cache, (network.logits, network.values), scratch)
        if evaluated >= limit:
            return evaluated
        if select(trees, rates, leaves, cache, scratch, solver) == 0:
            return evaluated
        if not _all_searching(trees.heads["stage"], leaves):
            return evaluated
