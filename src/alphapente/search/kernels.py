"""One simulation after another: select a leaf, expand it with the network's answer, back its value up.

PUCT as in AlphaZero (Silver et al. 2018) with an exploration constant that grows with the visits; the value of a move
not yet visited is its parent's value less a reduction (first-play urgency, as in Leela Zero and KataGo); proven wins
and losses are carried up the tree (MCTS-Solver, Winands et al. 2008). Nothing here allocates memory.
"""

import math

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import kernel
from alphapente.network.planes import bits_to_plane, encode
from alphapente.rules.kernels import copy_position, play
from alphapente.rules.position import DRAW, IN_PLAY, Position
from alphapente.rules.tactics import GUARD, LOSES, REPLIES, WINS, WORDS, Bitboards, find_tactics
from alphapente.search.edges import can_open, find_next, open_edge
from alphapente.search.gumbel import consider_another, select_gumbel
from alphapente.search.tree import (
    DONE,
    EVALUATING,
    IN_FLIGHT,
    NEEDS_ROOT,
    NEEDS_START,
    NOTHING,
    PROVEN_DRAW,
    PROVEN_LOSS,
    PROVEN_WIN,
    SEARCHING,
    UNEXPANDED,
    UNKNOWN,
    UNOPENED,
    Leaves,
    Rates,
    Trees,
)


@kernel
def select_puct(trees: Trees, rates: Rates, tree: int, node: int, reduction: float) -> int:
    """The place of the edge of the largest upper bound; UNOPENED for the next new move.

    NOTHING if all lose, or if a tree that is full has no place for the first edge of the node.
    """
    visits = trees.nodes[tree, node]["visits"]
    explore = rates.exploration[min(visits, len(rates.exploration) - 1)]
    urgency = trees.nodes[tree, node]["value_sum"] / max(visits, 1)
    urgency -= reduction * math.sqrt(max(trees.nodes[tree, node]["opened_prior"], np.float32(0.0)))
    best, best_score = NOTHING, -1e30
    if can_open(trees, tree, node):
        best, best_score = UNOPENED, urgency + explore * trees.nodes[tree, node]["next_prior"]
    start = np.int64(trees.nodes[tree, node]["first_edge"])
    for place in range(np.int64(trees.nodes[tree, node]["num_edges"])):
        edge = start + place
        proven = trees.edges[tree, edge]["proven"]
        if proven == PROVEN_LOSS:
            continue
        waiting = trees.edges[tree, edge]["in_flight"] * rates.virtual_loss
        count = trees.edges[tree, edge]["visits"] + waiting
        value = urgency
        if proven != UNKNOWN:
            value = 0.0 if proven == PROVEN_DRAW else 1.0
        elif count > 0:
            value = (trees.edges[tree, edge]["value_sum"] - waiting) / count
        score = value + explore * trees.edges[tree, edge]["prior"] / (1 + count)
        if score > best_score:
            best, best_score = place, score
    return best


@kernel
def _select_root(trees: Trees, rates: Rates, tree: int) -> int:
    if not rates.gumbel:
        return select_puct(trees, rates, tree, 0, 0.0)
    place = select_gumbel(trees, rates, tree)
    while place == NOTHING and consider_another(trees, tree):
        place = select_gumbel(trees, rates, tree)
    return place


@kernel
def _certain(position: Position, verdict: int) -> int:
    """What is proven about a position in play, by its tactics, or about a finished one, by its player to move."""
    winner = position["winner"]
    if winner == DRAW:
        return PROVEN_DRAW
    if winner != IN_PLAY:
        return PROVEN_WIN if winner == position["to_move"] else PROVEN_LOSS
    if verdict == WINS:
        return PROVEN_WIN
    return PROVEN_LOSS if verdict == LOSES else UNKNOWN


@kernel
def _seen_by_parent(proven: int) -> int:
    return proven if proven == PROVEN_DRAW else -proven


@kernel
def _conclude_node(trees: Trees, tree: int, node: int) -> int:
    """What the edges of a node prove about it: a won move wins; when all moves are proven, the best of them counts."""
    certain = trees.nodes[tree, node]["next_point"] < 0
    draw = False
    start = np.int64(trees.nodes[tree, node]["first_edge"])
    for edge in range(start, start + np.int64(trees.nodes[tree, node]["num_edges"])):
        proven = trees.edges[tree, edge]["proven"]
        if proven == PROVEN_WIN:
            return PROVEN_WIN
        if proven == UNKNOWN:
            certain = False
        draw = draw or proven == PROVEN_DRAW
    if not certain:
        return UNKNOWN
    return PROVEN_DRAW if draw else PROVEN_LOSS


