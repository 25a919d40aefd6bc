"""`mixnet` in whole numbers of 16 bits: the kernels that play it, and the numbers they compute with.

Each channel has units of its own, so chosen that no sum can overflow: see network/mixnet_backend.py. Channels lie in
blocks of LANES, a block's points side by side, so that a block of the whole board stays in the first-level cache.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import inlined, kernel
from alphapente.network.patterns import (
    MAX_CAPTURED,
    NUM_PATTERNS,
    PatternScratch,
    captured_by,
    find_patterns,
    near_columns,
    new_pattern_scratch,
)
from alphapente.network.vectors import (
    LANES,
    add,
    as_float,
    larger,
    load,
    load_pairs,
    multiply,
    multiply_high,
    multiply_pairs,
    relu,
    spread,
    spread_pair,
    store,
    total,
    widened,
)
from alphapente.rules.position import Positions


class Weights(NamedTuple):
    """A network of C channels, H policy channels and V hidden units of the value, flat arrays in the kernels' order."""

    table: NDArray[np.int16]  # [NUM_PATTERNS, C]
    captured: NDArray[np.int16]  # [2, MAX_CAPTURED + 1, C]
    depthwise: NDArray[np.int16]  # [C / LANES, 9, LANES] of 65,536
    depthwise_bias: NDArray[np.int16]  # [C]
    unit: NDArray[np.float32]  # [C] what a 1 behind the depthwise convolution stands for
    policy: NDArray[np.int16]  # [C / 2, H, 2]
    policy_unit: NDArray[np.float32]  # [H] what a 1 of that sum stands for
    policy_last: NDArray[np.float32]  # [H]
    far: NDArray[np.float32]  # [1]
    pooled: NDArray[np.float32]  # [2 C, H + V] from means and maxima to the policy's shift and the value's hidden units
    pooled_bias: NDArray[np.float32]  # [H + V]
    value: NDArray[np.float32]  # [3, V]
    value_bias: NDArray[np.float32]  # [3]


def blank_weights() -> Weights:
    """A small network whose answers are all 0: enough to load or compile the kernels."""
    channels, outputs, hidden = LANES, 2 * LANES, 2 * LANES
    return Weights(
        table=np.zeros(NUM_PATTERNS * channels, np.int16),
        captured=np.zeros(2 * (MAX_CAPTURED + 1) * channels, np.int16),
        depthwise=np.zeros(9 * channels, np.int16),
        depthwise_bias=np.zeros(channels, np.int16),
        unit=np.zeros(channels, np.float32),
        policy=np.zeros(channels * outputs, np.int16),
        policy_unit=np.zeros(outputs, np.float32),
        policy_last=np.zeros(outputs, np.float32),
        far=np.zeros(1, np.float32),
        pooled=np.zeros(2 * channels * (outputs + hidden), np.float32),
        pooled_bias=np.zeros(outputs + hidden, np.float32),
        value=np.zeros(3 * hidden, np.float32),
        value_bias=np.zeros(3, np.float32),
    )


class Workspace(NamedTuple):
    """Memory of the kernels for a board of S x S = P points."""

    scratch: PatternScratch
    patterns: NDArray[np.int16]  # [P, 4]
    features: NDArray[np.int16]  # [C / LANES, (S + 2) ** 2, LANES] with a border of zeros
    points: NDArray[np.int16]  # [C / LANES, P, LANES]
    captured: NDArray[np.int16]  # [C]
    pooled: NDArray[np.float32]  # [2 C]
    shift: NDArray[np.float32]  # [H + V]


def new_workspace(weights: Weights, size: int) -> Workspace:
    """Memory to play a network on boards of `size` x `size` points."""
    channels = len(weights.unit)
    return Workspace(
        new_pattern_scratch(size),
        np.zeros((size * size, 4), np.int16),
        np.zeros(channels * (size + 2) ** 2, np.int16),
        np.zeros(channels * size * size, np.int16),
        np.zeros(channels, np.int16),
        np.zeros(2 * channels, np.float32),
        np.zeros(len(weights.pooled_bias), np.float32),
    )


