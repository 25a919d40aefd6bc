"""The selection at a Gumbel root: sequential halving over completed Q (Danihelka et al. 2022).

"Policy improvement by planning with Gumbel": appendix D for the mixed value, equation 8 for the weight of values.
"""

import math

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import allocating, kernel
from alphapente.rules.tactics import LOSES, UNDECIDED, WINS
from alphapente.search.layout import NOTHING
from alphapente.search.mcts.edges import edge_value, edges_of, open_edge
from alphapente.search.mcts.tree import LOWEST_SCORE, NOT_CONSIDERED, SelectionConstants, Tree


@kernel
def completed_q(tree: Tree, constants: SelectionConstants) -> tuple[float, float, float]:
    """The terms of completed Q at the root: (value of moves without visits, smallest value, weight of values).

    A move without visits gets the mixed value: the network's value, mixed with the values of the visited moves, which
    are weighted by their priors (Danihelka et al. 2022, appendix D, equation 33). A value v adds
    weight * (v - smallest) to a move's logit: all values are rescaled to [0, 1], times (c_visit + most visits) *
    c_scale (ibid., equation 8).
    """
    edges = tree.edges
    total, most, prior_sum, weighted = 0, 0, 0.0, 0.0
    low, high = 1.0, -1.0  # the bounds of values, exchanged: every value replaces them
    for edge in edges_of(tree, 0):
        visits = np.int64(edges[edge].visits)
        if visits > 0 or edges[edge].proven != UNDECIDED:
            prior, value = np.float64(edges[edge].prior), edge_value(tree, edge, 0.0)
            total += visits
            most = max(most, visits)
            prior_sum += prior
            weighted += prior * value
            low, high = min(low, value), max(high, value)
    mixed = np.float64(tree.nodes[0].raw_value)
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
def _select_candidate(tree: Tree, constants: SelectionConstants) -> int:
    """Sequential halving at the root: among the considered moves with the number of visits due now, the best so far.

    Moves proven lost are skipped. If no move has the visits due, returns the best of all considered moves. Returns an
    index in the root's block, or NOTHING if every considered move loses.
    """
    head, edges = tree.head, tree.edges
    due = visits_due(head.num_considered, head.budget, head.started - 1)
    mixed, low, scale = completed_q(tree, constants)
    best, best_score = NOTHING, LOWEST_SCORE
    fallback, fallback_score = NOTHING, LOWEST_SCORE
    first = np.int64(tree.nodes[0].first_edge)
    for edge in edges_of(tree, 0):
        point = edges[edge].point
        count = tree.root_count[point]
        if count == NOT_CONSIDERED or edges[edge].proven == LOSES:
            continue
        score = tree.root_scores[point] + scale * (edge_value(tree, edge, mixed) - low)
        if count == due and score > best_score:
            best, best_score = edge - first, score
        if score > fallback_score:
            fallback, fallback_score = edge - first, score
    return best if best != NOTHING else fallback


@kernel
def _consider_best(tree: Tree) -> bool:
    """Considers the move of the highest score not considered yet, and opens it; False if there is none."""
    best, best_score = NOTHING, -np.inf  # the score of moves that are no candidate or lose
    for point in range(len(tree.root_count)):
        if tree.root_count[point] == NOT_CONSIDERED and tree.root_scores[point] > best_score:
            best, best_score = point, float(tree.root_scores[point])
    if best == NOTHING:
        return False
    tree.root_count[best] = 0
    if tree.priors[0, best] != 0:  # else it is open since an earlier search
        open_edge(tree, 0, best)
    return True


@kernel
def prepare(tree: Tree, priors: NDArray[np.float32], most: int, gumbel_noise: NDArray[np.float64]) -> None:
    """Scores every move by its noisy log prior and opens the `most` best ones that are not proven lost."""
    for point in range(len(priors)):
        score = -np.inf
        if priors[point] > 0 and tree.root_logits[point] > -np.inf:
            score = math.log(priors[point]) + gumbel_noise[point]
        tree.root_scores[point] = score
    for edge in edges_of(tree, 0):
        if tree.edges[edge].proven == LOSES:
            tree.root_scores[tree.edges[edge].point] = -np.inf
    taken = 0
    while taken < most and _consider_best(tree):
        taken += 1
    tree.head.num_considered = taken


@kernel
def choose(tree: Tree, constants: SelectionConstants) -> int:
    """The index of the root's edge to follow; NOTHING if all moves lose. Another move replaces those that all lose."""
    place = _select_candidate(tree, constants)
    while place == NOTHING and _consider_best(tree):
        place = _select_candidate(tree, constants)
    return place


@allocating
def conclude(tree: Tree, constants: SelectionConstants, policy: NDArray[np.float32]) -> float:
    """Writes the softmax of logits plus weighted completed Q to `policy`; returns the expected value under it.

    Moves proven lost get 0, unless all of them are lost; moves proven won share everything.
    """
    root, edges = tree.nodes[0], tree.edges
    mixed, low, scale = completed_q(tree, constants)
    for point in range(len(policy)):
        policy[point] = tree.root_logits[point] + scale * (mixed - low)
    for edge in edges_of(tree, 0):
        point, proven = edges[edge].point, edges[edge].proven
        policy[point] = tree.root_logits[point] + scale * (edge_value(tree, edge, mixed) - low)
        if proven == LOSES and root.proven != LOSES:
            policy[point] = -np.inf
    if root.proven == WINS:
        policy[:] = -np.inf
        for edge in edges_of(tree, 0):
            if edges[edge].proven == WINS:
                policy[edges[edge].point] = 0.0
    largest = policy.max()
    total = np.float32(0.0)
    for point in range(len(policy)):
        policy[point] = math.exp(policy[point] - largest)
        total += policy[point]
    expected, rest = 0.0, 1.0
    for point in range(len(policy)):
        policy[point] /= total
    for edge in edges_of(tree, 0):
        share = policy[edges[edge].point]
        expected += share * edge_value(tree, edge, mixed)
        rest -= share
    return expected + rest * mixed


@allocating
def best_move(tree: Tree, constants: SelectionConstants, policy: NDArray[np.float32]) -> int:
    """The move that sequential halving selects: of the considered moves with the most visits, the best by score.

    Moves proven lost are excluded. In a proven position, any move with the root's proof counts.
    """
    root, edges = tree.nodes[0], tree.edges
    mixed, low, scale = completed_q(tree, constants)
    best, best_count, best_score = NOTHING, -1, LOWEST_SCORE
    for edge in edges_of(tree, 0):
        point, proven = np.int64(edges[edge].point), edges[edge].proven
        count = tree.root_count[point]
        if root.proven == UNDECIDED and (count == NOT_CONSIDERED or proven == LOSES):
            continue
        if root.proven != UNDECIDED and root.proven != LOSES and proven != root.proven:
            continue  # in a lost position all moves are equal
        score = tree.root_scores[point] + scale * (edge_value(tree, edge, mixed) - low)
        if count > best_count or (count == best_count and score > best_score):
            best, best_count, best_score = point, count, score
    return best if best != NOTHING else np.int64(policy.argmax())
