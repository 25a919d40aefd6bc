"""The start of a search at its root (noise, considered moves) and its result there (policy target, value, move).

There are two kinds of root, chosen by `search.root`. "gumbel": a few moves drawn by Gumbel noise share the simulations
by sequential halving, and the policy target comes from completed Q (Danihelka et al. 2022); it improves the policy even
at few simulations. "puct": the root of AlphaZero, with Dirichlet noise; the target is the shares of visits.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import allocating, kernel
from alphapente.rules.kernels import play
from alphapente.search.mcts.edges import edge_value, open_edge
from alphapente.search.mcts.forced import earned_visits, most_visited
from alphapente.search.mcts.gumbel import completed_q
from alphapente.search.mcts.root_priors import RootDraws, mix_noise, read_root_priors, temper, write_root_priors
from alphapente.search.mcts.tree import (
    EDGE,
    IDLE,
    NOTHING,
    PROVEN_DRAW,
    PROVEN_LOSS,
    PROVEN_WIN,
    SEARCHING,
    UNEXPANDED,
    UNKNOWN,
    SelectionConstants,
    Trees,
)


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The result of a finished search.

    Attributes:
        point: the move to play.
        policy: float32[P], the policy target: sums to 1 over the legal points.
        visits: int32[P], visits of the moves in the tree, earlier searches of the same tree included.
        value: the search's own value, for the player to move.
        proven: UNKNOWN, PROVEN_WIN, PROVEN_LOSS or PROVEN_DRAW.
        simulations: simulations done in this search.
        raw_value: the network's value of the position.
        principal_variation: the moves that both players are expected to play, the first one being `point`.
    """

    point: int
    policy: NDArray[np.float32]
    visits: NDArray[np.int32]
    value: float
    proven: int
    simulations: int
    raw_value: float
    principal_variation: tuple[int, ...]


@kernel
def start_search(
    trees: Trees,
    tree: int,
    gumbel: bool,
    considered: int,
    draws: RootDraws,
    priors: NDArray[np.float32],
) -> None:
    """Prepares an evaluated root for its simulations: stage SEARCHING. `priors` is scratch, float32[P].

    The order matters: `root_logits` are the clean priors, so they are stored before temperature and noise.
    """
    points = len(priors)
    read_root_priors(trees, tree, priors)
    for point in range(points):
        trees.root_logits[tree, point] = math.log(priors[point]) if priors[point] > 0 else -np.inf
        trees.root_count[tree, point] = -1 if gumbel else 0
    if draws.policy_temperature != 1.0:
        temper(priors, draws.policy_temperature)
    if draws.weight > 0.0:
        mix_noise(priors, draws)
    if gumbel:
        _consider(trees, tree, priors, considered, draws.gumbel)
    else:
        write_root_priors(trees, tree, priors)
    trees.heads[tree]["forced"] = draws.forced
    trees.heads[tree]["started"] = 0
    trees.heads[tree]["finished"] = 0
    trees.heads[tree]["stage"] = SEARCHING


@kernel
def _consider(
    trees: Trees, tree: int, priors: NDArray[np.float32], most: int, gumbel_noise: NDArray[np.float64]
) -> None:
    """Gumbel: scores every move by its noisy log prior and opens the `most` best ones that are not proven lost."""
    points = len(priors)
    for point in range(points):
        score = -np.inf
        if priors[point] > 0 and trees.root_logits[tree, point] > -np.inf:
            score = math.log(priors[point]) + gumbel_noise[point]
        trees.root_scores[tree, point] = score
    start = np.int64(trees.nodes[tree, 0]["first_edge"])
    for edge in range(start, start + np.int64(trees.nodes[tree, 0]["num_edges"])):
        if trees.edges[tree, edge]["proven"] == PROVEN_LOSS:
            trees.root_scores[tree, trees.edges[tree, edge]["point"]] = -np.inf
    taken = 0
    while taken < most:
        best = NOTHING
        for point in range(points):
            score = trees.root_scores[tree, point]
            if (
                trees.root_count[tree, point] < 0
                and score > -np.inf
                and (best == NOTHING or score > trees.root_scores[tree, best])
            ):
                best = point
        if best == NOTHING:
            break
        trees.root_count[tree, best] = 0
        if trees.priors[tree, 0, best] != 0:
            open_edge(trees, tree, 0, best)
        taken += 1
    trees.heads[tree]["num_considered"] = taken


