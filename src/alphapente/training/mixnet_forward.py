"""The forward pass of `mixnet` in training on a CPU: policy logits and the inputs of the value head, in float32.

Computes one position at a time, so that its activations stay in the second-level cache. Of each position it keeps only
the pooled features and the near points' policy channels, before each point is mixed with its neighbours; the backward
pass (training/mixnet_backward.py) computes the rest again. That costs less than writing 184 KB a position to memory and
reading them back.

Channels are stored in blocks of LANES, all points of a block together. Arrays are float32 and flat unless stated
otherwise.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from alphapente.compiled import inlined, kernel
from alphapente.network.mixnet_kernels import add_products, look_up
from alphapente.network.patterns import place
from alphapente.network.vectors import (
    LANES,
    add,
    larger,
    load,
    load_half,
    multiply,
    relu,
    spread,
    spread_half,
    store,
    total,
)

Floats = NDArray[np.float32]


class Inputs(NamedTuple):
    """B positions on a board of P points; see LineInputs."""

    numbers: NDArray[np.uint16]  # [B, P, 4] the row of each pattern among the rows of the batch
    captured: NDArray[np.uint8]  # [B, 2]
    near: NDArray[np.uint8]  # [B, P]


class Weights(NamedTuple):
    """Trunk and policy head of a network of C channels and H policy channels; see NearHeads."""

    table: Floats  # [rows of the batch, C]
    captured: Floats  # [2, MAX_CAPTURED + 1, C]
    taps: Floats  # [C / LANES, 9, LANES]
    bias: Floats  # [C]
    point: Floats  # [C, H]
    point_bias: Floats  # [H]
    pooled: Floats  # [2 C, H]
    near_taps: Floats  # [H / LANES, 9, LANES] of `neighbours`
    near_bias: Floats  # [H]
    policy: Floats  # [H]
    far: Floats  # [1]


class Found(NamedTuple):
    """The results of the forward pass for B positions on a board of P points, with N near points in all."""

    logits: Floats  # [B, P]
    pooled: Floats  # [B, 2 C] means and maxima over the board
    pooled_near: Floats  # [B, 2 H] the same of the policy channels
    alone: Floats  # [N, H] the near points' policy channels, not yet mixed with those of their neighbours


class Workspace(NamedTuple):
    """Memory of the kernels for one position on a board of S x S = P points."""

    features: Floats  # [C / LANES, (S + 2) ** 2, LANES] of the near points; then, in their place, their gradient
    points: Floats  # [C / LANES, P, LANES] of the near points, in the order of `near`; backward: only a block
    points_gradient: Floats  # [(S + 2) ** 2, LANES] of a block; 0 where a point is not near
    captured: Floats  # [C] the sum of the two rows of captured stones
    pooled: Floats  # [2 C]
    near: NDArray[np.int64]  # [P] the near points
    places: NDArray[np.int64]  # [P] the same on a board with a border of one point
    shift: Floats  # [H] the board's shift of the policy channels of each of its points
    alone: Floats  # [H / LANES, (S + 2) ** 2, LANES] of `Found`; 0 where a point is not near
    mixed: Floats  # [P, H] the near points' policy channels, mixed with those of their neighbours
    pooled_near: Floats  # [2 H]
    alone_gradient: Floats  # [P, H] of the near points
    mixed_gradient: Floats  # [H / LANES, (S + 2) ** 2, LANES]; 0 where a point is not near


def new_workspace(channels: int, outputs: int, size: int) -> Workspace:
    """Memory for positions on boards of `size` x `size` points, `outputs` being the policy channels."""
    points, padded = size * size, (size + 2) ** 2
    return Workspace(
        features=zeros(channels * padded),
        points=zeros(channels * points),
        points_gradient=zeros(LANES * padded),
        captured=zeros(channels),
        pooled=zeros(2 * channels),
        near=np.zeros(points, np.int64),
        places=np.zeros(points, np.int64),
        shift=zeros(outputs),
        alone=zeros(outputs * padded),
        mixed=zeros(points * outputs),
        pooled_near=zeros(2 * outputs),
        alone_gradient=zeros(points * outputs),
        mixed_gradient=zeros(outputs * padded),
    )


def zeros(count: int) -> Floats:
    """Zeros aligned to a cache line, unlike those of NumPy: a vector across two lines takes twice the time."""
    return torch.zeros(count).numpy()


@inlined
def read_features(weights: Weights, inputs: Inputs, index: int, count: int, work: Workspace) -> None:
    """Writes the features of the near points of position `index` to `work.features`."""
    counts = np.int64(inputs.captured[index, 0]), np.int64(inputs.captured[index, 1])
    near = work.near, work.places, count
    look_up((weights.table, weights.captured), inputs.numbers[index], counts, near, work.captured, work.features)


@inlined
def tap(features: Floats, at: int, weight, sum_):  # type: ignore[no-untyped-def]
    """`sum_` plus the product of a weight and the half vector at `at`."""
    return add(sum_, multiply(load_half(features, at), weight))


@inlined
def nine(source: Floats, at: int, down: int, w, sum_):  # type: ignore[no-untyped-def]
    """`sum_` plus the products of nine weights and the half vectors of 3x3 points, the first of which is at `at`."""
    sum_ = tap(source, at + 2 * LANES, w[2], tap(source, at + LANES, w[1], tap(source, at, w[0], sum_)))
    at += down
    sum_ = tap(source, at + 2 * LANES, w[5], tap(source, at + LANES, w[4], tap(source, at, w[3], sum_)))
    at += down
    return tap(source, at + 2 * LANES, w[8], tap(source, at + LANES, w[7], tap(source, at, w[6], sum_)))


@inlined
def load_nine(taps: Floats, at: int):  # type: ignore[no-untyped-def]
    """Half a vector of each of nine taps."""
    top = load_half(taps, at), load_half(taps, at + LANES), load_half(taps, at + 2 * LANES)
    middle = load_half(taps, at + 3 * LANES), load_half(taps, at + 4 * LANES), load_half(taps, at + 5 * LANES)
    bottom = load_half(taps, at + 6 * LANES), load_half(taps, at + 7 * LANES), load_half(taps, at + 8 * LANES)
    return top + middle + bottom


@kernel
def convolve(weights: Weights, block: int, start: int, size: int, count: int, work: Workspace) -> None:
    """The depthwise convolution and ReLU of the block of channels from `block` on, at the `count` near points.

    Writes to `work.points` from `start` on, and their mean over the board and maximum to `work.pooled`. Uses half
    vectors, since nine weights in whole ones do not fit the registers of AVX2.
    """
    down = (size + 2) * LANES
    for channel in range(block, block + LANES, LANES // 2):
        half = channel - block
        w = load_nine(weights.taps, 8 * block + channel)
        bias = load_half(weights.bias, channel)
        most, whole = spread_half(np.float32(0.0)), spread_half(np.float32(0.0))
        first, target = block * (size + 2) ** 2 - down - LANES + half, start + half
        for which in range(count):
            found = relu(nine(work.features, first + work.places[np.uint64(which)] * LANES, down, w, bias))
            store(work.points, target, found)
            most, whole = larger(most, found), add(whole, found)
            target += LANES
        store(work.pooled, channel, multiply(whole, spread_half(np.float32(1.0 / (size * size)))))
        store(work.pooled, len(weights.bias) + channel, most)


@inlined
def list_near(near: NDArray[np.uint8], size: int, work: Workspace) -> int:
    """Writes the near points to `work.near` and `work.places`; returns their number."""
    count = 0
    for row in range(size):
        for column in range(size):
            if near[np.uint64(row * size + column)]:
                work.near[np.uint64(count)] = row * size + column
                work.places[np.uint64(count)] = place(row, column, size)
                count += 1
    return count


@kernel
def _compute_alone(weights: Weights, work: Workspace, one: int, other: int, alone: Floats, start: int) -> None:
    """Writes the policy channels of two near points, not yet mixed with their neighbours, to rows of `alone`.

    `start` is the row of the position's first near point. Two points share each load of the weights.
    """
    channels, outputs, size2 = len(weights.bias), len(weights.policy), len(work.near)
    points, policy = work.points, weights.point
    for output in range(0, outputs, 2 * LANES):
        a, b = load(work.shift, output), load(work.shift, output + LANES)
        c, d = a, b
        at = output
        for first in range(0, channels, LANES):
            for channel in range(LANES):
                left, right = load(policy, at), load(policy, at + LANES)
                mine = spread(points[np.uint64(first * size2 + one * LANES + channel)])
                yours = spread(points[np.uint64(first * size2 + other * LANES + channel)])
                a, b = add(a, multiply(mine, left)), add(b, multiply(mine, right))
                c, d = add(c, multiply(yours, left)), add(d, multiply(yours, right))
                at += outputs
        at = (start + one) * outputs + output
        store(alone, at, relu(a))
        store(alone, at + LANES, relu(b))
        at = (start + other) * outputs + output
        store(alone, at, relu(c))
        store(alone, at + LANES, relu(d))


@kernel
def place_alone(alone: Floats, start: int, count: int, work: Workspace) -> None:
    """Writes the near points' rows of `alone`, from row `start` on, to `work.alone`."""
    outputs, padded = len(work.shift), len(work.alone) // len(work.shift)
    for output in range(0, outputs, LANES):
        for which in range(count):
            at = output * padded + work.places[np.uint64(which)] * LANES
            store(work.alone, at, load(alone, (start + which) * outputs + output))


