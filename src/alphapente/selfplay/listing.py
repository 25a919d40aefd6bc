"""The points of a search that a record lists (the most visited and the most probable), and the search's surprise."""

import math

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import allocating, kernel

LISTED_POINTS = 48
"""Points of a policy target stored individually, the largest ones; the others share the rest evenly."""

LISTED_SHARE = 0.002
"""A point is listed only above this probability."""


@allocating
def _mark_largest(values: NDArray[np.generic], bound: float, marked: NDArray[np.bool_]) -> None:
    """Marks the LISTED_POINTS largest of the values above `bound`; of equal ones, the first."""
    candidates = np.empty(len(values), np.int64)
    num_candidates = 0
    for index in range(len(values)):
        if values[index] > bound:
            candidates[num_candidates] = index
            num_candidates += 1
    for place in range(min(num_candidates, LISTED_POINTS)):
        if num_candidates > LISTED_POINTS:  # moves the best of the rest to this place, the others back by one
            best = place
            for other in range(place + 1, num_candidates):
                if values[candidates[other]] > values[candidates[best]]:
                    best = other
            chosen = candidates[best]
            for other in range(best, place, -1):
                candidates[other] = candidates[other - 1]
            candidates[place] = chosen
        marked[candidates[place]] = True


@allocating
def list_points(policy: NDArray[np.float32], visits: NDArray[np.int32]) -> NDArray[np.int16]:
    """The points that a record lists, in ascending order: int16[k] of policy float32[P] and visits int32[P].

    They are the LISTED_POINTS most visited with at least one visit, and the LISTED_POINTS most probable with more than
    LISTED_SHARE.
    """
    marked = np.zeros(len(policy), np.bool_)
    _mark_largest(visits, 0, marked)
    _mark_largest(policy, np.float32(LISTED_SHARE), marked)
    points = np.empty(2 * LISTED_POINTS, np.int16)
    count = 0
    for point in range(len(policy)):
        if marked[point]:
            points[count] = point
            count += 1
    return points[:count].copy()


@kernel
def divergence(policy: NDArray[np.float32], prior: NDArray[np.float32]) -> float:
    """Kullback-Leibler divergence, in nats, of a policy target float32[P] from the network's policy float32[P]."""
    total = 0.0
    for point in range(len(policy)):
        if policy[point] > 0:
            total += policy[point] * (math.log(policy[point]) - math.log(max(prior[point], 1e-12)))
    return max(0.0, total)
