"""Backup: carries a leaf's value, and what is proven of it, up to the root; or takes back a selection.

Proven wins, draws and losses are carried up the tree (MCTS-Solver, Winands et al. 2008).
"""

import numpy as np

from alphapente.compiled import kernel
from alphapente.search.mcts.edges import conclude_node
from alphapente.search.mcts.tree import (
    PROVEN_DRAW,
    UNKNOWN,
    Leaves,
    Trees,
)


@kernel
def seen_by_parent(proven: int) -> int:
    """A child's proof from the parent's perspective. A draw, which is 2 and not 0 (UNKNOWN), keeps its sign."""
    return proven if proven == PROVEN_DRAW else -proven


@kernel
def back_up(trees: Trees, leaves: Leaves, place: int, value: float, proven: int) -> None:
    """Adds a leaf's value (for its player to move), and what is proven about it, to all nodes on its path."""
    tree = leaves.tree[place]
    for level in range(leaves.depth[place] - 1, -1, -1):
        node = leaves.path_node[place, level]
        edge = trees.nodes[tree, node]["first_edge"] + leaves.path_edge[place, level]
        if proven != UNKNOWN:
            trees.edges[tree, edge]["proven"] = seen_by_parent(proven)
            proven = conclude_node(trees, tree, node)
            trees.nodes[tree, node]["proven"] = proven
        value = -value  # one ply up it is the other player's
        # From here up a proof replaces the value of this simulation, not the means of earlier ones.
        if proven != UNKNOWN:
            value = 0.0 if proven == PROVEN_DRAW else float(proven)
        trees.edges[tree, edge]["visits"] += 1
        trees.edges[tree, edge]["in_flight"] -= 1
        trees.edges[tree, edge]["value_sum"] += np.float32(value)
        trees.nodes[tree, node]["visits"] += 1
        trees.nodes[tree, node]["value_sum"] += np.float32(value)
    trees.heads[tree]["finished"] += 1


@kernel
def undo_selection(trees: Trees, leaves: Leaves, place: int) -> None:
    """Reverses a selection that reached a leaf already in flight: all that `_descend` and `_simulate` counted."""
    tree = leaves.tree[place]
    for level in range(leaves.depth[place]):
        edge = trees.nodes[tree, leaves.path_node[place, level]]["first_edge"] + leaves.path_edge[place, level]
        trees.edges[tree, edge]["in_flight"] -= 1
    root_edge = trees.nodes[tree, 0]["first_edge"] + leaves.path_edge[place, 0]
    trees.root_count[tree, trees.edges[tree, root_edge]["point"]] -= 1
    trees.heads[tree]["started"] -= 1
