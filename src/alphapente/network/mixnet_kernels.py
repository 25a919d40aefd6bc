"""`mixnet` in int16: the kernels that evaluate positions, and their weights.

Each channel has its own scale (unit), chosen so that no sum can overflow: see network/mixnet_backend.py. Channels are
stored in blocks of LANES, all points of a block together, so that a block of the whole board stays in the first-level
cache.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alphapente.compiled import inlined, kernel
from alphapente.network.patterns import (
    MAX_CAPTURED,
    NUM_PATTERNS,
    PatternScratch,
    captured_by,
    find_patterns,
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
    """Weights of a network of C channels, H policy channels and V hidden units of the value; all arrays are flat."""

    table: NDArray[np.int16]  # [NUM_PATTERNS, C]
    captured: NDArray[np.int16]  # [2, MAX_CAPTURED + 1, C]
    depthwise: NDArray[np.int16]  # [C / LANES, 9, LANES] in units of 1 / 65,536
    depthwise_bias: NDArray[np.int16]  # [C]
    unit: NDArray[np.float32]  # [C] the value of a 1 after the depthwise convolution
    policy: NDArray[np.int16]  # [C / 2, H, 2]
    policy_unit: NDArray[np.float32]  # [H] the value of a 1 of that sum
    policy_last: NDArray[np.float32]  # [H]
    far: NDArray[np.float32]  # [1]
    neighbours: NDArray[np.float32]  # [9, H]
    neighbours_bias: NDArray[np.float32]  # [H]
    pooled: NDArray[np.float32]  # [2 C, H + V] from means and maxima to the policy's shift and the value's hidden units
    pooled_bias: NDArray[np.float32]  # [H + V]
    pooled_near: NDArray[np.float32]  # [2 H, V] from means and maxima of the near points to the value's hidden units
    value: NDArray[np.float32]  # [3, V]
    value_bias: NDArray[np.float32]  # [3]


def blank_weights() -> Weights:
    """A small network whose outputs are all 0: enough to load or compile the kernels."""
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
        neighbours=np.zeros(9 * outputs, np.float32),
        neighbours_bias=np.zeros(outputs, np.float32),
        pooled=np.zeros(2 * channels * (outputs + hidden), np.float32),
        pooled_bias=np.zeros(outputs + hidden, np.float32),
        pooled_near=np.zeros(2 * outputs * hidden, np.float32),
        value=np.zeros(3 * hidden, np.float32),
        value_bias=np.zeros(3, np.float32),
    )


class Workspace(NamedTuple):
    """Memory of the kernels for one position on a board of S x S = P points."""

    scratch: PatternScratch
    patterns: NDArray[np.int16]  # [P, 4]
    features: NDArray[np.int16]  # [C / LANES, (S + 2) ** 2, LANES]; 0 in the border and where a point is not near
    points: NDArray[np.int16]  # [C / LANES, P, LANES] of the near points, in the order of `scratch.near`
    captured: NDArray[np.int16]  # [C]
    pooled: NDArray[np.float32]  # [2 C]
    shift: NDArray[np.float32]  # [H + V] the board's shift of policy channels; the value's hidden units before ReLU
    alone: NDArray[np.float32]  # [(S + 2) ** 2, H] the policy channels without the neighbours' part; 0 if not near
    pooled_near: NDArray[np.float32]  # [2 H]


def new_workspace(weights: Weights, size: int) -> Workspace:
    """Memory to evaluate boards of `size` x `size` points."""
    channels = len(weights.unit)
    return Workspace(
        new_pattern_scratch(size),
        np.zeros((size * size, 4), np.int16),
        np.zeros(channels * (size + 2) ** 2, np.int16),
        np.zeros(channels * size * size, np.int16),
        np.zeros(channels, np.int16),
        np.zeros(2 * channels, np.float32),
        np.zeros(len(weights.pooled_bias), np.float32),
        np.zeros((size + 2) ** 2 * len(weights.policy_last), np.float32),
        np.zeros(2 * len(weights.policy_last), np.float32),
    )


@kernel
def look_up(
    tables: tuple[NDArray[Any], NDArray[Any]],
    rows: NDArray[Any],
    counts: tuple[int, int],
    near: tuple[NDArray[np.int64], NDArray[np.int64], int],
    captured: NDArray[Any],
    features: NDArray[Any],
) -> None:
    """Writes each near point's features: the rows of its four patterns and of the captured stones, added, and ReLU.

    `tables` are that of patterns, flat [n, C], and that of captured stones, flat [2, MAX_CAPTURED + 1, C]; `rows`
    [P, 4] number rows of the first; `counts` are the stones captured by the player to move and by the opponent. `near`
    are the near points, their places on the board with a border, and their number. Writes the sum of two rows of the
    second table to `captured` [C]. All numbers are of one type, int16 or float32.
    """
    table, captured_table = tables
    points, places, count = near
    channels = len(captured)
    block = len(features) // channels * LANES
    own, enemy = counts[0] * channels, (MAX_CAPTURED + 1 + counts[1]) * channels
    for channel in range(0, channels, LANES):
        store(captured, channel, add(load(captured_table, own + channel), load(captured_table, enemy + channel)))
    for which in range(count):
        point = np.uint64(points[np.uint64(which)])
        at = places[np.uint64(which)] * LANES
        first, second = np.int64(rows[point, 0]) * channels, np.int64(rows[point, 1]) * channels
        third, fourth = np.int64(rows[point, 2]) * channels, np.int64(rows[point, 3]) * channels
        for channel in range(0, channels, LANES):
            one = add(load(table, first + channel), load(table, second + channel))
            other = add(load(table, third + channel), load(table, fourth + channel))
            store(features, at, relu(add(add(one, other), load(captured, channel))))
            at += block  # the same point in the next block of channels


@inlined
def _tap(features: NDArray[np.int16], at: int, weight):  # type: ignore[no-untyped-def]
    """The product of a tap and the features at `at`."""
    return multiply_high(load(features, at), weight)


@kernel
def _convolve(weights: Weights, size: int, count: int, work: Workspace) -> None:
    """The depthwise convolution and ReLU at the `count` near points.

    Writes `work.points`, and their mean over the board and maximum to `work.pooled`. The nine taps of a block of
    channels stay in registers (w0 to w8) for the whole board.
    """
    channels, points, padded = len(weights.unit), size * size, (size + 2) ** 2
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
        start, target = channel * padded - down - LANES, channel * points
        for which in range(count):
            at = start + work.scratch.places[np.uint64(which)] * LANES
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
            target += LANES
        unit = load(weights.unit, channel)
        store(work.pooled, channel, multiply(multiply(as_float(whole), unit), spread(np.float32(1.0 / points))))
        store(work.pooled, channels + channel, multiply(as_float(widened(most)), unit))


@kernel
def add_products(numbers: NDArray[np.float32], rows: NDArray[np.float32], target: NDArray[np.float32]) -> None:
    """Adds the product of `numbers` [n] and the matrix `rows` [n, outputs] to `target` [outputs].

    `outputs` is a multiple of 2 * LANES: two vectors at once, so that one sum need not wait for the one before.
    """
    outputs = len(target)
    for output in range(0, outputs, 2 * LANES):
        one, other = load(target, output), load(target, output + LANES)
        for index in range(len(numbers)):
            number = spread(numbers[np.uint64(index)])
            one = add(one, multiply(number, load(rows, index * outputs + output)))
            other = add(other, multiply(number, load(rows, index * outputs + output + LANES)))
        store(target, output, one)
        store(target, output + LANES, other)


@inlined
def _write_alone(weights: Weights, work: Workspace, sums, at: int, channel: int) -> None:  # type: ignore[no-untyped-def]
    """Writes the int32 sums of LANES policy channels of a point as float32, with shift and ReLU."""
    channels = add(multiply(as_float(sums), load(weights.policy_unit, channel)), load(work.shift, channel))
    store(work.alone, at, relu(channels))


@kernel
def _compute_alone(weights: Weights, count: int, size: int, work: Workspace) -> None:
    """Writes the policy channels of the `count` near points, without their neighbours' part.

    Two points at a time share each load of the weights; of an odd number the last point is computed twice.
    """
    channels, outputs = len(weights.unit), len(weights.policy_unit)
    points, policy, block = work.points, weights.policy, size * size * LANES
    for which in range(0, count, 2):
        other = np.uint64(min(which + 1, count - 1))
        here, there = which * LANES, np.int64(other) * LANES
        here_at = work.scratch.places[np.uint64(which)] * outputs
        there_at = work.scratch.places[other] * outputs
        for output in range(0, outputs, 2 * LANES):
            a, b = spread(np.int32(0)), spread(np.int32(0))
            c, d = spread(np.int32(0)), spread(np.int32(0))
            at = 2 * output
            for first in range(0, channels, LANES):
                start = (first // LANES) * block
                for channel in range(0, LANES, 2):
                    left, right = load_pairs(policy, at), load_pairs(policy, at + 2 * LANES)
                    mine = spread_pair(points, start + here + channel)
                    yours = spread_pair(points, start + there + channel)
                    a, b = add(a, multiply_pairs(mine, left)), add(b, multiply_pairs(mine, right))
                    c, d = add(c, multiply_pairs(yours, left)), add(d, multiply_pairs(yours, right))
                    at += 2 * outputs
            _write_alone(weights, work, a, here_at + output, output)
            _write_alone(weights, work, b, here_at + output + LANES, output + LANES)
            _write_alone(weights, work, c, there_at + output, output)
            _write_alone(weights, work, d, there_at + output + LANES, output + LANES)


@inlined
def _three(weights: Weights, work: Workspace, at: int, tap: int, sum_):  # type: ignore[no-untyped-def]
    """`sum_` plus the products of three taps and the points left of, at, and right of `at`."""
    outputs, taps, alone = len(weights.policy_last), weights.neighbours, work.alone
    sum_ = add(sum_, multiply(load(alone, at - outputs), load(taps, tap)))
    sum_ = add(sum_, multiply(load(alone, at), load(taps, tap + outputs)))
    return add(sum_, multiply(load(alone, at + outputs), load(taps, tap + 2 * outputs)))


@kernel
def _add_neighbours(weights: Weights, count: int, size: int, work: Workspace, logits: NDArray[np.float32]) -> None:
    """Adds the neighbours' part to the policy channels of the near points; writes their logits, mean and maximum."""
    outputs = len(weights.policy_last)
    down = (size + 2) * outputs
    for channel in range(0, outputs, LANES):
        bias, last = load(weights.neighbours_bias, channel), load(weights.policy_last, channel)
        whole, most = spread(np.float32(0.0)), spread(np.float32(0.0))
        for which in range(count):
            point = work.scratch.near[np.uint64(which)]
            at = work.scratch.places[np.uint64(which)] * outputs + channel
            found = add(bias, load(work.alone, at))
            found = _three(weights, work, at - down, channel, found)
            found = _three(weights, work, at, channel + 3 * outputs, found)
            found = relu(_three(weights, work, at + down, channel + 6 * outputs, found))
            whole, most = add(whole, found), larger(most, found)
            logits[np.uint64(point)] += total(multiply(found, last))
        store(work.pooled_near, channel, multiply(whole, spread(np.float32(1.0 / (size * size)))))
        store(work.pooled_near, outputs + channel, most)


