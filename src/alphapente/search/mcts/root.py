"""The start of a search at its root (noise, considered moves) and its result there (policy target, value, move).

There are two kinds of root, chosen by `search.root`. "gumbel": a few moves drawn by Gumbel noise share the simulations
by sequential halving, and the policy target comes from completed Q (Danihelka et al. 2022); it improves the policy even
at few simulations. "puct": the root of AlphaZero, with Dirichlet noise; the target is the shares of visits.
"""

import math

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import allocating, kernel
from alphapente.rules.tactics import UNDECIDED
from alphapente.search.layout import NOTHING
from alphapente.search.mcts import gumbel_root, puct_root
from alphapente.search.mcts.edges import edges_of, proven_value
from alphapente.search.mcts.root_priors import RootDraws, mix_noise, read_root_priors, temper
from alphapente.search.mcts.state import SEARCHING
from alphapente.search.mcts.tree import NOT_CONSIDERED, SelectionConstants, Tree


@kernel
def start_search(tree: Tree, gumbel: bool, considered: int, draws: RootDraws, priors: NDArray[np.float32]) -> None:
    """Prepares an evaluated root for its simulations: stage SEARCHING. `priors` is scratch, float32[P].

    The order matters: `root_logits` are the clean priors, so they are stored before temperature and noise.
    """
    head = tree.head
    read_root_priors(tree, priors)
    for point in range(len(priors)):
        tree.root_logits[point] = math.log(priors[point]) if priors[point] > 0 else -np.inf
        tree.root_count[point] = NOT_CONSIDERED if gumbel else 0
    if draws.policy_temperature != 1.0:
        temper(priors, draws.policy_temperature)
    if draws.weight > 0.0:
        mix_noise(priors, draws)
    if gumbel:
        gumbel_root.prepare(tree, priors, considered, draws.gumbel)
    else:
        puct_root.prepare(tree, priors)
    head.forced = draws.forced
    head.started = 0
    head.finished = 0
    head.stage = SEARCHING


@kernel
def principal_variation(tree: Tree, first: int, out: NDArray[np.int32]) -> int:
    """Follows the most visited moves from the root's move `first`; returns the number of points written to `out`."""
    edges = tree.edges
    node, length, point = np.int64(0), 0, first
    while length < len(out):
        best = NOTHING
        for edge in edges_of(tree, node):
            if point != NOTHING:
                if edges[edge].point == point:
                    best = edge
            elif edges[edge].visits > 0 and (best == NOTHING or edges[edge].visits > edges[best].visits):
                best = edge
        if best == NOTHING:
            break
        out[length] = edges[best].point
        length += 1
        node = np.int64(edges[best].child)
        point = NOTHING  # from here on the most visited move
        if node < 0:  # the position after the move has no node
            break
    return length


@allocating
def read_root(
    tree: Tree,
    constants: SelectionConstants,
    policy: NDArray[np.float32],
    visits: NDArray[np.int32],
    line: NDArray[np.int32],
) -> tuple[float, bool, int, int]:
    """Fills policy float32[P] and visits int32[P] from a search; a Gumbel root also selects the move.

    Returns (value, whether value and policy are finite, the move or NOTHING at a PUCT root, the length of its
    `principal_variation`, which is written to `line`).
    """
    visits[:] = 0
    for edge in edges_of(tree, 0):
        visits[tree.edges[edge].point] = tree.edges[edge].visits
    if constants.gumbel:
        value = gumbel_root.conclude(tree, constants, policy)
    else:
        value = puct_root.conclude(tree, constants, policy)
    if tree.nodes[0].proven != UNDECIDED:
        value = proven_value(tree.nodes[0].proven)
    finite = math.isfinite(value + policy.sum())
    point, length = np.int64(NOTHING), 0
    if constants.gumbel and finite:
        point = np.int64(gumbel_root.best_move(tree, constants, policy))
        length = principal_variation(tree, point, line)
    return value, finite, point, length
