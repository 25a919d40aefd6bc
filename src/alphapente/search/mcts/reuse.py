"""Tree reuse: the subtree of the move played becomes the next tree."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import kernel
from alphapente.rules.kernels import play
from alphapente.search.layout import NOTHING, UNEXPANDED
from alphapente.search.mcts.edges import edges_of
from alphapente.search.mcts.state import IDLE
from alphapente.search.mcts.tree import EDGE, Tree, Trees


class Compaction(NamedTuple):
    """Scratch to move a subtree to the front of its tree."""

    numbers: NDArray[np.int32]  # [N] the new number of each node, NOTHING for those not kept
    edges: NDArray[np.void]  # EDGE[E] a copy


def new_compaction(trees: Trees) -> Compaction:
    """Scratch for `keep_subtree`."""
    return Compaction(np.zeros(trees.nodes.shape[1], np.int32), np.zeros(trees.edges.shape[1], EDGE))


@kernel
def keep_subtree(tree: Tree, point: int, scratch: Compaction) -> bool:
    """Makes the child of the root's move `point` the new root; False (tree unchanged) if there is no such node.

    Nodes keep their order, and parents come before their children. So every node moves towards the front, and one pass
    can overwrite the tree in place: it never writes over a node that it still has to read. Edges are copied to scratch
    first, since the blocks of a node may lie anywhere.
    """
    head, nodes, edges, priors = tree.head, tree.nodes, tree.edges, tree.priors
    numbers, copied = scratch.numbers, scratch.edges
    new_root = NOTHING
    for edge in edges_of(tree, 0):
        if edges[edge].point == point:
            new_root = np.int64(edges[edge].child)
    if new_root < 0:  # no such edge, or its child has no node
        return False
    old_nodes, count, used = np.int64(head.num_nodes), 0, 0
    numbers[:old_nodes] = NOTHING
    numbers[new_root] = 0  # anything but NOTHING marks a node to keep; its number follows when the pass reaches it
    for node in range(new_root, old_nodes):
        if numbers[node] == NOTHING:
            continue
        numbers[node] = count
        nodes[count] = nodes[node]
        for other in range(priors.shape[1]):
            priors[count, other] = priors[node, other]
        first = np.int64(nodes[count].first_edge)
        for k in range(np.int64(nodes[count].num_edges)):
            copied[used + k] = edges[first + k]
            if copied[used + k].child >= 0:
                numbers[copied[used + k].child] = 0
        nodes[count].first_edge = used
        used += np.int64(nodes[count].room)
        count += 1
    for edge in range(used):
        edges[edge] = copied[edge]
        child = copied[edge].child
        edges[edge].child = numbers[child] if child >= 0 else UNEXPANDED
    head.num_nodes = count
    head.edges_used = used
    return True


@kernel
def advance_root(tree: Tree, point: int, most: int, scratch: Compaction) -> None:
    """Plays `point` at the root. Keeps its subtree if it has at most `most` nodes, otherwise clears the tree."""
    head = tree.head
    kept = most > 0 and head.num_nodes > 0 and keep_subtree(tree, point, scratch)
    if not kept or head.num_nodes > most:
        head.num_nodes = 0
    play(tree.root, point)
    head.stage = IDLE
