"""Expansion: the network's answer, or a cached one, makes a leaf a node."""

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import kernel
from alphapente.rules.bitboards import bits_to_plane
from alphapente.rules.symmetry import SYMMETRY_TABLES
from alphapente.rules.tactics import UNDECIDED
from alphapente.search.layout import NOTHING, UNEXPANDED
from alphapente.search.mcts.backup import back_up
from alphapente.search.mcts.cache import Cache, remember
from alphapente.search.mcts.edges import edge_on_path, find_next, write_priors
from alphapente.search.mcts.state import NEEDS_START
from alphapente.search.mcts.tree import Leaves, Scratch, Tree, Trees, tree_at


@kernel
def _new_node(tree: Tree, value: float) -> int:
    """Appends a node without moves; the caller writes its priors. Its first visit is its own evaluation."""
    node = np.int64(tree.head.num_nodes)
    tree.head.num_nodes = node + 1
    new = tree.nodes[node]
    new.visits = 1
    new.value_sum = value
    new.raw_value = value
    new.proven = UNDECIDED
    new.first_edge = 0
    new.num_edges = 0
    new.room = 0
    new.opened_prior = np.float32(0.0)
    return node


@kernel
def expand_leaf(tree: Tree, leaves: Leaves, place: int, value: float) -> int:
    """Backs up a leaf's value; returns its new node, whose priors the caller writes, or NOTHING if the tree is full.

    A full tree keeps the value and discards the position: the search continues, a little less deep.
    """
    head, depth = tree.head, leaves.depth[place]
    leaves.active[place] = 0
    if depth == 0:  # the root: the tree begins anew
        head.num_nodes = 0
        head.edges_used = 0
        head.stage = NEEDS_START
        return _new_node(tree, value)
    node = NOTHING
    if head.num_nodes < len(tree.nodes):
        node = _new_node(tree, value)
    tree.edges[edge_on_path(tree, leaves, place, depth - 1)].child = node if node != NOTHING else UNEXPANDED
    back_up(tree, leaves, place, np.float64(value), np.int64(UNDECIDED))
    return node


@kernel
def expand(
    trees: Trees,
    leaves: Leaves,
    cache: Cache,
    answers: tuple[NDArray[np.float32], NDArray[np.float32]],
    scratch: Scratch,
) -> int:
    """Expands every leaf of the batch into a node and backs up its value; returns how many leaves there were.

    `answers` are logits float32[B, P], and values float32[B] for each leaf's player to move. The priors of a node are
    the softmax over the candidate moves (`Leaves.replies`).
    """
    logits, values = answers
    done = 0
    for place in range(len(leaves.tree)):
        if not leaves.active[place]:
            continue
        done += 1
        tree, size = tree_at(trees, leaves.tree[place]), np.int64(leaves.position[place]["size"])
        node = expand_leaf(tree, leaves, place, float(values[place]))
        if node == NOTHING:
            continue
        image = SYMMETRY_TABLES[size, leaves.symmetry[place]]
        bits_to_plane(leaves.replies[place], scratch.mask, size)
        priors = tree.priors[node]
        write_priors(logits[place], image, scratch, priors)
        if len(cache.keys) > 0:
            remember(cache, leaves.key[place], float(values[place]), priors, image)
        find_next(tree, node)
    return done
