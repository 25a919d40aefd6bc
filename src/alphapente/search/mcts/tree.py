"""The memory of the search: many trees in arrays, which `with_room` copies to larger ones.

A node is a position that was evaluated. An edge is an opened move of a node; moves are opened one by one in order of
their prior, so a node has only the edges that it needs. The edges of a node are contiguous, in a block that is copied
to one twice as large when it is full (4, 8, 16...). With the blocks left behind, no edge takes more than four.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import inlined
from alphapente.rules.bitboards import GUARD, WORDS
from alphapente.rules.canonical import stone_numbers
from alphapente.rules.position import MAX_PLIES, POSITION, Position, Positions
from alphapente.rules.symmetry import NUM_SYMMETRIES
from alphapente.rules.tactics import Bitboards, new_bitboards
from alphapente.search.layout import MOST_ITEMS, record_type
from alphapente.search.mcts.state import HEAD

LOWEST_SCORE = -1e30
"""Less than the score of every move, with which a search for the best one begins."""

MAX_CHILDREN_ROOM = 4
"""The first block of edges of a node; each later one has twice the size. Most nodes of a search get few edges."""
NOT_CONSIDERED = -1
"""The count of a root's move that the Gumbel root does not consider: see `Trees.root_count`."""

NODE = record_type(
    [
        ("visits", np.int32),
        ("value_sum", np.float32),
        ("raw_value", np.float32),  # the network's own value
        ("first_edge", np.int32),  # start of the node's block
        ("num_edges", np.int16),
        ("room", np.int16),  # the size of the block
        ("next_prior", np.float32),
        ("opened_prior", np.float32),  # the sum of the priors of the edges
        ("next_point", np.int16),  # the unopened move of the largest prior, NO_POINT when all are open
        ("proven", np.int16),  # UNDECIDED, WINS, LOSES or DRAWS, for the player to move
    ]
)

EDGE = record_type(
    [
        ("child", np.int32),  # a node, UNEXPANDED or IN_FLIGHT
        ("visits", np.int32),
        ("value_sum", np.float32),
        ("prior", np.float32),
        ("point", np.int16),
        ("proven", np.int16),  # for the player who plays the edge
        ("in_flight", np.int32),  # simulations that passed the edge and are not backed up yet
    ]
)


_COMPACTION_BYTES = 4 + 4 * EDGE.itemsize
"""Scratch memory for each node, to move a subtree to the front: see `reuse.Compaction`."""


class Trees(NamedTuple):
    """T trees of at most N nodes and E edges on a board of P points."""

    heads: NDArray[np.void]  # HEAD[T]
    root: Positions  # POSITION[T] the positions searched
    nodes: NDArray[np.void]  # NODE[T, N]
    edges: NDArray[np.void]  # EDGE[T, E]
    priors: NDArray[np.uint16]  # [T, N, P] of unopened moves, as the upper half of a float32; 0 for all others
    root_logits: NDArray[np.float32]  # [T, P] log of the clean prior, -inf for moves that are no candidate
    root_scores: NDArray[np.float32]  # [T, P] Gumbel: log of the noisy prior plus noise
    root_count: NDArray[np.int32]  # [T, P] visits that count for this search, or NOT_CONSIDERED


class Tree(NamedTuple):
    """One of the trees: views with the fields of `Trees`, so what is written here is written there."""

    head: Any  # HEAD
    root: Position
    nodes: NDArray[np.void]  # NODE[N], the root first
    edges: NDArray[np.void]  # EDGE[E]
    priors: NDArray[np.uint16]  # [N, P]
    root_logits: NDArray[np.float32]  # [P]
    root_scores: NDArray[np.float32]  # [P]
    root_count: NDArray[np.int32]  # [P]


@inlined
def tree_at(trees: Trees, index: int) -> Tree:
    """The views of tree `index`. Kernels take them once; Python has them from `Forest.tree`."""
    return Tree(
        trees.heads[index],
        trees.root[index],
        trees.nodes[index],
        trees.edges[index],
        trees.priors[index],
        trees.root_logits[index],
        trees.root_scores[index],
        trees.root_count[index],
    )


class SelectionConstants(NamedTuple):
    """The constants of the selection: PUCT and the Gumbel root."""

    exploration: NDArray[np.float32]  # [N] c_puct(n) * sqrt(n) by the visits n of the parent, see docs/search.md
    first_play_reduction: float  # of the FPU
    virtual_loss: float  # lost visits for each simulation in flight
    gumbel: bool  # the kind of root
    visit_offset: float  # c_visit
    value_scale: float  # c_scale


