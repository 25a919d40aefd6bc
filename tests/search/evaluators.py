"""Evaluators made by hand: their answers can be worked out on paper, so the search's can be too."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np

from alphapente.network.evaluator import Outputs, Planes, as_batch
from alphapente.network.planes import NUM_PLANES

Root = Literal["gumbel", "puct"]
"""A value of `search.root`."""
Stones = tuple[frozenset[int], frozenset[int]]
"""(own, enemy) points, as the player to move sees them."""
Answer = tuple[Mapping[int, float], float]
"""Logits by point (0 elsewhere), and the value."""


def seen_stones(planes: Planes) -> Stones:
    own, enemy = planes[0].ravel(), planes[1].ravel()
    return frozenset(int(p) for p in np.flatnonzero(own)), frozenset(int(p) for p in np.flatnonzero(enemy))


class ScriptedEvaluator:
    """Answers what `answer_fn` says of the stones, and counts how often it was asked about each position."""

    def __init__(self, batch_size: int, board_size: int, answer_fn: Callable[[Stones], Answer]) -> None:
        self.batch_size = batch_size
        self.board_size = board_size
        self.name = "scripted"
        self.input: Planes = np.zeros((batch_size, NUM_PLANES, board_size, board_size), np.float32)
        self.asked: Counter[Stones] = Counter()
        self._answer_fn = answer_fn

    def evaluate(self, planes: Planes) -> Outputs:
        # The forest hands over the whole buffer; what is in places not used is left from earlier calls.
        count = as_batch(planes, self.input)
        logits = np.zeros((count, self.board_size**2), np.float32)
        values = np.zeros(count, np.float32)
        for place in range(count):
            stones = seen_stones(self.input[place])
            self.asked[stones] += 1
            by_point, values[place] = self._answer_fn(stones)
            logits[place, list(by_point)] = list(by_point.values())
        return logits, values

    def load_weights(self, source: Any) -> None:
        """Nothing to load."""


def noise_answer(seed: int, size: int, spread: float = 1.0) -> Callable[[Stones], Answer]:
    """A different answer for each position, the same each time: stands for a network that knows nothing."""

    def answer(stones: Stones) -> Answer:
        own, enemy = (sum(1 << point for point in side) for side in stones)
        rng = np.random.default_rng([seed, own % (1 << 62), own >> 62 & (1 << 62) - 1, enemy % (1 << 62)])
        logits = rng.normal(0.0, spread, size * size)
        return dict(enumerate(logits.tolist())), float(np.tanh(rng.normal(0.0, 0.5)))

    return answer
