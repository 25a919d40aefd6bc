"""Positions of random games."""

import numpy as np

from alphapente.rules.kernels import legal_points, play
from alphapente.rules.position import IN_PLAY, Positions, new_positions


def random_positions(size: int, count: int, seed: int, variant: str = "pente", max_plies: int = 60) -> Positions:
    """`count` positions in play, each of a random game of 1 to `max_plies` plies."""
    rng = np.random.default_rng(seed)
    found = new_positions(count, variant, size)
    for index in range(count):
        for _ in range(rng.integers(1, max_plies + 1)):
            points = np.zeros(size * size, np.int16)
            tried = found[index].copy()
            play(tried, int(rng.choice(points[: legal_points(tried, points)])))
            if tried["winner"] != IN_PLAY:
                break
            found[index] = tried
    return found
