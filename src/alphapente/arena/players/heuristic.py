"""A hand-made evaluator of the tactical planes: a fixed opponent, and a substitute for a network in tests.

It prefers points beside other stones, fours, captures, and moves that stop the opponent's. It has no learned weights.
"""

from typing import Any

import numpy as np

from alphapente.network.evaluator import Outputs, Wanted, as_batch
from alphapente.network.planes import NUM_PLANES, Planes, encode_batch
from alphapente.rules.position import Positions, new_positions

_WEIGHTS = {6: 4.0, 7: 3.0, 8: 3.0, 9: 2.0, 10: 2.0, 11: 1.8}
"""Logit of each tactical plane; network/planes.py defines the planes."""


class HeuristicEvaluator:
    """An Evaluator whose logits and values are weighted sums of the input planes. It is deterministic."""

    def __init__(self, batch_size: int, board_size: int) -> None:
        self.batch_size = batch_size
        self.board_size = board_size
        self.name = "heuristic"
        self.input = new_positions(batch_size, "pente", board_size)
        self._planes: Planes = np.zeros((batch_size, NUM_PLANES, board_size, board_size), np.float32)

    def evaluate(self, positions: Positions, wanted: Wanted | None = None) -> Outputs:
        """See Evaluator.evaluate."""
        count = as_batch(positions, self.batch_size, self.board_size)
        planes = encode_batch(positions, self._planes, wanted)[:count]
        stones = planes[:, 0] + planes[:, 1]
        near = np.zeros_like(stones)
        size = self.board_size
        for down in range(-2, 3):
            for right in range(-2, 3):
                distance = max(abs(down), abs(right))
                if distance == 0:
                    continue
                source = stones[:, max(0, down) : size + min(0, down), max(0, right) : size + min(0, right)]
                near[:, max(0, -down) : size + min(0, -down), max(0, -right) : size + min(0, -right)] += source * (
                    0.5 if distance == 1 else 0.25
                )
        logits = np.minimum(near, np.float32(2.0))
        for plane, weight in _WEIGHTS.items():
            logits += np.float32(weight) * planes[:, plane]
        captured = planes[:, 4, 0, 0] - planes[:, 5, 0, 0]
        takes = planes[:, 8].sum((1, 2)) - 0.5 * planes[:, 9].sum((1, 2))
        fours = np.minimum(planes[:, 10].sum((1, 2)), 8.0) - 0.7 * np.minimum(planes[:, 11].sum((1, 2)), 8.0)
        wins = (planes[:, 6].sum((1, 2)) > 0).astype(np.float32) - 0.3 * (planes[:, 7].sum((1, 2)) > 0)
        value = np.tanh(0.8 * captured + 0.3 * takes + 0.12 * fours + 0.5 * wins)
        return logits.reshape(count, -1), value.astype(np.float32)

    def load_weights(self, source: Any) -> None:
        """Nothing to load."""
