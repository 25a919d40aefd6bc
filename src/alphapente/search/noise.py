"""How far chance carries a search from the network at its root: temperatures that fall, and shaped Dirichlet noise."""

import numpy as np
from numpy.typing import NDArray

from alphapente.config import SearchSettings

LARGEST_SHAPING_PRIOR = 0.01
"""Priors above count as this where they shape the noise: it is for points that are nearly good, not for the best."""


def falling(start: float, final: float, half_life: float, ply: int) -> float:
    """The value at a ply of something that goes from `start` half-way to `final` each `half_life` plies."""
    return final + (start - final) * float(0.5 ** (ply / half_life))


def root_policy_temperature(settings: SearchSettings, ply: int) -> float:
    """What the root's priors are flattened by at a ply, where there is noise (KataGo falls from 1.8 to 1.2 or so)."""
    start, final = settings.root_policy_temperature, settings.root_policy_temperature_final
    return float(start) if final is None else falling(start, final, settings.root_policy_temperature_half_life, ply)


def dirichlet_shares(settings: SearchSettings, priors: NDArray[np.float32]) -> NDArray[np.float64] | float:
    """The concentrations of the root's Dirichlet noise: float64[P], or one number where all points have the same.

    `noise_concentration` is shared by the points with a prior: evenly, but for the part `noise_shaped`, which goes to
    points whose log prior is above the mean, in proportion to how far (KataGo's `computeDirichletAlphaDistribution`).
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
