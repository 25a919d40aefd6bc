"""The interface between search and network: a batch of positions to policy logits and values."""

from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from alphapente.errors import RequestError
from alphapente.rules.position import Positions, new_positions

Outputs = tuple[NDArray[np.float32], NDArray[np.float32]]
Wanted = NDArray[np.int8]
"""int8[n]: 0 for positions whose outputs are not needed."""


@runtime_checkable
class Evaluator(Protocol):
    """Maps positions to policy and value.

    Values are for the player to move, in [-1, 1]. Illegal points have logits as well: the search masks them.
    """

    board_size: int
    """S: points on a side."""
    batch_size: int
    """B: the most positions in one call, and the number for which it is fastest."""
    name: str
    """To display: "openvino bf16"."""
    input: Positions
    """POSITION[B], owned by the evaluator, into which the caller may write positions; empty boards at first."""

    def evaluate(self, positions: Positions, wanted: Wanted | None = None) -> Outputs:
        """Policy logits float32[n, S * S] and values float32[n] of POSITION[n], in play, n <= B.

        `positions` is `input` or any other array. Where `wanted` int8[n] is 0, the outputs are undefined (None: all
        positions are wanted). The field `last` of a position has no effect.
        The returned arrays belong to the evaluator and are valid until its next call.
        Raises RequestError for more than B positions and for positions of another board size.
        """
        ...

    def load_weights(self, source: Any) -> None:
        """Replaces the weights by those of `source` (a model, or a network converted by this backend)."""
        ...


def as_batch(positions: Positions, batch_size: int, board_size: int) -> int:
    """The number of positions. Raises RequestError if an evaluator of these sizes does not accept them."""
    count = len(positions)
    if count > batch_size or (positions["size"] != board_size).any():
        sizes = ", ".join(f"{size}x{size}" for size in np.unique(positions["size"]))
        raise RequestError(
            f"{count} positions of {sizes} do not fit this evaluator, which takes up to {batch_size} positions of "
            f"{board_size}x{board_size}"
        )
    return count


class UniformEvaluator:
    """An Evaluator without knowledge: all points are equally likely and every position is even."""

    def __init__(self, batch_size: int, board_size: int) -> None:
        self.batch_size = batch_size
        self.board_size = board_size
        self.name = "uniform"
        self.input = new_positions(batch_size, "pente", board_size)
        self._policy = np.zeros((batch_size, board_size * board_size), np.float32)
        self._value = np.zeros(batch_size, np.float32)

    def evaluate(self, positions: Positions, wanted: Wanted | None = None) -> Outputs:  # noqa: ARG002 - the contract's
        """Logits 0 and values 0, in the shapes of Evaluator.evaluate."""
        count = as_batch(positions, self.batch_size, self.board_size)
        return self._policy[:count], self._value[:count]

    def load_weights(self, source: Any) -> None:
        """Does nothing."""