@kernel
def _look_up(weights: Weights, own: int, enemy: int, size: int, work: Workspace) -> None:
    """Writes each point's features: the rows of its four patterns and of the captured stones, added, and ReLU."""
    channels = len(weights.unit)
    side = size + 2
    table, patterns, features, captured = weights.table, work.patterns, work.features, work.captured
    for channel in range(channels):
        captured[channel] = weights.captured[own * channels + channel]
        captured[channel] += weights.captured[(MAX_CAPTURED + 1 + enemy) * channels + channel]
    for row in range(size):
        for column in range(size):
            point = np.uint64(row * size + column)
            at = ((row + 1) * side + column + 1) * LANES
            first = np.int64(patterns[point, 0]) * channels
            second = np.int64(patterns[point, 1]) * channels
            third = np.int64(patterns[point, 2]) * channels
            fourth = np.int64(patterns[point, 3]) * channels
            for channel in range(0, channels, LANES):
                one = add(load(table, first + channel), load(table, second + channel))
                other = add(load(table, third + channel), load(table, fourth + channel))
                store(features, at, relu(add(add(one, other), load(captured, channel))))
                at += side * side * LANES


@inlined
def _tap(features: NDArray[np.int16], at: int, weight):  # type: ignore[no-untyped-def]
    return multiply_high(load(features, at), weight)


@kernel
def _convolve(weights: Weights, size: int, work: Workspace) -> None:
    """The depthwise convolution and ReLU; writes the points, and their mean and maximum to `work.pooled`."""
    channels, points = len(weights.unit), size * size
    features, down, kernels = work.features, (size + 2) * LANES, weights.depthwise
    for channel in range(0, channels, LANES):
        w0, w1, w2 = (
            load(kernels, 9 * channel),
            load(kernels, 9 * channel + LANES),
            load(kernels, 9 * channel + 2 * LANES),
        )
        w3, w4 = load(kernels, 9 * channel + 3 * LANES), load(kernels, 9 * channel + 4 * LANES)
        w5, w6 = load(kernels, 9 * channel + 5 * LANES), load(kernels, 9 * channel + 6 * LANES)
        w7, w8 = load(kernels, 9 * channel + 7 * LANES), load(kernels, 9 * channel + 8 * LANES)
        bias = load(weights.depthwise_bias, channel)
        most = spread(np.int16(0))
        whole = spread(np.int32(0))
        start, target = channel * (size + 2) ** 2, channel * points
        for row in range(size):
            at = start + row * down
            for _ in range(size):
                top = add(_tap(features, at, w0), _tap(features, at + LANES, w1))
                top = add(top, _tap(features, at + 2 * LANES, w2))
                middle = add(_tap(features, at + down, w3), _tap(features, at + down + LANES, w4))
                middle = add(middle, _tap(features, at + down + 2 * LANES, w5))
                bottom = add(_tap(features, at + 2 * down, w6), _tap(features, at + 2 * down + LANES, w7))
                bottom = add(bottom, _tap(features, at + 2 * down + 2 * LANES, w8))
                found = relu(add(add(top, middle), add(bottom, bias)))
                store(work.points, target, found)
                most = larger(most, found)
                whole = add(whole, widened(found))
                at += LANES
                target += LANES
        unit = load(weights.unit, channel)
        store(work.pooled, channel, multiply(multiply(as_float(whole), unit), spread(np.float32(1.0 / points))))
        store(work.pooled, channels + channel, multiply(as_float(widened(most)), unit))


@kernel
def _read_pooled(weights: Weights, work: Workspace) -> None:
    """What the whole board says: the policy's shift and the value's hidden units, before ReLU, to `work.shift`."""
    outputs, pooled = len(weights.pooled_bias), work.pooled
    for output in range(0, outputs, 2 * LANES):
        one, other = load(weights.pooled_bias, output), load(weights.pooled_bias, output + LANES)
        for index in range(len(pooled)):
            number = spread(pooled[np.uint64(index)])
            one = add(one, multiply(number, load(weights.pooled, index * outputs + output)))
            other = add(other, multiply(number, load(weights.pooled, index * outputs + output + LANES)))
        store(work.shift, output, one)
        store(work.shift, output + LANES, other)


