"""PUCT: which edge of a node a simulation follows.

As in AlphaZero (Silver et al. 2018) with a c_puct that grows with the visits. The value of a move without visits is its
parent's value minus a reduction (FPU, first-play urgency, as in Leela Zero and KataGo).
"""

import math

import numpy as np

from alphapente.compiled import kernel
from alphapente.rules.tactics import LOSES, UNDECIDED
from alphapente.search.layout import NOTHING, UNOPENED
from alphapente.search.mcts.edges import can_open, edges_of, proven_value
from alphapente.search.mcts.tree import LOWEST_SCORE, SelectionConstants, Tree


@kernel
def select_puct(tree: Tree, constants: SelectionConstants, node: int, reduction: float) -> int:
    """The index in the node's block of the edge of the largest PUCT score; UNOPENED for the best unopened move.

    NOTHING if all moves lose, or if a full tree has no space for the node's first edge. `reduction` is the FPU
    reduction. Of the unopened moves only that of the largest prior can be the best, since they differ in nothing else.
    """
    nodes, edges = tree.nodes, tree.edges
    visits = nodes[node].visits
    explore = constants.exploration[min(visits, len(constants.exploration) - 1)]
    urgency = nodes[node].value_sum / max(visits, 1)
    urgency -= reduction * math.sqrt(max(nodes[node].opened_prior, np.float32(0.0)))
    best, best_score = NOTHING, LOWEST_SCORE
    if can_open(tree, node):
        best, best_score = UNOPENED, urgency + explore * nodes[node].next_prior
    first = np.int64(nodes[node].first_edge)
    for edge in edges_of(tree, node):
        proven = edges[edge].proven
        if proven == LOSES:
            continue
        # virtual loss: each simulation in flight counts as visits with value -1 until it is backed up
        waiting = edges[edge].in_flight * constants.virtual_loss
        count = edges[edge].visits + waiting
        value = urgency
        if proven != UNDECIDED:
            value = proven_value(proven)
        elif count > 0:
            value = (edges[edge].value_sum - waiting) / count
        score = value + explore * edges[edge].prior / (1 + count)
        if score > best_score:
            best, best_score = edge - first, score
    return best