class Leaves(NamedTuple):
    """B leaves in flight, one for each place (slot) of the batch."""

    tree: NDArray[np.int32]  # [B] the tree that the place belongs to
    active: NDArray[np.int8]  # [B] 1 if the place holds a leaf that needs an evaluation
    position: Positions  # [B]
    replies: NDArray[np.uint64]  # [B, words] bitboard of the candidate moves, see `find_tactics`
    symmetry: NDArray[np.int8]  # [B] the symmetry from the position to `seen`
    key: NDArray[np.uint64]  # [B] of the position, see rules/canonical.py
    depth: NDArray[np.int32]  # [B] edges from the root
    path_node: NDArray[np.int32]  # [B, MAX_PLIES]
    path_edge: NDArray[np.int32]  # [B, MAX_PLIES]
    seen: Positions  # [B] the evaluator's input: `position` transformed by `symmetry`


class Scratch(NamedTuple):
    """Memory that the kernels write to and read back within one simulation."""

    bits: Bitboards
    position: Positions  # POSITION[1]
    numbers: NDArray[np.uint64]  # see canonical.stone_numbers
    hashes: NDArray[np.uint64]  # [8]
    mask: NDArray[np.float32]  # [P]
    weights: NDArray[np.float32]  # [P]


def _most_edges(nodes: int, points: int) -> int:
    """The edges allocated for a tree: four for each opened move, and more for a root that opens all of them.

    A block is left behind when it is full: all blocks of a node together have at most four times its edges.
    """
    # 4 * points for the blocks of the root, and as much for the largest block of another node: see `edges.must_grow`
    return 4 * nodes + 8 * points


def tree_bytes(nodes: int, points: int) -> int:
    """The memory of one tree of `nodes` nodes on a board of `points` points."""
    return nodes * (NODE.itemsize + 2 * points) + _most_edges(nodes, points) * EDGE.itemsize


def new_trees(count: int, nodes: int, points: int) -> Trees:
    """Allocates `count` trees of `nodes` nodes each on boards of `points` points: 2 * points + 136 bytes a node."""
    edges = _most_edges(nodes, points)
    assert max(nodes, edges) <= MOST_ITEMS
    return Trees(
        heads=np.zeros(count, HEAD),
        root=np.zeros(count, POSITION),
        nodes=np.zeros((count, nodes), NODE),
        edges=np.zeros((count, edges), EDGE),
        priors=np.zeros((count, nodes, points), np.uint16),
        root_logits=np.zeros((count, points), np.float32),
        root_scores=np.zeros((count, points), np.float32),
        root_count=np.zeros((count, points), np.int32),
    )


def with_room(trees: Trees, nodes: int) -> Trees:
    """The same trees with space for `nodes` nodes each, no fewer than now; arrays without a node axis are shared."""
    count, old_nodes, points = trees.priors.shape
    larger = new_trees(count, nodes, points)
    larger.nodes[:, :old_nodes] = trees.nodes
    larger.edges[:, : trees.edges.shape[1]] = trees.edges
    larger.priors[:, :old_nodes] = trees.priors
    return trees._replace(nodes=larger.nodes, edges=larger.edges, priors=larger.priors)


def nodes_in_memory(num_trees: int, points: int) -> int:
    """The nodes that each of `num_trees` trees may have if all of them together may take half of the memory."""
    import psutil

    # of a tree of 1024 nodes, which makes the share of the root small
    bytes_each = tree_bytes(1024, points) // 1024 + _COMPACTION_BYTES
    return int(psutil.virtual_memory().total) // 2 // num_trees // bytes_each


def new_leaves(tree_of: NDArray[np.int32], seen: Positions) -> Leaves:
    """One place for each entry of `tree_of`; place i belongs to tree `tree_of[i]`.

    `seen` POSITION[B] is the evaluator's input.
    """
    count = len(tree_of)
    return Leaves(
        tree=tree_of.astype(np.int32),
        active=np.zeros(count, np.int8),
        position=np.zeros(count, POSITION),
        replies=np.zeros((count, WORDS + 2 * GUARD), np.uint64),
        symmetry=np.zeros(count, np.int8),
        key=np.zeros(count, np.uint64),
        depth=np.zeros(count, np.int32),
        path_node=np.zeros((count, MAX_PLIES), np.int32),
        path_edge=np.zeros((count, MAX_PLIES), np.int32),
        seen=seen,
    )


def new_scratch(size: int) -> Scratch:
    """Scratch memory for boards of size x size points."""
    points = size * size
    return Scratch(
        bits=new_bitboards(),
        position=np.zeros(1, POSITION),
        numbers=stone_numbers(size),
        hashes=np.zeros(NUM_SYMMETRIES, np.uint64),
        mask=np.zeros(points, np.float32),
        weights=np.zeros(points, np.float32),
    )
