"""What a search asks of a network: for a batch of positions, which moves look good and who is winning."""

from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from alphapente.errors import RequestError
from alphapente.network.planes import NUM_PLANES

Planes = NDArray[np.float32]
Outputs = tuple[NDArray[np.float32], NDArray[np.float32]]


@runtime_checkable
class Evaluator(Protocol):
    """Maps planes to policy and value; knows no rule of the game.

    Values are the player to move's, in [-1, 1]. Illegal points have logits like any other: the search masks them.
    """

    board_size: int
    """S: points on a side."""
    batch_size: int
    """B: the most positions that one call takes, and the number it is fastest for."""
    name: str
    """For people: "openvino bf16"."""
    input: Planes
    """float32[B, NUM_PLANES, S, S], the evaluator's own: planes written here are evaluated without a copy."""

    def evaluate(self, planes: Planes) -> Outputs:
        """Policy logits float32[n, S * S] and values float32[n] of planes float32[n, NUM_PLANES, S, S], n <= B.

        The arrays returned belong to the evaluator and hold until its next call.
        Raises RequestError for planes of another shape.
        """
        ...

    def load_weights(self, source: Any) -> None:
        """Goes on with the weights of `source` (a model, or a network converted by this backend)."""
        ...


def as_batch(planes: Planes, input_buffer: Planes) -> int:
    """Puts planes into an evaluator's own buffer, unless they are there already; returns how many positions.

    Raises RequestError for planes that do not fit.
    """
    if planes is input_buffer:
        return len(planes)
    count = len(planes)
    if count > len(input_buffer) or planes.shape[1:] != input_buffer.shape[1:]:
        raise RequestError(
            f"planes of shape {planes.shape} do not fit this evaluator, which takes up to "
            f"{len(input_buffer)} positions of {input_buffer.shape[1:]}"
        )
    in_place = planes.ctypes.data == input_buffer.ctypes.data and planes.flags.c_contiguous
    if not in_place:
        input_buffer[:count] = planes
    return count


class UniformEvaluator:
    """Knows nothing: every point is equally good and every position is even."""

    def __init__(self, batch_size: int, board_size: int) -> None:
        self.batch_size = batch_size
        self.board_size = board_size
        self.name = "uniform"
        self.input: Planes = np.zeros((batch_size, NUM_PLANES, board_size, board_size), np.float32)
        self._policy = np.zeros((batch_size, board_size * board_size), np.float32)
        self._value = np.zeros(batch_size, np.float32)

    def evaluate(self, planes: Planes) -> Outputs:
        """Logits 0 and values 0, of the shapes the contract says."""
        count = as_batch(planes, self.input)
        return self._policy[:count], self._value[:count]

    def load_weights(self, source: Any) -> None:
        """Nothing to load."""
