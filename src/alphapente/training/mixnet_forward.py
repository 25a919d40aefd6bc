"""The forward pass of `mixnet` in training on a CPU: policy logits and pooled features of positions, in float32.

One position after the other, so that its activations stay in the second-level cache. Of each position it keeps only the
pooled features and which policy channels are positive; the backward pass (training/mixnet_backward.py) computes the
rest again. That costs less than writing 184 KB a position to memory and reading them back.

Channels lie in blocks of LANES, a block's points side by side. Arrays are float32 and flat unless stated otherwise.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from alphapente.compiled import inlined, kernel
from alphapente.network.patterns import MAX_CAPTURED
from alphapente.network.vectors import (
    LANES,
    add,
    larger,
    load,
    load_half,
    multiply,
    positive_bits,
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
    """Trunk and policy head of a network of C channels and H policy channels."""

    table: Floats  # [rows of the batch, C]
    captured: Floats  # [2, MAX_CAPTURED + 1, C]
    taps: Floats  # [C / LANES, 9, LANES]
    bias: Floats  # [C]
    point: Floats  # [C, H]
    point_bias: Floats  # [H]
    pooled: Floats  # [2 C, H]
    policy: Floats  # [H]
    far: Floats  # [1]


class Found(NamedTuple):
    """What the forward pass writes for B positions on a board of P points."""

    logits: Floats  # [B, P]
    pooled: Floats  # [B, 2 C] means and maxima over the board
    shift: Floats  # [B, H] what a board adds to the policy channels of each of its points
    positive: NDArray[np.uint16]  # [B, P, H / LANES] a bit for each policy channel: whether it is positive


class Workspace(NamedTuple):
    """Memory of the kernels for one position on a board of S x S = P points."""

    features: Floats  # [C / LANES, (S + 2) ** 2, LANES] with a border of zeros; then, in their place, their gradient
    points: Floats  # [C / LANES, P, LANES]; in the backward pass only a block
    points_gradient: Floats  # [(S + 2) ** 2, LANES] of a block, with a border of zeros
    captured: Floats  # [C] the sum of the two rows of captured stones
    pooled: Floats  # [2 C]
    near: NDArray[np.int64]  # [P] the near points
    hidden_gradient: Floats  # [P, H] for each near point the logit's gradient where a policy channel is positive
    hidden_sum: Floats  # [H]


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
        hidden_gradient=zeros(points * outputs),
        hidden_sum=zeros(outputs),
    )


def zeros(count: int) -> Floats:
    """Zeros that begin at a cache line, as those of NumPy do not: a vector across two lines takes twice the time."""
    return torch.zeros(count).numpy()


@kernel
def look_up(weights: Weights, numbers: NDArray[np.uint16], own: int, enemy: int, size: int, work: Workspace) -> None:
    """Writes each point's features: the rows of its four patterns and of the captured stones, added, and ReLU."""
    channels, side = len(weights.bias), size + 2
    table, features, captured = weights.table, work.features, work.captured
    own_row, enemy_row = own * channels, (MAX_CAPTURED + 1 + enemy) * channels
    for channel in range(0, channels, LANES):
        both = add(load(weights.captured, own_row + channel), load(weights.captured, enemy_row + channel))
        store(captured, channel, both)
    for row in range(size):
        for column in range(size):
            point = np.uint64(row * size + column)
            at = ((row + 1) * side + column + 1) * LANES
            first, second = np.int64(numbers[point, 0]) * channels, np.int64(numbers[point, 1]) * channels
            third, fourth = np.int64(numbers[point, 2]) * channels, np.int64(numbers[point, 3]) * channels
            for channel in range(0, channels, LANES):
                one = add(load(table, first + channel), load(table, second + channel))
                other = add(load(table, third + channel), load(table, fourth + channel))
                store(features, at, relu(add(add(one, other), load(captured, channel))))
                at += side * side * LANES


@inlined
def tap(features: Floats, at: int, weight, sum_):  # type: ignore[no-untyped-def]
    """`sum_` and the product of a weight with the half vector at `at`."""
    return add(sum_, multiply(load_half(features, at), weight))


