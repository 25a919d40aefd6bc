"""A network that costs nothing: to bring games and trees to where a measurement shall begin, and to measure them."""

from typing import Any

import numpy as np

from alphapente.network.evaluator import Evaluator, Outputs, Wanted
from alphapente.rules.position import Positions, new_positions


class FrozenEvaluator:
    """Answers every batch as `evaluator`, whose input it shares, answered the first: games go on at tree speed."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.board_size, self.batch_size = evaluator.board_size, evaluator.batch_size
        self.name = f"frozen {evaluator.name}"
        self.input = evaluator.input
        logits, values = evaluator.evaluate(evaluator.input)
        self._answers = logits.copy(), values.copy()

    def evaluate(self, positions: Positions, wanted: Wanted | None = None) -> Outputs:  # noqa: ARG002 - the contract's
        """The same answers, whatever the positions."""
        return self._answers

    def load_weights(self, source: Any) -> None:
        """Nothing to load."""


class RandomEvaluator:
    """Has opinions, and no reason for them: normal logits and values, drawn once, turn after turn.

    A uniform network makes a tree that is all breadth; a tree under these logits (deviation 2) is as deep as a
    trained network's.
    """

    TURNS = 64

    def __init__(self, batch_size: int, board_size: int, seed: int = 1) -> None:
        rng = np.random.default_rng(seed)
        self.board_size, self.batch_size, self.name = board_size, batch_size, "guessing"
        self.input = new_positions(batch_size, "pente", board_size)
        self._logits = rng.normal(0, 2, (self.TURNS, batch_size, board_size**2)).astype(np.float32)
        self._values = np.tanh(rng.normal(0, 0.3, (self.TURNS, batch_size))).astype(np.float32)
        self._turn = 0

    def evaluate(self, positions: Positions, wanted: Wanted | None = None) -> Outputs:  # noqa: ARG002 - the contract's
        """The next turn's logits and values, whatever the positions."""
        self._turn = (self._turn + 1) % self.TURNS
        return self._logits[self._turn], self._values[self._turn]

    def load_weights(self, source: Any) -> None:
        """Nothing to load."""
