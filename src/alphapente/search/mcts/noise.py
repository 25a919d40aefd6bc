"""Exploration at the root: policy temperatures that fall with the ply, and shaped Dirichlet noise."""

import numpy as np
from numpy.typing import NDArray

from alphapente.config import SearchSettings

LARGEST_SHAPING_PRIOR = 0.01
"""Larger priors count as this when they shape the noise: it is meant for nearly good points, not the best (KataGo)."""


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
