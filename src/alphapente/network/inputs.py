"""The input form of a network: encodes positions as the arrays with which the model is called."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from alphapente.network.planes import NUM_PLANES, encode_batch
from alphapente.rules.position import Positions

Arrays = tuple[NDArray[Any], ...]
"""The arguments of a model's call, each with the batch as its first dimension."""


class InputForm(Protocol):
    """Encodes positions of one board size. Stateless: threads may share it."""

    def new_arrays(self, count: int, size: int) -> Arrays:
        """Zeroed arrays for `count` positions of a board of `size` x `size` points."""
        ...

    def encode(self, positions: Positions, arrays: Arrays, wanted: NDArray[np.int8] | None = None) -> None:
        """Encodes POSITION[n] into the first n rows of `arrays`, which have at least n rows for that board size.

        Rows where `wanted` int8[n] is 0 stay unchanged. The field `last` of a position has no effect: records do not
        store it, and an evaluation must not depend on the order of moves, since transpositions share it.
        """
        ...


class _Planes:
    """The input of convolutions: one array, float32[B, NUM_PLANES, S, S], see network/planes.py."""

    def new_arrays(self, count: int, size: int) -> Arrays:
        return (np.zeros((count, NUM_PLANES, size, size), np.float32),)

    def encode(self, positions: Positions, arrays: Arrays, wanted: NDArray[np.int8] | None = None) -> None:
        encode_batch(positions, arrays[0], wanted)


PLANES: InputForm = _Planes()


def input_form(model: object) -> InputForm:
    """The input form of a model: its class attribute `input_form`, or PLANES if it has none."""
    form: InputForm = getattr(model, "input_form", PLANES)
    return form