@allocating
def _completed_policy(trees: Trees, constants: SelectionConstants, tree: int, policy: NDArray[np.float32]) -> float:
    """Gumbel: writes the softmax of logits plus weighted completed Q to `policy`; returns the expected value under it.

    Moves proven lost get 0, unless all of them are lost; moves proven won share everything.
    """
    mixed, low, scale = completed_q(trees, constants, tree)
    start = np.int64(trees.nodes[tree, 0]["first_edge"])
    last = start + np.int64(trees.nodes[tree, 0]["num_edges"])
    result = trees.nodes[tree, 0]["proven"]
    for point in range(len(policy)):
        policy[point] = trees.root_logits[tree, point] + scale * (mixed - low)
    for edge in range(start, last):
        point, proven = trees.edges[tree, edge]["point"], trees.edges[tree, edge]["proven"]
        policy[point] = trees.root_logits[tree, point] + scale * (edge_value(trees, tree, edge, mixed) - low)
        if proven == PROVEN_LOSS and result != PROVEN_LOSS:
            policy[point] = -np.inf
    if result == PROVEN_WIN:
        policy[:] = -np.inf
        for edge in range(start, last):
            if trees.edges[tree, edge]["proven"] == PROVEN_WIN:
                policy[trees.edges[tree, edge]["point"]] = 0.0
    largest = policy.max()
    total = np.float32(0.0)
    for point in range(len(policy)):
        policy[point] = math.exp(policy[point] - largest)
        total += policy[point]
    expected, rest = 0.0, 1.0
    for point in range(len(policy)):
        policy[point] /= total
    for edge in range(start, last):
        share = policy[trees.edges[tree, edge]["point"]]
        expected += share * edge_value(trees, tree, edge, mixed)
        rest -= share
    return expected + rest * mixed


@allocating
def _visit_policy(trees: Trees, constants: SelectionConstants, tree: int, policy: NDArray[np.float32]) -> float:
    """PUCT: writes each move's share of the visits to `policy`; returns the mean value. Moves proven lost get 0.

    Of forced visits, only those count that PUCT would have made anyway.
    """
    pruned, best = trees.heads[tree]["forced"] > 0, most_visited(trees, tree)
    start = np.int64(trees.nodes[tree, 0]["first_edge"])
    last = start + np.int64(trees.nodes[tree, 0]["num_edges"])
    result = trees.nodes[tree, 0]["proven"]
    policy[:] = np.float32(0.0)
    total = np.float32(0.0)
    for edge in range(start, last):
        proven = trees.edges[tree, edge]["proven"]
        if (result == PROVEN_WIN and proven != PROVEN_WIN) or (proven == PROVEN_LOSS and result != PROVEN_LOSS):
            continue
        weight = np.float32(1.0)
        if result != PROVEN_WIN:
            visits = np.int64(trees.edges[tree, edge]["visits"])
            weight = np.float32(earned_visits(trees, constants, tree, edge, best) if pruned else visits)
        policy[trees.edges[tree, edge]["point"]] = weight
        total += weight
    if total == 0:  # every visited move loses: use the priors of the others
        for point in range(len(policy)):
            policy[point] = math.exp(trees.root_logits[tree, point])
        for edge in range(start, last):
            if trees.edges[tree, edge]["proven"] == PROVEN_LOSS and result != PROVEN_LOSS:
                policy[trees.edges[tree, edge]["point"]] = np.float32(0.0)
        total = policy.sum()
    for point in range(len(policy)):
        policy[point] /= total
    return trees.nodes[tree, 0]["value_sum"] / trees.nodes[tree, 0]["visits"]


