"""Expansion: the network's answer, or a cached one, makes a leaf a node."""

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import kernel
from alphapente.rules.bitboards import bits_to_plane
from alphapente.rules.symmetry import SYMMETRY_TABLES
from alphapente.search.mcts.backup import back_up
from alphapente.search.mcts.cache import Cache, remember
from alphapente.search.mcts.edges import find_next, write_priors
from alphapente.search.mcts.tree import (
    NEEDS_START,
    NOTHING,
    UNEXPANDED,
    UNKNOWN,
    Leaves,
    Scratch,
    Trees,
)


@kernel
def _new_node(trees: Trees, tree: int, value: float) -> int:
    """Appends a node without moves; the caller writes its priors. Its first visit is its own evaluation."""
    node = np.int64(trees.heads[tree]["num_nodes"])
    trees.heads[tree]["num_nodes"] = node + 1
    trees.nodes[tree, node]["visits"] = 1
    trees.nodes[tree, node]["value_sum"] = value
    trees.nodes[tree, node]["raw_value"] = value
    trees.nodes[tree, node]["proven"] = UNKNOWN
    trees.nodes[tree, node]["first_edge"] = 0
    trees.nodes[tree, node]["num_edges"] = 0
    trees.nodes[tree, node]["room"] = 0
    trees.nodes[tree, node]["opened_prior"] = np.float32(0.0)
    return node


@kernel
def expand_leaf(trees: Trees, leaves: Leaves, place: int, value: float) -> int:
    """Backs up a leaf's value; returns its new node, whose priors the caller writes, or NOTHING if the tree is full.

    A full tree keeps the value and discards the position: the search continues, a little less deep.
    """
    tree, depth = np.int64(leaves.tree[place]), leaves.depth[place]
    leaves.active[place] = 0
    if depth == 0:  # the root: the tree begins anew
        trees.heads[tree]["num_nodes"] = 0
        trees.heads[tree]["edges_used"] = 0
        trees.heads[tree]["stage"] = NEEDS_START
        return _new_node(trees, tree, value)
    node = NOTHING
    if trees.heads[tree]["num_nodes"] < trees.nodes.shape[1]:
        node = _new_node(trees, tree, value)
    edge = trees.nodes[tree, leaves.path_node[place, depth - 1]]["first_edge"] + leaves.path_edge[place, depth - 1]
    trees.edges[tree, edge]["child"] = node if node != NOTHING else UNEXPANDED
    back_up(trees, leaves, place, np.float64(value), np.int64(UNKNOWN))
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
        tree, size = np.int64(leaves.tree[place]), np.int64(leaves.position[place]["size"])
        node = expand_leaf(trees, leaves, place, float(values[place]))
        if node == NOTHING:
            continue
        image = SYMMETRY_TABLES[size, leaves.symmetry[place]]
        bits_to_plane(leaves.replies[place], scratch.mask, size)
        priors = trees.priors[tree, node]
        write_priors(logits[place], image, scratch, priors)
        if len(cache.keys) > 0:
            remember(cache, leaves.key[place], float(values[place]), priors, image)
        find_next(trees, tree, node)
    return done
