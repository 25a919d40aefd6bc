"""PUCT: which edge of a node a simulation follows.

As in AlphaZero (Silver et al. 2018) with a c_puct that grows with the visits. The value of a move without visits is its
parent's value minus a reduction (FPU, first-play urgency, as in Leela Zero and KataGo).
"""

import math

import numpy as np

from alphapente.compiled import kernel
from alphapente.search.mcts.edges import can_open
from alphapente.search.mcts.tree import (
    LOWEST_SCORE,
    NOTHING,
    PROVEN_DRAW,
    PROVEN_LOSS,
    UNKNOWN,
    UNOPENED,
    SelectionConstants,
    Trees,
)


@kernel
def select_puct(trees: Trees, constants: SelectionConstants, tree: int, node: int, reduction: float) -> int:
    """The index of the edge of the largest PUCT score; UNOPENED for the best unopened move.

    NOTHING if all moves lose, or if a full tree has no space for the node's first edge. `reduction` is the FPU
    reduction. Of the unopened moves only that of the largest prior can be the best, since they differ in nothing else.
    """
    visits = trees.nodes[tree, node]["visits"]
    explore = constants.exploration[min(visits, len(constants.exploration) - 1)]
    urgency = trees.nodes[tree, node]["value_sum"] / max(visits, 1)
    urgency -= reduction * math.sqrt(max(trees.nodes[tree, node]["opened_prior"], np.float32(0.0)))
    best, best_score = NOTHING, LOWEST_SCORE
    if can_open(trees, tree, node):
        best, best_score = UNOPENED, urgency + explore * trees.nodes[tree, node]["next_prior"]
    start = np.int64(trees.nodes[tree, node]["first_edge"])
    for place in range(np.int64(trees.nodes[tree, node]["num_edges"])):
        edge = start + place
        proven = trees.edges[tree, edge]["proven"]
        if proven == PROVEN_LOSS:
            continue
        # virtual loss: each simulation in flight counts as visits with value -1 until it is backed up
        waiting = trees.edges[tree, edge]["in_flight"] * constants.virtual_loss
        count = trees.edges[tree, edge]["visits"] + waiting
        value = urgency
        if proven != UNKNOWN:
            value = 0.0 if proven == PROVEN_DRAW else 1.0
        elif count > 0:
            value = (trees.edges[tree, edge]["value_sum"] - waiting) / count
        score = value + explore * trees.edges[tree, edge]["prior"] / (1 + count)
        if score > best_score:
            best, best_score = place, score
    return best