@inlined
def _logit(weights: Weights, work: Workspace, one, other, channel: int):  # type: ignore[no-untyped-def]
    """What 2 LANES of a point's policy channels, sums of `_judge_points`, contribute to its logit."""
    first = multiply(as_float(one), load(weights.policy_unit, channel))
    second = multiply(as_float(other), load(weights.policy_unit, channel + LANES))
    first = multiply(relu(add(first, load(work.shift, channel))), load(weights.policy_last, channel))
    second = multiply(relu(add(second, load(work.shift, channel + LANES))), load(weights.policy_last, channel + LANES))
    return total(add(first, second))


@kernel
def _judge_points(weights: Weights, size: int, work: Workspace, logits: NDArray[np.float32]) -> None:
    """The policy logits float32[P]: computed two near points at a time, the learned constant for the others."""
    waiting = np.int64(-1)
    for row in range(size):
        columns = near_columns(work.scratch.occupied, size, row)
        for column in range(size):
            point = row * size + column
            if not columns >> column & 1:
                logits[np.uint64(point)] = weights.far[0]
                continue
            if waiting < 0:
                waiting = point
                continue
            _judge_two(weights, work, waiting, point, logits)
            waiting = -1
    if waiting >= 0:
        _judge_two(weights, work, waiting, waiting, logits)


@inlined
def _judge_two(weights: Weights, work: Workspace, here: int, there: int, logits: NDArray[np.float32]) -> None:
    channels, outputs = len(weights.unit), len(weights.policy_unit)
    points, policy, block = work.points, weights.policy, len(logits) * LANES
    here_logit, there_logit = np.float32(0.0), np.float32(0.0)
    for output in range(0, outputs, 2 * LANES):
        a, b = spread(np.int32(0)), spread(np.int32(0))
        c, d = spread(np.int32(0)), spread(np.int32(0))
        at = 2 * output
        for first in range(0, channels, LANES):
            start = (first // LANES) * block
            for channel in range(0, LANES, 2):
                one, other = load_pairs(policy, at), load_pairs(policy, at + 2 * LANES)
                mine = spread_pair(points, start + here * LANES + channel)
                yours = spread_pair(points, start + there * LANES + channel)
                a, b = add(a, multiply_pairs(mine, one)), add(b, multiply_pairs(mine, other))
                c, d = add(c, multiply_pairs(yours, one)), add(d, multiply_pairs(yours, other))
                at += 2 * outputs
        here_logit += _logit(weights, work, a, b, output)
        there_logit += _logit(weights, work, c, d, output)
    logits[np.uint64(here)] = here_logit
    logits[np.uint64(there)] = there_logit


@kernel
def _judge_board(weights: Weights, work: Workspace) -> float:
    """The value: chance of a win less that of a loss."""
    outputs = len(weights.policy_unit)
    hidden = len(weights.pooled_bias) - outputs
    win, draw, loss = weights.value_bias[0], weights.value_bias[1], weights.value_bias[2]
    for unit in range(hidden):
        found = max(work.shift[outputs + unit], np.float32(0.0))
        win += found * weights.value[unit]
        draw += found * weights.value[hidden + unit]
        loss += found * weights.value[2 * hidden + unit]
    most = max(win, draw, loss)
    win, draw, loss = math.exp(win - most), math.exp(draw - most), math.exp(loss - most)
    return (win - loss) / (win + draw + loss)


class Network(NamedTuple):
    """All that one thread needs to evaluate batches of up to B positions on a board of P points."""

    weights: Weights
    work: Workspace
    logits: NDArray[np.float32]  # [B, P] the answers
    values: NDArray[np.float32]  # [B]


@kernel
def evaluate_positions(network: Network, positions: Positions, wanted: NDArray[np.int8]) -> None:
    """Writes the policy logits and values of those of n <= B positions where `wanted` int8[n] is not 0."""
    weights, work, logits, values = network
    for index in range(len(positions)):
        if not wanted[index]:
            continue
        position = positions[index]
        size = np.int64(position["size"])
        find_patterns(position, work.scratch, work.patterns)
        _look_up(weights, captured_by(position, True), captured_by(position, False), size, work)
        _convolve(weights, size, work)
        _read_pooled(weights, work)
        _judge_points(weights, size, work, logits[index])
        values[index] = _judge_board(weights, work)
