"""The PUCT root: Dirichlet noise in the priors, PUCT without FPU, and shares of visits as the policy target.

With forced playouts and policy target pruning (KataGo: Wu 2019, section 3.2). Noise serves to find good moves that the
network overlooks. A single visit to such a move often looks bad, so each visited move gets at least
`sqrt(k * prior * visits of all)` visits. The network must not learn to imitate these: the policy target omits the
visits that PUCT would not have made by itself.
"""

import math

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import allocating, kernel
from alphapente.search.mcts.edges import edge_value, open_edge
from alphapente.search.mcts.puct import select_puct
from alphapente.search.mcts.tree import (
    NOTHING,
    PROVEN_LOSS,
    PROVEN_WIN,
    UNKNOWN,
    SelectionConstants,
    Trees,
)


@kernel
def prepare(trees: Trees, tree: int, priors: NDArray[np.float32]) -> None:
    """Opens every root move and sets its noisy prior, for this search only (`root_logits` keep the clean)."""
    for point in range(len(priors)):
        if trees.priors[tree, 0, point] != 0:
            open_edge(trees, tree, 0, point)
    total = np.float32(0.0)
    start = np.int64(trees.nodes[tree, 0]["first_edge"])
    for edge in range(start, start + np.int64(trees.nodes[tree, 0]["num_edges"])):
        trees.edges[tree, edge]["prior"] = priors[trees.edges[tree, edge]["point"]]
        if trees.edges[tree, edge]["visits"] > 0:
            total += trees.edges[tree, edge]["prior"]
    trees.nodes[tree, 0]["opened_prior"] = total


@kernel
def _forced_visits(trees: Trees, tree: int, edge: int) -> float:
    """The minimum number of visits of a root edge that has one: sqrt(k * prior * visits of all its siblings and it)."""
    # a root's first visit is its own evaluation
    made = max(int(trees.nodes[tree, 0]["visits"]) - 1, 0)
    return math.sqrt(trees.heads[tree]["forced"] * trees.edges[tree, edge]["prior"] * made)


@kernel
def select_forced(trees: Trees, tree: int) -> int:
    """The index of the root edge of the largest prior that has too few forced visits; NOTHING if there is none."""
    best, best_prior = NOTHING, np.float32(-1.0)
    start = np.int64(trees.nodes[tree, 0]["first_edge"])
    for place in range(np.int64(trees.nodes[tree, 0]["num_edges"])):
        edge = start + place
        count = trees.edges[tree, edge]["visits"] + trees.edges[tree, edge]["in_flight"]
        if count == 0 or trees.edges[tree, edge]["proven"] != UNKNOWN:
            continue
        if trees.edges[tree, edge]["prior"] > best_prior and count < _forced_visits(trees, tree, edge):
            best, best_prior = place, trees.edges[tree, edge]["prior"]
    return best


@kernel
def _most_visited(trees: Trees, tree: int) -> int:
    """The root edge of the most visits that is not proven lost, the first of equals; NOTHING if there is none."""
    best = NOTHING
    start = np.int64(trees.nodes[tree, 0]["first_edge"])
    for edge in range(start, start + np.int64(trees.nodes[tree, 0]["num_edges"])):
        if trees.edges[tree, edge]["proven"] == PROVEN_LOSS:
            continue
        if best == NOTHING or trees.edges[tree, edge]["visits"] > trees.edges[tree, best]["visits"]:
            best = edge
    return best


@kernel
def _earned_visits(trees: Trees, constants: SelectionConstants, tree: int, edge: int, best: int) -> int:
    """The visits of a root edge that count in the policy target; `best` is the `_most_visited` edge.

    Forced visits are subtracted as long as the edge's PUCT score stays below that of the best edge, which is kept
    fixed. An edge with one remaining visit loses that one as well.
    """
    visits = int(trees.edges[tree, edge]["visits"])
    if visits == 0 or edge == best or best == NOTHING or trees.edges[tree, edge]["proven"] != UNKNOWN:
        return visits
    num_visits = int(trees.nodes[tree, 0]["visits"])
    explore = constants.exploration[min(num_visits, len(constants.exploration) - 1)]
    bound = edge_value(trees, tree, best, 0.0)
    bound += explore * trees.edges[tree, best]["prior"] / (1 + trees.edges[tree, best]["visits"])
    above = bound - edge_value(trees, tree, edge, 0.0)
    if above <= 0.0:
        return visits
    # The fewest visits n with value + explore * prior / (1 + n) < bound, where `above` is bound - value. Limited before
    # it becomes an integer: a tiny `above` makes a quotient that no integer holds.
    needed = math.floor(min(explore * trees.edges[tree, edge]["prior"] / above - 1.0, float(visits))) + 1
    kept = max(needed, visits - math.floor(_forced_visits(trees, tree, edge)), 0)
    if kept >= visits:
        return visits
    return kept if kept > 1 else 0  # Wu 2019: a move with a single visit left is pruned


@kernel
def choose(trees: Trees, constants: SelectionConstants, tree: int) -> int:
    """The index of the root's edge to follow, UNOPENED or NOTHING. At the root there is no FPU reduction."""
    forced = select_forced(trees, tree) if trees.heads[tree]["forced"] > 0 else NOTHING
    return forced if forced != NOTHING else select_puct(trees, constants, tree, 0, 0.0)


@allocating
def conclude(trees: Trees, constants: SelectionConstants, tree: int, policy: NDArray[np.float32]) -> float:
    """Writes each move's share of the visits to `policy`; returns the mean value. Moves proven lost get 0.

    Of forced visits, only those count that PUCT would have made anyway.
    """
    pruned, best = trees.heads[tree]["forced"] > 0, _most_visited(trees, tree)
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
            weight = np.float32(_earned_visits(trees, constants, tree, edge, best) if pruned else visits)
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