@kernel
def _judge_points(weights: Weights, size: int, count: int, work: Workspace, logits: NDArray[np.float32]) -> None:
    """The policy logits float32[P]: computed for the `count` near points, the learned constant for the others."""
    for point in range(size * size):
        logits[np.uint64(point)] = weights.far[0]
    for which in range(count):
        logits[np.uint64(work.scratch.near[np.uint64(which)])] = np.float32(0.0)
    _compute_alone(weights, count, size, work)
    _add_neighbours(weights, count, size, work, logits)


@kernel
def _clear(count: int, work: Workspace) -> None:
    """Writes 0 to the features and the policy channels of the `count` near points, for the next position."""
    channels, outputs = len(work.captured), len(work.pooled_near) // 2
    block = len(work.features) // channels * LANES
    nothing, zero = spread(np.int16(0)), spread(np.float32(0.0))
    for which in range(count):
        place = work.scratch.places[np.uint64(which)]
        for channel in range(0, channels, LANES):
            store(work.features, channel // LANES * block + place * LANES, nothing)
        for output in range(0, outputs, LANES):
            store(work.alone, place * outputs + output, zero)


@kernel
def _judge_board(weights: Weights, work: Workspace) -> float:
    """The value: P(win) - P(loss)."""
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
    """Everything that one thread needs to evaluate batches of up to B positions on a board of P points."""

    weights: Weights
    work: Workspace
    logits: NDArray[np.float32]  # [B, P] the outputs
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
        count = find_patterns(position, work.scratch, work.patterns)
        near = work.scratch.near, work.scratch.places, count
        counts = captured_by(position, True), captured_by(position, False)
        look_up((weights.table, weights.captured), work.patterns, counts, near, work.captured, work.features)
        _convolve(weights, size, count, work)
        for output in range(len(work.shift)):
            work.shift[np.uint64(output)] = weights.pooled_bias[np.uint64(output)]
        add_products(work.pooled, weights.pooled, work.shift)
        _judge_points(weights, size, count, work, logits[index])
        add_products(work.pooled_near, weights.pooled_near, work.shift[len(weights.policy_last) :])
        values[index] = _judge_board(weights, work)
        _clear(count, work)
