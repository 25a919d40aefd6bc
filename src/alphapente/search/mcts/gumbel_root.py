"""The selection at a Gumbel root: sequential halving over completed Q (Danihelka et al. 2022).

"Policy improvement by planning with Gumbel": appendix D for the mixed value, equation 8 for the weight of values.
"""

import math

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import allocating, kernel
from alphapente.search.mcts.edges import edge_value, open_edge
from alphapente.search.mcts.tree import (
    LOWEST_SCORE,
    NOTHING,
    PROVEN_DRAW,
    PROVEN_LOSS,
    PROVEN_WIN,
    UNKNOWN,
    SelectionConstants,
    Trees,
)


@kernel
def completed_q(trees: Trees, constants: SelectionConstants, tree: int) -> tuple[float, float, float]:
    """The terms of completed Q at the root: (value of moves without visits, smallest value, weight of values).

    A move without visits gets the mixed value: the network's value, mixed with the values of the visited moves, which
    are weighted by their priors (Danihelka et al. 2022, appendix D, equation 33). A value v adds
    weight * (v - smallest) to a move's logit: all values are rescaled to [0, 1], times (c_visit + most visits) *
    c_scale (ibid., equation 8).
    """
    total, most, prior_sum, weighted = 0, 0, 0.0, 0.0
    low, high = 1.0, -1.0
    start = np.int64(trees.nodes[tree, 0]["first_edge"])
    for edge in range(start, start + np.int64(trees.nodes[tree, 0]["num_edges"])):
        visits = np.int64(trees.edges[tree, edge]["visits"])
        if visits > 0 or trees.edges[tree, edge]["proven"] != UNKNOWN:
            prior, value = np.float64(trees.edges[tree, edge]["prior"]), edge_value(trees, tree, edge, 0.0)
            total += visits
            most = max(most, visits)
            prior_sum += prior
            weighted += prior * value
            low, high = min(low, value), max(high, value)
    mixed = np.float64(trees.nodes[tree, 0]["raw_value"])
    if prior_sum > 0.0:
        mixed = (mixed + total * weighted / prior_sum) / (1 + total)
    low, high = min(low, mixed), max(high, mixed)
    # 1e-6 only avoids a division by 0: where all values are equal, v - smallest is 0 for each of them
    return mixed, low, (constants.visit_offset + most) * constants.value_scale / max(high - low, 1e-6)


@kernel
def visits_due(considered: int, simulations: int, number: int) -> int:
    """Sequential halving: the number of visits that the move of simulation `number` (0, 1...) must already have.

    All `considered` moves are visited equally often, then the better half of them, and so on down to two, each round
    with an equal share of the `simulations` (Danihelka et al. 2022, figure 1; in the order of `mctx.seq_halving`).
    """
    if considered <= 1:
        return number
    rounds = 0  # log2 of `considered`, rounded up
    while (1 << rounds) < considered:
        rounds += 1
    first, visits, remaining = 0, 0, considered
    while True:
        more = max(1, simulations // (rounds * remaining))
        if number < first + more * remaining:
            return visits + (number - first) // remaining
        first += more * remaining
        visits += more
        remaining = max(2, remaining // 2)


@kernel
def _select_candidate(trees: Trees, constants: SelectionConstants, tree: int) -> int:
    """Sequential halving at the root: among the considered moves with the number of visits due now, the best so far.

    Moves proven lost are skipped. If no move has the visits due, returns the best of all considered moves. Returns an
    index in the root's block, or NOTHING if every considered move loses.
    """
    head = trees.heads[tree]
    due = visits_due(head["num_considered"], head["budget"], head["started"] - 1)
    mixed, low, scale = completed_q(trees, constants, tree)
    best, best_score = NOTHING, LOWEST_SCORE
    fallback, fallback_score = NOTHING, LOWEST_SCORE
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
def _consider_another(trees: Trees, tree: int) -> bool:
    """Gumbel: when all considered moves lose, opens the best move not yet considered; False if there is none."""
    best, best_score = NOTHING, LOWEST_SCORE
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
def prepare(trees: Trees, tree: int, priors: NDArray[np.float32], most: int, gumbel_noise: NDArray[np.float64]) -> None:
    """Scores every move by its noisy log prior and opens the `most` best ones that are not proven lost."""
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


@kernel
def choose(trees: Trees, constants: SelectionConstants, tree: int) -> int:
    """The index of the root's edge to follow; NOTHING if all moves lose."""
    place = _select_candidate(trees, constants, tree)
    while place == NOTHING and _consider_another(trees, tree):
        place = _select_candidate(trees, constants, tree)
    return place


@allocating
def conclude(trees: Trees, constants: SelectionConstants, tree: int, policy: NDArray[np.float32]) -> float:
    """Writes the softmax of logits plus weighted completed Q to `policy`; returns the expected value under it.

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
def best_move(trees: Trees, constants: SelectionConstants, tree: int, policy: NDArray[np.float32]) -> int:
    """The move that sequential halving selects: of the considered moves with the most visits, the best by score.

    Moves proven lost are excluded. In a proven position, any move with the root's proof counts.
    """
    mixed, low, scale = completed_q(trees, constants, tree)
    best, best_count, best_score = NOTHING, -1, LOWEST_SCORE
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
