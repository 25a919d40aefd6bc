"""Backup: carries a leaf's value, and what is proven of it, up to the root; or takes back a selection.

Proven wins, draws and losses are carried up the tree (MCTS-Solver, Winands et al. 2008).
"""

import numpy as np

from alphapente.compiled import kernel
from alphapente.rules.tactics import DRAWS, UNDECIDED
from alphapente.search.mcts.edges import conclude_node, edge_on_path, proven_value
from alphapente.search.mcts.tree import Leaves, Tree


@kernel
def seen_by_parent(proven: int) -> int:
    """A child's proof from the parent's perspective. A draw keeps its sign."""
    return proven if proven == DRAWS else -proven


@kernel
def back_up(tree: Tree, leaves: Leaves, place: int, value: float, proven: int) -> None:
    """Adds a leaf's value (for its player to move), and what is proven about it, to all nodes on its path."""
    nodes, edges = tree.nodes, tree.edges
    for level in range(leaves.depth[place] - 1, -1, -1):
        node, edge = leaves.path_node[place, level], edge_on_path(tree, leaves, place, level)
        if proven != UNDECIDED:
            edges[edge].proven = seen_by_parent(proven)
            proven = conclude_node(tree, node)
            nodes[node].proven = proven
        value = -value  # one ply up it is the other player's
        # From here up a proof replaces the value of this simulation, not the means of earlier ones.
        if proven != UNDECIDED:
            value = proven_value(proven)
        edges[edge].visits += 1
        edges[edge].in_flight -= 1
        edges[edge].value_sum += np.float32(value)
        nodes[node].visits += 1
        nodes[node].value_sum += np.float32(value)
    tree.head.finished += 1


@kernel
def undo_selection(tree: Tree, leaves: Leaves, place: int) -> None:
    """Reverses a selection that reached a leaf already in flight: all that `_descend` and `_simulate` counted."""
    for level in range(leaves.depth[place]):
        tree.edges[edge_on_path(tree, leaves, place, level)].in_flight -= 1
    tree.root_count[tree.edges[edge_on_path(tree, leaves, place, 0)].point] -= 1
    tree.head.started -= 1
