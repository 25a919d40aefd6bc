"""One simulation after another: select a leaf, expand it with the network's answer, back its value up.

PUCT as in AlphaZero (Silver et al. 2018) with an exploration constant that grows with the visits; the value of a move
not yet visited is its parent's value less a reduction (first-play urgency, as in Leela Zero and KataGo); proven wins
and losses are carried up the tree (MCTS-Solver, Winands et al. 2008). Nothing here allocates memory.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import inlined, kernel
from alphapente.network.planes import bits_to_plane, encode
from alphapente.rules.kernels import copy_position, play
from alphapente.rules.position import DRAW, IN_PLAY, Position
from alphapente.rules.tactics import GUARD, LOSES, REPLIES, WINS, WORDS, Bitboards, find_tactics
from alphapente.search.tree import (
    DONE,
    EVALUATING,
    IN_FLIGHT,
    MAX_CHILDREN_ROOM,
    NEEDS_ROOT,
    NEEDS_START,
    PROVEN_DRAW,
    PROVEN_LOSS,
    PROVEN_WIN,
    SEARCHING,
    UNEXPANDED,
    UNKNOWN,
    Leaves,
    Trees,
)

NOTHING = -1
UNOPENED = -2
"""Answers of the selection: no move is left to look at; the next unopened move is the best."""


class Rates(NamedTuple):
    """The numbers of the selection rule."""

    exploration: NDArray[np.float32]  # [N] c(n) * sqrt(n) by the visits n of the parent
    first_play_reduction: float
    virtual_loss: float
    schedule: NDArray[
        np.int32
    ]  # [M + 1, budget] Gumbel: the visit count looked for, by considered moves and simulation
    gumbel: bool
    visit_offset: float
    value_scale: float


@inlined
def prior_from_bits(bits: int) -> float:
    """The float32 whose upper half `bits` is: a prior as `Trees.priors` keeps it, exact to one part in 128."""
    return math.ldexp(1.0 + (bits & 127) / 128.0, (bits >> 7) - 127)


@kernel
def _find_next(trees: Trees, tree: int, node: int) -> None:
    """Finds the unopened move of the largest prior; the first of equals."""
    row = trees.priors[tree, node]
    best = np.uint16(0)
    for point in range(len(row)):
        best = max(best, row[point])
    trees.nodes[tree, node]["next_point"] = -1
    trees.nodes[tree, node]["next_prior"] = np.float32(0.0)
    if best > 0:
        for point in range(len(row)):
            if row[point] == best:
                trees.nodes[tree, node]["next_point"] = point
                break
        trees.nodes[tree, node]["next_prior"] = prior_from_bits(np.int64(best))


@kernel
def _make_room(trees: Trees, tree: int, node: int) -> None:
    """Moves the node's edges to a block twice as large at the end of the tree's edges."""
    room, count = trees.nodes[tree, node]["room"], trees.nodes[tree, node]["num_edges"]
    larger = MAX_CHILDREN_ROOM if room == 0 else 2 * room
    old, new = trees.nodes[tree, node]["first_edge"], trees.heads[tree]["edges_used"]
    for k in range(count):
        trees.edges[tree, new + k] = trees.edges[tree, old + k]
    trees.nodes[tree, node]["first_edge"] = new
    trees.nodes[tree, node]["room"] = larger
    trees.heads[tree]["edges_used"] = new + larger


@kernel
def _can_open(trees: Trees, tree: int, node: int) -> bool:
    """Whether there is an unopened move and a place for its edge. In a full tree only the root has places left."""
    room = np.int64(trees.nodes[tree, node]["room"])
    if trees.nodes[tree, node]["next_point"] < 0:
        return False
    if node == 0 or trees.nodes[tree, node]["num_edges"] < room:
        return True
    larger = max(np.int64(MAX_CHILDREN_ROOM), 2 * room)
    kept_for_root = 4 * trees.priors.shape[2]
    return trees.heads[tree]["edges_used"] + larger + kept_for_root <= trees.edges.shape[1]


@kernel
def open_edge(trees: Trees, tree: int, node: int, point: int) -> int:
    """Makes the unopened move `point` an edge of the node; returns the edge's place in the node's block."""
    if trees.nodes[tree, node]["num_edges"] == trees.nodes[tree, node]["room"]:
        _make_room(trees, tree, node)
    place = np.int64(trees.nodes[tree, node]["num_edges"])
    edge = trees.nodes[tree, node]["first_edge"] + place
    prior = prior_from_bits(np.int64(trees.priors[tree, node, point]))
    trees.edges[tree, edge]["point"] = point
    trees.edges[tree, edge]["child"] = UNEXPANDED
    trees.edges[tree, edge]["visits"] = 0
    trees.edges[tree, edge]["in_flight"] = 0
    trees.edges[tree, edge]["value_sum"] = np.float32(0.0)
    trees.edges[tree, edge]["prior"] = prior
    trees.edges[tree, edge]["proven"] = UNKNOWN
    trees.nodes[tree, node]["num_edges"] = place + 1
    trees.nodes[tree, node]["opened_prior"] += prior
    trees.priors[tree, node, point] = 0
    if trees.nodes[tree, node]["next_point"] == point:
        _find_next(trees, tree, node)
    return place


@kernel
def edge_value(trees: Trees, tree: int, edge: int, otherwise: float) -> float:
    """The mean value of a visited or proven edge, else `otherwise`."""
    proven = trees.edges[tree, edge]["proven"]
    if proven != UNKNOWN:
        return 0.0 if proven == PROVEN_DRAW else float(proven)
    visits = trees.edges[tree, edge]["visits"]
    return trees.edges[tree, edge]["value_sum"] / visits if visits > 0 else otherwise


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
    if _can_open(trees, tree, node):
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
def value_bounds(trees: Trees, tree: int, mixed: float) -> tuple[float, float]:
    """The smallest and the largest completed value at the root: `mixed` stands for the moves not visited."""
    low, high = mixed, mixed
    start = np.int64(trees.nodes[tree, 0]["first_edge"])
    for edge in range(start, start + np.int64(trees.nodes[tree, 0]["num_edges"])):
        value = edge_value(trees, tree, edge, mixed)
        low, high = min(low, value), max(high, value)
    return low, high


@kernel
def mixed_value(trees: Trees, tree: int) -> float:
    """The value given to root moves without visits: the network's, mixed with those of the visited moves.

    Danihelka et al. 2022, "Policy improvement by planning with Gumbel", appendix D, equation 33.
    """
    total, prior_sum, weighted = 0, 0.0, 0.0
    start = np.int64(trees.nodes[tree, 0]["first_edge"])
    for edge in range(start, start + np.int64(trees.nodes[tree, 0]["num_edges"])):
        visits = trees.edges[tree, edge]["visits"]
        if visits > 0 or trees.edges[tree, edge]["proven"] != UNKNOWN:
            total += visits
            prior_sum += trees.edges[tree, edge]["prior"]
            weighted += trees.edges[tree, edge]["prior"] * edge_value(trees, tree, edge, 0.0)
    if prior_sum <= 0.0:
        return float(trees.nodes[tree, 0]["raw_value"])
    return (trees.nodes[tree, 0]["raw_value"] + total * weighted / prior_sum) / (1 + total)


@kernel
def value_weight(trees: Trees, rates: Rates, tree: int) -> float:
    """The factor between a value stretched to [0, 1] and a logit: (c_visit + most visits) * c_scale (ibid., eq. 8)."""
    most = 0
    start = np.int64(trees.nodes[tree, 0]["first_edge"])
    for edge in range(start, start + np.int64(trees.nodes[tree, 0]["num_edges"])):
        most = max(most, trees.edges[tree, edge]["visits"])
    return (rates.visit_offset + most) * rates.value_scale


@kernel
def select_gumbel(trees: Trees, rates: Rates, tree: int) -> int:
    """Sequential halving at the root: of the considered moves with the visits due now, the best so far.

    A move proven lost is passed over; when no move has the visits due, the best of those considered is taken.
    Returns a place in the root's block or NOTHING when every considered move loses.
    """
    considered = trees.heads[tree]["num_considered"]
    due = rates.schedule[considered, min(trees.heads[tree]["started"], rates.schedule.shape[1]) - 1]
    mixed = mixed_value(trees, tree)
    low, high = value_bounds(trees, tree, mixed)
    scale = value_weight(trees, rates, tree) / max(high - low, 1e-6)
    best, best_score = NOTHING, -1e30
    fallback, fallback_score = NOTHING, -1e30
    start = np.int64(trees.nodes[tree, 0]["first_edge"])
    for place in range(np.int64(trees.nodes[tree, 0]["num_edges"])):
        edge = start + place
        point = trees.edges[tree, edge]["point"]
        count = trees.root_count[tree, point]
        if count < 0 or trees.edges[tree, edge]["proven"] == PROVEN_LOSS:
            continue
        score = trees.root_scores[tree, point] + scale * (edge_value(trees, tree, edge, mixed) - low)
        if count == due and score > best_score:
            best, best_score = place, score
        if score > fallback_score:
            fallback, fallback_score = place, score
    return best if best != NOTHING else fallback


@kernel
def consider_another(trees: Trees, tree: int) -> bool:
    """Gumbel: opens the best move not yet considered at the root, when all considered ones lose; False if none."""
    best, best_score = NOTHING, -1e30
    for point in range(trees.root_count.shape[1]):
        if trees.root_count[tree, point] < 0 and trees.root_scores[tree, point] > best_score:
            best, best_score = point, float(trees.root_scores[tree, point])
    if best == NOTHING or best_score == -np.inf:
        return False
    trees.root_count[tree, best] = 0
    if trees.priors[tree, 0, best] != 0:
        open_edge(trees, tree, 0, best)
    return True


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
    _find_next(trees, tree, node)
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