@kernel
def back_up(trees: Trees, leaves: Leaves, place: int, value: float, proven: int) -> None:
    """Adds a leaf's value (as its player to move sees it), and what is proven of it, to all nodes on the way up."""
    tree = leaves.tree[place]
    for level in range(leaves.depth[place] - 1, -1, -1):
        node = leaves.path_node[place, level]
        edge = trees.nodes[tree, node]["first_edge"] + leaves.path_edge[place, level]
        if proven != UNKNOWN:
            trees.edges[tree, edge]["proven"] = _seen_by_parent(proven)
            proven = _conclude_node(trees, tree, node)
            trees.nodes[tree, node]["proven"] = proven
        value = -value
        if proven != UNKNOWN:
            value = 0.0 if proven == PROVEN_DRAW else float(proven)
        trees.edges[tree, edge]["visits"] += 1
        trees.edges[tree, edge]["in_flight"] -= 1
        trees.edges[tree, edge]["value_sum"] += np.float32(value)
        trees.nodes[tree, node]["visits"] += 1
        trees.nodes[tree, node]["value_sum"] += np.float32(value)
    trees.heads[tree]["finished"] += 1


@kernel
def _give_up(trees: Trees, leaves: Leaves, place: int) -> None:
    """Takes back a selection that ran into a leaf already in flight."""
    tree = leaves.tree[place]
    for level in range(leaves.depth[place]):
        edge = trees.nodes[tree, leaves.path_node[place, level]]["first_edge"] + leaves.path_edge[place, level]
        trees.edges[tree, edge]["in_flight"] -= 1
    root_edge = trees.nodes[tree, 0]["first_edge"] + leaves.path_edge[place, 0]
    trees.root_count[tree, trees.edges[tree, root_edge]["point"]] -= 1
    trees.heads[tree]["started"] -= 1


@kernel
def _descend(trees: Trees, rates: Rates, leaves: Leaves, place: int, bits: Bitboards, scratch: Position) -> int:
    """Goes down from the root to a leaf; returns what is proven about it, IN_FLIGHT for a leaf that is taken.

    UNKNOWN means that the network must look at `leaves.position[place]`, whose tactics stand in `bits`.
    """
    tree = np.int64(leaves.tree[place])
    position = leaves.position[place]
    copy_position(position, trees.root[tree])
    node, depth = np.int64(0), 0
    choice = _select_root(trees, rates, tree)
    while True:
        if choice == UNOPENED:
            choice = open_edge(trees, tree, node, np.int64(trees.nodes[tree, node]["next_point"]))
        edge = trees.nodes[tree, node]["first_edge"] + choice
        point = np.int64(trees.edges[tree, edge]["point"])
        if depth == 0:
            trees.root_count[tree, point] += 1
        leaves.path_node[place, depth] = node
        leaves.path_edge[place, depth] = choice
        depth += 1
        leaves.depth[place] = depth
        trees.edges[tree, edge]["in_flight"] += 1
        if trees.edges[tree, edge]["proven"] != UNKNOWN:
            return _seen_by_parent(np.int64(trees.edges[tree, edge]["proven"]))
        child = np.int64(trees.edges[tree, edge]["child"])
        if child == IN_FLIGHT:
            return IN_FLIGHT
        play(position, point)
        if child == UNEXPANDED:
            break
        node = child
        choice = select_puct(trees, rates, tree, node, rates.first_play_reduction)
        if choice == NOTHING:  # the tree is full: the node is looked at again as the leaf it was
            break
    verdict = find_tactics(position, bits, scratch) if position["winner"] == IN_PLAY else 0
    proven = _certain(position, verdict)
    if proven == UNKNOWN:
        trees.edges[tree, edge]["child"] = IN_FLIGHT
        for word in range(WORDS + 2 * GUARD):
            leaves.replies[place, word] = bits[REPLIES, word]
    return proven


@kernel
def _offer_root(trees: Trees, leaves: Leaves, place: int, bits: Bitboards, scratch: Position) -> None:
    """Makes the root itself the leaf: it has no node yet."""
    tree = leaves.tree[place]
    copy_position(leaves.position[place], trees.root[tree])
    find_tactics(leaves.position[place], bits, scratch)
    for word in range(WORDS + 2 * GUARD):
        leaves.replies[place, word] = bits[REPLIES, word]
    leaves.depth[place] = 0


@kernel
def _finished(trees: Trees, tree: int) -> bool:
    return trees.nodes[tree, 0]["proven"] != UNKNOWN or trees.heads[tree]["started"] >= trees.heads[tree]["budget"]


