"""Networks that cost nothing, to bring games and trees to the start of a measurement and to measure them."""

from typing import Any

import numpy as np

from alphapente.network.evaluator import Evaluator, Outputs, Wanted
from alphapente.rules.position import Positions, new_positions


class FrozenEvaluator:
    """Returns for every batch the outputs of `evaluator` for its first batch. Games then run at the tree's speed.

    Shares the input of `evaluator`.
    """

    def __init__(self, evaluator: Evaluator) -> None:
        self.board_size, self.batch_size = evaluator.board_size, evaluator.batch_size
        self.name = f"frozen {evaluator.name}"
        self.input = evaluator.input
        logits, values = evaluator.evaluate(evaluator.input)
        self._outputs = logits.copy(), values.copy()

    def evaluate(self, positions: Positions, wanted: Wanted | None = None) -> Outputs:  # noqa: ARG002 - the contract's
        """The same outputs for all positions."""
        return self._outputs

    def load_weights(self, source: Any) -> None:
        """Does nothing."""


class RandomEvaluator:
    """Returns random outputs: normally distributed logits and values, drawn once and repeated in a cycle.

    A uniform network makes a wide tree; with these logits (standard deviation 2) a tree is as deep as a trained
    network's.
    """

    CYCLE = 64

    def __init__(self, batch_size: int, board_size: int, seed: int = 1) -> None:
        rng = np.random.default_rng(seed)
        self.board_size, self.batch_size, self.name = board_size, batch_size, "random"
        self.input = new_positions(batch_size, "pente", board_size)
        self._logits = rng.normal(0, 2, (self.CYCLE, batch_size, board_size**2)).astype(np.float32)
        self._values = np.tanh(rng.normal(0, 0.3, (self.CYCLE, batch_size))).astype(np.float32)
        self._next = 0

    def evaluate(self, positions: Positions, wanted: Wanted | None = None) -> Outputs:  # noqa: ARG002 - the contract's
        """The next logits and values of the cycle, for all positions."""
        self._next = (self._next + 1) % self.CYCLE
        return self._logits[self._next], self._values[self._next]

    def load_weights(self, source: Any) -> None:
        """Does nothing."""
