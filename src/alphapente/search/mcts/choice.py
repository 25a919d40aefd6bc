"""Draws a move from a policy."""

import math

import numpy as np
from numpy.typing import NDArray

from alphapente.errors import FailureError

NEARLY_ZERO = 0.1
"""Below this temperature the policy is first divided by its largest entry: else its power may underflow to 0."""


def choose_point(policy: NDArray[np.float32], temperature: float, rng: np.random.Generator) -> int:
    """A point drawn with probability policy ** (1 / temperature), normalised; the most likely one at temperature 0.

    Raises FailureError for a policy in which no point has a finite probability above 0.
    """
    weights = np.where(policy > 0, policy, 0.0).astype(np.float64)  # NaN counts as 0
    largest = weights.max()
    if not 0 < largest < math.inf:
        raise FailureError("no point of the policy has a finite probability above 0: the network is damaged")
    if temperature <= 0.0:
        return int(weights.argmax())
    if temperature < NEARLY_ZERO:
        weights /= largest
    weights **= 1.0 / temperature
    return int(rng.choice(len(weights), p=weights / weights.sum()))
