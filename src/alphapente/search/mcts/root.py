"""The start of a search at its root (noise, considered moves) and its result there (policy target, value, move).

There are two kinds of root, chosen by `search.root`. "gumbel": a few moves drawn by Gumbel noise share the simulations
by sequential halving, and the policy target comes from completed Q (Danihelka et al. 2022); it improves the policy even
at few simulations. "puct": the root of AlphaZero, with Dirichlet noise; the target is the shares of visits.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import allocating, kernel
from alphapente.search.mcts import gumbel_root, puct_root
from alphapente.search.mcts.root_priors import RootDraws, mix_noise, read_root_priors, temper
from alphapente.search.mcts.tree import (
    NOTHING,
    PROVEN_DRAW,
    SEARCHING,
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
        gumbel_root.prepare(trees, tree, priors, considered, draws.gumbel)
    else:
        puct_root.prepare(trees, tree, priors)
    trees.heads[tree]["forced"] = draws.forced
    trees.heads[tree]["started"] = 0
    trees.heads[tree]["finished"] = 0
    trees.heads[tree]["stage"] = SEARCHING


@allocating
def conclude(
    trees: Trees, constants: SelectionConstants, tree: int, policy: NDArray[np.float32], visits: NDArray[np.int32]
) -> float:
    """Fills policy float32[P] and visits int32[P] from a finished search; returns its value."""
    visits[:] = 0
    start = np.int64(trees.nodes[tree, 0]["first_edge"])
    for edge in range(start, start + np.int64(trees.nodes[tree, 0]["num_edges"])):
        visits[trees.edges[tree, edge]["point"]] = trees.edges[tree, edge]["visits"]
    if constants.gumbel:
        value = gumbel_root.conclude(trees, constants, tree, policy)
    else:
        value = puct_root.conclude(trees, constants, tree, policy)
    proven = trees.nodes[tree, 0]["proven"]
    if proven != UNKNOWN:
        value = 0.0 if proven == PROVEN_DRAW else float(proven)
    return value


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
        point = np.int64(gumbel_root.best_move(trees, constants, tree, policy))
        length = principal_variation(trees, tree, point, line)
    return value, finite, point, length