@kernel
def select(
    trees: Trees,
    rates: Rates,
    leaves: Leaves,
    planes: NDArray[np.float32],
    bits: Bitboards,
    scratch: Position,
) -> int:
    """Fills each place of the batch with a leaf of its tree, planes included; returns how many were found.

    Simulations that end in a finished or proven position cost no place: they are backed up at once and the next one
    begins. A tree without simulations left, or proven at its root, gets DONE once nothing of it is in flight.
    `planes` is float32[B, NUM_PLANES, P].
    """
    found = 0
    for place in range(len(leaves.tree)):
        tree = leaves.tree[place]
        leaves.active[place] = 0
        if trees.heads[tree]["stage"] == NEEDS_ROOT:
            _offer_root(trees, leaves, place, bits, scratch)
            trees.heads[tree]["stage"] = EVALUATING
            leaves.active[place] = 1
        while trees.heads[tree]["stage"] == SEARCHING:
            if _finished(trees, tree):
                if trees.heads[tree]["started"] == trees.heads[tree]["finished"]:
                    trees.heads[tree]["stage"] = DONE
                break
            trees.heads[tree]["started"] += 1
            proven = _descend(trees, rates, leaves, place, bits, scratch)
            if proven == IN_FLIGHT:
                _give_up(trees, leaves, place)
                break
            if proven == UNKNOWN:
                leaves.active[place] = 1
                break
            value = 0.0 if proven == PROVEN_DRAW else float(proven)
            back_up(trees, leaves, place, value, proven)
        if leaves.active[place]:
            encode(leaves.position[place], bits, planes[place])
            found += 1
    return found


@kernel
def _softmax(leaves: Leaves, logits: NDArray[np.float32], size: int) -> None:
    """leaves.weights = softmax of the logits where leaves.mask is 1, else 0.

    2**x as a power of two made from bits times a polynomial for the fraction (error below 1e-5), since the loops
    then compile to vector instructions; math.exp would cost as much as all the rest of a simulation.
    """
    mask, weights, weight_bits = leaves.mask, leaves.weights, leaves.weight_bits
    points = size * size
    largest = np.float32(-3e38)
    for point in range(points):
        largest = max(largest, logits[point] if mask[point] > np.float32(0.0) else np.float32(-3e38))
    log2e, lowest = np.float32(1.44269504), np.float32(-120.0)
    for point in range(points):
        power = max((min(logits[point], largest) - largest) * log2e, lowest)
        weight_bits[point] = np.uint32(np.int32(np.floor(power)) + np.int32(127)) << np.uint32(23)
    total = np.float32(0.0)
    for point in range(points):
        power = max((min(logits[point], largest) - largest) * log2e, lowest)
        f = power - np.floor(power)
        series = np.float32(0.0135) * f + np.float32(0.0520)
        series = series * f + np.float32(0.24147)
        series = series * f + np.float32(0.693025)
        weights[point] *= (series * f + np.float32(1.0)) * mask[point]
        total += weights[point]
    scale = np.float32(1.0) / total
    for point in range(points):
        weights[point] *= scale


@kernel
def _new_node(trees: Trees, leaves: Leaves, place: int, logits: NDArray[np.float32], value: float) -> int:
    """Makes a node from the network's answer: the priors are the softmax over the moves worth a look."""
    tree = np.int64(leaves.tree[place])
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
    size = np.int64(trees.root[tree]["size"])
    bits_to_plane(leaves.replies[place], leaves.mask, size)
    _softmax(leaves, logits, size)
    row, mask, weight_bits = trees.priors[tree, node], leaves.mask, leaves.weight_bits
    for point in range(size * size):
        row[point] = max(weight_bits[point] >> np.uint32(16), np.uint32(mask[point]))
    find_next(trees, tree, node)
    return node


@kernel
def expand(trees: Trees, leaves: Leaves, logits: NDArray[np.float32], values: NDArray[np.float32]) -> int:
    """Gives every leaf of the batch its node and backs its value up; returns how many leaves there were.

    logits float32[B, P], values float32[B] as each leaf's player to move sees it. A tree that is full keeps the value
    and forgets the position: the search goes on, a little less deep.
    """
    done = 0
    for place in range(len(leaves.tree)):
        if not leaves.active[place]:
            continue
        done += 1
        tree = np.int64(leaves.tree[place])
        depth = leaves.depth[place]
        value = float(values[place])
        if depth == 0:
            trees.heads[tree]["num_nodes"] = 0
            trees.heads[tree]["edges_used"] = 0
            _new_node(trees, leaves, place, logits[place], value)
            trees.heads[tree]["stage"] = NEEDS_START
            continue
        edge = trees.nodes[tree, leaves.path_node[place, depth - 1]]["first_edge"] + leaves.path_edge[place, depth - 1]
        trees.edges[tree, edge]["child"] = UNEXPANDED
        if trees.heads[tree]["num_nodes"] < trees.nodes.shape[1]:
            trees.edges[tree, edge]["child"] = _new_node(trees, leaves, place, logits[place], value)
        back_up(trees, leaves, place, value, UNKNOWN)
    return done
