"""The priors of a root's moves: reading, restriction to some moves, and for one search temperature and noise.

The temperature falls with the ply; the noise can be shaped by the priors.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import kernel
from alphapente.config import SearchSettings
from alphapente.rules.tactics import LOSES, UNDECIDED
from alphapente.search.mcts.edges import conclude_node, edges_of, find_next, prior_bits, prior_from_bits
from alphapente.search.mcts.state import SearchState
from alphapente.search.mcts.tree import Tree

SMALLEST_PRIOR = np.float32(1e-37)
"""The least prior of a candidate move, near float32's smallest: with 0 it could not be selected if all others lose."""
LARGEST_SHAPING_PRIOR = 0.01
"""Larger priors count as this when they shape the noise: it is meant for nearly good points, not the best (KataGo)."""


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
def read_root_priors(tree: Tree, out: NDArray[np.float32]) -> None:
    """Writes the clean priors of the root's moves, opened or not, to out float32[P]."""
    for point in range(len(out)):
        bits = np.int64(tree.priors[0, point])
        out[point] = prior_from_bits(bits) if bits else np.float32(0.0)
    for edge in edges_of(tree, 0):
        out[tree.edges[edge].point] = tree.edges[edge].prior


@kernel
def restrict_root(tree: Tree, mask: NDArray[np.float32]) -> None:
    """Restricts an evaluated root to the moves whose mask is not 0: all others are known to lose.

    The remaining priors are scaled to the sum 1; if the network gave these moves nothing, the root stays unchanged. An
    earlier search of the same tree may have proven the root, or that the remaining moves lose as well.
    """
    root, edges, priors = tree.nodes[0], tree.edges, tree.priors[0]
    if root.proven != UNDECIDED:
        return
    total = np.float32(0.0)
    for point in range(len(mask)):
        if priors[point] != 0 and mask[point] > 0:
            total += prior_from_bits(np.int64(priors[point]))
    for edge in edges_of(tree, 0):
        if mask[edges[edge].point] > 0:
            total += edges[edge].prior
    if total <= 0:
        return
    for point in range(len(mask)):
        if priors[point] != 0:
            bits = prior_bits(prior_from_bits(np.int64(priors[point])) / total)
            priors[point] = bits if mask[point] > 0 else 0
    for edge in edges_of(tree, 0):
        edges[edge].prior /= total
        if mask[edges[edge].point] == 0:
            edges[edge].prior = np.float32(0.0)
            edges[edge].proven = LOSES
    find_next(tree, 0)
    root.proven = conclude_node(tree, 0)


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


def falling(start: float, final: float, half_life: float, ply: int) -> float:
    """The value at a ply of a schedule from `start` that halves its distance to `final` every `half_life` plies."""
    return final + (start - final) * float(0.5 ** (ply / half_life))


def root_policy_temperature(settings: SearchSettings, ply: int) -> float:
    """The temperature of the root's priors at a ply, in searches with noise (KataGo: from about 1.8 to 1.2)."""
    start, final = settings.root_policy_temperature, settings.root_policy_temperature_final
    return float(start) if final is None else falling(start, final, settings.root_policy_temperature_half_life, ply)


def dirichlet_shares(settings: SearchSettings, priors: NDArray[np.float32]) -> NDArray[np.float64] | float:
    """Dirichlet alpha of each point: float64[P], or one number if all points have the same.

    The points with a prior share the total `noise_concentration` evenly, except for its part `noise_shaped`. That part
    is shared by the points whose log prior is above the mean, in proportion to the difference (KataGo's
    `computeDirichletAlphaDistribution`).
    """
    legal = priors > 0
    even = float(settings.noise_concentration) / np.count_nonzero(legal)
    if settings.noise_shaped == 0.0:
        return even
    logs = np.log(np.minimum(priors[legal], LARGEST_SHAPING_PRIOR), dtype=np.float64)
    above = np.maximum(logs - logs.mean(), 0.0)
    if above.sum() <= 0.0:
        return even
    shares = np.zeros(len(priors))
    shaped = float(settings.noise_concentration) * above / above.sum()
    shares[legal] = (1.0 - settings.noise_shaped) * even + settings.noise_shaped * shaped
    return shares


def draw_exploration(
    settings: SearchSettings, state: SearchState, tree: Tree, priors: NDArray[np.float32]
) -> RootDraws:
    """The random numbers of a search with an evaluated root; `priors` is scratch, float32[P].

    Drawn here, since passing a generator to a kernel takes longer than a search.
    """
    exploration, rng, gumbel_root = state.exploration, state.rng, settings.root == "gumbel"
    assert rng is not None, "start() orders a search before step() begins it"
    gamma = gumbel = np.zeros(len(priors))
    temperature, forced = 1.0, 0.0
    if exploration.noise:
        read_root_priors(tree, priors)
        gamma = rng.standard_gamma(dirichlet_shares(settings, priors), len(priors))
        temperature = root_policy_temperature(settings, int(tree.root["ply"]))
        forced = 0.0 if gumbel_root else float(settings.forced_playouts)
    if gumbel_root and exploration.temperature:
        gumbel = rng.gumbel(scale=exploration.temperature, size=len(priors))
    return RootDraws(temperature, float(exploration.noise), gamma, gumbel, forced)
