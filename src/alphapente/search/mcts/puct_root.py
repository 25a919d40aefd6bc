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
from alphapente.rules.tactics import LOSES, UNDECIDED, WINS
from alphapente.search.layout import NOTHING
from alphapente.search.mcts.edges import edge_value, edges_of, open_edge
from alphapente.search.mcts.puct import select_puct
from alphapente.search.mcts.tree import SelectionConstants, Tree


@kernel
def prepare(tree: Tree, priors: NDArray[np.float32]) -> None:
    """Opens every root move and sets its noisy prior, for this search only (`root_logits` keep the clean)."""
    for point in range(len(priors)):
        if tree.priors[0, point] != 0:
            open_edge(tree, 0, point)
    edges, total = tree.edges, np.float32(0.0)
    for edge in edges_of(tree, 0):
        edges[edge].prior = priors[edges[edge].point]
        if edges[edge].visits > 0:
            total += edges[edge].prior
    tree.nodes[0].opened_prior = total


@kernel
def _forced_visits(tree: Tree, edge: int) -> float:
    """The minimum number of visits of a root edge that has one: sqrt(k * prior * visits of all its siblings and it)."""
    made = max(int(tree.nodes[0].visits) - 1, 0)  # a root's first visit is its own evaluation
    return math.sqrt(tree.head.forced * tree.edges[edge].prior * made)


@kernel
def select_forced(tree: Tree) -> int:
    """The index of the root edge of the largest prior that has too few forced visits; NOTHING if there is none."""
    edges = tree.edges
    best, best_prior = NOTHING, np.float32(-1.0)
    first = np.int64(tree.nodes[0].first_edge)
    for edge in edges_of(tree, 0):
        count = edges[edge].visits + edges[edge].in_flight
        eligible = count > 0 and edges[edge].proven == UNDECIDED and edges[edge].prior > best_prior
        if eligible and count < _forced_visits(tree, edge):
            best, best_prior = edge - first, edges[edge].prior
    return best


@kernel
def _most_visited(tree: Tree) -> int:
    """The root edge of the most visits that is not proven lost, the first of equals; NOTHING if there is none."""
    edges, best = tree.edges, NOTHING
    for edge in edges_of(tree, 0):
        if edges[edge].proven != LOSES and (best == NOTHING or edges[edge].visits > edges[best].visits):
            best = edge
    return best


@kernel
def _earned_visits(tree: Tree, constants: SelectionConstants, edge: int, best: int) -> int:
    """The visits of a root edge that count in the policy target; `best` is the `_most_visited` edge.

    Forced visits are subtracted as long as the edge's PUCT score stays below that of the best edge, which is kept
    fixed. An edge with one remaining visit loses that one as well.
    """
    edges = tree.edges
    visits = int(edges[edge].visits)
    if visits == 0 or edge == best or best == NOTHING or edges[edge].proven != UNDECIDED:
        return visits
    num_visits = int(tree.nodes[0].visits)
    explore = constants.exploration[min(num_visits, len(constants.exploration) - 1)]
    bound = edge_value(tree, best, 0.0)
    bound += explore * edges[best].prior / (1 + edges[best].visits)
    above = bound - edge_value(tree, edge, 0.0)
    if above <= 0.0:
        return visits
    # The fewest visits n with value + explore * prior / (1 + n) < bound, where `above` is bound - value. Limited before
    # it becomes an integer: a tiny `above` makes a quotient that no integer holds.
    needed = math.floor(min(explore * edges[edge].prior / above - 1.0, float(visits))) + 1
    kept = max(needed, visits - math.floor(_forced_visits(tree, edge)), 0)
    if kept >= visits:
        return visits
    return kept if kept > 1 else 0  # Wu 2019: a move with a single visit left is pruned


@kernel
def choose(tree: Tree, constants: SelectionConstants) -> int:
    """The index of the root's edge to follow, UNOPENED or NOTHING. At the root there is no FPU reduction."""
    forced = select_forced(tree) if tree.head.forced > 0 else NOTHING
    return forced if forced != NOTHING else select_puct(tree, constants, 0, 0.0)


@allocating
def conclude(tree: Tree, constants: SelectionConstants, policy: NDArray[np.float32]) -> float:
    """Writes each move's share of the visits to `policy`; returns the mean value. Moves proven lost get 0.

    Of forced visits, only those count that PUCT would have made anyway.
    """
    root, edges = tree.nodes[0], tree.edges
    pruned, best = tree.head.forced > 0, _most_visited(tree)
    policy[:] = np.float32(0.0)
    total = np.float32(0.0)
    for edge in edges_of(tree, 0):
        proven = edges[edge].proven
        if (root.proven == WINS and proven != WINS) or (proven == LOSES and root.proven != LOSES):
            continue
        weight = np.float32(1.0)  # all winning moves are equal
        if root.proven != WINS:
            visits = np.int64(edges[edge].visits)
            weight = np.float32(_earned_visits(tree, constants, edge, best) if pruned else visits)
        policy[edges[edge].point] = weight
        total += weight
    if total == 0:  # every visited move loses: use the priors of the others
        for point in range(len(policy)):
            policy[point] = math.exp(tree.root_logits[point])
        for edge in edges_of(tree, 0):
            if edges[edge].proven == LOSES and root.proven != LOSES:
                policy[edges[edge].point] = np.float32(0.0)
        total = policy.sum()
    for point in range(len(policy)):
        policy[point] /= total
    return root.value_sum / root.visits
