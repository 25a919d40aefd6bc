"""The moves of a node: their priors, and the edges, which are opened one by one by prior in blocks that grow."""

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import inlined, kernel, vectorized
from alphapente.rules.tactics import DRAWS, LOSES, UNDECIDED, WINS
from alphapente.search.layout import NO_POINT, UNEXPANDED
from alphapente.search.mcts.state import SEARCHING
from alphapente.search.mcts.tree import MAX_CHILDREN_ROOM, Leaves, Scratch, SelectionConstants, Tree, Trees, tree_at


@inlined
def prior_from_bits(bits: int) -> float:
    """The float32 whose upper 16 bits are `bits`, the format of `Trees.priors`: exact to one part in 128."""
    return np.uint32(bits << 16).view(np.float32)


@inlined
def prior_bits(prior: np.float32) -> int:
    """The upper 16 bits of a prior, the format of `Trees.priors`; at least 1, since 0 means that it is no candidate."""
    return max(np.float32(prior).view(np.uint32) >> np.uint32(16), np.uint32(1))


@inlined
def _ordered(bits: np.int32) -> np.int32:
    """The bits of a float32 as an int32 of the same order; its own inverse.

    The bits of negative floats have the opposite order, so all of them except the sign bit are inverted. A maximum of
    int32 compiles to vector instructions.
    """
    return np.int32(bits ^ ((bits >> np.int32(31)) & np.int32(0x7FFFFFFF)))


@vectorized
def write_priors(
    logits: NDArray[np.float32], image: NDArray[np.int16], scratch: Scratch, priors: NDArray[np.uint16]
) -> None:
    """priors uint16[P] = softmax of logits[image[point]] where scratch.mask is 1, else 0; format of `Trees.priors`.

    2**x is computed as a power of two, made from bits, times a polynomial for the fraction (error below 1e-5): so the
    loops compile to vector instructions. math.exp would cost as much as all the rest of a simulation.
    """
    mask, weights = scratch.mask, scratch.weights
    for point in range(len(mask)):
        weights[point] = logits[np.uint64(image[point])]
    least = np.int32(-(2**31))
    most = least
    for point in range(len(mask)):
        order = _ordered(np.float32(weights[point]).view(np.int32))
        most = max(most, order if mask[point] > np.float32(0.0) else least)
    largest = _ordered(most).view(np.float32)
    # exp(x) = 2**(x / ln 2), and 1 / ln 2 = 1.44269504; float32 has exponents down to -126
    log2e, lowest = np.float32(1.44269504), np.float32(-120.0)
    total = np.float32(0.0)
    for point in range(len(mask)):
        power = max((min(weights[point], largest) - largest) * log2e, lowest)
        whole = np.floor(power)
        f = power - whole
        # 2**f for f in [0, 1): 1 + 0.693025 f + 0.24147 f**2 + 0.0520 f**3 + 0.0135 f**4. The series of 2**f has the
        # coefficients (ln 2)**k / k!: 0.6931, 0.2402, 0.0555, 0.0096; these also replace the terms that are cut off.
        series = np.float32(0.0135) * f + np.float32(0.0520)
        series = series * f + np.float32(0.24147)
        series = series * f + np.float32(0.693025)
        # a float32 with exponent bits `whole` + 127 and mantissa 0 is 2**whole
        two_to_whole = np.int32((np.int32(whole) + np.int32(127)) << np.int32(23)).view(np.float32)
        weight = two_to_whole * (series * f + np.float32(1.0)) * mask[point]
        weights[point] = weight
        total += weight
    scale = np.float32(1.0) / total
    for point in range(len(mask)):
        bits = np.float32(weights[point] * scale).view(np.uint32) >> np.uint32(16)
        priors[point] = max(bits, np.uint32(mask[point]))  # at least 1 where the mask is 1, see `prior_bits`


@inlined
def edges_of(tree: Tree, node: int) -> range:
    """The indices of a node's edges."""
    first = np.int64(tree.nodes[node].first_edge)
    return range(first, first + np.int64(tree.nodes[node].num_edges))


@inlined
def edge_on_path(tree: Tree, leaves: Leaves, place: int, level: int) -> int:
    """The index of the edge at `level` of a leaf's path. The path has the index in the block, since blocks move."""
    return tree.nodes[leaves.path_node[place, level]].first_edge + leaves.path_edge[place, level]


@kernel
def find_next(tree: Tree, node: int) -> None:
    """Finds the unopened move of the largest prior; the first of equals."""
    # The bits of positive floats have the order of the numbers: the maximum needs no conversion. The first loop
    # compiles to vector instructions, which a search for the point as well would prevent.
    nodes, row = tree.nodes, tree.priors[node]
    best = np.uint16(0)
    for point in range(len(row)):
        best = max(best, row[point])
    nodes[node].next_point = NO_POINT
    nodes[node].next_prior = np.float32(0.0)
    if best > 0:
        for point in range(len(row)):
            if row[point] == best:
                nodes[node].next_point = point
                break
        nodes[node].next_prior = prior_from_bits(np.int64(best))


