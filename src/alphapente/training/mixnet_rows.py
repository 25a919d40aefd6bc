"""The rows of `mixnet`'s table that occur in a batch: their sums of embeddings, and the gradients.

A batch of 256 positions has about 2,500 of the 22,143 patterns. Computing only these takes less time than the whole
table, and they stay in the caches.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from alphapente.compiled import kernel
from alphapente.network.mixnet import LineFeatures
from alphapente.network.patterns import NUM_PATTERNS, RADIUS
from alphapente.network.vectors import LANES, add, load, store

Floats = NDArray[np.float32]
_NONE = NUM_PATTERNS


def number_rows(patterns: NDArray[np.int16]) -> tuple[NDArray[np.int16], NDArray[np.uint16]]:
    """The distinct patterns of int16[B, P, 4] as int16[n], and for each pattern its index among them."""
    rows, numbers = np.empty(NUM_PATTERNS, np.int16), np.empty(patterns.shape, np.uint16)
    known = np.full(NUM_PATTERNS, _NONE, np.uint16)
    count = _number(patterns.reshape(-1), known, rows, numbers.reshape(-1))
    return rows[:count], numbers


@kernel
def _number(
    patterns: NDArray[np.int16], known: NDArray[np.uint16], rows: NDArray[np.int16], numbers: NDArray[np.uint16]
) -> int:
    count = 0
    for index in range(len(patterns)):
        pattern = np.uint64(patterns[index])
        if known[pattern] == _NONE:
            rows[count], known[pattern] = patterns[index], count
            count += 1
        numbers[index] = known[pattern]
    return count


def sums_of_rows(trunk: LineFeatures, rows: NDArray[np.int16]) -> Tensor:
    """These rows of `trunk.table()`: float32[n, C]."""
    centres = tuple(getattr(trunk, f"rows_{radius}").numpy() for radius in range(1, RADIUS + 1))
    result: Tensor = _Sums.apply(rows, centres, *(embedding.weight for embedding in trunk.embeddings))  # type: ignore
    return result


class _Sums(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: NDArray[np.int16], centres: Any, *embeddings: Tensor) -> Tensor:
        channels = embeddings[0].shape[1]
        ctx.rows, ctx.centres, ctx.shapes = rows, centres, [embedding.shape for embedding in embeddings]
        sums = torch.empty(len(rows), channels)
        arrays = tuple(embedding.detach().numpy().reshape(-1) for embedding in embeddings)
        _add_up(arrays, centres, rows, channels, sums.numpy().reshape(-1))
        return sums

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor | None, ...]:
        found = tuple(torch.zeros(shape) for shape in ctx.shapes)
        arrays = tuple(gradient.numpy().reshape(-1) for gradient in found)
        gradient = gradients[0].contiguous()
        _add_back(arrays, ctx.centres, ctx.rows, gradient.shape[1], gradient.numpy().reshape(-1))
        return (None, None, *found)


@kernel
def _add_up(embeddings: tuple[Floats, ...], centres: Any, rows: NDArray[np.int16], channels: int, sums: Floats) -> None:
    """Writes the sum of each row's embeddings to `sums` [n, C]."""
    for index in range(len(rows)):
        first, second = centres[0][rows[index]] * channels, centres[1][rows[index]] * channels
        third, fourth = centres[2][rows[index]] * channels, centres[3][rows[index]] * channels
        for channel in range(0, channels, LANES):
            one = add(load(embeddings[0], first + channel), load(embeddings[1], second + channel))
            other = add(load(embeddings[2], third + channel), load(embeddings[3], fourth + channel))
            store(sums, index * channels + channel, add(one, other))


@kernel
def _add_back(
    gradients: tuple[Floats, ...], centres: Any, rows: NDArray[np.int16], channels: int, sums_gradient: Floats
) -> None:
    """Adds each row's gradient to those of its embeddings."""
    for index in range(len(rows)):
        for channel in range(0, channels, LANES):
            gradient = load(sums_gradient, index * channels + channel)
            for radius in range(RADIUS):
                at = centres[radius][rows[index]] * channels + channel
                store(gradients[radius], at, add(load(gradients[radius], at), gradient))