@kernel
def clear_near(values: Floats, size: int, count: int, work: Workspace) -> None:
    """Writes 0 to the near points of `values` [blocks of channels, (S + 2) ** 2, LANES]."""
    for block in range(0, len(values), (size + 2) ** 2 * LANES):
        for which in range(count):
            store(values, block + work.places[np.uint64(which)] * LANES, spread(np.float32(0.0)))


@kernel
def mix_neighbours(weights: Weights, count: int, size: int, work: Workspace) -> None:
    """Mixes the policy channels of each near point with those of its neighbours: from `work.alone` to `work.mixed`.

    Writes their mean and maximum over the board to `work.pooled_near`.
    """
    outputs, down = len(weights.policy), (size + 2) * LANES
    for channel in range(0, outputs, LANES // 2):
        half = channel % LANES
        w = load_nine(weights.near_taps, 9 * (channel - half) + half)
        bias = load_half(weights.near_bias, channel)
        most, whole = spread_half(np.float32(0.0)), spread_half(np.float32(0.0))
        start = (channel - half) * (size + 2) ** 2 + half
        for which in range(count):
            at = start + work.places[np.uint64(which)] * LANES
            mine = add(bias, load_half(work.alone, at))
            found = relu(nine(work.alone, at - down - LANES, down, w, mine))
            store(work.mixed, which * outputs + channel, found)
            most, whole = larger(most, found), add(whole, found)
        store(work.pooled_near, channel, multiply(whole, spread_half(np.float32(1.0 / (size * size)))))
        store(work.pooled_near, outputs + channel, most)


@kernel
def _compute_logits(weights: Weights, index: int, count: int, work: Workspace, logits: Floats) -> None:
    """Writes the policy logits [B, P] of position `index`."""
    outputs, points = len(weights.policy), len(work.near)
    for point in range(index * points, (index + 1) * points):
        logits[np.uint64(point)] = weights.far[0]
    for which in range(count):
        sum_ = spread(np.float32(0.0))
        for output in range(0, outputs, LANES):
            sum_ = add(sum_, multiply(load(work.mixed, which * outputs + output), load(weights.policy, output)))
        logits[np.uint64(index * points + work.near[np.uint64(which)])] = total(sum_)


@inlined
def _copy(source: Floats, target: Floats, at: int) -> None:
    """Writes all of `source` to `target` from `at` on."""
    for first in range(0, len(source), LANES):
        store(target, at + first, load(source, first))


@kernel
def compute_outputs(weights: Weights, inputs: Inputs, size: int, work: Workspace, found: Found) -> None:
    """Writes policy logits, the inputs of the value head, and the data for the backward pass, for all positions."""
    channels, outputs, points, start = len(weights.bias), len(weights.policy), size * size, 0
    for index in range(len(inputs.near)):
        count = list_near(inputs.near[index], size, work)
        read_features(weights, inputs, index, count, work)
        for channel in range(0, channels, LANES):
            convolve(weights, channel, channel * points, size, count, work)
        _copy(work.pooled, found.pooled, index * 2 * channels)
        _copy(weights.point_bias, work.shift, 0)
        add_products(work.pooled, weights.pooled, work.shift)
        for which in range(0, count, 2):
            _compute_alone(weights, work, which, min(which + 1, count - 1), found.alone, start)
        place_alone(found.alone, start, count, work)
        mix_neighbours(weights, count, size, work)
        _compute_logits(weights, index, count, work, found.logits)
        _copy(work.pooled_near, found.pooled_near, index * 2 * outputs)
        clear_near(work.features, size, count, work)
        clear_near(work.alone, size, count, work)
        start += count