@kernel
def _make_room(tree: Tree, node: int) -> None:
    """Moves the node's edges to a block twice as large at the end of the tree's edges; the old block is not reused."""
    head, nodes, edges = tree.head, tree.nodes, tree.edges
    room, count = nodes[node].room, nodes[node].num_edges
    larger = MAX_CHILDREN_ROOM if room == 0 else 2 * room
    old, new = nodes[node].first_edge, head.edges_used
    for k in range(count):
        edges[new + k] = edges[old + k]
    nodes[node].first_edge = new
    nodes[node].room = larger
    head.edges_used = new + larger


@kernel
def can_open(tree: Tree, node: int) -> bool:
    """Whether there is an unopened move and space for its edge. In a full tree only the root can still open edges."""
    nodes = tree.nodes
    room = np.int64(nodes[node].room)
    if nodes[node].next_point == NO_POINT:
        return False
    if node == 0 or nodes[node].num_edges < room:
        return True
    larger = max(np.int64(MAX_CHILDREN_ROOM), 2 * room)
    kept_for_root = 4 * tree.priors.shape[1]  # its blocks 4, 8, ... up to P edges take less than 4 P in all
    return tree.head.edges_used + larger + kept_for_root <= len(tree.edges)


@kernel
def must_grow(tree: Tree, constants: SelectionConstants, in_flight: int) -> bool:
    """Whether a searched tree may grow and one more simulation might find it full, while `in_flight` leaves await
    the network.

    True also if the table of exploration is too short for the visits.
    """
    head = tree.head
    if not head.may_grow or head.stage != SEARCHING:
        return False
    nodes = head.num_nodes + in_flight + 1
    largest_block = 4 * tree.priors.shape[1]  # at least: blocks double, and no node has more than P edges
    edges = head.edges_used + largest_block + 4 * tree.priors.shape[1]
    visits = tree.nodes[0].visits + in_flight + 2  # one more for this simulation, and one since the table begins at 0
    return nodes > len(tree.nodes) or edges > len(tree.edges) or visits > len(constants.exploration)


@kernel
def any_must_grow(trees: Trees, constants: SelectionConstants, in_flight: int) -> bool:
    """Whether `must_grow` holds for any tree."""
    found = False
    for index in range(len(trees.heads)):
        found = found or must_grow(tree_at(trees, index), constants, in_flight)
    return found


@kernel
def open_edge(tree: Tree, node: int, point: int) -> int:
    """Makes the unopened move `point` an edge of the node; returns the edge's index in the node's block."""
    nodes, edges = tree.nodes, tree.edges
    if nodes[node].num_edges == nodes[node].room:
        _make_room(tree, node)
    place = np.int64(nodes[node].num_edges)
    edge = nodes[node].first_edge + place
    prior = prior_from_bits(np.int64(tree.priors[node, point]))
    edges[edge].point = point
    edges[edge].child = UNEXPANDED
    edges[edge].visits = 0
    edges[edge].in_flight = 0
    edges[edge].value_sum = np.float32(0.0)
    edges[edge].prior = prior
    edges[edge].proven = UNDECIDED
    nodes[node].num_edges = place + 1
    nodes[node].opened_prior += prior
    tree.priors[node, point] = 0
    if nodes[node].next_point == point:
        find_next(tree, node)
    return place


@inlined
def proven_value(proven: int) -> float:
    """The value of a position that wins, loses or draws. The number of a draw is 2, not 0, which is UNDECIDED."""
    return 0.0 if proven == DRAWS else float(proven)


@kernel
def edge_value(tree: Tree, edge: int, otherwise: float) -> float:
    """The mean value of a visited or proven edge, else `otherwise`."""
    edges = tree.edges
    if edges[edge].proven != UNDECIDED:
        return proven_value(edges[edge].proven)
    return edges[edge].value_sum / edges[edge].visits if edges[edge].visits > 0 else otherwise


@kernel
def conclude_node(tree: Tree, node: int) -> int:
    """MCTS-Solver: what the edges prove about their node. One won move wins; if all are proven, the best counts."""
    certain = tree.nodes[node].next_point == NO_POINT  # else an unopened move may be better
    draw = False
    for edge in edges_of(tree, node):
        proven = tree.edges[edge].proven
        if proven == WINS:
            return WINS
        if proven == UNDECIDED:
            certain = False
        draw = draw or proven == DRAWS
    if not certain:
        return UNDECIDED
    return DRAWS if draw else LOSES