@inlined
def nine(source: Floats, at: int, down: int, w, sum_):  # type: ignore[no-untyped-def]
    """`sum_` and the products of nine weights with the half vectors of 3x3 points, the first of which is at `at`."""
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
def convolve(weights: Weights, block: int, start: int, size: int, work: Workspace) -> None:
    """The depthwise convolution and ReLU of the block of channels from `block` on.

    Writes the points from `start` on, and their mean and maximum to `work.pooled`.
    """
    points, down = size * size, (size + 2) * LANES
    for channel in range(block, block + LANES, LANES // 2):
        w = load_nine(weights.taps, 8 * block + channel)
        bias = load_half(weights.bias, channel)
        most, whole = spread_half(np.float32(0.0)), spread_half(np.float32(0.0))
        target = start + channel - block
        for row in range(size):
            at = block * (size + 2) ** 2 + row * down + channel - block
            for _ in range(size):
                found = relu(nine(work.features, at, down, w, bias))
                store(work.points, target, found)
                most, whole = larger(most, found), add(whole, found)
                at += LANES
                target += LANES
        store(work.pooled, channel, multiply(whole, spread_half(np.float32(1.0 / points))))
        store(work.pooled, len(weights.bias) + channel, most)


@inlined
def list_near(near: NDArray[np.uint8], work: Workspace) -> int:
    """Writes the near points to `work.near`; returns how many."""
    count = 0
    for point in range(len(near)):
        if near[np.uint64(point)]:
            work.near[np.uint64(count)] = point
            count += 1
    return count


@kernel
def add_products(numbers: Floats, start: int, count: int, rows: Floats, target: Floats, at: int, width: int) -> None:
    """Adds to `target` [width] from `at` on the `rows` [count, width], each times its of `numbers` from `start` on."""
    for first in range(0, width, LANES):
        sum_ = load(target, at + first)
        for index in range(count):
            sum_ = add(sum_, multiply(spread(numbers[np.uint64(start + index)]), load(rows, index * width + first)))
        store(target, at + first, sum_)


@inlined
def _logit(weights: Weights, found: Found, one, other, index: int, point: int, output: int):  # type: ignore[no-untyped-def]
    """What 2 LANES of a point's policy channels, sums of `_judge_two`, contribute to its logit; notes the positive."""
    outputs = len(weights.policy)
    one = add(one, load(found.shift, index * outputs + output))
    other = add(other, load(found.shift, index * outputs + output + LANES))
    bits = (point * outputs + output) // LANES
    found.positive[np.uint64(bits)] = positive_bits(one)
    found.positive[np.uint64(bits + 1)] = positive_bits(other)
    one = multiply(relu(one), load(weights.policy, output))
    return total(add(one, multiply(relu(other), load(weights.policy, output + LANES))))


@kernel
def _judge_two(weights: Weights, work: Workspace, index: int, here: int, there: int, found: Found) -> None:
    """Writes the logits of two points of position `index`, and which policy channels are positive there."""
    channels, outputs = len(weights.bias), len(weights.policy)
    points, policy, size2 = work.points, weights.point, len(work.near)
    here_logit, there_logit = np.float32(0.0), np.float32(0.0)
    for output in range(0, outputs, 2 * LANES):
        a, b = spread(np.float32(0.0)), spread(np.float32(0.0))
        c, d = spread(np.float32(0.0)), spread(np.float32(0.0))
        at = output
        for first in range(0, channels, LANES):
            for channel in range(LANES):
                one, other = load(policy, at), load(policy, at + LANES)
                mine = spread(points[np.uint64(first * size2 + here * LANES + channel)])
                yours = spread(points[np.uint64(first * size2 + there * LANES + channel)])
                a, b = add(a, multiply(mine, one)), add(b, multiply(mine, other))
                c, d = add(c, multiply(yours, one)), add(d, multiply(yours, other))
                at += outputs
        here_logit += _logit(weights, found, a, b, index, index * size2 + here, output)
        there_logit += _logit(weights, found, c, d, index, index * size2 + there, output)
    found.logits[np.uint64(index * size2 + here)] = here_logit
    found.logits[np.uint64(index * size2 + there)] = there_logit


@kernel
def compute_outputs(weights: Weights, inputs: Inputs, size: int, work: Workspace, found: Found) -> None:
    """Writes the policy logits and the pooled features of all positions, and what the backward pass needs."""
    channels, outputs, points = len(weights.bias), len(weights.policy), size * size
    for index in range(len(inputs.near)):
        look_up(weights, inputs.numbers[index], inputs.captured[index, 0], inputs.captured[index, 1], size, work)
        for channel in range(0, channels, LANES):
            convolve(weights, channel, channel * points, size, work)
        for channel in range(0, 2 * channels, LANES):
            store(found.pooled, index * 2 * channels + channel, load(work.pooled, channel))
        for output in range(0, outputs, LANES):
            store(found.shift, index * outputs + output, load(weights.point_bias, output))
        add_products(work.pooled, 0, 2 * channels, weights.pooled, found.shift, index * outputs, outputs)
        for point in range(index * points, (index + 1) * points):
            found.logits[np.uint64(point)] = weights.far[0]
        count = list_near(inputs.near[index], work)
        for which in range(0, count, 2):
            here, there = work.near[which], work.near[min(which + 1, count - 1)]
            _judge_two(weights, work, index, here, there, found)
