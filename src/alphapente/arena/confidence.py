"""95% intervals, which all results of matches and ratings use."""

import math

CONFIDENCE_Z = 1.959964
"""Half-width of a 95% interval of the normal distribution, in standard deviations."""


def wilson_interval(score: float, games: int) -> tuple[float, float]:
    """The 95% interval of the true score (Wilson 1927); (0, 1) without games."""
    if games == 0:
        return 0.0, 1.0
    z = CONFIDENCE_Z
    centre = score + z * z / (2 * games)
    spread = z * math.sqrt(score * (1 - score) / games + z * z / (4 * games * games))
    scale = 1 + z * z / games
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)
