"""The memory of the search: many trees side by side in arrays that are made once and never grow.

A node is a position that the network has seen. An edge is a move out of a node that was looked at; moves are opened
one by one in order of their prior, so a node has as many edges as it needs. The edges of a node lie side by side in
a block that moves to a place twice as large when it is full (4, 8, 16...): no edge costs more than four places.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alphapente.rules.position import MAX_PLIES, POSITION, Positions
from alphapente.rules.tactics import GUARD, WORDS

UNEXPANDED, IN_FLIGHT = -1, -2
"""`edge_child` when the position behind the edge has no node, and while the network is looking at it."""

UNKNOWN, PROVEN_WIN, PROVEN_LOSS, PROVEN_DRAW = 0, 1, -1, 2
"""What is certain about a node or an edge, as its player to move sees it."""

IDLE, NEEDS_ROOT, EVALUATING, NEEDS_START, SEARCHING, DONE = range(6)
"""The stages of a tree's search: no position; root unknown; with the network; evaluated; simulations; result."""

MAX_CHILDREN_ROOM = 4
"""The first block of edges of a node."""


class Trees(NamedTuple):
    """T trees of at most N nodes and E edges on a board of P points."""

    stage: NDArray[np.int8]  # [T] IDLE ... DONE
    root: Positions  # [T] the position searched
    num_nodes: NDArray[np.int32]  # [T]
    num_edges: NDArray[np.int32]  # [T] edge places handed out, blocks left behind included
    started: NDArray[np.int32]  # [T] simulations begun in this search
    finished: NDArray[np.int32]  # [T] simulations backed up in this search
    budget: NDArray[np.int32]  # [T] simulations to do in this search

    visits: NDArray[np.int32]  # [T, N]
    value_sum: NDArray[np.float32]  # [T, N]
    raw_value: NDArray[np.float32]  # [T, N] the network's own value
    proven: NDArray[np.int8]  # [T, N]
    edge_start: NDArray[np.int32]  # [T, N] the first place of the node's block
    edge_count: NDArray[np.int16]  # [T, N]
    edge_room: NDArray[np.int16]  # [T, N] the size of the block
    next_point: NDArray[np.int16]  # [T, N] the unopened move of the largest prior, -1 when all are open
    next_prior: NDArray[np.float32]  # [T, N]
    opened_prior: NDArray[np.float32]  # [T, N] the sum of the priors of the edges
    priors: NDArray[np.uint16]  # [T, N, P] of unopened moves, as the upper half of a float32; 0 for all others

    edge_point: NDArray[np.int16]  # [T, E]
    edge_child: NDArray[np.int32]  # [T, E] a node, UNEXPANDED or IN_FLIGHT
    edge_visits: NDArray[np.int32]  # [T, E]
    edge_in_flight: NDArray[np.int16]  # [T, E] simulations that went through and are not backed up yet
    edge_value_sum: NDArray[np.float32]  # [T, E]
    edge_prior: NDArray[np.float32]  # [T, E]
    edge_proven: NDArray[np.int8]  # [T, E]

    root_logits: NDArray[np.float32]  # [T, P] log of the clean prior, -inf for moves not worth a look
    root_scores: NDArray[np.float32]  # [T, P] Gumbel: log of the noisy prior plus noise
    root_count: NDArray[np.int32]  # [T, P] Gumbel: visits in this search; -1 for moves that are not considered
    num_considered: NDArray[np.int32]  # [T] Gumbel


class Leaves(NamedTuple):
    """B leaves on their way through the network, one for each place in the batch."""

    tree: NDArray[np.int32]  # [B] the tree that the place serves
    active: NDArray[np.int8]  # [B] 1 when the place holds a leaf now
    position: Positions  # [B]
    replies: NDArray[np.uint64]  # [B, words] bitboard of the moves worth a look
    depth: NDArray[np.int32]  # [B] edges from the root
    path_node: NDArray[np.int32]  # [B, MAX_PLIES]
    path_edge: NDArray[np.int32]  # [B, MAX_PLIES]
    mask: NDArray[np.float32]  # [P] scratch of the expansion
    weights: NDArray[np.float32]  # [P] scratch of the expansion
    weight_bits: NDArray[np.uint32]  # [P] the same memory as `weights`


def new_trees(count: int, nodes: int, points: int) -> Trees:
    """Room for `count` trees of `nodes` nodes each on boards of `points` points: 2 * points + 120 bytes a node."""
    edges = 4 * nodes + 4 * points
    t, n, e, p = (count,), (count, nodes), (count, edges), (count, points)
    return Trees(
        stage=np.full(t, IDLE, np.int8),
        root=np.zeros(t, POSITION),
        num_nodes=np.zeros(t, np.int32),
        num_edges=np.zeros(t, np.int32),
        started=np.zeros(t, np.int32),
        finished=np.zeros(t, np.int32),
        budget=np.zeros(t, np.int32),
        visits=np.zeros(n, np.int32),
        value_sum=np.zeros(n, np.float32),
        raw_value=np.zeros(n, np.float32),
        proven=np.zeros(n, np.int8),
        edge_start=np.zeros(n, np.int32),
        edge_count=np.zeros(n, np.int16),
        edge_room=np.zeros(n, np.int16),
        next_point=np.zeros(n, np.int16),
        next_prior=np.zeros(n, np.float32),
        opened_prior=np.zeros(n, np.float32),
        priors=np.zeros((count, nodes, points), np.uint16),
        edge_point=np.zeros(e, np.int16),
        edge_child=np.zeros(e, np.int32),
        edge_visits=np.zeros(e, np.int32),
        edge_in_flight=np.zeros(e, np.int16),
        edge_value_sum=np.zeros(e, np.float32),
        edge_prior=np.zeros(e, np.float32),
        edge_proven=np.zeros(e, np.int8),
        root_logits=np.zeros(p, np.float32),
        root_scores=np.zeros(p, np.float32),
        root_count=np.zeros(p, np.int32),
        num_considered=np.zeros(t, np.int32),
    )


def new_leaves(tree_of: NDArray[np.int32], points: int) -> Leaves:
    """Places for as many leaves as `tree_of` has entries; place i serves tree `tree_of[i]`."""
    count = len(tree_of)
    weights = np.zeros(points, np.float32)
    return Leaves(
        tree=tree_of.astype(np.int32),
        active=np.zeros(count, np.int8),
        position=np.zeros(count, POSITION),
        replies=np.zeros((count, WORDS + 2 * GUARD), np.uint64),
        depth=np.zeros(count, np.int32),
        path_node=np.zeros((count, MAX_PLIES), np.int32),
        path_edge=np.zeros((count, MAX_PLIES), np.int32),
        mask=np.zeros(points, np.float32),
        weights=weights,
        weight_bits=weights.view(np.uint32),
    )