@allocating
def conclude(
    trees: Trees, constants: SelectionConstants, tree: int, policy: NDArray[np.float32], visits: NDArray[np.int32]
) -> float:
    """Fills policy float32[P] and visits int32[P] from a finished search; returns its value."""
    visits[:] = 0
    start = np.int64(trees.nodes[tree, 0]["first_edge"])
    for edge in range(start, start + np.int64(trees.nodes[tree, 0]["num_edges"])):
        visits[trees.edges[tree, edge]["point"]] = trees.edges[tree, edge]["visits"]
    value = (
        _completed_policy(trees, constants, tree, policy)
        if constants.gumbel
        else _visit_policy(trees, constants, tree, policy)
    )
    proven = trees.nodes[tree, 0]["proven"]
    if proven != UNKNOWN:
        value = 0.0 if proven == PROVEN_DRAW else float(proven)
    return value


@allocating
def best_gumbel_point(trees: Trees, constants: SelectionConstants, tree: int, policy: NDArray[np.float32]) -> int:
    """The move that sequential halving selects: of the considered moves with the most visits, the best by score.

    Moves proven lost are excluded. In a proven position, any move with the root's proof counts.
    """
    mixed, low, scale = completed_q(trees, constants, tree)
    best, best_count, best_score = NOTHING, -1, -1e30
    start = np.int64(trees.nodes[tree, 0]["first_edge"])
    for edge in range(start, start + np.int64(trees.nodes[tree, 0]["num_edges"])):
        point = np.int64(trees.edges[tree, edge]["point"])
        count = trees.root_count[tree, point]
        proven = trees.edges[tree, edge]["proven"]
        if trees.nodes[tree, 0]["proven"] == UNKNOWN and (count < 0 or proven == PROVEN_LOSS):
            continue
        if trees.nodes[tree, 0]["proven"] == PROVEN_WIN and proven != PROVEN_WIN:
            continue
        if trees.nodes[tree, 0]["proven"] == PROVEN_DRAW and proven != PROVEN_DRAW:
            continue
        score = trees.root_scores[tree, point] + scale * (edge_value(trees, tree, edge, mixed) - low)
        if count > best_count or (count == best_count and score > best_score):
            best, best_count, best_score = point, count, score
    return best if best != NOTHING else np.int64(policy.argmax())


@kernel
def principal_variation(trees: Trees, tree: int, first: int, out: NDArray[np.int32]) -> int:
    """Follows the most visited moves from the root's move `first`; returns the number of points written to `out`."""
    node, length, point = np.int64(0), 0, first
    while length < len(out):
        edge = NOTHING
        start = np.int64(trees.nodes[tree, node]["first_edge"])
        for at in range(start, start + np.int64(trees.nodes[tree, node]["num_edges"])):
            if point >= 0:
                if trees.edges[tree, at]["point"] == point:
                    edge = at
            elif trees.edges[tree, at]["visits"] > 0 and (
                edge == NOTHING or trees.edges[tree, at]["visits"] > trees.edges[tree, edge]["visits"]
            ):
                edge = at
        if edge == NOTHING:
            break
        out[length] = trees.edges[tree, edge]["point"]
        length += 1
        node = np.int64(trees.edges[tree, edge]["child"])
        point = NOTHING
        if node < 0:
            break
    return length


@allocating
def read_root(
    trees: Trees,
    constants: SelectionConstants,
    tree: int,
    policy: NDArray[np.float32],
    visits: NDArray[np.int32],
    line: NDArray[np.int32],
) -> tuple[float, bool, int, int]:
    """Calls `conclude`, and at a Gumbel root also selects the move and writes its `principal_variation` to `line`.

    Returns (value, whether value and policy are finite, the move or NOTHING at a PUCT root, the length of the line).
    """
    value = conclude(trees, constants, tree, policy, visits)
    finite = math.isfinite(value + policy.sum())
    point, length = np.int64(NOTHING), 0
    if constants.gumbel and finite:
        point = np.int64(best_gumbel_point(trees, constants, tree, policy))
        length = principal_variation(trees, tree, point, line)
    return value, finite, point, length


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
