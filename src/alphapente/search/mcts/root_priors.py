"""The priors of a root's moves: reading, restriction to some moves, temperature, and noise for one search."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import kernel
from alphapente.search.mcts.edges import conclude_node, find_next, prior_bits, prior_from_bits
from alphapente.search.mcts.tree import PROVEN_LOSS, UNKNOWN, Trees

SMALLEST_PRIOR = np.float32(1e-37)
"""The least prior of a candidate move, near float32's smallest: with 0 it could not be selected if all others lose."""


class RootDraws(NamedTuple):
    """The exploration of one search at its root, drawn in advance."""

    policy_temperature: float
    """Above 1 flattens the priors."""
    weight: float
    """Dirichlet epsilon, 0 to 1."""
    gamma: NDArray[np.float64]  # [P] Gamma-distributed: divided by their sum, a draw from the Dirichlet distribution
    gumbel: NDArray[np.float64]  # [P] Gumbel noise, scaled
    forced: float
    """PUCT: k of the forced playouts, 0 for none."""


@kernel
def read_root_priors(trees: Trees, tree: int, out: NDArray[np.float32]) -> None:
    """Writes the clean priors of the root's moves, opened or not, to out float32[P]."""
    for point in range(len(out)):
        bits = np.int64(trees.priors[tree, 0, point])
        out[point] = prior_from_bits(bits) if bits else np.float32(0.0)
    start = np.int64(trees.nodes[tree, 0]["first_edge"])
    for edge in range(start, start + np.int64(trees.nodes[tree, 0]["num_edges"])):
        out[trees.edges[tree, edge]["point"]] = trees.edges[tree, edge]["prior"]


@kernel
def restrict_root(trees: Trees, tree: int, mask: NDArray[np.float32]) -> None:
    """Restricts an evaluated root to the moves whose mask is not 0: all others are known to lose.

    The remaining priors are scaled to the sum 1; if the network gave these moves nothing, the root stays unchanged. An
    earlier search of the same tree may have proven the root, or that the remaining moves lose as well.
    """
    if trees.nodes[tree, 0]["proven"] != UNKNOWN:
        return
    first = np.int64(trees.nodes[tree, 0]["first_edge"])
    last = first + np.int64(trees.nodes[tree, 0]["num_edges"])
    total = np.float32(0.0)
    for point in range(len(mask)):
        if trees.priors[tree, 0, point] != 0 and mask[point] > 0:
            total += prior_from_bits(np.int64(trees.priors[tree, 0, point]))
    for edge in range(first, last):
        if mask[trees.edges[tree, edge]["point"]] > 0:
            total += trees.edges[tree, edge]["prior"]
    if total <= 0:
        return
    for point in range(len(mask)):
        if trees.priors[tree, 0, point] != 0:
            bits = prior_bits(prior_from_bits(np.int64(trees.priors[tree, 0, point])) / total)
            trees.priors[tree, 0, point] = bits if mask[point] > 0 else 0
    for edge in range(first, last):
        trees.edges[tree, edge]["prior"] /= total
        if mask[trees.edges[tree, edge]["point"]] == 0:
            trees.edges[tree, edge]["prior"] = np.float32(0.0)
            trees.edges[tree, edge]["proven"] = PROVEN_LOSS
    find_next(trees, tree, 0)
    trees.nodes[tree, 0]["proven"] = conclude_node(trees, tree, 0)


@kernel
def temper(priors: NDArray[np.float32], temperature: float) -> None:
    """Raises the priors to the power of 1 / temperature and normalises them; every move keeps a prior above 0."""
    largest = np.float32(1.0)
    if temperature < 1.0:  # else a high power of priors that are all small would underflow to 0 for each of them
        largest = np.float32(0.0)
        for point in range(len(priors)):
            largest = max(largest, priors[point])
    total = np.float32(0.0)
    for point in range(len(priors)):
        if priors[point] > 0:
            power = (priors[point] / largest) ** np.float32(1.0 / temperature)
            priors[point] = max(power, SMALLEST_PRIOR)
            total += priors[point]
    for point in range(len(priors)):
        priors[point] = max(priors[point] / total, SMALLEST_PRIOR) if priors[point] > 0 else np.float32(0.0)


@kernel
def mix_noise(priors: NDArray[np.float32], draws: RootDraws) -> None:
    """Mixes Dirichlet noise into the priors of the candidate moves."""
    total = 0.0
    for point in range(len(priors)):
        if priors[point] > 0:
            total += draws.gamma[point]
    if total > 0.0:
        for point in range(len(priors)):
            if priors[point] > 0:
                noise = draws.gamma[point] / total
                mixed = np.float32((1.0 - draws.weight) * priors[point] + draws.weight * noise)
                priors[point] = max(mixed, SMALLEST_PRIOR)
