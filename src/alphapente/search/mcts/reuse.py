"""Tree reuse: the subtree of the move played becomes the next tree."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import kernel
from alphapente.rules.kernels import play
from alphapente.search.mcts.tree import (
    EDGE,
    IDLE,
    NOTHING,
    UNEXPANDED,
    Trees,
)


class Compaction(NamedTuple):
    """Scratch to move a subtree to the front of its tree."""

    numbers: NDArray[np.int32]  # [N] the new number of each node, NOTHING for those not kept
    edges: NDArray[np.void]  # EDGE[E] a copy


def new_compaction(trees: Trees) -> Compaction:
    """Scratch for `keep_subtree`."""
    return Compaction(np.zeros(trees.nodes.shape[1], np.int32), np.zeros(trees.edges.shape[1], EDGE))


@kernel
def keep_subtree(trees: Trees, tree: int, point: int, scratch: Compaction) -> bool:
    """Makes the child of the root's move `point` the new root; False (tree unchanged) if there is no such node.

    Nodes keep their order, and parents come before their children. So every node moves towards the front, and one pass
    can overwrite the tree in place: it never writes over a node that it still has to read. Edges are copied to scratch
    first, since the blocks of a node may lie anywhere.
    """
    numbers, copied = scratch.numbers, scratch.edges
    new_root = NOTHING
    start = np.int64(trees.nodes[tree, 0]["first_edge"])
    for edge in range(start, start + np.int64(trees.nodes[tree, 0]["num_edges"])):
        if trees.edges[tree, edge]["point"] == point:
            new_root = np.int64(trees.edges[tree, edge]["child"])
    if new_root < 0:
        return False
    old_nodes, count, used = np.int64(trees.heads[tree]["num_nodes"]), 0, 0
    numbers[:old_nodes] = NOTHING
    numbers[new_root] = 0  # anything but NOTHING marks a node to keep; its number follows when the pass reaches it
    for node in range(new_root, old_nodes):
        if numbers[node] == NOTHING:
            continue
        numbers[node] = count
        trees.nodes[tree, count] = trees.nodes[tree, node]
        for other in range(trees.priors.shape[2]):
            trees.priors[tree, count, other] = trees.priors[tree, node, other]
        first = np.int64(trees.nodes[tree, count]["first_edge"])
        for k in range(np.int64(trees.nodes[tree, count]["num_edges"])):
            copied[used + k] = trees.edges[tree, first + k]
            if copied[used + k]["child"] >= 0:
                numbers[copied[used + k]["child"]] = 0
        trees.nodes[tree, count]["first_edge"] = used
        used += np.int64(trees.nodes[tree, count]["room"])
        count += 1
    for edge in range(used):
        trees.edges[tree, edge] = copied[edge]
        child = copied[edge]["child"]
        trees.edges[tree, edge]["child"] = numbers[child] if child >= 0 else UNEXPANDED
    trees.heads[tree]["num_nodes"] = count
    trees.heads[tree]["edges_used"] = used
    return True


@kernel
def advance_root(trees: Trees, tree: int, point: int, most: int, scratch: Compaction) -> None:
    """Plays `point` at the root. Keeps its subtree if it has at most `most` nodes, otherwise clears the tree."""
    kept = most > 0 and trees.heads[tree]["num_nodes"] > 0 and keep_subtree(trees, tree, point, scratch)
    if not kept or trees.heads[tree]["num_nodes"] > most:
        trees.heads[tree]["num_nodes"] = 0
    play(trees.root[tree], point)
    trees.heads[tree]["stage"] = IDLE
