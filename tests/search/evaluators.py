"""Hand-made evaluators: their outputs can be computed on paper, and so can the results of the search."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np

from alphapente.network.evaluator import Outputs, Wanted, as_batch
from alphapente.rules.position import Position, Positions, new_positions, stones

Root = Literal["gumbel", "puct"]
"""A value of `search.root`."""
Stones = tuple[frozenset[int], frozenset[int]]
"""(own, enemy) points, for the player to move."""
Answer = tuple[Mapping[int, float], float]
"""Logits by point (0 elsewhere), and the value."""


def seen_stones(position: Position) -> Stones:
    board, player = stones(position), int(position["to_move"])
    own, enemy = np.flatnonzero(board == player), np.flatnonzero(board == 3 - player)
    return frozenset(own.tolist()), frozenset(enemy.tolist())


class ScriptedEvaluator:
    """Returns `answer_fn` of the stones, and counts the evaluations of each position."""

    def __init__(self, batch_size: int, board_size: int, answer_fn: Callable[[Stones], Answer]) -> None:
        self.batch_size = batch_size
        self.board_size = board_size
        self.name = "scripted"
        self.input = new_positions(batch_size, "pente", board_size)
        self.asked: Counter[Stones] = Counter()
        self._answer_fn = answer_fn

    def evaluate(self, positions: Positions, wanted: Wanted | None = None) -> Outputs:
        count = as_batch(positions, self.batch_size, self.board_size)
        logits = np.zeros((count, self.board_size**2), np.float32)
        values = np.zeros(count, np.float32)
        for place in range(count) if wanted is None else np.flatnonzero(wanted):
            seen = seen_stones(positions[place])
            self.asked[seen] += 1
            by_point, values[place] = self._answer_fn(seen)
            logits[place, list(by_point)] = list(by_point.values())
        return logits, values

    def load_weights(self, source: Any) -> None:
        """Does nothing."""


def noise_answer(seed: int, size: int, spread: float = 1.0) -> Callable[[Stones], Answer]:
    """A pseudorandom output for each position, the same each time: a network without knowledge."""

    def answer(stones: Stones) -> Answer:
        own, enemy = (sum(1 << point for point in side) for side in stones)
        rng = np.random.default_rng([seed, own % (1 << 62), own >> 62 & (1 << 62) - 1, enemy % (1 << 62)])
        logits = rng.normal(0.0, spread, size * size)
        return dict(enumerate(logits.tolist())), float(np.tanh(rng.normal(0.0, 0.5)))

    return answer
